"""Holds Python's lock nearly all the time once the marker file is there, for ten seconds.

Run by every Python of the environment that environment.py made, when it starts.
"""

import ctypes
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

MARKER = Path(__file__).with_name("hog")
HELD = Path(__file__).with_name("held")
HOLD_MICROSECONDS = 300_000

usleep = ctypes.PyDLL(None).usleep  # PyDLL keeps the lock during a call


def hog() -> None:
    """Wait for the marker, then sleep with the lock in hand, over and over again."""
    while not MARKER.exists():
        sleep(0.01)
    end = monotonic() + 10
    while monotonic() < end:
        usleep(HOLD_MICROSECONDS)
        HELD.touch()


Thread(target=hog, daemon=True).start()
