"""Calls that find all they need in memory: what is left is the way to Python and back."""

from functools import partial
from statistics import median
from typing import Any

from bench.measure import in_turns, js_driver, microseconds, percentile
from bench.table import Row, Target, at_most
from models import generate

LAYER = 3
ROUNDS = 5


def rows() -> list[Row]:
    driver = partial(js_driver, "round_trips", generate.llama_7b(), LAYER)
    runs = in_turns({"driver": driver}, ROUNDS)["driver"]
    return [
        *_rows("cacheStats()", [run["cacheStats"] for run in runs]),
        *_rows("cached getLayer()", [run["getLayer"] for run in runs], at_most(60), at_most(10)),
    ]


def _rows(
    call: str, runs: list[Any], alone: Target | None = None, each: Target | None = None
) -> list[Row]:
    def figure(way: str, percent: float) -> list[float]:
        return [percentile(run[way], percent) for run in runs]

    return [
        Row(f"{call}, one by one", microseconds(figure("sequential", 50)), alone),
        Row(f"{call}, one by one, 99th percentile", microseconds(figure("sequential", 99))),
        Row(
            f"{call}, 1000 at once, each",
            microseconds(median(run["pipelined"]) for run in runs),
            each,
        ),
    ]
