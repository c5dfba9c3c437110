"""Makes dequantising an endless series of BLAS calls, in the environment that environment.py made.

Run by every Python of that environment, when it starts.
"""

from pathlib import Path
from typing import NoReturn

import numpy as np

from memory64.layers import manager

MARKER = Path(__file__).with_name("inside")


def multiply(*_: object) -> NoReturn:
    """Be inside BLAS from the moment the marker file is there."""
    matrix = np.ones((3000, 3000), np.float32)
    MARKER.touch()
    while True:
        matrix @ matrix


manager.dequantize = multiply
