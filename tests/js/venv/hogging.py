"""Holds Python's lock once the marker file is there, without a gap until it is gone.

Run by every Python of the environment that environment.py made, when it starts.
"""

import ctypes
from pathlib import Path
from shlex import quote
from threading import Thread
from time import sleep

MARKER = Path(__file__).with_name("hog")
HELD = Path(__file__).with_name("held")

libc = ctypes.PyDLL(None)  # PyDLL keeps the lock during a call


def hog() -> None:
    """Wait for the marker, then for its end: in one call, which says itself that it has begun."""
    while not MARKER.exists():
        sleep(0.01)
    marker, held = quote(str(MARKER)), quote(str(HELD))
    libc.system(f"touch {held}; while test -e {marker}; do sleep 0.01; done".encode())


Thread(target=hog, daemon=True).start()
