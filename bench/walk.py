"""Does a walk over all layers run as fast as the disk can be read, in a tenth of the memory?

The page cache is dropped before every turn. The disk's rate is the better one of plain reading of
the same bytes, through the page cache and past it.
"""

from functools import partial
from pathlib import Path
from typing import Any

from bench import page_cache, plain_reading
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
ROUNDS = 3


def run() -> Table:
    path = generate.llama_7b()
    layers = extents(path)
    extent = min(offset for offset, _ in layers), max(offset + size for offset, size in layers)
    walks: list[dict[str, Any]] = []
    rates = in_turns(
        {
            "walk": partial(_walk, path, walks),
            "cached": partial(plain_reading.through_the_cache, path, extent),
            "direct": partial(plain_reading.past_the_cache, path, extent),
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
    page_cache.drop_and_settle(path)
    walks.append(js_driver("walk", path, CAPACITY_BYTES))
    return float(walks[-1]["bytes"] / walks[-1]["seconds"])
