"""How fast a model's weights come from its disk, when they come as the streamer reads them."""

import os
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from ..errors import CancelledError
from ..gguf import GGUFDirectory
from ..inference.steps import walk_through
from ..inference.weight_pages import WeightPages
from ..memory import HUGE_PAGE_BYTES, Cancelled, Memory64Runtime, MemoryLayout
from ..streaming import Block, Walk

SAMPLE_BYTES = 256 << 20
_IO = Path("/proc/self/io")
_MOUNTS = Path("/proc/self/mountinfo")


def disk_key(gguf: GGUFDirectory, walk: Walk) -> str:
    """What the rate belongs to."""
    fd = gguf.sources[0].fileno()
    device = "none" if fd is None else _device(fd)
    return f"disk {device}, {walk.block_bytes} bytes at a time"


def measure_disk(gguf: GGUFDirectory, cancelled: Cancelled) -> float | None:
    """Bytes per second of some of the weights, read from the disk by a mapping of their own.

    What is not in the system's cache of files is read rather than what is.

    Returns:
        None where the weights stay in that cache, whatever it is told.

    Raises:
        CancelledError: ``cancelled`` became true.
        SourceError, SourceChangedError: they cannot be read.
    """
    with Memory64Runtime(MemoryLayout.for_model(gguf), enabled=False) as runtime:
        runtime.place(gguf)
        walk = walk_through(gguf, runtime.span)
        pages = WeightPages([runtime.space])
        pages.leaves_page_cache = True
        if walk.block_bytes >= HUGE_PAGE_BYTES:
            pages.expect_blocks()
        sample = _sample(walk, pages)
        for block in sample:
            pages.drop(block.offset, block.size)
        before, started = _bytes_read(), perf_counter()
        for block in sample:
            if cancelled():
                raise CancelledError("measuring the disk was cancelled")
            pages.bring_in(block.offset, block.size)
            pages.drop(block.offset, block.size)
        seconds = perf_counter() - started
    wanted = sum(block.size for block in sample)
    read = wanted if before is None else min(wanted, (_bytes_read() or 0) - before)
    return read / seconds if read > wanted / 2 else None


def _sample(walk: Walk, pages: WeightPages) -> Sequence[Block]:
    absent = _first(
        [each for each in walk.blocks if not pages.are_resident(each.offset, each.size)]
    )
    enough = sum(each.size for each in absent) >= min(SAMPLE_BYTES, walk.nbytes)
    return absent if enough else _first(walk.blocks)


def _first(blocks: Sequence[Block]) -> Sequence[Block]:
    size = 0
    for count, block in enumerate(blocks):
        if size >= SAMPLE_BYTES:
            return blocks[:count]
        size += block.size
    return blocks


def _bytes_read() -> int | None:
    """What this process has had read from disks, None where the system does not tell."""
    try:
        fields = dict(line.split(": ") for line in _IO.read_text().splitlines())
    except OSError:
        return None
    return int(fields["read_bytes"])


def _device(fd: int) -> str:
    """The number of the device that a file lies on, and its name."""
    number = os.fstat(fd).st_dev
    numbers = f"{os.major(number)}:{os.minor(number)}"
    try:
        mounts = [line.split(" - ") for line in _MOUNTS.read_text().splitlines()]
    except OSError:
        return numbers
    names = {where.split()[2]: what.split()[1] for where, what in mounts}
    return f"{numbers} {names.get(numbers, '')}".strip()
