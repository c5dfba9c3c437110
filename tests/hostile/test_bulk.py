"""Files that are large where they should be small. Most are holes, and take no room on disk."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from memory64 import CapacityError, GGUFFormatError

from .attack import Attack, Attacks, check_memory, check_refusal, check_success
from .builder import (
    ARRAY,
    F32,
    GGUF,
    MODEL,
    STRING,
    UINT8,
    UINT32,
    Entry,
    Pair,
    array,
    string,
    u32,
    u64,
)
from .process import Child

MB = 1_000_000
TIB = 1 << 40

HOLE_BYTES = 1 << 20
"""Zeros from this length on are left out of a file."""

POWERS_OF_10 = 10 ** np.arange(7, -1, -1, dtype=np.uint32)

attacks = Attacks()
refused = attacks.refused_path


@pytest.fixture(autouse=True)
def no_leftovers(tmp_path: Path) -> Iterator[None]:
    """Some files do take room: pytest keeps the folders of three runs."""
    yield
    (tmp_path / "bulk.gguf").unlink()


def sparse(folder: Path, content: GGUF, *, hole: int = 0) -> Path:
    """Write the content, then `hole` zeros; long runs of zeros are not written."""
    path = folder / "bulk.gguf"
    with open(path, "wb") as file:
        for section in content.sections():
            if len(section.data) >= HOLE_BYTES and not section.data.strip(b"\0"):
                file.seek(len(section.data), os.SEEK_CUR)
            else:
                file.write(section.data)
        file.truncate(file.tell() + hole)
    return path


def numbers(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """The names 00000000, 00000001 and so on, as rows of 8 bytes."""
    digits = np.arange(count, dtype=np.uint32)[:, None] // POWERS_OF_10 % 10
    return (digits + ord("0")).astype(np.uint8)


def directory(count: int, prefix: bytes, names: object, step: int) -> bytes:
    """So many entries of 8 float32 each, `step` bytes from one to the next."""
    entry = np.dtype(
        [
            ("length", "<u8"),
            ("prefix", "u1", len(prefix)),
            ("name", "u1", 8),
            ("dimension_count", "<u4"),
            ("dimension", "<u8"),
            ("type", "<u4"),
            ("offset", "<u8"),
        ]
    )
    entries = np.zeros(count, entry)
    entries["length"] = len(prefix) + 8
    entries["prefix"] = np.frombuffer(prefix, np.uint8)
    entries["name"] = names
    entries["dimension_count"] = 1
    entries["dimension"] = 8
    entries["offset"] = np.arange(count) * step
    return entries.tobytes()


def with_directory(folder: Path, count: int, entries: bytes, step: int) -> Path:
    """A file of one layer with that directory, its data a hole."""
    head = replace(
        MODEL.with_pair(Pair(b"llama.block_count", UINT32, u32(1))),
        entries=(),
        entry_count=count,
        data=b"",
        alignment=1,
    )
    path = folder / "bulk.gguf"
    path.write_bytes(head.encode() + entries)
    os.truncate(path, path.stat().st_size + 32 + count * step)
    return path


@refused(GGUFFormatError, "metadata 'key'", "header", each=[50_000_000, 90_000_000])
def empty_strings(folder: Path, count: int) -> Path:
    """Has an array of so many empty strings, hundreds of megabytes, and really has them."""
    pair = Pair(b"key", ARRAY, array(STRING, count, b""))
    content = replace(MODEL, pairs=(*MODEL.pairs, pair), entries=(), data=b"", alignment=1)
    return sparse(folder, content, hole=count * 8)


@refused(GGUFFormatError, "metadata", each=[5_000_000, 50_000_000])
def metadata_of_zeros(folder: Path, count: int) -> Path:
    """Has so many metadata values, all without a key and 0."""
    content = replace(MODEL, pair_count=count, entries=(), data=b"", alignment=1)
    return sparse(folder, content, hole=count * 13)


@refused(GGUFFormatError, "tensor", each=[2_000_000, 20_000_000])
def tensors_of_zeros(folder: Path, count: int) -> Path:
    """Has so many tensors, all without a name and of no dimension."""
    content = replace(MODEL, entry_count=count, entries=(), data=b"", alignment=1)
    return sparse(folder, content, hole=count * 24)


@refused(GGUFFormatError, "metadata 'key'")
def a_long_string(folder: Path) -> Path:
    """Has a string of 120 MB, where the longest there are, chat templates, have 100 kB."""
    pair = Pair(b"key", STRING, u64(120 * MB))
    return sparse(folder, replace(MODEL, pairs=(pair,), alignment=1), hole=120 * MB)


@refused(GGUFFormatError, "metadata key 0")
def a_long_key(folder: Path) -> Path:
    """Has a key of 120 MB; the specification allows 65,535 bytes."""
    content = replace(MODEL, pairs=(Pair(b"", UINT8, b"", key_length=120 * MB),), entries=())
    return sparse(folder, content, hole=120 * MB)


@refused(GGUFFormatError, "the name of tensor 0")
def a_long_name(folder: Path) -> Path:
    """Has a tensor name of 120 MB; the specification allows 64 bytes."""
    entry = Entry(b"", (), F32, 0, name_length=120 * MB)
    return sparse(folder, replace(MODEL, entries=(entry,)), hole=120 * MB)


@refused(GGUFFormatError, "metadata 'key")
def strings_of_wide_characters(folder: Path) -> Path:
    """Has 8 strings of 14 MB; a character beyond U+FFFF makes each take 4 bytes a letter."""
    text = string("\U0001f600".encode() + b"x" * 14 * MB)
    pairs = tuple(Pair(f"key{number}".encode(), STRING, text) for number in range(8))
    return sparse(folder, replace(MODEL, pairs=pairs))


SCALARS = ("general.alignment", "general.architecture", "llama.block_count", "split.count")


@refused(GGUFFormatError, "{0}", each=SCALARS)
def an_array_for_a_scalar(folder: Path, key: str) -> Path:
    """Has 100 million numbers where one value is needed; as Python objects they take 800 MB."""
    value = array(UINT8, 100 * MB, bytes(100 * MB))
    return sparse(folder, MODEL.with_pair(Pair(key.encode(), ARRAY, value)))


@refused(GGUFFormatError, "metadata", each=[3_000_000])
def metadata_without_number(folder: Path, count: int) -> Path:
    """Has so many different keys: 63 MB in the file, ten times that as Python objects."""
    pair = np.dtype([("length", "<u8"), ("key", "u1", 8), ("type", "<u4"), ("value", "u1")])
    pairs = np.zeros(count, pair)
    pairs["length"] = 8
    pairs["key"] = numbers(count)
    path = folder / "bulk.gguf"
    head = replace(MODEL, pairs=(), pair_count=count, entries=(), data=b"", alignment=1)
    path.write_bytes(head.encode() + pairs.tobytes())
    return path


@refused(GGUFFormatError, "tensor", each=[1_000_000, 3_000_000])
def tensors_without_number(folder: Path, count: int) -> Path:
    """Has so many tensors, as no model has by far."""
    return with_directory(folder, count, directory(count, b"", numbers(count), 32), 32)


@refused(GGUFFormatError, "tensor", each=[3_000_000])
def one_tensor_millions_of_times(folder: Path, count: int) -> Path:
    """Has so many tensors of one name, of which the second is one too many."""
    return with_directory(folder, count, directory(count, b"same", ord("0"), 32), 32)


@attacks.each
def test_refused(attack: Attack, child: Child, tmp_path: Path) -> None:
    attack.check(child, tmp_path)


def test_an_array_is_not_held(child: Child, tmp_path: Path) -> None:
    """A hundred megabytes of empty strings are within what a header may have: passed over."""
    count = 100 * MB // 8
    pair = Pair(b"key", ARRAY, array(STRING, count, bytes(count * 8)))
    path = sparse(tmp_path, MODEL.with_pair(pair))
    check_success(child.ask("open", path=str(path), enabled=True))
    check_success(child.ask("get_layer", layer_id=1))


def test_tensors_far_apart(child: Child, tmp_path: Path) -> None:
    """A layer whose tensors each have pages of their own is placed in no more than linear time."""
    count, step = 30_000, 1 << 14
    entries = directory(count, b"blk.0.", numbers(count), step)
    path = with_directory(tmp_path, count, entries, step)
    check_success(child.ask("open", path=str(path), enabled=True))


@pytest.mark.parametrize("memory64", [True, False], ids=["memory64", "standard"])
def test_tensors_far_apart_beyond_the_systems_limit(
    memory64: bool, child: Child, tmp_path: Path
) -> None:
    """More runs of pages than a Linux process may map (65,530): refused, if not loaded."""
    count, step = 1 << 16, 1 << 22
    entries = directory(count, b"blk.0.", numbers(count), step)
    path = with_directory(tmp_path, count, entries, step)
    answer = child.ask("open", path=str(path), enabled=memory64)
    check_memory(answer)
    assert answer.error is None or str(answer.code).startswith("ERR_MEMORY64"), answer.traceback


@pytest.fixture(params=["blk.0.attn_q.weight", "token_embd.weight"])
def terabyte(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A model of one layer, and a tensor of 1 TiB."""
    large = Entry(request.param.encode(), (TIB // 4,), F32, 32)
    small = Entry(b"blk.0.attn_norm.weight", (8,), F32, 0)
    content = MODEL.with_pair(Pair(b"llama.block_count", UINT32, u32(1)))
    return sparse(tmp_path, replace(content, entries=(small, large), data=bytes(32)), hole=TIB)


def test_a_terabyte_opens(terabyte: Path, child: Child) -> None:
    """Nothing is read before it is asked for."""
    check_success(child.ask("open", path=str(terabyte), enabled=True))
    check_success(child.ask("tensor_data", name="blk.0.attn_norm.weight"))


def test_a_terabyte_is_not_loaded(terabyte: Path, child: Child) -> None:
    """Without Memory64 the whole model would have to be in memory."""
    answer = child.ask("open", path=str(terabyte), enabled=False)
    check_refusal(answer, CapacityError, "needs")
