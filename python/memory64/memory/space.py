"""Regions one after another as one range of offsets."""

from collections.abc import Iterator, Sequence

from ..errors import OutOfBoundsError
from .region import Region


class FlatSpace:
    """Finds the regions behind flat offsets, which count from the first region's start."""

    def __init__(self, regions: Sequence[Region]) -> None:
        """Line ``regions`` up in their order."""
        self.regions = tuple(regions)
        self.size_bytes = sum(region.size_bytes for region in regions)

    def pieces(self, offset: int, size: int) -> Iterator[tuple[Region, int, int]]:
        """The parts of a range, each with its region, its offset there and its size.

        Raises:
            OutOfBoundsError: not all of the range lies inside; no part is given then.
        """
        if offset < 0 or size < 0 or offset + size > self.size_bytes:
            raise OutOfBoundsError(
                f"{size} bytes at offset {offset} are not inside the {self.size_bytes} bytes "
                "of the regions"
            )
        return self._pieces_inside(offset, size)

    def within_one(self, offset: int, size: int) -> tuple[Region, int]:
        """The region that has the whole range, and the offset there.

        Raises:
            OutOfBoundsError: there is none.
        """
        for region, region_start in self._starts():
            start = offset - region_start
            if start >= 0 and size >= 0 and start + size <= region.size_bytes:
                return region, start
        raise OutOfBoundsError(
            f"{size} bytes at offset {offset} are not inside one region; the regions have "
            f"{self.size_bytes} bytes"
        )

    def _pieces_inside(self, offset: int, size: int) -> Iterator[tuple[Region, int, int]]:
        for region, region_start in self._starts():
            start = offset - region_start
            if size and start < region.size_bytes:
                count = min(size, region.size_bytes - start)
                yield region, start, count
                offset += count
                size -= count

    def _starts(self) -> Iterator[tuple[Region, int]]:
        start = 0
        for region in self.regions:
            yield region, start
            start += region.size_bytes
