"""Layouts: what they accept, and the one chosen for a model."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory64 import LayoutError, MemoryLayout, RegionSpec
from memory64.gguf import open_gguf
from memory64.memory.layout import GIB, MAX_REGION_GIB, MAX_REGIONS


def test_single_and_multi() -> None:
    assert MemoryLayout.single(8, "model") == MemoryLayout((RegionSpec("model", 8),))
    layout = MemoryLayout.multi([("embeddings", 1), ("layers_0_15", 4), ("head", 1)])
    assert [region.name for region in layout.regions] == ["embeddings", "layers_0_15", "head"]
    assert layout.size_bytes == 6 * GIB


@given(st.lists(st.integers(1, MAX_REGION_GIB), min_size=1, max_size=MAX_REGIONS))
def test_sizes_add_up(sizes: list[int]) -> None:
    layout = MemoryLayout.multi((f"r{index}", size) for index, size in enumerate(sizes))
    assert layout.size_bytes == sum(sizes) * GIB


@pytest.mark.parametrize("size", [0, -1, MAX_REGION_GIB + 1, 1.5, "1", True, None])
def test_sizes_that_are_none(size: object) -> None:
    with pytest.raises(LayoutError, match=re.escape(f"found {size!r}")):
        MemoryLayout.single(size)  # type: ignore[arg-type]


def test_names_tell_regions_apart() -> None:
    with pytest.raises(LayoutError, match="'a'"):
        MemoryLayout.multi([("a", 1), ("a", 1)])
    with pytest.raises(LayoutError, match="name"):
        MemoryLayout.multi([("", 1)])
    with pytest.raises(LayoutError, match="at least one"):
        MemoryLayout.multi([])
    with pytest.raises(LayoutError, match=str(MAX_REGIONS)):
        MemoryLayout.multi((str(index), 1) for index in range(MAX_REGIONS + 1))


@pytest.mark.parametrize("name", ["smollm2", "beyond_4gib", "llama_70b_sparse"])
def test_one_region_holds_a_model_of_any_size(name: str, request: pytest.FixtureRequest) -> None:
    gguf = open_gguf(Path(request.getfixturevalue(name)))
    layout = MemoryLayout.for_model(gguf)
    assert len(layout.regions) == 1
    assert gguf.size_bytes <= layout.size_bytes <= gguf.size_bytes + 2 * GIB
    gguf.close()
