"""Parts of a split model that do not belong together."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from memory64 import GGUFFormatError, SourceError, SourceNotFoundError

from .attack import Attack, Attacks, check_success, written
from .builder import GGUF, INT32, MODEL, STRING, UINT16, UINT32, Pair, string, u32
from .process import Child

attacks = Attacks()
refused = attacks.refused_path


def part(number: int, *, count: int = 2, total: int = 3) -> GGUF:
    """Part 0 has the metadata, the embeddings and layer 0; part 1 has layer 1."""
    split = (
        Pair(b"split.no", UINT16, number.to_bytes(2, "little")),
        Pair(b"split.count", UINT16, count.to_bytes(2, "little")),
        Pair(b"split.tensors.count", INT32, u32(total)),
    )
    boundary = MODEL.entries[2].offset
    if number == 0:
        return replace(
            MODEL,
            pairs=MODEL.pairs + split,
            entries=MODEL.entries[:2],
            data=MODEL.data[:boundary],
        )
    entry = replace(MODEL.entries[2], offset=0)
    return GGUF(pairs=split, entries=(entry,), data=MODEL.data[boundary:])


def write_parts(folder: Path, parts: Sequence[GGUF | bytes]) -> Path:
    """Write them as one split; returns the path of the first."""
    paths = [
        written(content, folder, f"model-{number:05}-of-{len(parts):05}.gguf")
        for number, content in enumerate(parts, start=1)
    ]
    return paths[0]


@pytest.mark.parametrize("number", [1, 2])
def test_both_parts_are_valid(number: int, child: Child, tmp_path: Path) -> None:
    """What the attacks begin with; whichever part is named, all are found."""
    write_parts(tmp_path, [part(0), part(1)])
    path = tmp_path / f"model-{number:05}-of-00002.gguf"
    for mode in (True, False):
        check_success(child.ask("open", path=str(path), enabled=mode))
        assert set(check_success(child.ask("get_layer", layer_id=1))) == {"attn_q.weight"}


@refused(SourceNotFoundError, "model-0000{0}-of-00002.gguf", "1 of them missing", each=[1, 2])
def missing_part(folder: Path, number: int) -> Path:
    """Lacks a part."""
    first = write_parts(folder, [part(0), part(1)])
    second = folder / "model-00002-of-00002.gguf"
    (first if number == 1 else second).unlink()
    return second if number == 1 else first


@refused(SourceNotFoundError, "model-00001-of-00002.gguf", "no such file")
def no_part_at_all(folder: Path) -> Path:
    """Has no part."""
    return folder / "model-00001-of-00002.gguf"


@refused(SourceNotFoundError, "99998 of them missing")
def a_name_of_99999_parts(folder: Path) -> Path:
    """Is alone, and says by its name that it is one of 99999."""
    return written(part(0), folder, "model-00001-of-99999.gguf")


@refused(GGUFFormatError, "model-00002-of-00002.gguf", "split.no 1")
def one_part_twice(folder: Path) -> Path:
    """Has its first part again as the second."""
    return write_parts(folder, [part(0), part(0)])


@refused(GGUFFormatError, "model-00001-of-00002.gguf", "split.no 0")
def parts_in_the_wrong_order(folder: Path) -> Path:
    """Has its parts under each other's names."""
    return write_parts(folder, [part(1), part(0)])


@refused(GGUFFormatError, "tensor 'blk.0.attn_q.weight'", "two parts")
def one_tensor_in_both_parts(folder: Path) -> Path:
    """Has a tensor of the first part in the second as well."""
    second = part(1).with_entry(0, name=b"blk.0.attn_q.weight")
    return write_parts(folder, [part(0), second])


@refused(GGUFFormatError, "model-00002-of-00002.gguf", "split.no 1")
def a_part_that_is_another_model(folder: Path) -> Path:
    """Has a whole model for its second part."""
    return write_parts(folder, [part(0), MODEL])


@refused(GGUFFormatError, "tensors", "split.tensors.count")
def a_part_of_a_larger_model(folder: Path) -> Path:
    """Has the second part of another model, which has a tensor more."""
    foreign = part(1, total=4)
    extra = replace(foreign.entries[0], name=b"output.weight", offset=len(foreign.data))
    foreign = replace(foreign, entries=(*foreign.entries, extra), data=foreign.data * 2)
    return write_parts(folder, [part(0), foreign])


@refused(GGUFFormatError, "model-00002-of-00002.gguf", "split.tensors.count")
def parts_that_count_the_tensors_differently(folder: Path) -> Path:
    """Has the second part of another model, which happens to fill the gap."""
    return write_parts(folder, [part(0), part(1, total=300)])


@refused(GGUFFormatError, "model-00002-of-00002.gguf", "general.architecture")
def a_part_of_another_architecture(folder: Path) -> Path:
    """Has a second part that says it is of another model."""
    foreign = part(1).with_pair(Pair(b"general.architecture", STRING, string(b"qwen2")))
    return write_parts(folder, [part(0), foreign])


@refused(GGUFFormatError, "split.count says {0} files", "the file name 2", each=[0, 1, 3, 65535])
def count_of_parts(folder: Path, count: int) -> Path:
    """Says so many parts, where the names say two."""
    return write_parts(folder, [part(0, count=count), part(1)])


@refused(GGUFFormatError, "model-00002-of-00002.gguf", "split.count 2", each=[0, 3])
def count_of_parts_in_the_second(folder: Path, count: int) -> Path:
    """Says so in its second part only."""
    return write_parts(folder, [part(0), part(1, count=count)])


@refused(GGUFFormatError, "split.tensors.count says {0}", "have 3", each=[0, 2, 4, (1 << 31) - 1])
def count_of_tensors(folder: Path, total: int) -> Path:
    """Says so many tensors in all parts, where there are three."""
    return write_parts(folder, [part(0, total=total), part(1, total=total)])


@refused(GGUFFormatError, "split.count says 2 files", "the file name 1")
def a_part_under_another_name(folder: Path) -> Path:
    """Is one of two parts, and its name hides it."""
    return written(part(0), folder, "model.gguf")


@refused(GGUFFormatError, "split.count")
def a_name_without_the_keys(folder: Path) -> Path:
    """Has the name of a part, and says nothing of a split."""
    return write_parts(folder, [MODEL, part(1)])


@refused(GGUFFormatError, "split.count")
def a_count_that_is_text(folder: Path) -> Path:
    """Says "2" for 2."""
    first = part(0).with_pair(Pair(b"split.count", STRING, string(b"2")))
    return write_parts(folder, [first, part(1)])


@refused(GGUFFormatError, "{0}", each=["00000-of-00002", "00003-of-00002", "00000-of-00000"])
def a_number_outside(folder: Path, numbers: str) -> Path:
    """Is a part that cannot be."""
    return written(part(0), folder, f"model-{numbers}.gguf")


@refused(GGUFFormatError, "model-00002-of-00002.gguf", "the file ends at")
def a_part_cut_off(folder: Path) -> Path:
    """Ends inside its second part."""
    return write_parts(folder, [part(0), part(1).encode()[:-1]])


@refused(GGUFFormatError, "model-00002-of-00002.gguf", "not a GGUF file")
def a_part_that_is_a_web_page(folder: Path) -> Path:
    """Has a failed download for its second part."""
    return write_parts(folder, [part(0), b"<html>" * 100])


@refused(SourceError, "model-00002-of-00002.gguf", "a directory")
def a_part_that_is_a_directory(folder: Path) -> Path:
    """Has a folder for its second part."""
    first = written(part(0), folder, "model-00001-of-00002.gguf")
    (folder / "model-00002-of-00002.gguf").mkdir()
    return first


@refused(GGUFFormatError, "block_count says 3 layers")
def layers_that_no_part_has(folder: Path) -> Path:
    """Counts more layers than there are in all parts together."""
    first = part(0).with_pair(Pair(b"llama.block_count", UINT32, u32(3)))
    return write_parts(folder, [first, part(1)])


@attacks.each
def test_refused(attack: Attack, child: Child, tmp_path: Path) -> None:
    attack.check(child, tmp_path)
