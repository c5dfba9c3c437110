"""Guests in WAT, and the same arithmetic in numpy."""

from pathlib import Path

import numpy as np
import wasmtime
from numpy.typing import NDArray

from memory64 import Memory64Runtime

MIX_IN_PLACE = """
(module
  (import "memory64" "region_{region}" (memory i64 1))
  (func (export "mix") (param $at i64) (param $size i64) (result i64)
    (local $end i64) (local $sum i64) (local $factor i64)
    (local.set $end (i64.add (local.get $at) (local.get $size)))
    (local.set $factor (i64.const 1))
    (block $done
      (loop $words
        (br_if $done (i64.gt_u (i64.add (local.get $at) (i64.const 8)) (local.get $end)))
        (local.set $sum (i64.add (local.get $sum)
          (i64.mul (local.get $factor) (i64.load (local.get $at)))))
        (local.set $factor (i64.add (local.get $factor) (i64.const 2)))
        (local.set $at (i64.add (local.get $at) (i64.const 8)))
        (br $words)))
    (block $over
      (loop $bytes
        (br_if $over (i64.ge_u (local.get $at) (local.get $end)))
        (local.set $sum (i64.add (local.get $sum)
          (i64.mul (local.get $factor) (i64.load8_u (local.get $at)))))
        (local.set $factor (i64.add (local.get $factor) (i64.const 2)))
        (local.set $at (i64.add (local.get $at) (i64.const 1)))
        (br $bytes)))
    (local.get $sum)))
"""

CALLS_THE_HOST = """
(module
  (import "env" "memory64_load_layer" (func $load_layer (param i32 i32 i32) (result i32)))
  (import "env" "memory64_read" (func $read (param i64 i32 i32) (result i32)))
  (import "env" "memory64_is_enabled" (func $is_enabled (result i32)))
  (import "env" "memory64_stats" (func $stats (result i64)))
  (import "env" "memory64_layer_count" (func $layer_count (result i32)))
  (import "env" "memory64_layer_size" (func $layer_size (param i32) (result i64)))
  (import "env" "memory64_tensor" (func $tensor (param i32 i32 i32 i32) (result i32)))
  (memory (export "{export}") {pages})
  (func (export "load_layer") (param i32 i32 i32) (result i32)
    (call $load_layer (local.get 0) (local.get 1) (local.get 2)))
  (func (export "read") (param i64 i32 i32) (result i32)
    (call $read (local.get 0) (local.get 1) (local.get 2)))
  (func (export "is_enabled") (result i32) (call $is_enabled))
  (func (export "stats") (result i64) (call $stats))
  (func (export "layer_count") (result i32) (call $layer_count))
  (func (export "layer_size") (param i32) (result i64) (call $layer_size (local.get 0)))
  (func (export "tensor") (param i32 i32 i32 i32) (result i32)
    (call $tensor (local.get 0) (local.get 1) (local.get 2) (local.get 3))))
"""


class Guest:
    """An instance in a store of its own."""

    def __init__(self, runtime: Memory64Runtime, wat: str, *, regions: bool = False) -> None:
        self.store = wasmtime.Store(runtime.engine)
        linker = wasmtime.Linker(runtime.engine)
        runtime.add_to_linker(linker)
        if regions:
            runtime.add_regions_to_linker(linker, self.store)
        module = wasmtime.Module(runtime.engine, wat)
        self.exports = linker.instantiate(self.store, module).exports(self.store)

    def call(self, name: str, *arguments: int) -> int:
        return int(self.exports[name](self.store, *arguments))

    def memory(self, start: int, size: int) -> bytes:
        return bytes(self.exports["memory"].read(self.store, start, start + size))

    def write(self, start: int, data: bytes) -> None:
        self.exports["memory"].write(self.store, data, start)


def mix(data: NDArray[np.uint8]) -> int:
    """What the guest's ``mix`` gives for the same bytes: words times odd numbers, mod 2**64."""
    words = data[: data.size // 8 * 8].view("<u8")
    rest = data[data.size // 8 * 8 :].astype(np.uint64)
    total = 0
    for values, first in ((words, 0), (rest, words.size)):
        for start in range(0, values.size, 1 << 20):
            piece = values[start : start + (1 << 20)]
            factors = np.arange(first + start, first + start + piece.size, dtype=np.uint64) * 2 + 1
            total += int((piece * factors).sum(dtype=np.uint64))
    return total % (1 << 64)


def file_bytes(path: Path) -> NDArray[np.uint8]:
    """The whole file, by numpy's own mapping."""
    return np.memmap(path, np.uint8, mode="r")
