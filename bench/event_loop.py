"""Does Node's event loop go on turning while 4 GB are loaded?

Each run is a process of its own that watches its idle loop first: what it sees there is the noise
of the machine. Then it loads the model, starting Python on the way, and preloads every layer.
"""

from functools import partial
from pathlib import Path
from typing import Any

from bench import page_cache
from bench.measure import Sample, in_turns, js_driver, milliseconds
from bench.table import Row, Table, at_most
from models import generate

ROUNDS = 5
ALLOWED = at_most(10)


def run() -> Table:
    path = generate.llama_7b()
    cases = {"page cache dropped": partial(_cold, path), "page cache warm": partial(_warm, path)}
    results = in_turns(cases, ROUNDS)
    table = Table("How long does Node's event loop stand still while 4 GB are preloaded?")
    for case, runs in results.items():
        table.add(*_rows(case, runs))
    return table


def _cold(path: Path) -> Any:
    page_cache.drop_and_settle(path)
    return js_driver("event_loop", path)


def _warm(path: Path) -> Any:
    page_cache.fill(path)
    return js_driver("event_loop", path)


def _rows(case: str, runs: list[Any]) -> list[Row]:
    def lag(phase: str, way: str, figure: str) -> Sample:
        return milliseconds(run[phase][way][figure] for run in runs)

    noise = lag("idle", "monitor", "max")
    beside = f"idle: {noise.low:.1f} – {noise.high:.1f} ms"
    return [
        Row(f"{case}, loading and preloading", milliseconds(run["seconds"] for run in runs)),
        Row(f"{case}, longest lag", lag("loading", "monitor", "max"), ALLOWED, beside),
        Row(f"{case}, longest lag, by setInterval", lag("loading", "interval", "max"), ALLOWED),
        Row(f"{case}, lag, 99th percentile", lag("loading", "monitor", "p99")),
        Row(f"{case}, idle loop before", noise),
        Row(f"{case}, idle loop before, by setInterval", lag("idle", "interval", "max")),
    ]
