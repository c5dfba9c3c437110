"""How fast do quantised weights become float32, on one core?

A matrix that is 64 MiB of float32, of each type for which there is something to compute. gguf-py is
the reference, in numpy; libgguf is native code.
"""

from bench.measure import Sample, gigabytes_per_second, python_driver, ratios
from bench.peers import GGUF_PY, LIBGGUF
from bench.table import Row, Table, at_least

ROUNDS = 31
COLUMNS = 4096
BYTES = 4 * COLUMNS * COLUMNS
TARGETS = {LIBGGUF: at_least(0.7), GGUF_PY: at_least(3)}
OURS = "memory64"

Seconds = dict[str, list[float]]
"""By who took them."""


def run() -> Table:
    table = Table("How fast do quantised weights become float32, on one core?")
    for type_, by_peer in python_driver("dequantize", COLUMNS, ROUNDS).items():
        table.add(*_rows(type_, by_peer))
    return table


def _rows(type_: str, by_peer: dict[str, Seconds]) -> list[Row]:
    rows = [Row(f"{type_}: {OURS}", _rate([s for each in by_peer.values() for s in each[OURS]]))]
    for peer, seconds in by_peer.items():
        rows += [
            Row(f"{type_}: {peer}", _rate(seconds[peer])),
            Row(f"{type_}: against {peer}", ratios(seconds[peer], seconds[OURS]), TARGETS[peer]),
        ]
    return rows


def _rate(seconds: list[float]) -> Sample:
    return gigabytes_per_second(BYTES / each for each in seconds)
