"""Before anything can be done: loading the addon, starting Python, and what Python imports."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.import_time import import_seconds
from bench.measure import Sample, in_turns, js_driver, milliseconds
from bench.table import Row
from models import generate

ROUNDS = 7
MODULE = "memory64.bridge"
WORTH_A_ROW_MS = 1
BESIDE = "-X importtime, which itself takes time"

Seconds = dict[str, float]


def rows() -> list[Row]:
    with TemporaryDirectory() as folder:
        small = generate.tiny(Path(folder) / "small.gguf")
        contestants = {
            "node": partial(js_driver, "require", small),
            "imports": partial(import_seconds, MODULE),
        }
        runs = in_turns(contestants, ROUNDS)
    steps = [Row(step, _sample(runs["node"], [step])) for step in runs["node"][0]]
    return [*steps, *_import_rows(runs["imports"])]


def _import_rows(runs: list[Seconds]) -> list[Row]:
    samples = {name: _sample(runs, [name]) for name in runs[0]}
    dearest = sorted(samples, key=lambda name: samples[name].median, reverse=True)
    listed = [name for name in dearest if samples[name].median >= WORTH_A_ROW_MS]
    others = [name for name in dearest if name not in listed]
    return [
        Row(f"import {MODULE}, in Python alone", _sample(runs, dearest), None, BESIDE),
        *[Row(f"    {name}", samples[name]) for name in listed],
        Row(f"    {len(others)} others of less than 1 ms", _sample(runs, others)),
    ]


def _sample(runs: list[Seconds], names: list[str]) -> Sample:
    return milliseconds(sum(run[name] for name in names) for run in runs)
