"""What this machine's disk gives: the rate that whatever streams is held against."""

import mmap
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from time import perf_counter

from bench import page_cache

BLOCK_BYTES = 8 << 20
THREADS = 2


def through_the_cache(path: Path, extent: tuple[int, int] | None = None) -> float:
    """Bytes per second of plain reading, with the page cache and its reading ahead."""
    return _read(path, extent, 0)


def past_the_cache(path: Path, extent: tuple[int, int] | None = None) -> float:
    """Bytes per second of plain reading with O_DIRECT."""
    return _read(path, extent, os.O_DIRECT)


def _read(path: Path, extent: tuple[int, int] | None, flags: int) -> float:
    """`extent` is a first byte and an end, the whole file by default.

    Two threads read blocks into memory that was touched before: a virtual machine's first touch
    of a page takes longer than reading it.
    """
    page_cache.drop_and_settle(path)
    first, end = extent or (0, path.stat().st_size)
    offsets = range(first // BLOCK_BYTES * BLOCK_BYTES, end, BLOCK_BYTES)
    buffers = local()
    fd = os.open(path, os.O_RDONLY | flags)

    def prepare() -> None:
        buffers.block = mmap.mmap(-1, BLOCK_BYTES)  # aligned, as O_DIRECT wants it
        buffers.block.write(bytes(BLOCK_BYTES))

    def read(offset: int) -> int:
        return os.preadv(fd, [buffers.block], offset)

    with ThreadPoolExecutor(THREADS, initializer=prepare) as pool:
        started = perf_counter()
        count = sum(pool.map(read, offsets))
        seconds = perf_counter() - started
    os.close(fd)
    return count / seconds
