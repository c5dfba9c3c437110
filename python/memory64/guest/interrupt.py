"""Ctrl-C while a guest runs on the main thread."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from threading import Thread, current_thread, main_thread
from typing import TypeVar

T = TypeVar("T")

LOOK_SECONDS = 0.1
"""A signal that comes just before the main thread falls asleep does not wake it: Python looks
for signals before it waits for a lock, and then waits however many have come."""


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
        if not outcome.set_running_or_notify_cancel():
            return
        try:
            result = work()
        except BaseException as error:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)

    try:
        Thread(target=run, daemon=True, name="guest").start()
        while not outcome.done():
            wait([outcome], LOOK_SECONDS)
    except BaseException:  # whatever a signal's handler raises
        _end(outcome, stop)
        raise
    return outcome.result()


def _end(outcome: Future[T], stop: Callable[[], object]) -> None:
    """Return only when the work is over: its store must not be used meanwhile."""
    while True:
        with suppress(BaseException):  # whatever signals raise meanwhile, and however often
            while not (outcome.cancel() or outcome.done()):
                stop()
                wait([outcome], 0.01)
            return
