"""The pages of a model's weights, as all of the engine's memories show them."""

from collections.abc import Sequence

from ..memory import FlatSpace, Span


class WeightPages:
    """Brings weights in and drops them, where any of the threads has them.

    Attributes:
        mappings: addresses and sizes of what is mapped from files.
        leaves_page_cache: whether what is dropped is to leave the system's cache of files too,
            which it should where memory is short.
    """

    def __init__(self, spaces: Sequence[FlatSpace]) -> None:
        """``spaces``: the model's flat space, once for each memory."""
        self._spaces = spaces
        self._regions = [region for space in spaces for region in space.regions]
        self.mappings = [mapping for region in self._regions for mapping in region.mappings]
        self.leaves_page_cache = False

    @property
    def come_back(self) -> bool:
        """Whether dropped bytes come back by themselves when they are touched."""
        return all(region.keeps_evicted for region in self._regions)

    def bring_in(self, offset: int, size: int) -> None:
        """Let the bytes be in memory.

        One thread has them mapped, too. The others map what they touch, which is their share of
        each matrix: to map all of it for all of them would take longer.

        Raises:
            SourceError: they cannot be read.
            SourceChangedError: the file no longer has them.
        """
        for region, start, count in self._spaces[0].pieces(offset, size):
            region.load(start, count)

    def are_resident(self, offset: int, size: int) -> bool:
        """Whether all of the bytes are in memory, be it in the system's cache of files."""
        return all(
            region.has_resident(start, count)
            for region, start, count in self._spaces[0].pieces(offset, size)
        )

    def drop(self, offset: int, size: int) -> None:
        """Give the memory of the bytes back."""
        for space in self._spaces:
            for region, start, count in space.pieces(offset, size):
                region.evict(start, count)
        if self.leaves_page_cache:
            for region, start, count in self._spaces[0].pieces(offset, size):
                region.leave_page_cache(start, count)

    def expect_blocks(self) -> None:
        """Tell that large blocks come and go."""
        for region in self._regions:
            region.expect_blocks()

    def expect_rows(self, matrix: Span) -> None:
        """Tell that single rows of it are read."""
        for space in self._spaces:
            for region, start, count in space.pieces(matrix.offset, matrix.size):
                region.expect_single_pages(start, count)
