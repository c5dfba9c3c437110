"""Stops guests that run too long, or that nobody waits for any more."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Thread
from time import monotonic

from ..errors import CancelledError, GuestTimeoutError, Memory64Error
from ..memory import Cancelled, never

TICK_SECONDS = 0.01


class Watched:
    """One call of a guest under way."""

    def __init__(self, timeout: float | None, cancelled: Cancelled, stop: Callable[[], object]):
        """Begin to count its time."""
        self._timeout = timeout
        self._deadline = None if timeout is None else monotonic() + timeout
        self._cancelled = cancelled
        self._stop = stop
        self.stopped: Memory64Error | None = None
        """Why it was stopped."""

    def look(self) -> None:
        """Stop it where that is due. It is stopped again as long as it runs."""
        if self.stopped is None and self._cancelled():
            self.stopped = CancelledError("the guest was cancelled")
        if self.stopped is None and self._deadline is not None and monotonic() > self._deadline:
            self.stopped = GuestTimeoutError(f"the guest ran for more than {self._timeout} s")
        if self.stopped is not None:
            self._stop()


class Watchdog:
    """One thread that looks after all calls with a time limit or a way to cancel them."""

    def __init__(self) -> None:
        """The thread starts with the first such call."""
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
        with self._changed:
            self._watched.add(watched)
            if self._thread is None:
                self._thread = Thread(target=self._look_for_ever, daemon=True, name="watchdog")
                self._thread.start()
            self._changed.notify()
        try:
            yield watched
        finally:
            with self._changed:
                self._watched.discard(watched)

    def _look_for_ever(self) -> None:
        while True:
            with self._changed:
                while not self._watched:
                    self._changed.wait()
                # Under the lock: one that has ended meanwhile must not be stopped any more,
                # as that would stop its guest's next call.
                for watched in self._watched:
                    watched.look()
                self._changed.wait(TICK_SECONDS)


watchdog = Watchdog()
