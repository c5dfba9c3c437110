"""The functions that guests call often, as WebAssembly of our own: no way through Python.

Two small modules stand beside each guest. The *front* is what the guest imports: its
``memory64_read`` jumps through a table, which at first leads to Python. Once the guest is
there, and with it its memory, the *back* puts a copy into that table: it knows the
regions and the guest's memory, and copies from the one to the other. What is large, crosses
regions or is wrong in any way it leaves to Python, so that there is one place that decides;
and everything, once the host has written into its regions, which are not the guest's.
"""

import ctypes
from collections.abc import Sequence
from functools import cache

import wasmtime

from ..errors import CapacityError
from .engine import GuestEngine
from .host import GuestMemory, Host, read
from .region import Region
from .stats import Counts

MAX_FAST_BYTES = 1 << 16
"""Above, Python's five microseconds no longer count, and it reads ahead."""

MAX_REGIONS = 64
"""A module may import 100 memories at most."""

_READ = "(type $read (func (param i64 i32 i32) (result i32)))"
_SLOW = '(import "python" "read" (func $slow (type $read)))'
_COUNTS = '(import "memory64" "counts" (memory $counts 1 1))'

_FRONT = f"""
(module {_READ} {_SLOW} {_COUNTS}
  (table (export "table") 1 1 funcref)
  (elem (i32.const 0) $slow)
  (func (export "memory64_read") (type $read)
    (call_indirect (type $read) (local.get 0) (local.get 1) (local.get 2) (i32.const 0)))
  (func (export "memory64_is_enabled") (result i32) (i32.const 1))
  (func (export "memory64_stats") (result i64)
    (i64.add (i64.load $counts (i32.const {8 * Counts.GUEST_READS}))
             (i64.load $counts (i32.const {8 * Counts.READS})))))
"""

# Not `start + size <= end`: an offset near 2^64 would wrap around to a small one.
_TRY_REGION = """
    (local.set $start (i64.sub (local.get $offset) (i64.const {start})))
    (if (i32.and (i64.lt_u (local.get $start) (i64.const {size}))
                 (i64.le_u (local.get $wide) (i64.sub (i64.const {size}) (local.get $start))))
      (then
        (memory.copy $guest $region_{index}
          (local.get $to) (local.get $start) (local.get $size))
        (return (call $count (local.get $size)))))
"""

_BACK = """
(module {read} {slow} {counts}
  (import "front" "table" (table 1 funcref))
  (import "guest" "memory" (memory $guest 0))
  {imports}
  (func $count (param $size i32) (result i32)
    (drop (i64.atomic.rmw.add $counts (i32.const {guest_reads}) (i64.const 1)))
    (drop (i64.atomic.rmw.add $counts (i32.const {guest_bytes})
      (i64.extend_i32_u (local.get $size))))
    (local.get $size))
  (func $fast (type $read) (param $offset i64) (param $to i32) (param $size i32) (result i32)
    (local $start i64) (local $wide i64)
    (local.set $wide (i64.extend_i32_u (local.get $size)))
    (if (i32.and (i64.eqz (i64.load $counts (i32.const {writes})))
          (i32.and (i32.le_u (local.get $size) (i32.const {max_fast}))
                   (i64.le_u (i64.add (i64.extend_i32_u (local.get $to)) (local.get $wide))
                             (i64.shl (i64.extend_i32_u (memory.size $guest)) (i64.const 16)))))
      (then {tries}))
    (call $slow (local.get $offset) (local.get $to) (local.get $size)))
  (elem (i32.const 0) $fast))
"""


class FastHost:
    """The front of one guest, and its back once ``connect`` was called."""

    def __init__(
        self, engine: GuestEngine, store: wasmtime.Store, host: Host, counts: Counts
    ) -> None:
        """Make the front in the guest's ``store``."""
        self._engine = engine
        self._store = store
        self._target = target = _Target()
        i32, i64 = wasmtime.ValType.i32(), wasmtime.ValType.i64()

        # Must not know this object: wasmtime keeps it as long as the store, which would then
        # never end by itself.
        def slow(caller: wasmtime.Caller, offset: int, pointer: int, size: int) -> int:
            return read(host, GuestMemory(target.memory, caller), offset, pointer, size)

        kind = wasmtime.FuncType([i64, i32, i32], [i32])
        self._linker = wasmtime.Linker(store.engine)
        self._linker.define(
            store, "python", "read", wasmtime.Func(store, kind, slow, access_caller=True)
        )
        self._linker.define(store, "memory64", "counts", _counts_memory(store, counts))
        self._front = self._linker.instantiate(store, engine.module(_wasm(_FRONT)))

    def add_to_linker(self, linker: wasmtime.Linker) -> None:
        """Define the functions of the front, but not its table, for the guest to import."""
        exports = self._front.exports(self._store)
        for name in ("memory64_read", "memory64_is_enabled", "memory64_stats"):
            linker.define(self._store, "env", name, exports[name])

    def connect(
        self, memory: wasmtime.Memory, regions: Sequence[tuple[Region, wasmtime.Memory]]
    ) -> None:
        """Serve the guest from now on that has this ``memory``."""
        self._target.memory = memory
        if len(regions) > MAX_REGIONS:
            return
        linker, store = self._linker, self._store
        linker.define_instance(store, "front", self._front)
        linker.define(store, "guest", "memory", memory)
        for index, (_, mapped) in enumerate(regions):
            linker.define(store, "region", str(index), mapped)
        back = _back([region.size_bytes for region, _ in regions])
        linker.instantiate(store, self._engine.module(_wasm(back)))


class _Target:
    """What the slow function has to know of the guest."""

    memory: wasmtime.Memory | None = None


@cache
def _wasm(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


def _counts_memory(store: wasmtime.Store, counts: Counts) -> wasmtime.Memory:
    try:
        memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(1, 1)))
    except wasmtime.WasmtimeError as error:
        raise CapacityError(
            "a guest needs more address space than this process may reserve "
            f"(see 'ulimit -v'): {error}"
        ) from error
    counts.page.appear_at(ctypes.addressof(memory.data_ptr(store).contents))
    return memory


def _back(sizes: Sequence[int]) -> str:
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    numbered = list(enumerate(zip(starts, sizes, strict=True)))
    return _BACK.format(
        read=_READ,
        slow=_SLOW,
        counts=_COUNTS,
        imports="".join(
            f'(import "region" "{index}" (memory $region_{index} i64 1))' for index, _ in numbered
        ),
        tries="".join(
            _TRY_REGION.format(index=index, start=start, size=size)
            for index, (start, size) in numbered
        ),
        writes=8 * Counts.WRITES,
        guest_reads=8 * Counts.GUEST_READS,
        guest_bytes=8 * Counts.GUEST_BYTES,
        max_fast=MAX_FAST_BYTES,
    )
