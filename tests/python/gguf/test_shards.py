"""Split models: any part named, all parts found and checked."""

import shutil
from pathlib import Path

import pytest

from memory64 import GGUFFormatError, SourceNotFoundError, load_model
from memory64.gguf import open_gguf
from models import generate
from models.split import split


@pytest.fixture
def parts(tiny: Path, tmp_path: Path) -> list[Path]:
    folder = tmp_path / "split"
    folder.mkdir()
    return split(tiny, folder, 3)


def test_any_part_names_the_whole_model(tiny: Path, parts: list[Path]) -> None:
    whole = open_gguf(tiny)
    for part in parts:
        joined = open_gguf(part)
        assert list(joined.tensors) == list(whole.tensors)
        assert joined.layer_count == whole.layer_count
        assert [Path(source.name) for source in joined.sources] == parts
        joined.close()
    whole.close()


@pytest.mark.parametrize("memory64", [True, False])
def test_the_bytes_are_those_of_the_whole_file(
    tiny: Path, parts: list[Path], memory64: bool
) -> None:
    with (
        load_model(tiny, memory64=memory64) as whole,
        load_model(parts[1], memory64=memory64) as joined,
    ):
        for name, tensor in whole.tensors.items():
            assert (tensor.data == joined.tensors[name].data).all(), name


def test_a_missing_part_is_named(parts: list[Path]) -> None:
    parts[1].unlink()
    with pytest.raises(SourceNotFoundError, match=parts[1].name):
        open_gguf(parts[0])


def test_a_part_of_another_split_is_refused(parts: list[Path], tmp_path: Path) -> None:
    other = generate.tiny(tmp_path / "other.gguf", layers=8)
    folder = tmp_path / "other"
    folder.mkdir()
    shutil.copy(split(other, folder, 3)[2], parts[2])
    with pytest.raises(GGUFFormatError, match=r"split\.tensors\.count"):
        open_gguf(parts[0])


def test_a_renamed_split_is_refused(parts: list[Path]) -> None:
    alone = parts[0].rename(parts[0].with_name("alone.gguf"))
    with pytest.raises(GGUFFormatError, match=r"split\.count says 3"):
        open_gguf(alone)
