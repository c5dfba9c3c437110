"""Which bytes of which file go where in the regions of a layout.

Tensors are placed in parts: the embeddings, each layer, the head. A region's name says
which parts it takes:

    embeddings, embedding       what belongs to no layer and is not the head
    layers_A_B, layer_A         the layers A to B, both included
    head, output                ``output.*`` and ``output_norm.*``
    any other name              every part that no region above names

A part goes to the first region that takes it and has room. The file is placed in whole
operating-system pages, so that it can be mapped rather than copied, and where huge pages of
the file are huge pages of the region; a page in which two parts meet appears in both places.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from operator import attrgetter

from ..errors import LayoutError
from ..gguf import GGUFDirectory, Source, TensorInfo
from .layout import MemoryLayout, RegionSpec
from .parts import Part, page_runs, parts, room_for
from .platform import HUGE_PAGE_BYTES

_LAYERS_NAME = re.compile(r"layers?_([0-9]+)(?:_([0-9]+))?")


@dataclass(frozen=True, slots=True)
class Extent:
    """Whole pages of one file, and where in a region they appear."""

    region: int
    """Index of the region in the layout."""
    region_offset: int
    source: Source
    file_offset: int
    size: int
    """Bytes; the last page may reach beyond the end of the file."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model lies in a layout.

    Attributes:
        extents: the pages to map, none overlapping another in its region.
        offsets: flat offset of each tensor, by name.
    """

    extents: tuple[Extent, ...]
    offsets: dict[str, int]


def place(gguf: GGUFDirectory, layout: MemoryLayout) -> Placement:
    """Find a place for every tensor of ``gguf``.

    Raises:
        LayoutError: a part fits no region that takes it; names the part and what it needs.
    """
    regions = [_Filling(index, spec) for index, spec in enumerate(layout.regions)]
    for part, tensors in parts(gguf).items():
        _put(part, tensors, regions, gguf.name)
    extents: list[Extent] = []
    offsets: dict[str, int] = {}
    region_start = 0
    for region in regions:
        placed = region.extents()
        extents += placed
        offsets |= _tensor_offsets(region.tensors, placed, region_start)
        region_start += region.spec.size_bytes
    return Placement(tuple(extents), offsets)


class _Filling:
    """A region while parts are being put into it."""

    def __init__(self, index: int, spec: RegionSpec) -> None:
        self.index = index
        self.spec = spec
        self.tensors: list[TensorInfo] = []
        self._free_bytes = spec.size_bytes

    def takes_by_name(self, part: Part) -> bool:
        if part in ("embeddings", "head"):
            return self.spec.name in _NAMES_OF[part]
        match = _LAYERS_NAME.fullmatch(self.spec.name)
        if not match:
            return False
        return int(match[1]) <= int(part) <= int(match[2] or match[1])

    def takes_the_rest(self) -> bool:
        named = any(self.spec.name in names for names in _NAMES_OF.values())
        return not named and not _LAYERS_NAME.fullmatch(self.spec.name)

    def take(self, tensors: list[TensorInfo]) -> bool:
        """Put ``tensors`` in, if they fit."""
        # Counted as if no part lay beside another in the file: never too little.
        needed = room_for(tensors)
        if needed > self._free_bytes:
            return False
        self._free_bytes -= needed
        self.tensors += tensors
        return True

    def extents(self) -> list[Extent]:
        extents = []
        end = 0
        for source, start, size in page_runs(self.tensors):
            at = end + (start - end) % HUGE_PAGE_BYTES
            extents.append(Extent(self.index, at, source, start, size))
            end = at + size
        return extents


_NAMES_OF = {"embeddings": ("embeddings", "embedding"), "head": ("head", "output")}


def _put(part: Part, tensors: list[TensorInfo], regions: list[_Filling], name: str) -> None:
    takers = [region for region in regions if region.takes_by_name(part)]
    takers = takers or [region for region in regions if region.takes_the_rest()]
    if any(region.take(tensors) for region in takers):
        return
    what = f"{name}: layer {part}" if isinstance(part, int) else f"{name}: the {part}"
    needed = sum(tensor.nbytes for tensor in tensors)
    if not takers:
        raise LayoutError(f"{what} ({needed} bytes): no region of the layout takes it")
    names = ", ".join(f"{region.spec.name!r} of {region.spec.size_gb} GiB" for region in takers)
    raise LayoutError(f"{what} needs {needed} bytes: no room left in {names}")


def _tensor_offsets(
    tensors: list[TensorInfo], extents: list[Extent], region_start: int
) -> dict[str, int]:
    by_source: dict[int, list[Extent]] = {}
    for extent in extents:
        by_source.setdefault(id(extent.source), []).append(extent)
    offsets = {}
    for tensor in tensors:
        # The extents of a file are in the order of the file, and none overlaps another.
        candidates = by_source[id(tensor.source)]
        after = bisect_right(candidates, tensor.file_offset, key=attrgetter("file_offset"))
        extent = candidates[after - 1]
        within = tensor.file_offset - extent.file_offset
        offsets[tensor.name] = region_start + extent.region_offset + within
    return offsets
