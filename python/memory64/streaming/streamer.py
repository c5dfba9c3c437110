"""Lets a model that does not fit be walked through, again and again.

Nothing depends on it for being right: a page that is not there comes when it is touched. It makes
that pages come in their order and ahead of time, and that no more of them are there than may be.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .book import Book
from .plan import StreamPlan, plan_stream
from .reading import Reading
from .residents import Pages, Residents
from .walk import Walk


@dataclass(frozen=True, slots=True)
class StreamStats:
    """How a model is walked through.

    Attributes:
        kept_bytes: that stay in memory, once they are there.
        streamed_bytes: that each pass reads anew.
        resident_bytes: in memory now.
        peak_bytes: the largest ``resident_bytes`` there has been.
        read_bytes: brought in so far.
        stall_seconds: in which steps waited for their bytes.
    """

    kept_bytes: int
    streamed_bytes: int
    resident_bytes: int
    peak_bytes: int
    read_bytes: int
    stall_seconds: float


class Streamer:
    """The blocks of a walk under a budget. Passes come one after the other."""

    def __init__(self, walk: Walk, pages: Pages, budget_bytes: int) -> None:
        """Begin with nothing in memory.

        Raises:
            CapacityError: the budget has no room for the largest step.
        """
        residents = Residents(walk, pages)
        self._book = Book(walk, residents, plan_stream(walk, budget_bytes), budget_bytes)

    @property
    def plan(self) -> StreamPlan:
        """What stays and what streams at present."""
        return self._book.plan

    @property
    def everything_is_there(self) -> bool:
        """Whether nothing is left to be read."""
        return self._book.residents.nbytes == self._book.walk.nbytes

    def set_budget(self, budget_bytes: int) -> None:
        """Keep more or less from now on.

        Raises:
            CapacityError: the budget has no room for the largest step; nothing was changed.
        """
        book = self._book
        with book.changed:
            if budget_bytes == book.budget_bytes:
                return
            book.plan = plan_stream(book.walk, budget_bytes)
            book.budget_bytes = budget_bytes
            for index, stays in enumerate(book.plan.kept):
                if book.residents.nbytes <= budget_bytes:
                    break
                if not stays and index in book.residents:
                    book.residents.drop(index)

    def drop_strays(self) -> None:
        """After a pass that was given less than it began with: drop what came back by itself."""
        book = self._book
        with book.changed:
            for index in range(len(book.walk.blocks)):
                if index not in book.residents:
                    book.residents.drop(index)

    def begin(
        self, steps: int, step: Callable[[], int], set_ready: Callable[[int], None]
    ) -> Reading:
        """A pass through the first ``steps`` steps, after the one before has been stopped."""
        return Reading(self._book, steps, step, set_ready)

    def stats(self) -> StreamStats:
        """Counts at this moment."""
        book = self._book
        with book.changed:
            return StreamStats(
                kept_bytes=book.plan.kept_bytes,
                streamed_bytes=book.plan.streamed_bytes,
                resident_bytes=book.residents.nbytes,
                peak_bytes=book.residents.peak_bytes,
                read_bytes=book.residents.read_bytes,
                stall_seconds=book.stall_seconds,
            )
