"""The extents of a region that cannot be mapped: copied in when needed, and given up again."""

from collections.abc import Iterator
from itertools import groupby
from threading import RLock

import numpy as np

from .placement import Extent

GRANULE_BYTES = 1 << 16
"""What is filled and emptied at a time; a multiple of every page size."""


class CopiedExtents:
    """Knows which granules of a region are filled with the file's bytes, and fills others.

    A granule that is emptied reads as zeros. Whoever reads or writes what no pin protects
    holds ``lock`` from filling to the last byte.
    """

    def __init__(self, pages: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> None:
        """Begin with no extent; ``pages`` are all bytes of the region, writable."""
        self.lock = RLock()
        self._pages = pages
        self._extents: list[Extent] = []
        self._filled: set[int] = set()

    def __bool__(self) -> bool:
        """Whether there is any extent."""
        return bool(self._extents)

    def add(self, extent: Extent) -> None:
        """Fill the pages of ``extent`` by copying from now on."""
        self._extents.append(extent)

    def fill(self, start: int, end: int) -> None:
        """Copy in what is missing of the region's bytes from ``start`` to ``end``.

        Raises:
            SourceChangedError: the file no longer has them.
        """
        with self.lock:
            wanted = range(start // GRANULE_BYTES, -(-end // GRANULE_BYTES))
            for first, last in _runs(granule for granule in wanted if granule not in self._filled):
                for extent in self._extents:
                    self._copy(extent, first * GRANULE_BYTES, (last + 1) * GRANULE_BYTES)
                self._filled.update(range(first, last + 1))

    def empty(self, start: int, end: int) -> range:
        """Count as not filled the granules wholly between ``start`` and ``end``.

        Returns:
            The bytes that they span.
        """
        granules = range(-(-start // GRANULE_BYTES), end // GRANULE_BYTES)
        self._filled.difference_update(granules)
        return range(granules.start * GRANULE_BYTES, granules.stop * GRANULE_BYTES)

    def _copy(self, extent: Extent, start: int, end: int) -> None:
        file_end = extent.region_offset + extent.source.size - extent.file_offset
        start = max(start, extent.region_offset)
        end = min(end, extent.region_offset + extent.size, file_end)
        if start < end:
            file_offset = extent.file_offset + start - extent.region_offset
            extent.source.read_into(file_offset, self._pages[start:end].data)


def _runs(numbers: Iterator[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of consecutive ``numbers``."""
    for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        yield members[0], members[-1]
