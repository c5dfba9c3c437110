"""Outliving a file that becomes shorter while its pages are being read.

Touching a mapped page that its file no longer has raises SIGBUS, which ends a process. While
a copy or a guest reads mapped pages, ``guarded`` turns that into a fact to be asked for
afterwards: zeros take the place of the lost pages, and the reader goes on to its end.

The handler is Python, which is sound here and would not be for other signals: this one
arrives in the middle of an instruction that touches those pages, in code that was called
with ctypes or numpy and holds no lock that Python needs. A fault anywhere else is handed to
whoever handled such faults before.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from . import platform


class Guard:
    """Ranges of addresses that are being read."""

    def __init__(self, ranges: Sequence[tuple[int, int]], on_loss: Callable[[], object]) -> None:
        """Watch ``ranges``, each an address and a size; ``on_loss`` runs inside the handler."""
        self.ranges = ranges
        self.on_loss = on_loss
        self.lost = False
        """Whether a page was gone."""

    def take(self, address: int) -> bool:
        """Replace the page at ``address`` and those behind it, if it lies in a range."""
        for start, size in self.ranges:
            if start <= address < start + size:
                page = address // platform.OS_PAGE_BYTES * platform.OS_PAGE_BYTES
                platform.map_zeros(page, start + size - page)
                self.lost = True
                self.on_loss()
                return True
        return False


_guards: list[Guard] = []


@contextmanager
def guarded(
    ranges: Sequence[tuple[int, int]], on_loss: Callable[[], object] = lambda: None
) -> Iterator[Guard]:
    """In the block, pages of ``ranges`` that are gone from their file read as zeros."""
    platform.handle_bus_errors(_take)
    guard = Guard(ranges, on_loss)
    _guards.append(guard)
    try:
        yield guard
    finally:
        _guards.remove(guard)


def _take(address: int) -> bool:
    taken = False
    for guard in _guards:  # each of several that read these pages has to know
        taken |= guard.take(address)
    return taken
