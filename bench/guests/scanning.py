"""The sum of 1 GiB of the model, read in place by a guest and by native C over a mapping."""

import ctypes
import mmap
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

from bench.errors import BenchError
from bench.measure import gigabytes_per_second, in_turns, ratios
from bench.page_cache import fill
from bench.table import Row, at_least
from memory64 import Guest, load_model
from models import generate

ROUNDS = 7
SIZE = 1 << 30
START = 1 << 30
UNROLLED = 8

NATIVE = """
#include <stdint.h>
#include <stddef.h>
uint64_t scan(const uint64_t *words, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++) sum += words[i];
  return sum;
}
"""


def rows() -> list[Row]:
    path = generate.llama_7b()
    fill(path)
    with load_model(path) as model, Guest(_scanner(), model) as guest:
        # The region holds the file's tensors, so the same bytes lie at another place of the file.
        info = next(iter(model.gguf.tensors.values()))
        shift = info.file_offset - model.runtime.span(info).offset
        native = _native(path, START + shift)
        in_guest = partial(guest.call, "scan", START, SIZE)
        found = in_guest()
        if not isinstance(found, int) or found % (1 << 64) != native():
            raise BenchError("the guest and native C disagree about the sum")
        seconds = in_turns(
            {"guest": partial(_timed, in_guest), "native": partial(_timed, native)}, ROUNDS
        )
    rates = {name: [SIZE / value for value in values] for name, values in seconds.items()}
    return [
        Row("scan of 1 GiB in place", gigabytes_per_second(rates["guest"])),
        Row(
            "native C (cc -O3 -march=native) over a mapping", gigabytes_per_second(rates["native"])
        ),
        Row("the guest against native C", ratios(rates["guest"], rates["native"]), at_least(0.7)),
    ]


def _scanner() -> bytes:
    """Adds 64-bit words in several vectors at once, as a compiler would."""
    lanes = range(UNROLLED)
    sums = "".join(f"(local $sum{lane} v128)" for lane in lanes)
    adds = "".join(
        f"(local.set $sum{lane} (i64x2.add (local.get $sum{lane})"
        f" (v128.load offset={16 * lane} (local.get $at))))"
        for lane in lanes
    )
    total = "(local.get $sum0)"
    for lane in lanes[1:]:
        total = f"(i64x2.add {total} (local.get $sum{lane}))"
    return f"""
    (module
      (import "memory64" "region_weights" (memory i64 1))
      (func (export "scan") (param $at i64) (param $size i64) (result i64)
        (local $end i64) {sums}
        (local.set $end (i64.add (local.get $at) (local.get $size)))
        (loop $more {adds}
          (local.set $at (i64.add (local.get $at) (i64.const {16 * UNROLLED})))
          (br_if $more (i64.lt_u (local.get $at) (local.get $end))))
        (local.set $sum0 {total})
        (i64.add (i64x2.extract_lane 0 (local.get $sum0))
                 (i64x2.extract_lane 1 (local.get $sum0)))))
    """.encode()


def _native(path: Path, offset: int) -> Callable[[], int]:
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "scan.c"), Path(folder, "scan.so")
        source.write_text(NATIVE)
        command = [
            "cc",
            "-O3",
            "-march=native",
            "-shared",
            "-fPIC",
            "-o",
            str(library),
            str(source),
        ]
        compiled = subprocess.run(command, capture_output=True, text=True)
        if compiled.returncode:
            raise BenchError(f"cc cannot compile the native scan:\n{compiled.stderr}")
        scan = ctypes.CDLL(str(library)).scan
    scan.restype = ctypes.c_uint64
    lead = offset % mmap.ALLOCATIONGRANULARITY
    with open(path, "rb") as file:
        pages = mmap.mmap(file.fileno(), SIZE + lead, access=mmap.ACCESS_COPY, offset=offset - lead)
    words = ctypes.c_uint64.from_buffer(pages, lead)
    return lambda: int(scan(ctypes.byref(words), SIZE // 8))


def _timed(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started
