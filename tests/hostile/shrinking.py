"""Guests under whose hands a file becomes shorter: `python shrinking.py WAY ROUNDS FOLDER`.

In each round a guest reads a model of its own without an end, while another process cuts the file
at a moment of its own. The guest's call has to end in SourceChangedError, or with the code for it,
and a guest over another model must not notice. Prints how often which of the two happened.
"""

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

if not __package__:  # run as a file: Python then looks for modules beside it, not above it
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from memory64 import Memory64Model, SourceChangedError, load_model
from memory64.guest import Guest, GuestLimits
from models import generate

CUTTER = """
import os, sys, time
for line in sys.stdin:
    path, size, seconds = line.split()
    print(flush=True)
    time.sleep(float(seconds))
    os.truncate(path, int(size))
"""

LONGEST_WAIT = 0.004
"""Seconds: a guest goes around several times in these."""

READ_FAILED = {"read_small": -2, "read_large": -2, "load_layer": -4}

GUEST = """
(module
  (import "env" "memory64_load_layer" (func $load_layer (param i32 i32 i32) (result i32)))
  (import "env" "memory64_read" (func $read (param i64 i32 i32) (result i32)))
  (import "memory64" "region_weights" (memory $weights i64 1))
  (memory $own (export "memory") 40)
  (func (export "load") (param $from i64) (param $to i64) (result i64) {load})
  (func (export "vector_load") (param $from i64) (param $to i64) (result i64) {vector_load})
  (func (export "copy") (param $from i64) (param $to i64) (result i64) {copy})
  (func (export "fill") (param $from i64) (param $to i64) (result i64) {fill})
  (func (export "store") (param $from i64) (param $to i64) (result i64) {store})
  (func (export "read_small") (param $from i64) (param $to i64) (result i64) {read_small})
  (func (export "read_large") (param $from i64) (param $to i64) (result i64) {read_large})
  (func (export "load_layer") (param $from i64) (param $to i64) (result i64) {load_layer})
  (func (export "once") (param $at i64) (result i64) (i64.load $weights (local.get $at))))
"""


def around(step: int, body: str) -> str:
    """For ever: `body` at each place from $from to $to."""
    return f"""(local $at i64)
      (loop $again
        (local.set $at (local.get $from))
        (loop $places
          {body}
          (local.set $at (i64.add (local.get $at) (i64.const {step})))
          (br_if $places (i64.le_u (i64.add (local.get $at) (i64.const {step})) (local.get $to))))
        (br $again))
      unreachable"""


def until_it_fails(call: str) -> str:
    """Returns the first code that is no count of bytes."""
    return f"""(if (i32.lt_s {call} (i32.const 0)) (then (return (i64.extend_i32_s {call}))))"""


WAYS = {
    "load": around(64, "(drop (i64.load $weights (local.get $at)))"),
    "vector_load": around(64, "(drop (v128.load $weights (local.get $at)))"),
    "store": around(512, "(i64.store $weights (local.get $at) (i64.const -1))"),
    "copy": around(
        50_000,
        "(memory.copy $own $weights (i32.const 0) (local.get $at) (i32.const 50000))",
    ),
    "fill": around(
        50_000, "(memory.fill $weights (local.get $at) (i32.const 1) (i64.const 50000))"
    ),
    "read_small": around(
        5000,
        until_it_fails("(call $read (local.get $at) (i32.const 0) (i32.const 5000))"),
    ),
    "read_large": around(
        100_000,
        until_it_fails("(call $read (local.get $at) (i32.const 0) (i32.const 100000))"),
    ),
    "load_layer": around(
        1 << 62,
        until_it_fails("(call $load_layer (i32.const 1) (i32.const 0) (i32.const 2621440))"),
    ),
}
MODULE = GUEST.format(**WAYS).encode()


def used(model: Memory64Model) -> tuple[int, int]:
    tensors = model.tensors.values()
    return (
        min(tensor.offset for tensor in tensors),
        max(tensor.offset + tensor.nbytes for tensor in tensors),
    )


class Cutter:
    """The other process."""

    def __init__(self, randomness: random.Random) -> None:
        self._random = randomness
        self._process = subprocess.Popen(
            [sys.executable, "-c", CUTTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def begin(self, path: Path) -> None:
        """Some pages go, in a while."""
        assert self._process.stdin and self._process.stdout
        size = self._random.randrange(path.stat().st_size // 2)
        seconds = self._random.uniform(0, LONGEST_WAIT)
        print(path, size, seconds, file=self._process.stdin, flush=True)
        self._process.stdout.readline()

    def end(self) -> None:
        self._process.communicate()


def play(way: str, path: Path, cutter: Cutter) -> str:
    with (
        load_model(path, memory64=True) as model,
        Guest(MODULE, model, limits=GuestLimits(timeout=60)) as guest,
    ):
        start, end = used(model)
        cutter.begin(path)
        try:
            result = guest.call(way, start, end)
        except SourceChangedError:
            check_that_it_stays_so(guest, way, start, end)
            return "SourceChangedError"
        assert result == READ_FAILED[way], result
        return "code"


def check_that_it_stays_so(guest: Guest, way: str, start: int, end: int) -> None:
    for _ in range(2):
        try:
            guest.call(way, start, end)
        except SourceChangedError:
            continue
        raise AssertionError("the guest goes on with zeros")


def main(way: str, rounds: int, folder: Path) -> None:
    cutter = Cutter(random.Random(way))
    content = generate.tiny(folder / "whole.gguf").read_bytes()
    endings: Counter[str] = Counter()
    with (
        load_model(folder / "whole.gguf", memory64=True) as model,
        Guest(MODULE, model) as neighbour,
    ):
        at = used(model)[0]
        expected = neighbour.call("once", at)
        for turn in range(rounds):
            path = folder / f"{turn}.gguf"
            path.write_bytes(content)
            endings[play(way, path, cutter)] += 1
            path.unlink()
            assert neighbour.call("once", at) == expected
    cutter.end()
    print(json.dumps(endings))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
