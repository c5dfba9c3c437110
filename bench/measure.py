"""Samples of a figure, and contestants that take turns."""

import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import BenchError

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]
JS = ROOT / "bench" / "js"

MILLISECONDS = 1e3
MICROSECONDS = 1e6
MEGABYTE = 1_000_000
GIGABYTE = 1_000_000_000


@dataclass(frozen=True)
class Sample:
    """Every value measured, in `unit`."""

    values: tuple[float, ...]
    unit: str

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)


def milliseconds(seconds: Iterable[float]) -> Sample:
    return Sample(tuple(value * MILLISECONDS for value in seconds), "ms")


def microseconds(seconds: Iterable[float]) -> Sample:
    return Sample(tuple(value * MICROSECONDS for value in seconds), "µs")


def megabytes(sizes: Iterable[float]) -> Sample:
    return Sample(tuple(size / MEGABYTE for size in sizes), "MB")


def gigabytes_per_second(rates: Iterable[float]) -> Sample:
    return Sample(tuple(rate / GIGABYTE for rate in rates), "GB/s")


def ratios(above: Sequence[float], below: Sequence[float]) -> Sample:
    """Turn by turn, so that what disturbed one turn disturbs both sides of its ratio."""
    return Sample(tuple(a / b for a, b in zip(above, below, strict=True)), "×")


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of all `values` do not exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def in_turns(contestants: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Each contestant's results: A B C, A B C, ... after one round that does not count.

    That first round leaves compiled Python and the files' headers in the page cache, for all alike.
    """
    results: dict[str, list[T]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, contestant in contestants.items():
            result = contestant()
            if number:
                results[name].append(result)
    return results


def python_driver(module: str, *arguments: object) -> Any:
    """What `bench/py/MODULE.py` measured in a process of its own."""
    return json_from(python_command(module, *arguments))


def js_driver(name: str, *arguments: object) -> Any:
    """What `bench/js/NAME.mjs` measured in a process of its own."""
    return json_from(["node", str(JS / f"{name}.mjs"), *map(str, arguments)])


def python_command(module: str, *arguments: object) -> list[str]:
    """What runs `bench/py/MODULE.py`."""
    return [sys.executable, "-m", f"bench.py.{module}", *map(str, arguments)]


def json_from(command: Sequence[str], **environment: str) -> Any:
    """What a command prints as JSON."""
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=os.environ | environment
    )
    if done.returncode:
        raise BenchError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)
