"""Regions for guests that a compiler made: what a load gives, and that all else stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import wasmtime

from memory64 import (
    Guest,
    GuestModuleError,
    GuestTrapError,
    Memory64Model,
    MemoryLayout,
    load_model,
)
from memory64.guest.build import build_guest
from memory64.guest.region_loads import link_regions

LOADS = """
#include <memory64.h>
MEMORY64_REGION(weights)
MEMORY64_EXPORT(u8) uint32_t u8(uint64_t at) { return region_weights_u8(at); }
MEMORY64_EXPORT(u16) uint32_t u16(uint64_t at) { return region_weights_u16(at); }
MEMORY64_EXPORT(u32) uint32_t u32(uint64_t at) { return region_weights_u32(at); }
MEMORY64_EXPORT(u64) uint64_t u64(uint64_t at) { return region_weights_u64(at); }
MEMORY64_EXPORT(f32) float f32(uint64_t at) { return region_weights_f32(at); }
MEMORY64_EXPORT(v128) uint32_t v128(uint64_t at, int lane) {
  return (uint32_t)region_weights_v128(at)[lane];
}
MEMORY64_EXPORT(bytes) uint64_t bytes(void) { return region_weights_bytes(); }

typedef uint64_t (*load)(uint64_t);
static volatile load by_pointer = region_weights_u64;
MEMORY64_EXPORT(indirect) uint64_t indirect(uint64_t at) { return by_pointer(at); }
"""

# Every form of instruction that names a memory or is followed by more than numbers.
INSTRUCTIONS = """
(module
  (type $load (func (param i64) (result i64)))
  (func $u64 (export "memory64.region_weights.u64") (type $load) unreachable)
  (func $bytes (export "memory64.region_weights.bytes") (result i64) unreachable)
  (table 2 funcref)
  (elem (i32.const 0) $u64)
  (elem declare func $u64)
  (memory (export "memory") 1)
  (data (i32.const 0) "abcdefgh")
  (data $late "LATE")
  (func (export "copied") (result i64)
    (memory.init $late (i32.const 100) (i32.const 0) (i32.const 4))
    (data.drop $late)
    (memory.copy (i32.const 104) (i32.const 0) (i32.const 2))
    (memory.fill (i32.const 106) (i32.const 46) (i32.const 2))
    (i64.load offset=90 (i32.const 10)))
  (func (export "vectors") (param i32) (result i64)
    (v128.store (i32.const 200)
      (i8x16.shuffle 7 6 5 4 3 2 1 0 0 0 0 0 0 0 0 0
        (v128.load64_zero (local.get 0)) (v128.const i64x2 0 -1)))
    (v128.store32_lane offset=16 1 (i32.const 200) (v128.load (i32.const 200)))
    (i64.add
      (i64x2.extract_lane 0 (v128.load64_lane 0 (i32.const 200) (v128.const i64x2 0 0)))
      (i64.load32_u (i32.const 216))))
  (func (export "branches") (param i32) (result f64)
    (block $two (block $one (block $zero
      (br_table $zero $one $two (local.get 0)))
      (return (f64.const 0.5)))
      (return (f64.promote_f32 (f32.const 1.5))))
    (select (result f64) (f64.const 2.5) (f64.const -1) (ref.is_null (ref.null func))))
  (func (export "grown") (result i32)
    (drop (memory.grow (i32.const 3)))
    (memory.size))
  (func (export "tables") (param i64) (result i64)
    (table.set (i32.const 1) (ref.func $u64))
    (call_indirect (type $load) (local.get 0) (i32.const 1)))
  (func (export "tail") (param i64) (result i64) (return_call $u64 (local.get 0)) unreachable)
  (func (export "direct") (param i64) (result i64) (call $u64 (local.get 0)))
  (func (export "size") (result i64) (call $bytes)))
"""


@pytest.fixture
def model(tiny: Path) -> Iterator[Memory64Model]:
    with load_model(tiny, memory64=True) as loaded:
        yield loaded


def linked(wat: str) -> bytes:
    return link_regions(bytes(wasmtime.wat2wasm(wat)))


@pytest.mark.parametrize("wasm64", [False, True])
def test_each_load_gives_the_files_bytes(
    tmp_path: Path, model: Memory64Model, wasm64: bool
) -> None:
    source = tmp_path / "loads.c"
    source.write_text(LOADS)
    tensor = model.get_layer(0)["attn_norm.weight"]
    data = tensor.data
    with Guest(build_guest(source, wasm64=wasm64), model) as guest:
        assert set(guest.exports) == {
            *("u8", "u16", "u32", "u64", "f32", "v128", "bytes", "indirect")
        }
        assert guest.call("bytes") == model.runtime.size_bytes
        assert guest.call("f32", tensor.offset + 4) == tensor.dequantize()[1]
        for at in (0, 1, 13):
            offset = tensor.offset + at
            for name, dtype in (("u8", "u1"), ("u16", "<u2"), ("u32", "<i4"), ("u64", "<i8")):
                wanted = int(data[at:][: int(dtype[-1])].view(dtype)[0])
                assert guest.call(name, offset) == wanted
            assert guest.call("indirect", offset) == guest.call("u64", offset)
            lanes = [guest.call("v128", offset, lane) for lane in range(4)]
            assert lanes == data[at : at + 16].view("<i4").tolist()
        with pytest.raises(GuestTrapError, match="out of bounds"):
            guest.call("u64", model.runtime.size_bytes - 7)


def test_several_regions(tiny: Path, tmp_path: Path) -> None:
    source = tmp_path / "several.c"
    source.write_text("""
        #include <memory64.h>
        MEMORY64_REGION(layers_0_1)
        MEMORY64_REGION(rest)
        MEMORY64_EXPORT(u64) uint64_t u64(int rest, uint64_t at) {
          return rest ? region_rest_u64(at) : region_layers_0_1_u64(at);
        }
        MEMORY64_EXPORT(bytes) uint64_t bytes(int rest) {
          return rest ? region_rest_bytes() : region_layers_0_1_bytes();
        }
    """)
    layout = MemoryLayout.multi([("rest", 2), ("layers_0_1", 1)])
    with (
        load_model(tiny, memory64=True, layout=layout) as model,
        Guest(build_guest(source), model) as guest,
    ):
        assert (guest.call("bytes", 0), guest.call("bytes", 1)) == (1 << 30, 2 << 30)
        inside, outside = model.get_layer(1)["attn_q.weight"], model.get_layer(3)["attn_q.weight"]
        start_of_layers = 2 << 30
        wanted = int(inside.data[:8].view("<i8")[0])
        assert guest.call("u64", 0, inside.offset - start_of_layers) == wanted
        assert guest.call("u64", 1, outside.offset) == int(outside.data[:8].view("<i8")[0])


def test_all_instructions_keep_their_meaning(model: Memory64Model) -> None:
    tensor = model.get_layer(0)["attn_q.weight"]
    first = int(tensor.data[:8].view("<i8")[0])
    with Guest(linked(INSTRUCTIONS), model) as guest:
        assert guest.call("copied") == int.from_bytes(b"LATEab..", "little")
        wanted = int.from_bytes(b"hgfedcba", "little") + int.from_bytes(b"dcba", "little")
        assert guest.call("vectors", 0) == wanted
        assert [guest.call("branches", which) for which in range(3)] == [0.5, 1.5, 2.5]
        assert guest.call("grown") == 4
        assert guest.memory_bytes == 4 << 16
        for name in ("tables", "tail", "direct"):
            assert guest.call(name, tensor.offset) == first
        assert guest.call("size") == model.runtime.size_bytes


def test_without_loads_a_module_stays_as_it_is() -> None:
    wasm = bytes(wasmtime.wat2wasm('(module (memory (export "memory") 1))'))
    assert link_regions(wasm) == wasm


STUB = '(func (export "memory64.region_weights.{kind}") (param i64) (result i64) unreachable)'


@pytest.mark.parametrize(
    ("wat", "message"),
    [
        (f"(module {STUB.format(kind='u128')})", "no load 'u128' from a region"),
        (
            f'(module (import "env" "memory" (memory 1)) {STUB.format(kind="u64")})',
            "cannot import its own memory",
        ),
        (
            f"(module (memory 1) {STUB.format(kind='u64')} "
            "(func (drop (i32.atomic.load (i32.const 0)))))",
            "cannot have instruction 0xfe",
        ),
    ],
)
def test_what_cannot_be_linked_is_refused(wat: str, message: str) -> None:
    with pytest.raises(GuestModuleError, match=message):
        linked(wat)


def test_what_a_guest_writes_goes_to_its_own_memory(tmp_path: Path, model: Memory64Model) -> None:
    source = tmp_path / "writes.c"
    source.write_text("""
        #include <memory64.h>
        MEMORY64_REGION(weights)
        static uint64_t words[1000] = {5, 6};
        MEMORY64_EXPORT(words) uint64_t *words_(void) { return words; }
        MEMORY64_EXPORT(take) void take(uint64_t at) {
          for (int i = 2; i < 1000; i++) words[i] = region_weights_u64(at + 8 * i);
        }
    """)
    tensor = model.get_layer(0)["attn_q.weight"]
    before = tensor.data.tobytes()
    with Guest(build_guest(source), model) as guest:
        words = guest.call("words")
        assert isinstance(words, int)
        guest.call("take", tensor.offset)
        assert guest.read(words, 16) == bytes([5, *[0] * 7, 6, *[0] * 7])
        assert guest.read(words + 16, 8000 - 16) == before[16:8000]
    assert tensor.data.tobytes() == before
