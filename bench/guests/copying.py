"""A layer of 120 MB, copied into a guest's memory, beside memcpy of the same bytes."""

import ctypes
from functools import partial
from time import perf_counter

from bench.measure import gigabytes_per_second, in_turns, ratios
from bench.page_cache import fill
from bench.table import Row, at_least
from memory64 import Guest, Memory64Model, load_model
from models import generate

ROUNDS = 9
TIMES = 4
LAYER = 3

LOADER = b"""
(module
  (import "env" "memory64_load_layer" (func $load (param i32 i32 i32) (result i32)))
  (memory (export "memory") 2400)
  (func (export "load") (param $layer i32) (param $times i32)
    (loop $again
      (drop (call $load (local.get $layer) (i32.const 0) (i32.const -1)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))))
"""


def rows() -> list[Row]:
    path = generate.llama_7b()
    fill(path)
    with load_model(path) as model, Guest(LOADER, model) as guest:
        size = model.runtime.layer_image(LAYER).nbytes  # type: ignore[union-attr]
        target = ctypes.create_string_buffer(size)
        source = _resident(model, size)
        seconds = in_turns(
            {
                "guest": partial(_load, guest),
                "memcpy": partial(_memcpy, target, source, size),
            },
            ROUNDS,
        )
    rates = {name: [size / value for value in values] for name, values in seconds.items()}
    return [
        Row("memory64_load_layer, 120 MB", gigabytes_per_second(rates["guest"])),
        Row("memcpy of the same bytes", gigabytes_per_second(rates["memcpy"])),
        Row("load_layer against memcpy", ratios(rates["guest"], rates["memcpy"]), at_least(0.9)),
    ]


def _resident(model: Memory64Model, size: int) -> int:
    """The address of the layer's bytes, which lie together in the runtime's region."""
    first = next(iter(model.get_layer(LAYER).values()))
    return model.runtime.array(first.offset, size).ctypes.data


def _load(guest: Guest) -> float:
    started = perf_counter()
    guest.call("load", LAYER, TIMES)
    return (perf_counter() - started) / TIMES


def _memcpy(target: "ctypes.Array[ctypes.c_char]", source: int, size: int) -> float:
    started = perf_counter()
    for _ in range(TIMES):
        ctypes.memmove(target, source, size)
    return (perf_counter() - started) / TIMES
