"""What do several prompts at once gain?

Tokens per second of all texts together, after their prompts of 16 tokens were seen: of 1, 2, 4, 8
and 16 prompts, each figure from a process of its own; the processes take turns. llama.cpp maps the
file as it is, and decodes batches of the same size.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench.measure import Sample, in_turns, python_driver, ratios
from bench.page_cache import fill
from bench.peers import LLAMA_CPP, llama_cpp_driver, why_no_llama_cpp
from bench.table import Row, Table
from models import fetch, generate

ROUNDS = 2
COUNTS = (1, 2, 4, 8, 16)
THREADS = 2
PROMPTED = 16
OURS = "memory64"


def run() -> Table:
    table = Table("What do several prompts at once gain?")
    for name, path, decoded in (
        ("7B", generate.llama_7b(), 6),
        ("SmolLM2", fetch.smollm2(), 32),
    ):
        _model(table, name, path, decoded)
    return table


def _model(table: Table, name: str, path: Path, decoded: int) -> None:
    fill(path)
    contestants: dict[str, Callable[[], Any]] = {}
    for count in COUNTS:
        arguments = (path, THREADS, PROMPTED, decoded, count)
        contestants[f"{OURS}, {count}"] = partial(python_driver, "batch_memory64", *arguments)
        if not why_no_llama_cpp():
            contestants[f"{LLAMA_CPP}, {count}"] = partial(
                llama_cpp_driver, *arguments, driver="batch_llama_cpp"
            )
    results = in_turns(contestants, ROUNDS)
    for who in (OURS, LLAMA_CPP):
        if f"{who}, 1" in results:
            of = {count: results[f"{who}, {count}"] for count in COUNTS}
            table.add(*_rows(f"{name}, {who}", of))


def _rows(name: str, results: dict[int, list[Any]]) -> list[Row]:
    rates = {count: [each["rate"] for each in of] for count, of in results.items()}
    rows = [
        Row(f"{name}: {count} at once", Sample(tuple(values), "tok/s"))
        for count, values in rates.items()
    ]
    rows += [
        Row(f"{name}: {count} at once, against 1", ratios(values, rates[1]))
        for count, values in rates.items()
        if count > 1
    ]
    return rows
