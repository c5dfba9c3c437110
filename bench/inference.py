"""How fast is text made, beside llama.cpp?

Each figure is from a process of its own that loads the model, computes a prompt and then token by
token; the processes take turns. llama.cpp stands here twice: mapping the file as it is (through
llama-cpp-python), and repacking all weights into memory of its own (node-llama-cpp).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench.measure import Sample, in_turns, js_driver, megabytes, python_driver, ratios
from bench.page_cache import fill
from bench.peers import (
    LLAMA_CPP,
    NODE_LLAMA_CPP,
    llama_cpp_driver,
    why_no_llama_cpp,
    why_no_packages,
)
from bench.table import Row, Table, Target, at_least, at_most
from models import fetch, generate

ROUNDS = 3
PROMPTED = 128
OURS = "memory64"

Figures = dict[str, Any]


def run() -> Table:
    table = Table("How fast is text made, beside llama.cpp?")
    _large(table)
    for name, path, decoded in (
        ("SmolLM2", fetch.smollm2(), 64),
        ("Gemma 270M", fetch.gemma(), 32),
    ):
        _small(table, name, path, decoded)
    return table


def _large(table: Table) -> None:
    path = generate.llama_7b()
    for threads in (2, 1):
        results = _results(path, threads, 16)
        name = f"7B, {threads} thread{'s' if threads > 1 else ''}"
        table.add(
            *_rates(name, "decode", results, at_least(1.0), "aim ≥ 0.8 ×"),
            *_rates(name, "prompt", results, at_least(0.6)),
        )
        if threads == 2:
            table.add(*_costs(name, results))


def _small(table: Table, name: str, path: Path, decoded: int) -> None:
    results = _results(path, 2, decoded)
    table.add(
        *_rates(name, "decode", results, at_least(0.8)),
        *_rates(name, "prompt", results, at_least(0.8)),
    )


def _results(path: Path, threads: int, decoded: int) -> dict[str, list[Figures]]:
    fill(path)
    arguments = (path, threads, PROMPTED, decoded)
    contestants: dict[str, Callable[[], Figures]] = {
        OURS: partial(python_driver, "run_memory64", *arguments)
    }
    if not why_no_llama_cpp():
        contestants[LLAMA_CPP] = partial(llama_cpp_driver, *arguments)
    if not why_no_packages():
        contestants[NODE_LLAMA_CPP] = partial(js_driver, "run_node_llama_cpp", *arguments)
    return in_turns(contestants, ROUNDS)


def _rates(
    name: str, work: str, results: dict[str, list[Figures]], target: Target, aim: str = ""
) -> list[Row]:
    rates = {who: [each[f"{work}Rate"] for each in of] for who, of in results.items()}
    rows = [
        Row(f"{name}: {work}, {who}", Sample(tuple(values), "tok/s"))
        for who, values in rates.items()
    ]
    targets = {LLAMA_CPP: (target, ""), NODE_LLAMA_CPP: (None, aim)}
    for peer, (wanted, beside) in targets.items():
        what = f"{name}: {work}, against {peer}"
        if peer in rates:
            rows.append(Row(what, ratios(rates[OURS], rates[peer]), wanted, beside))
        else:
            rows.append(Row(what, None, wanted, why_no_llama_cpp() or why_no_packages() or ""))
    return rows


def _costs(name: str, results: dict[str, list[Figures]]) -> list[Row]:
    first = {who: [each["firstTokenSeconds"] for each in of] for who, of in results.items()}
    ours = [
        each["anonymousBytes"] + each["sharedBytes"] - each["cacheBytes"] for each in results[OURS]
    ]
    rows = [Row(f"{name}: memory beside keys and values, {OURS}", megabytes(ours), at_most(100))]
    for peer in results.keys() - {OURS}:
        held = [each["anonymousBytes"] for each in results[peer]]
        rows.append(Row(f"{name}: anonymous memory, {peer}", megabytes(held)))
    rows += [
        Row(f"{name}: from loading to the first token, {who}", Sample(tuple(values), "s"))
        for who, values in first.items()
    ]
    if NODE_LLAMA_CPP in first:
        against = ratios(first[OURS], first[NODE_LLAMA_CPP])
        rows.append(Row(f"{name}: first token, against {NODE_LLAMA_CPP}", against, at_most(1)))
    return rows
