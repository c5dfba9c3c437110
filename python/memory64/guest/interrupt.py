"""Ctrl-C while a guest runs on the main thread."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread, current_thread, main_thread
from typing import TypeVar

T = TypeVar("T")


def interruptible(work: Callable[[], T], stop: Callable[[], object]) -> T:
    """The result of ``work``, which an interrupt ends by ``stop``.

    Python hands a signal over to the main thread only between its own instructions, and a
    guest is one long instruction. So on the main thread somebody else does the work, while
    the main thread waits for it in a way that signals end.
    """
    if current_thread() is not main_thread():
        return work()
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        return outcome.result()
    except KeyboardInterrupt:
        while thread.is_alive():
            stop()
            thread.join(0.01)
        raise
