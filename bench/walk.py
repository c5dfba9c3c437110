"""Does a walk over all layers run as fast as the disk can be read, in a tenth of the memory?

The page cache is dropped before every turn. The disk's rate is the best that plain reading of the
same bytes reaches: two threads, blocks of 8 MiB into memory that was touched before, once through
the page cache with its reading ahead and once past it with O_DIRECT.
"""

import mmap
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import local
from time import perf_counter
from typing import Any

from bench import page_cache
from bench.layers import extents
from bench.measure import (
    gigabytes_per_second,
    in_turns,
    js_driver,
    megabytes,
    milliseconds,
    ratios,
)
from bench.table import Row, Table, at_least, at_most
from models import generate

CAPACITY_BYTES = 400_000_000
BLOCK_BYTES = 8 << 20
THREADS = 2
ROUNDS = 3


def run() -> Table:
    path = generate.llama_7b()
    walks: list[dict[str, Any]] = []
    rates = in_turns(
        {
            "walk": partial(_walk, path, walks),
            "cached": partial(_read, path, 0),
            "direct": partial(_read, path, os.O_DIRECT),
        },
        ROUNDS,
    )
    disk = [max(each) for each in zip(rates["cached"], rates["direct"], strict=True)]
    counted = walks[1:]
    table = Table("7B model, page cache dropped: how fast do all its layers come, in 400 MB?")
    table.add(
        Row("for await", gigabytes_per_second(rates["walk"])),
        Row("plain reading, through the page cache", gigabytes_per_second(rates["cached"])),
        Row("plain reading, O_DIRECT", gigabytes_per_second(rates["direct"])),
        Row("ratio to the faster", ratios(rates["walk"], disk), at_least(0.9), "plain reading"),
        Row(
            "most in memory since the model was open",
            megabytes(walk["residentBytes"] for walk in counted),
            at_most(400),
        ),
        Row("waited for layers", milliseconds(walk["stallMs"] / 1000 for walk in counted)),
    )
    return table


def _walk(path: Path, walks: list[dict[str, Any]]) -> float:
    """Bytes per second."""
    page_cache.drop(path)
    walks.append(js_driver("walk", path, CAPACITY_BYTES))
    return float(walks[-1]["bytes"] / walks[-1]["seconds"])


def _read(path: Path, flags: int) -> float:
    """Bytes per second, of the blocks that layers have a part in."""
    page_cache.drop(path)
    layers = extents(path)
    first = min(offset for offset, _ in layers) // BLOCK_BYTES * BLOCK_BYTES
    end = max(offset + size for offset, size in layers)
    offsets = range(first, end, BLOCK_BYTES)
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
