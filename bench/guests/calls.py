"""A guest that calls the host in a loop: by the fast functions, and by Python's."""

from collections.abc import Callable
from functools import partial
from time import perf_counter

import wasmtime

from bench.measure import in_turns, microseconds
from bench.table import Row, Target, at_most
from memory64 import Guest, Memory64Model, load_model
from models import generate

ROUNDS = 7
FAST_CALLS = 1_000_000
PYTHON_CALLS = 20_000

CALLER = b"""
(module
  (import "env" "memory64_is_enabled" (func $is_enabled (result i32)))
  (import "env" "memory64_read" (func $read (param i64 i32 i32) (result i32)))
  (memory (export "memory") 16)
  (func (export "empty") (param $count i32)
    (loop $again
      (drop (call $is_enabled))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
  (func (export "read") (param $count i32)
    (loop $again
      (drop (call $read (i64.const 4096) (i32.const 64) (i32.const 64)))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))))
"""


def rows() -> list[Row]:
    with load_model(generate.llama_7b()) as model, Guest(CALLER, model) as guest:
        fast = partial(guest.call)
        slow = _through_python(model)
        seconds = in_turns(
            {
                "empty": partial(_each, fast, "empty", FAST_CALLS),
                "empty, Python": partial(_each, slow, "empty", PYTHON_CALLS),
                "read": partial(_each, fast, "read", FAST_CALLS),
                "read, Python": partial(_each, slow, "read", PYTHON_CALLS),
            },
            ROUNDS,
        )
    return [
        _row("empty host call", seconds["empty"], at_most(0.05)),
        _row("empty host call, through Python", seconds["empty, Python"]),
        _row("memory64_read of 64 bytes", seconds["read"]),
        _row("memory64_read of 64 bytes, through Python", seconds["read, Python"]),
    ]


def _through_python(model: Memory64Model) -> Callable[[str, int], object]:
    """The exports of a guest that a program links by itself."""
    runtime = model.runtime
    store = wasmtime.Store(runtime.engine)
    linker = wasmtime.Linker(runtime.engine)
    runtime.add_to_linker(linker)
    instance = linker.instantiate(store, wasmtime.Module(runtime.engine, CALLER))
    exports = instance.exports(store)
    return lambda name, count: exports[name](store, count)  # type: ignore[operator]


def _each(call: Callable[..., object], name: str, count: int) -> float:
    started = perf_counter()
    call(name, count)
    return (perf_counter() - started) / count


def _row(work: str, seconds: list[float], target: Target | None = None) -> Row:
    return Row(work, microseconds(seconds), target)
