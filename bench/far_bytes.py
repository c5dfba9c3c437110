"""Are bytes 138 GB into a file true, whoever reads them?

The 70B-shaped file is all holes but for its header and 64 marked bytes at the very end.
"""

from pathlib import Path

import wasmtime

from bench.measure import js_driver
from bench.table import Row, Table
from memory64 import Memory64Model, Memory64Runtime, load_model
from models import generate

GUEST = """
(module
  (import "memory64" "region_weights" (memory $weights i64 1))
  (import "env" "memory64_read" (func $read (param i64 i32 i32) (result i32)))
  (memory $own (export "memory") 1)
  (func (export "copy") (param $offset i64) (param $size i32) (result i32)
    (call $read (local.get $offset) (i32.const 0) (local.get $size)))
  (func (export "copied") (param $at i32) (result i64)
    (i64.load $own (local.get $at)))
  (func (export "in_place") (param $offset i64) (result i64)
    (i64.load $weights (local.get $offset))))
"""

WORD_BYTES = 8


def run() -> Table:
    path, mark = generate.llama_70b_sparse(), generate.marked()
    table = Table(f"Are the last {len(mark.data)} of {path.stat().st_size:,} bytes true?")
    with load_model(path) as model:
        offset = model.tensors[mark.tensor].offset + mark.offset
        found = {
            "Python, Tensor.data": _by_tensor(model, mark),
            "Python, Memory64Runtime.read": _by_runtime(model, offset, len(mark.data)),
            **_by_guest(model.runtime, offset, len(mark.data)),
            "JavaScript, getLayer and Tensor.data": _by_javascript(path, mark),
        }
    table.add(*[Row(reader, data == mark.data) for reader, data in found.items()])
    return table


def _by_tensor(model: Memory64Model, mark: generate.Mark) -> bytes:
    data = model.tensors[mark.tensor].data
    return data[mark.offset : mark.offset + len(mark.data)].tobytes()


def _by_runtime(model: Memory64Model, offset: int, size: int) -> bytes:
    buffer = bytearray(size)
    model.runtime.read(offset, buffer)
    return bytes(buffer)


def _by_guest(runtime: Memory64Runtime, offset: int, size: int) -> dict[str, bytes]:
    store = wasmtime.Store(runtime.engine)
    linker = wasmtime.Linker(runtime.engine)
    runtime.add_to_linker(linker)
    runtime.add_regions_to_linker(linker, store)
    exports = linker.instantiate(store, wasmtime.Module(runtime.engine, GUEST)).exports(store)

    def call(name: str, *arguments: int) -> int:
        function = exports[name]
        assert isinstance(function, wasmtime.Func)
        return int(function(store, *arguments))

    def words(name: str, start: int) -> bytes:
        loads = [call(name, at) for at in range(start, start + size, WORD_BYTES)]
        return b"".join(word.to_bytes(WORD_BYTES, "little", signed=True) for word in loads)

    copied = call("copy", offset, size)
    return {
        "a WebAssembly guest, its own loads from region_weights": words("in_place", offset),
        "a WebAssembly guest, env.memory64_read": words("copied", 0)[: max(copied, 0)],
    }


def _by_javascript(path: Path, mark: generate.Mark) -> bytes:
    found = js_driver("far_bytes", path, mark.tensor, mark.offset, len(mark.data))
    return bytes.fromhex(found["hex"])
