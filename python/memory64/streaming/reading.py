"""One pass through a walk: what its steps lack is read, what they are done with is dropped."""

from collections.abc import Callable
from time import perf_counter

from .book import Book

LOOK_SECONDS = 0.0005
"""How often a reader without room looks whether a step is over."""


class Reading:
    """A pass under way. ``run`` reads, in a thread of its own; those that compute ``wait_for``."""

    def __init__(
        self,
        book: Book,
        steps: int,
        step: Callable[[], int],
        set_ready: Callable[[int], None],
    ) -> None:
        """Begin; nothing is read before ``run``.

        Args:
            book: what the passes share.
            steps: how many of the walk's steps the pass has.
            step: tells which one is being computed.
            set_ready: is told how many may begin.
        """
        self.error: BaseException | None = None
        self._book = book
        self._end = sum(block.first_step < steps for block in book.walk.blocks)
        self._steps = steps
        self._step = step
        self._set_ready = set_ready
        self._next = 0  # all blocks before it have been there during this pass
        self._ready = -1
        self._behind = 0  # so many of `by_last_step` are done with
        self._plan = book.plan
        self._waiting = 0
        self._waiting_since = 0.0
        self._stopped = False
        with book.changed:
            self._go_on()

    def run(self) -> None:
        """Read until the pass is stopped, or nothing is left to be read ever."""
        book = self._book
        try:
            while (index := self._next_block()) is not None:
                try:
                    book.residents.bring_in(index)
                except BaseException:
                    with book.changed:
                        book.residents.drop(index)
                    raise
                with book.changed:
                    if index not in book.residents:  # given up while it was read
                        book.residents.drop(index)
                    self._go_on()
        except BaseException as error:  # for those who wait: nobody looks at this thread
            self.error = error
            self.stop()

    def wait_for(self, step: int) -> bool:
        """Sleep until the step may begin; False where the pass was stopped."""
        changed = self._book.changed
        with changed:
            self._begin_waiting()
            changed.notify_all()  # the steps before are over: there is room again
            while self._ready <= step and not self._stopped:
                changed.wait()
            self._end_waiting()
            return self._ready > step

    def stop(self) -> None:
        """Let ``run`` end after the block it reads, and let nobody wait any more."""
        with self._book.changed:
            self._stopped = True
            self._book.changed.notify_all()

    def _next_block(self) -> int | None:
        book = self._book
        with book.changed:
            while not self._stopped:
                self._drop_behind()
                index = self._missing()
                if index is None and book.residents.nbytes == book.walk.nbytes:
                    return None
                if index is not None and self._make_room(index):
                    book.residents.add(index)
                    return index
                book.changed.wait(LOOK_SECONDS)
        return None

    def _go_on(self) -> None:
        """Look how far everything is there, and tell."""
        blocks, residents = self._book.walk.blocks, self._book.residents
        while self._next < self._end and self._next in residents:
            self._next += 1
        ready = blocks[self._next].first_step if self._next < self._end else self._steps
        if ready != self._ready and not self._stopped:
            self._ready = ready
            self._set_ready(ready)
            self._book.changed.notify_all()

    def _missing(self) -> int | None:
        """The next block to read: of this pass, then of the next one what this one is done with."""
        if self._next < self._end:
            return self._next
        blocks, residents = self._book.walk.blocks, self._book.residents
        step = self._step()
        index = next((i for i in range(len(blocks)) if i not in residents), None)
        return index if index is not None and blocks[index].last_step < step else None

    def _drop_behind(self) -> None:
        book, step = self._book, self._step()
        if self._plan is not book.plan:  # what stayed so far may have to go
            self._plan, self._behind = book.plan, 0
        while self._behind < len(book.by_last_step):
            index = book.by_last_step[self._behind]
            if book.walk.blocks[index].last_step >= step:
                return
            self._behind += 1
            if not book.plan.kept[index]:
                book.residents.drop(index)

    def _make_room(self, index: int) -> bool:
        """Whether there is room for a block; where a step waits for it, others make it."""
        book = self._book
        block = book.walk.blocks[index]
        if index == self._next and block.first_step <= self._step():
            # What an earlier pass had read ahead when it was stopped, or what no longer stays.
            for other in range(len(book.walk.blocks) - 1, index, -1):
                if book.residents.nbytes + block.size <= book.budget_bytes:
                    break
                if other in book.residents and not book.plan.kept[other]:
                    book.residents.drop(other)
        return book.residents.nbytes + block.size <= book.budget_bytes

    def _begin_waiting(self) -> None:
        if not self._waiting:
            self._waiting_since = perf_counter()
        self._waiting += 1

    def _end_waiting(self) -> None:
        self._waiting -= 1
        if not self._waiting:
            self._book.stall_seconds += perf_counter() - self._waiting_since
