"""Signals whose handlers raise, while somebody else does the main thread's work."""

import signal
from collections.abc import Iterator
from threading import Event, get_ident

import pytest

from memory64.guest.interrupt import interruptible


class AlarmError(Exception):
    """What the handler raises."""


@pytest.fixture
def alarm() -> Iterator[signal.Signals]:
    def ring(_number: int, _frame: object) -> None:
        raise AlarmError

    before = signal.signal(signal.SIGALRM, ring)
    yield signal.SIGALRM
    signal.signal(signal.SIGALRM, before)


def test_more_of_them_while_the_work_ends(alarm: signal.Signals) -> None:
    main, stopped, stops, ended = get_ident(), Event(), [], []

    def work() -> None:
        signal.pthread_kill(main, alarm)
        stopped.wait()
        ended.append(True)

    def stop() -> None:
        stops.append(True)
        if len(stops) < 3:
            raise AlarmError  # as the handler does, whatever the main thread is doing
        stopped.set()

    try:
        with pytest.raises(AlarmError):
            interruptible(work, stop)
        assert ended
    finally:
        stopped.set()
