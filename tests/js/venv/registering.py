"""Makes dequantising register an exit handler that crashes, in what environment.py made.

Run by every Python of that environment, when it starts.
"""

import ctypes
from pathlib import Path
from time import sleep
from typing import NoReturn

from memory64.layers import manager

MARKER = Path(__file__).with_name("inside")


def register(*_: object) -> NoReturn:
    """Do as a library does that is loaded late, and be in the middle of a call ever after."""
    libc = ctypes.CDLL(None)
    libc.on_exit(libc.abort, None)
    MARKER.touch()
    while True:
        sleep(1)


manager.dequantize = register
