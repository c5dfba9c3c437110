"""Placement: every tensor once, where the names of the regions say, pages never overlapping."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory64 import LayoutError, MemoryLayout
from memory64.gguf import GGUFDirectory, open_gguf
from memory64.memory import Placement, RegionSpec, place
from memory64.memory.layout import GIB
from memory64.memory.platform import HUGE_PAGE_BYTES, OS_PAGE_BYTES
from models import generate

LAYERS = 5


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> GGUFDirectory:
    folder = tmp_path_factory.mktemp("placement")
    path = generate.tiny(folder / "m.gguf", layers=LAYERS, order="lexicographic")
    return open_gguf(path)


def check(placement: Placement, gguf: GGUFDirectory, layout: MemoryLayout) -> None:
    starts = [sum(r.size_bytes for r in layout.regions[:i]) for i in range(len(layout.regions))]
    ends: dict[int, int] = {}
    for extent in placement.extents:
        assert extent.file_offset % OS_PAGE_BYTES == 0
        assert extent.region_offset % OS_PAGE_BYTES == 0
        assert extent.region_offset % HUGE_PAGE_BYTES == extent.file_offset % HUGE_PAGE_BYTES
        assert extent.region_offset >= ends.get(extent.region, 0)
        ends[extent.region] = extent.region_offset + extent.size
        assert ends[extent.region] <= layout.regions[extent.region].size_bytes
    assert placement.offsets.keys() == gguf.tensors.keys()
    for name, offset in placement.offsets.items():
        info = gguf.tensors[name]
        holders = [
            extent
            for extent in placement.extents
            if starts[extent.region] + extent.region_offset
            <= offset
            < starts[extent.region] + extent.region_offset + extent.size
        ]
        (extent,) = holders
        within = offset - starts[extent.region] - extent.region_offset
        assert extent.file_offset + within == info.file_offset
        assert within + info.nbytes <= extent.size


@given(
    cuts=st.sets(st.integers(1, LAYERS - 1)),
    with_embeddings=st.booleans(),
    with_head=st.booleans(),
    rest=st.sampled_from(["weights", "model", "layers"]),
)
def test_every_layout_places_every_tensor_once(
    gguf: GGUFDirectory, cuts: set[int], with_embeddings: bool, with_head: bool, rest: str
) -> None:
    bounds = [0, *sorted(cuts), LAYERS]
    regions = [(f"layers_{start}_{end - 1}", 1) for start, end in pairwise(bounds)]
    regions += [("embeddings", 1)] * with_embeddings + [("head", 1)] * with_head + [(rest, 2)]
    layout = MemoryLayout.multi(regions)
    placement = place(gguf, layout)
    check(placement, gguf, layout)
    for name, region in {"token_embd.weight": "embeddings", "output.weight": "head"}.items():
        index = _region_of(placement.offsets[name], layout)
        wanted = region if region in dict(regions) else rest
        assert layout.regions[index].name == wanted
    for layer_id, tensors in enumerate(gguf.layers):
        for tensor in tensors:
            name = layout.regions[_region_of(placement.offsets[tensor.name], layout)].name
            first, last = name.split("_")[1:]
            assert int(first) <= layer_id <= int(last)


def _region_of(offset: int, layout: MemoryLayout) -> int:
    end = 0
    for index, region in enumerate(layout.regions):
        end += region.size_bytes
        if offset < end:
            return index
    raise AssertionError(offset)


def test_one_region_maps_the_file_once(gguf: GGUFDirectory) -> None:
    layout = MemoryLayout.for_model(gguf)
    placement = place(gguf, layout)
    check(placement, gguf, layout)
    assert len(placement.extents) == 1


def test_a_part_nobody_takes(gguf: GGUFDirectory) -> None:
    with pytest.raises(LayoutError, match=r"the head.*no region"):
        place(gguf, MemoryLayout.multi([("embeddings", 1), ("layers_0_4", 1)]))
    with pytest.raises(LayoutError, match=r"layer 4.*no region"):
        place(gguf, MemoryLayout.multi([("embeddings", 1), ("layers_0_3", 1), ("head", 1)]))


def test_a_region_too_small(beyond_4gib: Path) -> None:
    gguf = open_gguf(beyond_4gib)
    with pytest.raises(LayoutError, match=r"no room left in 'weights' of 2 GiB"):
        place(gguf, MemoryLayout.single(2))
    gguf.close()


def test_parts_overflow_into_the_next_general_region(beyond_4gib: Path) -> None:
    gguf = open_gguf(beyond_4gib)
    layout = MemoryLayout((RegionSpec("a", 2), RegionSpec("b", 2), RegionSpec("c", 1)))
    check(place(gguf, layout), gguf, layout)
    assert layout.size_bytes > 4 * GIB
    gguf.close()
