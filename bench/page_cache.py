"""The operating system's cached pages of a file: dropped, filled, counted."""

import ctypes
import mmap
import os
from pathlib import Path
from time import sleep

import numpy as np

from bench.errors import BenchError

CHUNK_BYTES = 16 << 20
MAX_LEFT = 0.001
DROP_TRIES = 20
PAUSE_SECONDS = 0.05

SETTLE_SECONDS = 6
"""A virtual machine hands gigabytes that were just freed back to its host, and for some seconds
new memory is slow for every process: an idle loop that starts Python stands still as long."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)


def drop(path: Path) -> None:
    """Let the next read of `path` come from the disk.

    Raises BenchError where pages stay, because some process has them mapped and in use.
    """
    # What is being read ahead at this moment can be dropped only once it has arrived.
    for _ in range(DROP_TRIES):
        _advise_dropping(path)
        left = cached_fraction(path)
        if left <= MAX_LEFT:
            return
        sleep(PAUSE_SECONDS)
    raise BenchError(
        f"{path.name}: {left:.1%} of it stays in the page cache after it was dropped; "
        "another process has it mapped, wait for that one to end"
    )


def drop_and_settle(path: Path) -> None:
    """As `drop`, for what a slow moment of the machine would spoil."""
    drop(path)
    sleep(SETTLE_SECONDS)


def fill(path: Path) -> None:
    """Read all of `path`, so that the next read of it comes from memory."""
    buffer = bytearray(CHUNK_BYTES)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def cached_fraction(path: Path) -> float:
    """How much of `path` is in the page cache, 0.0 to 1.0."""
    size = path.stat().st_size
    with open(path, "rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) as pages:
        flags = np.empty(-(-size // mmap.PAGESIZE), np.uint8)
        start = np.frombuffer(pages, np.uint8).ctypes.data
        status = _libc.mincore(start, size, flags.ctypes.data)
    if status:
        raise OSError(ctypes.get_errno(), "mincore", str(path))
    # The lowest bit says whether the page is in memory; the others may be anything.
    return float(np.mean(flags & 1))


def _advise_dropping(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)
