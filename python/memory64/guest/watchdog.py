"""Stops guests that run too long, or that nobody waits for any more."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Thread
from time import monotonic

from ..errors import CancelledError, GuestTimeoutError
from ..memory import Cancelled, never

TICK_SECONDS = 0.01


class Watched:
    """One call of a guest under way."""

    def __init__(self, timeout: float | None, cancelled: Cancelled, stop: Callable[[], object]):
        """Begin to count its time."""
        self._timeout = timeout
        self._deadline = None if timeout is None else monotonic() + timeout
        self._cancelled = cancelled
        self.stop = stop
        self.stopped: Exception | None = None
        """Why it was stopped."""

    def is_over(self) -> bool:
        """Whether it is to be stopped; again and again, for as long as it runs."""
        try:
            if self.stopped is None and self._cancelled():
                self.stopped = CancelledError("the guest was cancelled")
        except Exception as error:  # the caller's own, which is to learn of it
            self.stopped = error
        if self.stopped is None and self._deadline is not None and monotonic() > self._deadline:
            self.stopped = GuestTimeoutError(f"the guest ran for more than {self._timeout} s")
        return self.stopped is not None


class Watchdog:
    """One thread that looks after all calls with a time limit or a way to cancel them."""

    def __init__(self) -> None:
        """The thread starts with the first such call."""
        self._begin()
        # The thread is not there after a fork, and may have held the lock at that moment.
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._changed = Condition()
        self._watched: set[Watched] = set()
        self._thread: Thread | None = None

    @contextmanager
    def watching(
        self, timeout: float | None, cancelled: Cancelled, stop: Callable[[], object]
    ) -> Iterator[Watched]:
        """Call ``stop`` once the block has lasted ``timeout`` seconds or is ``cancelled``."""
        watched = Watched(timeout, cancelled, stop)
        if timeout is None and cancelled is never:
            yield watched
            return
        try:
            with self._changed:
                self._watched.add(watched)
                self._start()
                self._changed.notify()
            yield watched
        finally:
            with self._changed:
                self._watched.discard(watched)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._look_for_ever, daemon=True, name="watchdog")
            self._thread.start()

    def _look_for_ever(self) -> None:
        while True:
            with self._changed:
                while not self._watched:
                    self._changed.wait()
            self._look()  # what it knew must not live on while there is nothing to do
            with self._changed:
                self._changed.wait(TICK_SECONDS)

    def _look(self) -> None:
        with self._changed:
            watched = tuple(self._watched)
        # Not under the lock: this asks the callers, who may do anything.
        over = {each for each in watched if each.is_over()}
        with self._changed:
            # One that has ended meanwhile must not be stopped any more: that would stop its
            # guest's next call.
            for each in over & self._watched:
                each.stop()


watchdog = Watchdog()
