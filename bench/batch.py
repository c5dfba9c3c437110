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
    contestants: dict[tuple[str, int], Callable[[], Any]] = {}
    for count in COUNTS:
        arguments = (path, THREADS, PROMPTED, decoded, count)
        contestants["memory64", count] = partial(python_driver, "batch_memory64", *arguments)
        if not why_no_llama_cpp():
            contestants[LLAMA_CPP, count] = partial(
                llama_cpp_driver, *arguments, driver="batch_llama_cpp"
            )
    results = in_turns(contestants, ROUNDS)
    rates = {who: [each["rate"] for each in of] for who, of in results.items()}
    for who in ("memory64", LLAMA_CPP):
        table.add(*_rows(name, who, {count: rates[at, count] for at, count in rates if at == who}))


def _rows(name: str, who: str, rates: dict[int, list[float]]) -> list[Row]:
    rows = []
    for count, values in rates.items():
        rows.append(Row(f"{name}: {count} at once, {who}", Sample(tuple(values), "tok/s")))
        if count > 1:
            against = ratios(values, rates[1])
            rows.append(Row(f"{name}: {count} at once, against 1, {who}", against))
    return rows
