"""Files that end too soon."""

from itertools import accumulate
from pathlib import Path

import pytest

import memory64
from memory64 import GGUFFormatError

from .attack import check_refusal, check_success
from .builder import MODEL, Section
from .process import Child

SECTIONS = [section for section in MODEL.sections() if section.data]
STARTS = accumulate((len(section.data) for section in SECTIONS[:-1]), initial=0)


def test_the_whole_file_is_valid(child: Child, tmp_path: Path) -> None:
    """What the attacks begin with: only their lie is wrong with them."""
    path = tmp_path / "whole.gguf"
    path.write_bytes(MODEL.encode())
    for mode in (True, False):
        check_success(child.ask("open", path=str(path), enabled=mode))


@pytest.mark.parametrize(
    ("section", "start"),
    list(zip(SECTIONS, STARTS, strict=True)),
    ids=[section.name for section in SECTIONS],
)
def test_cut_inside(section: Section, start: int, child: Child, tmp_path: Path) -> None:
    """The message says where the file ends, and what that cut: the value or all of its kind."""
    path = tmp_path / "cut.gguf"
    end = start + len(section.data) // 2
    path.write_bytes(MODEL.encode()[:end])
    answer = child.ask("open", path=str(path), enabled=True)
    check_refusal(answer, GGUFFormatError, f"the file ends at {end}")
    owners = (section.owner, "5 metadata values", "a directory of 3 tensors")
    assert any(owner in answer.message for owner in owners)


def test_cut_at_every_byte() -> None:
    data = MODEL.encode()
    for size in range(len(data)):
        with pytest.raises(GGUFFormatError, match="the file ends at"):
            memory64.load_model(data[:size])
