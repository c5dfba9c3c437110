"""How fast is text made by a model that does not fit, beside llama.cpp?

Each process runs in a control group with a limit, after the file has been dropped from the page
cache: what another group had read would count as nobody's, and defeat the limit. llama.cpp maps
the file and leaves it to the system what stays.

The bound is what no way of keeping and streaming can exceed here: a token takes as long as it
takes to compute when everything is in memory, or to read what was not kept at the disk's rate (the
better one of plain reading), whichever is longer. All of it is measured in the same run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench import plain_reading
from bench.chart import Point, draw
from bench.errors import BenchError
from bench.measure import (
    Sample,
    gigabytes_per_second,
    json_from,
    megabytes,
    milliseconds,
    python_command,
    ratios,
)
from bench.memory_limit import memory_limit, why_no_limits
from bench.page_cache import drop_and_settle
from bench.peers import LLAMA_CPP, OWN_PACKAGES_ONLY, llama_cpp_command, why_no_llama_cpp
from bench.table import Row, Table, at_least, at_most
from memory64.kernels import usable_cores
from models import generate

ROUNDS = 2
PROMPTED = 4
DECODED = 5
DECODED_WITHOUT_LIMIT = 32
"""As many as that, since each takes a tenth of a second."""
GIB = 1 << 30
NO_LIMIT = 12.0
"""GiB: three times the model."""

AGAINST_LLAMA_CPP = {1.5: 2.4, 2.5: 3.0, 3.5: 5.0, NO_LIMIT: 1.0}
OF_THE_BOUND = 0.85
FOR_THE_CHART = (2.0, 3.0, 4.0, 5.0)

Figures = dict[str, Any]


@dataclass(frozen=True)
class Turn:
    """What was measured one after the other under one limit."""

    ours: Figures
    peer: Figures | None
    disk: float
    """Bytes per second."""


def run() -> Table:
    if reason := why_no_limits():
        raise BenchError(reason)
    table = Table("How fast is text made by a model that does not fit, beside llama.cpp?")
    path = generate.llama_7b()
    limits = sorted([*AGAINST_LLAMA_CPP, *FOR_THE_CHART])
    turns: dict[float, list[Turn]] = {limit: [] for limit in limits}
    for _ in range(ROUNDS):
        for limit in limits:
            turns[limit].append(_turn(path, limit))
    compute = max(each.ours["decodeRate"] for each in turns[NO_LIMIT])
    for limit in AGAINST_LLAMA_CPP:
        table.add(*_rows(limit, turns[limit], compute))
    table.add(*_large())
    draw([_point(limit, turns[limit], compute) for limit in limits if limit != NO_LIMIT])
    return table


def _turn(path: Path, limit: float) -> Turn:
    decoded = DECODED_WITHOUT_LIMIT if limit == NO_LIMIT else DECODED
    arguments = (path, usable_cores(), PROMPTED, decoded)
    peer = None
    if not why_no_llama_cpp():
        peer = _limited(path, limit, llama_cpp_command(*arguments), **OWN_PACKAGES_ONLY)
    ours = _limited(path, limit, python_command("run_streaming", *arguments))
    disk = max(plain_reading.through_the_cache(path), plain_reading.past_the_cache(path))
    return Turn(ours, peer, disk)


def _limited(path: Path, limit: float, command: Sequence[str], **environment: str) -> Figures:
    drop_and_settle(path)
    with memory_limit(int(limit * GIB)) as group:
        figures: Figures = json_from(group.command(command), **environment)
        return figures | {"peakBytes": group.peak_bytes, "failures": group.failures}


def _bound(turn: Turn, compute: float) -> float:
    reading: float = turn.ours["streamedBytes"] / turn.disk
    return 1 / max(1 / compute, reading)


def _rows(limit: float, turns: list[Turn], compute: float) -> list[Row]:
    name = "no limit" if limit == NO_LIMIT else f"{limit:g} GiB"
    ours = [turn.ours["decodeRate"] for turn in turns]
    rows = [Row(f"{name}: memory64", Sample(tuple(ours), "tok/s"))]
    target = at_least(AGAINST_LLAMA_CPP[limit])
    peers = [turn.peer["decodeRate"] for turn in turns if turn.peer]
    if peers:
        rows.append(Row(f"{name}: {LLAMA_CPP}", Sample(tuple(peers), "tok/s")))
        rows.append(Row(f"{name}: against {LLAMA_CPP}", ratios(ours, peers), target))
    else:
        rows.append(Row(f"{name}: against {LLAMA_CPP}", None, target, why_no_llama_cpp() or ""))
    if limit == NO_LIMIT:
        return rows
    bounds = [_bound(turn, compute) for turn in turns]
    rows += [
        Row(f"{name}: of the bound", ratios(ours, bounds), at_least(OF_THE_BOUND)),
        Row(f"{name}: kept", megabytes(turn.ours["keptBytes"] for turn in turns)),
        Row(
            f"{name}: read for a token",
            megabytes(turn.ours["readBytesPerToken"] for turn in turns),
        ),
        Row(f"{name}: the disk", gigabytes_per_second(turn.disk for turn in turns)),
        Row(f"{name}: most memory used", megabytes(turn.ours["peakBytes"] for turn in turns)),
        Row(
            f"{name}: times the limit was reached",
            Sample(tuple(turn.ours["failures"] for turn in turns), ""),
        ),
    ]
    return rows


def _point(limit: float, turns: list[Turn], compute: float) -> Point:
    def median(values: list[float]) -> float:
        return Sample(tuple(values), "tok/s").median

    peers = [turn.peer["decodeRate"] for turn in turns if turn.peer]
    return Point(
        limit_gib=limit,
        ours=median([turn.ours["decodeRate"] for turn in turns]),
        peer=median(peers) if peers else None,
        bound=median([_bound(turn, compute) for turn in turns]),
    )


def _large() -> list[Row]:
    path = _large_file()
    name = f"{path.stat().st_size / 1e9:.1f} GB under 2 GiB"
    command = python_command("run_streaming", path, usable_cores(), PROMPTED, 2)
    turns = [_limited(path, 2, command) for _ in range(ROUNDS)]
    return [
        Row(f"{name}: opening", milliseconds(t["openSeconds"] for t in turns), at_most(15)),
        Row(f"{name}: decode", Sample(tuple(t["decodeRate"] for t in turns), "tok/s")),
        Row(f"{name}: most memory used", megabytes(t["peakBytes"] for t in turns)),
    ]


@cache
def _large_file() -> Path:
    return generate.llama_13b()
