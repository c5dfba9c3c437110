"""Outliving a file that becomes shorter while its pages are being read.

Touching a mapped page that its file no longer has raises SIGBUS, which ends a process. While
a copy or a guest touches mapped pages, ``guarded`` turns that into a fact to be asked for
afterwards: zeros take the place of the lost pages, and the work goes on to its end.

The handler is Python, which is sound here and would not be for other signals: this one
arrives in the middle of an instruction that touches those pages, in code that was called
with ctypes or numpy and holds no lock that Python needs. A fault anywhere else is handed to
whoever handled such faults before.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from . import platform

Ranges = Sequence[tuple[int, int]]
"""Of addresses: each its first one, and its size."""


class Guard:
    """Ranges of addresses that are being touched."""

    def __init__(
        self, ranges: Ranges, mappings: Ranges | None, on_loss: Callable[[], object]
    ) -> None:
        """As ``guarded`` says."""
        self._ranges = ranges
        self._mappings = mappings
        self._on_loss = on_loss
        self.lost = False
        """Whether a page was gone."""

    def end_of(self, address: int) -> int | None:
        """Up to where pages are lost if that at ``address`` is; None if it is not watched."""
        end = _end_around(address, self._ranges)
        if end is None or self._mappings is None:
            return end
        return min(end, _end_around(address, self._mappings) or end)

    def lose(self, first: int, end: int) -> None:
        """Learn that there are zeros from ``first`` to ``end``."""
        if any(start < end and first < start + size for start, size in self._ranges):
            self.lost = True
            self._on_loss()


class _Losses:
    """How often lost pages were replaced in this process."""

    count = 0


_guards: list[Guard] = []


@contextmanager
def guarded(
    ranges: Ranges,
    *,
    mappings: Ranges | None = None,
    on_loss: Callable[[], object] = lambda: None,
) -> Iterator[Guard]:
    """In the block, pages of ``ranges`` that are gone from their file read as zeros.

    Args:
        ranges: what is touched in the block.
        mappings: what of it belongs to one file each, if not a whole range does: what lies
            behind a lost page is lost with it, but not in another file.
        on_loss: runs inside the signal's handler, maybe several times.
    """
    if platform.CAN_MAP:
        platform.handle_bus_errors(_take)
    guard = Guard(ranges, mappings, on_loss)
    _guards.append(guard)
    try:
        yield guard
    finally:
        _guards.remove(guard)


def loss_count() -> int:
    """Changes when zeros take the place of pages, which others may be about to read."""
    return _Losses.count


def _take(address: int) -> bool:
    """Replace the page at ``address`` and those behind it, if somebody guards them."""
    guards = tuple(_guards)  # other threads come and go meanwhile
    ends = [end for guard in guards if (end := guard.end_of(address)) is not None]
    if not ends:
        return False
    first = address // platform.OS_PAGE_BYTES * platform.OS_PAGE_BYTES
    end = -(-max(ends) // platform.OS_PAGE_BYTES) * platform.OS_PAGE_BYTES
    # Before there are zeros to be read: who reads them then must not find nothing changed.
    _Losses.count += 1
    platform.map_zeros(first, end - first)
    for guard in guards:  # also those that begin behind: they read zeros as well
        guard.lose(first, end)
    return True


def _end_around(address: int, ranges: Ranges) -> int | None:
    return next((start + size for start, size in ranges if start <= address < start + size), None)
