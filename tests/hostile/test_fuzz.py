"""A small valid file, changed at random: it loads with bytes that are in it, or is refused."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memory64
from memory64 import GGUFFormatError, Memory64Error

from .builder import MODEL

VALID = MODEL.encode()

Change = Callable[[bytearray], None]


def flip(at: int, bits: int) -> Change:
    def change(data: bytearray) -> None:
        if data:
            data[at % len(data)] ^= bits

    return change


def overwrite(at: int, new: bytes) -> Change:
    def change(data: bytearray) -> None:
        start = at % (len(data) + 1)
        data[start : start + len(new)] = new

    return change


def insert(at: int, new: bytes) -> Change:
    def change(data: bytearray) -> None:
        start = at % (len(data) + 1)
        data[start:start] = new

    return change


def cut(at: int, size: int) -> Change:
    def change(data: bytearray) -> None:
        start = at % (len(data) + 1)
        del data[start : start + size]

    return change


# Most of what matters is in the header; fields that count are the ones to lie in.
places = st.integers(0, len(VALID) - 1)
fields = st.integers(0, (1 << 64) - 1).map(lambda value: value.to_bytes(8, "little"))
edges = st.sampled_from([0, 1, 1 << 31, (1 << 32) - 1, 1 << 63, (1 << 64) - 1]).map(
    lambda value: value.to_bytes(8, "little")
)
changes = st.one_of(
    st.builds(flip, places, st.integers(1, 255)),
    st.builds(overwrite, places, fields | edges),
    st.builds(insert, places, st.binary(max_size=64)),
    st.builds(cut, places, st.integers(1, 64)),
)
fuzz = settings(max_examples=400)


def changed(chosen: list[Change]) -> bytes:
    data = bytearray(VALID)
    for change in chosen:
        change(data)
    return bytes(data)


def examine(source: Path | bytes, mode: bool, data: bytes) -> None:
    """Load it. What is not refused then has nothing but bytes of the file."""
    try:
        model = memory64.load_model(source, memory64=mode)
    except Memory64Error:
        return
    with model:
        compare(model, data)


def compare(model: memory64.Memory64Model, data: bytes) -> None:
    """Every tensor's bytes lie in the file, and are what is there; arrays are read or refused."""
    for name, tensor in model.tensors.items():
        start = model.gguf.tensors[name].file_offset
        assert 0 <= start <= start + tensor.nbytes <= len(data)
        assert tensor.data.tobytes() == data[start : start + tensor.nbytes]
    for layer in model:
        assert sum(tensor.nbytes for tensor in layer.values()) == layer.nbytes
    for key in model.metadata:
        with suppress(GGUFFormatError):
            model.metadata[key]


@pytest.mark.parametrize("mode", [True, False], ids=["memory64", "standard"])
@fuzz
@given(chosen=st.lists(changes, min_size=1, max_size=4))
def test_changed_file(mode: bool, tmp_path: Path, chosen: list[Change]) -> None:
    data = changed(chosen)
    path = tmp_path / "fuzz.gguf"
    path.write_bytes(data)
    examine(path, mode, data)


@fuzz
@given(chosen=st.lists(changes, min_size=1, max_size=4))
def test_changed_bytes(chosen: list[Change]) -> None:
    data = changed(chosen)
    examine(data, True, data)


@fuzz
@given(data=st.binary(max_size=200))
def test_random_bytes_after_a_valid_start(data: bytes) -> None:
    with pytest.raises(Memory64Error):
        memory64.load_model(VALID[:24] + data)
