"""How a caller says that work is to stop, and is not kept waiting by a disk that stands still."""

from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread

from ..errors import CancelledError

Cancelled = Callable[[], bool]
"""Asked every few milliseconds while something takes time; True stops it."""

LOOK_SECONDS = 0.05
"""How often somebody who waits looks whether they are cancelled."""


def never() -> bool:
    """Never cancelled."""
    return False


def do_all(steps: Sequence[Callable[[], None]], cancelled: Cancelled) -> None:
    """Do one step after the other until ``cancelled`` is true, which is asked in this thread.

    Where somebody may cancel, another thread does the steps: a read from a disk that stands still
    ends for nobody. The step under way is left to itself then, and those after it are not done.

    Raises:
        CancelledError: ``cancelled`` became true.
    """
    if cancelled is never or not steps:
        for step in steps:
            step()
        return
    given_up = Event()
    reports: SimpleQueue[BaseException | bool] = SimpleQueue()

    def work() -> None:
        try:
            for step in steps:
                if given_up.is_set():
                    return
                step()
                reports.put(step is steps[-1])
        except BaseException as error:
            reports.put(error)

    _check(cancelled)
    Thread(target=work, name="memory64-load", daemon=True).start()
    try:
        while not _is_last(reports):
            _check(cancelled)
    finally:
        given_up.set()


def _check(cancelled: Cancelled) -> None:
    if cancelled():
        raise CancelledError("loading was cancelled")


def _is_last(reports: "SimpleQueue[BaseException | bool]") -> bool:
    """Whether all is done; False after a step or a while.

    Raises:
        BaseException: what the steps raised.
    """
    try:
        report = reports.get(timeout=LOOK_SECONDS)
    except Empty:
        return False
    if isinstance(report, bool):
        return report
    try:
        raise report
    finally:
        del report  # it refers to this frame
