"""The bytes of a 7B layer in JavaScript: shown by `getLayer`, or read into a Buffer by `fs`.

The page cache holds the file. Who only shows bytes has yet to map each page when it is first
touched, so every way is measured a second time with a byte of each page read. In each turn the
ways take the same layer.
"""

import json
from functools import partial
from typing import Any

from bench import page_cache
from bench.layers import extents
from bench.measure import MEGABYTE, in_turns, js_driver, megabytes, milliseconds, ratios
from bench.table import Row, at_most
from models import generate

ROUNDS = 3
OURS = "getLayer"
THEIRS = ("FileHandle.read", "fs.readSync")
UNTOUCHED, TOUCHED = "seconds", "touchedSeconds"


def rows() -> list[Row]:
    path = generate.llama_7b()
    page_cache.fill(path)
    layers = extents(path)
    driver = partial(js_driver, "layer_or_read", path, json.dumps(layers))
    runs = in_turns({"driver": driver}, ROUNDS)["driver"]
    turns = {way: [turn for run in runs for turn in run[way]] for way in (OURS, *THEIRS)}
    smallest, *_, largest = sorted(size / MEGABYTE for _, size in layers)
    return [
        *_rows(turns, UNTOUCHED, f"7B layer, {smallest:.0f} to {largest:.0f} MB"),
        *_rows(turns, TOUCHED, "the same, every page touched"),
        *[
            Row(
                f"private memory: {way}",
                megabytes(turn["anonymousBytes"] for turn in turns[way]),
                at_most(1) if way == OURS else None,
            )
            for way in turns
        ],
    ]


def _rows(turns: dict[str, list[Any]], figure: str, what: str) -> list[Row]:
    seconds = {way: [turn[figure] for turn in turns[way]] for way in turns}
    return [
        *[Row(f"{what}: {way}", milliseconds(seconds[way])) for way in seconds],
        *[Row(f"{what}: {way} / {OURS}", ratios(seconds[way], seconds[OURS])) for way in THEIRS],
    ]
