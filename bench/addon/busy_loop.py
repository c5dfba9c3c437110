"""Node's event loop while everything goes on at once: is there a moment in which it stands still?

In one process a 4 GB model is preloaded (from the disk, then again from the page cache), another
is opened and closed all the time, and 50 callers ask for layers and statistics.
"""

from typing import Any

from bench import page_cache
from bench.measure import Sample, in_turns, js_driver, milliseconds
from bench.table import Row, at_most
from models import fetch, generate

ROUNDS = 5
ALLOWED = {"max": at_most(10)}
NAMES = {
    "p50": "median",
    "p90": "90th percentile",
    "p99": "99th percentile",
    "p99.9": "99.9th percentile",
    "max": "longest",
}


def rows() -> list[Row]:
    runs = in_turns({"driver": _run}, ROUNDS)["driver"]
    return [
        *[
            Row(
                f"event-loop lag, everything at once: {name}",
                _lags(runs, "working", figure),
                ALLOWED.get(figure),
                _beside(_lags(runs, "idle", figure)),
            )
            for figure, name in NAMES.items()
        ],
        Row("models opened and closed meanwhile", _counts(runs, "opened")),
        Row("calls answered meanwhile", _counts(runs, "answered")),
    ]


def _run() -> Any:
    path = generate.llama_7b()
    page_cache.drop_and_settle(path)
    return js_driver("busy_loop", path, fetch.gemma())


def _lags(runs: list[Any], phase: str, figure: str) -> Sample:
    return milliseconds(run[phase]["monitor"][figure] for run in runs)


def _counts(runs: list[Any], what: str) -> Sample:
    return Sample(tuple(run[what] for run in runs), "")


def _beside(idle: Sample) -> str:
    return f"idle: {idle.low:.1f} – {idle.high:.1f} ms"
