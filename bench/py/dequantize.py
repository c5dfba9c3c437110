"""Dequantise a matrix of each type on one core, beside other packages: `COLUMNS ROUNDS`.

Everybody makes a new array each time, as memory64 always does: that the system clears new memory
is a good part of all figures.
"""

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter

import libgguf  # type: ignore[import-untyped]
import numpy as np
from gguf import GGMLQuantizationType as PackageType
from gguf import quants
from numpy.typing import NDArray

from bench.dequantize import OURS
from bench.measure import in_turns
from bench.peers import GGUF_PY, LIBGGUF
from memory64.gguf import GGMLQuantizationType
from memory64.kernels import KERNEL_TYPES, dequantize

QUANTISED_ROWS = 256
"""Quantising takes long: the matrix repeats these."""


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ["LIBGGUF_NUM_THREADS"] = "1"
    columns, rounds = map(int, sys.argv[1:])
    weights = np.random.default_rng(1).standard_normal((QUANTISED_ROWS, columns), np.float32) / 50
    figures = {}
    for type_ in sorted(KERNEL_TYPES - {GGMLQuantizationType.F32}):
        some = libgguf.quantize_rows(weights, int(type_)).view(np.uint8)
        rows = np.tile(some, (columns // QUANTISED_ROWS, 1))
        figures[type_.name] = _against_each(type_, rows, columns, rounds)
    print(json.dumps(figures))


def _against_each(
    type_: GGMLQuantizationType, rows: NDArray[np.uint8], columns: int, rounds: int
) -> dict[str, dict[str, list[float]]]:
    """By peer, the seconds of both.

    Memory that one has given back is slow for the next to get: each peer has turns with memory64
    alone.
    """
    ours = partial(dequantize, rows.reshape(-1), type_, (columns, columns), type_.name)
    peers: dict[str, Callable[[], object]] = {
        GGUF_PY: partial(quants.dequantize, rows, PackageType(type_))
    }
    if type_.block_length > 1:  # it knows no others
        peers[LIBGGUF] = partial(libgguf.dequantize_rows, rows, int(type_), columns)
    return {
        name: in_turns({OURS: partial(_timed, ours), name: partial(_timed, peer)}, rounds)
        for name, peer in peers.items()
    }


def _timed(work: Callable[[], object]) -> float:
    started = perf_counter()
    made = work()
    seconds = perf_counter() - started
    del made
    return seconds


main()
