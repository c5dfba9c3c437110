"""Which blocks of a walk are in memory."""

from typing import Protocol

from .walk import Walk


class Pages(Protocol):
    """Where blocks come and go."""

    def bring_in(self, offset: int, size: int) -> None:
        """Let the bytes be in memory."""
        ...

    def drop(self, offset: int, size: int) -> None:
        """Give their memory back."""
        ...


class Residents:
    """The blocks in memory, and counts. Not safe by itself: used under the streamer's lock."""

    def __init__(self, walk: Walk, pages: Pages) -> None:
        """Begin with none."""
        self.nbytes = 0
        self.peak_bytes = 0
        self.read_bytes = 0
        self._blocks = walk.blocks
        self._pages = pages
        self._there = [False] * len(walk.blocks)

    def __contains__(self, index: int) -> bool:
        return self._there[index]

    def bring_in(self, index: int) -> None:
        """Read a block, which may take long: the one thing that is done without the lock."""
        self._pages.bring_in(self._blocks[index].offset, self._blocks[index].size)

    def add(self, index: int) -> None:
        """Count a block that is about to be brought in."""
        self._there[index] = True
        self.nbytes += self._blocks[index].size
        self.read_bytes += self._blocks[index].size
        self.peak_bytes = max(self.peak_bytes, self.nbytes)

    def drop(self, index: int) -> None:
        """Give up a block, or what has come of it by itself since it was given up."""
        block = self._blocks[index]
        if self._there[index]:
            self._there[index] = False
            self.nbytes -= block.size
        self._pages.drop(block.offset, block.size)
