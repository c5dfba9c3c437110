"""Guests that mean harm: each meets its error, and nobody else notices.

Every guest runs in the child process, beside a harmless one over the same model. After each attack
the process lives, the harmless guest gives what it gave, and the model and its file are as they
were.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memory64 import GuestError, GuestModuleError, GuestTimeoutError, GuestTrapError
from models import generate

from .attack import check_refusal, check_success
from .process import Answer, Child

LAST = (1 << 32) - 1
HALF = 1 << 31
PAGE = 1 << 16
MEMORY_PAGES = 40
MEMORY_BYTES = MEMORY_PAGES * PAGE
TENSOR = "blk.1.attn_q.weight"

HARMLESS = """
(module
  (import "env" "memory64_read" (func $read (param i64 i32 i32) (result i32)))
  (import "memory64" "region_weights" (memory $weights i64 1))
  (memory $own (export "memory") 1)
  (func (export "read") (param i64 i32 i32) (result i32)
    (call $read (local.get 0) (local.get 1) (local.get 2)))
  (func (export "in_place") (param $at i64) (result i64) (i64.load $weights (local.get $at))))
"""

IMPORTS = """
  (import "env" "memory64_load_layer" (func $load_layer (param i32 i32 i32) (result i32)))
  (import "env" "memory64_read" (func $read (param i64 i32 i32) (result i32)))
  (import "env" "memory64_layer_size" (func $layer_size (param i32) (result i64)))
  (import "env" "memory64_tensor" (func $tensor (param i32 i32 i32 i32) (result i32)))
"""

EXPORTS = """
  (func (export "load_layer") (param i32 i32 i32) (result i32)
    (call $load_layer (local.get 0) (local.get 1) (local.get 2)))
  (func (export "read") (param i64 i32 i32) (result i32)
    (call $read (local.get 0) (local.get 1) (local.get 2)))
  (func (export "layer_size") (param i32) (result i64) (call $layer_size (local.get 0)))
  (func (export "tensor") (param i32 i32 i32 i32) (result i32)
    (call $tensor (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
"""

ASKS = f"""(module {IMPORTS} (memory (export "memory") {MEMORY_PAGES})
  (data (i32.const 0) "attn_q.weight") {EXPORTS})"""


def module(*parts: str) -> str:
    return f"(module {' '.join(parts)})"


class Victims:
    """The harmless guest, the model and its file: what they were like before."""

    def __init__(self, child: Child, path: Path) -> None:
        self._child = child
        self._path = path
        self._content = path.read_bytes()
        check_success(child.ask("open", path=str(path), enabled=True))
        self.offset = check_success(child.ask("offset", tensor=TENSOR))
        check_success(child.ask("guest", wat=HARMLESS, name="harmless"))
        self._before = self._observe()

    def check_unharmed(self) -> None:
        assert self._observe() == self._before
        assert self._path.read_bytes() == self._content

    def attack(self, wat: str, **options: Any) -> None:
        check_success(self._child.ask("guest", wat=wat, name="hostile", **options))

    def refused(self, wat: str, error: type[GuestError], *fragments: str, **options: Any) -> None:
        """It is not even made."""
        answer = self._child.ask("guest", wat=wat, name="hostile", **options)
        check_refusal(answer, error, *fragments)

    def call(self, function: str, *arguments: int, **options: Any) -> Answer:
        return self._child.ask(
            "call", name="hostile", function=function, arguments=arguments, **options
        )

    def gives(self, expected: Any, function: str, *arguments: int, **options: Any) -> None:
        assert check_success(self.call(function, *arguments, **options)) == expected

    def fails(
        self,
        error: type[GuestError],
        text: str,
        function: str,
        *arguments: int,
        **options: Any,
    ) -> None:
        check_refusal(self.call(function, *arguments, **options), error, text)

    def memory(self, pointer: int, size: int) -> bytes:
        answer = self._child.ask("guest_memory", name="hostile", pointer=pointer, size=size)
        return bytes.fromhex(check_success(answer))

    def _observe(self) -> list[Any]:
        ask, offset = self._child.ask, self.offset
        call = {"name": "harmless", "function": "read", "arguments": [offset, 8, 1000]}
        in_place = {"name": "harmless", "function": "in_place", "arguments": [offset]}
        return [
            check_success(answer)
            for answer in (
                ask("call", **call),
                ask("guest_memory", name="harmless", pointer=0, size=PAGE),
                ask("call", **in_place),
                ask("flat_bytes", offset=offset, size=1000),
                ask("get_layer", layer_id=1),
                ask("read", name=TENSOR),
            )
        ]


@pytest.fixture
def victims(child: Child, tmp_path: Path) -> Iterator[Victims]:
    victims = Victims(child, generate.tiny(tmp_path / "tiny.gguf"))
    yield victims
    victims.check_unharmed()


@pytest.mark.parametrize(
    ("pointer", "size", "code"),
    [
        (MEMORY_BYTES, 1, -5),
        (MEMORY_BYTES - 1, 2, -5),
        (MEMORY_BYTES - 15, 16, -5),
        (HALF, 16, -5),
        (LAST, 1, -5),
        (LAST, 2, -4),
        (LAST - 14, 16, -4),
        (LAST, HALF - 1, -4),
        (0, HALF - 1, -5),
        (0, HALF, -9),
        (0, LAST, -9),
        (LAST, LAST, -9),
        (MEMORY_BYTES, 0, 0),
        (MEMORY_BYTES + 1, 0, -5),
        (LAST, 0, -5),
    ],
)
def test_pointers_and_sizes_of_a_read(victims: Victims, pointer: int, size: int, code: int) -> None:
    victims.attack(ASKS)
    victims.gives(code, "read", victims.offset, pointer, size)
    assert victims.memory(MEMORY_BYTES - 64, 64) == bytes(64)


@pytest.mark.parametrize("offset", [1 << 30, (1 << 30) - 7, 1 << 63, (1 << 64) - 1, (1 << 64) - 8])
@pytest.mark.parametrize("size", [8, 1 << 17])
def test_offsets_of_a_read(victims: Victims, offset: int, size: int) -> None:
    victims.attack(ASKS)
    victims.gives(-2, "read", offset, 0, size)
    assert victims.memory(16, 64) == bytes(64)


@pytest.mark.parametrize(
    ("pointer", "room", "code"),
    [
        (0, 0, -3),
        (LAST, 0, -3),
        (MEMORY_BYTES, HALF, -7),
        (MEMORY_BYTES - 8, LAST, -7),
        (LAST, LAST, -6),
        (LAST - 8, HALF, -6),
        (HALF, LAST, -7),
    ],
)
def test_pointers_and_sizes_of_a_layer(
    victims: Victims, pointer: int, room: int, code: int
) -> None:
    victims.attack(ASKS)
    victims.gives(code, "load_layer", 1, pointer, room)
    assert victims.memory(MEMORY_BYTES - 64, 64) == bytes(64)


@pytest.mark.parametrize("layer_id", [4, 1000, HALF, LAST])
def test_layers_that_do_not_exist(victims: Victims, layer_id: int) -> None:
    victims.attack(ASKS)
    victims.gives(-2, "load_layer", layer_id, 0, LAST)
    victims.gives(-2, "layer_size", layer_id)
    victims.gives(-2, "tensor", layer_id, 0, 13, 64)


@pytest.mark.parametrize(
    ("name", "length", "record", "code"),
    [
        (0, 13, 64, 0),
        (0, 0, 64, -2),
        (0, HALF, 64, -2),
        (0, LAST, 64, -2),
        (LAST, 13, 64, -6),
        (LAST - 12, 13, 64, -7),
        (MEMORY_BYTES - 5, 13, 64, -7),
        (0, 13, LAST, -6),
        (0, 13, MEMORY_BYTES - 63, -7),
        (0, 13, MEMORY_BYTES - 64, 0),
    ],
)
def test_names_and_records(
    victims: Victims, name: int, length: int, record: int, code: int
) -> None:
    victims.attack(ASKS)
    victims.gives(code, "tensor", 1, name, length, record)


@pytest.mark.parametrize(
    "memory",
    [
        "",
        '(memory (export "other") 1)',
        '(global (export "memory") i32 (i32.const 0))',
        '(table (export "memory") 1 funcref)',
        '(func (export "memory"))',
    ],
)
def test_no_memory(victims: Victims, memory: str) -> None:
    victims.attack(module(IMPORTS, memory, EXPORTS))
    victims.gives(-3, "read", victims.offset, 0, 8)
    victims.gives(-5, "load_layer", 1, 0, LAST)
    victims.gives(-5, "tensor", 1, 0, 13, 0)


def test_a_shared_memory(victims: Victims) -> None:
    """It would let a guest wait for ever, where no limit reaches it."""
    victims.refused(
        module(IMPORTS, '(memory (export "memory") 1 1 shared)', EXPORTS),
        GuestModuleError,
        "shared memory",
    )


def test_a_64_bit_memory(victims: Victims) -> None:
    """It is served, as far as pointers of 32 bits reach."""
    victims.attack(module(IMPORTS, f'(memory (export "memory") i64 {MEMORY_PAGES})', EXPORTS))
    victims.gives(8, "read", victims.offset, MEMORY_BYTES - 8, 8)
    victims.gives(-5, "read", victims.offset, MEMORY_BYTES - 7, 8)
    victims.gives(-4, "read", victims.offset, LAST, 8)


def test_a_region_as_its_memory(victims: Victims) -> None:
    """What is delivered there stays in the guest's own mapping."""
    region = '(import "memory64" "region_weights" (memory i64 1)) (export "memory" (memory 0))'
    victims.attack(module(region, IMPORTS, EXPORTS))
    victims.gives(4096, "read", 0, victims.offset, 4096)
    assert victims.memory(victims.offset, 4096) == victims.memory(0, 4096)


@pytest.mark.parametrize(
    "body",
    [
        "(loop $again (br $again))",
        "(loop $again (br_if $again (i32.const 1)) (br $again))",
        "(call $loops)",
        "(loop $again (drop (call $read (i64.const 0) (i32.const 0) (i32.const 1))) (br $again))",
        "(loop $again (drop (call $read (i64.const 0) (i32.const 0) (i32.const 70000)))"
        " (br $again))",
        "(loop $again (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $again))",
    ],
)
def test_an_infinite_loop(victims: Victims, body: str) -> None:
    wat = module(
        IMPORTS,
        '(memory (export "memory") 2)',
        "(func $loops (loop $again (br $again)))",
        f'(func (export "run") {body})',
    )
    victims.attack(wat)
    victims.fails(GuestTimeoutError, "ran for more than 0.1 s", "run", timeout=0.1)
    victims.fails(GuestTimeoutError, "ran for more than 0.1 s", "run", timeout=0.1)
    victims.attack(wat, fuel=100_000)
    victims.fails(GuestTrapError, "used up its fuel of 100000", "run")


@pytest.mark.parametrize(
    "recursion",
    [
        "(func $f (result i32) (i32.add (call $f) (i32.const 1)))",
        "(func $f (result i32) (i32.add (call $g) (i32.const 1)))"
        "(func $g (result i32) (i32.add (call $f) (i32.const 1)))",
        "(table 1 funcref) (elem (i32.const 0) $f) (func $f (result i32)"
        " (i32.add (call_indirect (result i32) (i32.const 0)) (i32.const 1)))",
    ],
)
def test_deep_recursion(victims: Victims, recursion: str) -> None:
    victims.attack(module(recursion, '(export "run" (func $f))'))
    for _ in range(3):
        victims.fails(GuestTrapError, "call stack exhausted", "run")


def test_calls_to_the_host_from_a_full_stack(victims: Victims) -> None:
    victims.attack(
        module(
            IMPORTS,
            '(memory (export "memory") 2)',
            """(func $f (export "run") (result i32)
              (drop (call $read (i64.const 0) (i32.const 0) (i32.const 70000)))
              (i32.add (call $f) (i32.const 1)))""",
        )
    )
    victims.fails(GuestTrapError, "call stack exhausted", "run")


def test_a_memory_bomb(victims: Victims) -> None:
    """It asks for more and more, and touches all that it gets."""
    victims.attack(
        module(
            '(memory (export "memory") 1)',
            """(func (export "run") (result i32)
              (loop $again
                (memory.fill (i32.const 0) (i32.const 1)
                  (i32.shl (memory.size) (i32.const 16)))
                (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
              (memory.size))""",
        ),
        memory_bytes=32 << 20,
    )
    victims.gives(497, "run")


@pytest.mark.parametrize(
    ("wat", "text"),
    [
        ("(memory 65536)", "memory limits"),
        ("(memory i64 0x1000000000000)", "memory limits"),
        ("(memory 1) (memory 1)", "memory count"),
        ("(memory 400)" * 90, "memory count"),
        ("(table 20000000 funcref)", "table"),
        ("(table i64 0xffffffffffffffff funcref)", ""),
        ("(table 1000000 funcref)" * 90, "table count"),
    ],
)
def test_bombs_in_declarations(victims: Victims, wat: str, text: str) -> None:
    victims.refused(module(wat), GuestModuleError, text, memory_bytes=32 << 20)


def test_a_table_bomb(victims: Victims) -> None:
    victims.attack(
        module(
            "(table $t 1 funcref)",
            """(func (export "run") (result i32)
              (loop $again
                (br_if $again (i32.ne (table.grow $t (ref.null func) (i32.const 100000))
                  (i32.const -1))))
              (table.size $t))""",
        ),
        table_elements=1_000_000,
    )
    victims.gives(900_001, "run")


WRITES = """
(module
  (import "memory64" "region_weights" (memory $weights i64 1))
  (memory $own (export "memory") 1)
  (func (export "store") (param $at i64)
    (i64.store $weights (local.get $at) (i64.const -1))
    (i32.store8 $weights (i64.add (local.get $at) (i64.const 8)) (i32.const -1))
    (v128.store $weights (i64.add (local.get $at) (i64.const 16)) (v128.const i64x2 -1 -1)))
  (func (export "atomic") (param $at i64)
    (drop (i64.atomic.rmw.xchg $weights
      (i64.and (local.get $at) (i64.const -8)) (i64.const -1))))
  (func (export "fill") (param $at i64)
    (memory.fill $weights (local.get $at) (i32.const 255) (i64.const 200000)))
  (func (export "copy") (param $at i64)
    (memory.copy $weights $own (local.get $at) (i32.const 0) (i32.const 65536)))
  (func (export "copy_within") (param $at i64)
    (memory.copy $weights $weights (local.get $at) (i64.const 0) (i64.const 65536)))
  (func (export "load") (param $at i64) (result i64) (i64.load $weights (local.get $at)))
  (func (export "grow") (result i64) (memory.grow $weights (i64.const 1))))
"""


@pytest.mark.parametrize("way", ["store", "atomic", "fill", "copy", "copy_within"])
def test_writing_into_a_region(victims: Victims, way: str) -> None:
    """The guest sees it; the file, the runtime and another guest do not."""
    victims.attack(WRITES)
    at = victims.offset // 8 * 8
    before = check_success(victims.call("load", at))
    victims.gives(None, way, at)
    after = check_success(victims.call("load", at))
    assert after == (-1 if way in ("store", "atomic", "fill") else 0)
    assert before not in (0, -1)


@pytest.mark.parametrize("way", ["store", "atomic", "fill", "copy", "copy_within", "load"])
@pytest.mark.parametrize("at", [1 << 30, (1 << 30) - 4, 1 << 40, 1 << 63, (1 << 64) - 8])
def test_beyond_the_end_of_a_region(victims: Victims, way: str, at: int) -> None:
    if way == "atomic" and at == (1 << 30) - 4:
        at += 4  # it is rounded down, into the region
    victims.attack(WRITES)
    victims.fails(GuestTrapError, "out of bounds memory access", way, at)


def test_a_region_does_not_grow(victims: Victims) -> None:
    victims.attack(WRITES)
    victims.gives(-1, "grow")


def test_called_by_several_threads_while_it_calls_the_host(victims: Victims, child: Child) -> None:
    victims.attack(
        module(
            IMPORTS,
            '(memory (export "memory") 2)',
            "(global $inside (mut i32) (i32.const 0))",
            """(func (export "run") (result i32) (local $turns i32)
              (if (global.get $inside) (then unreachable))
              (global.set $inside (i32.const 1))
              (loop $again
                (drop (call $read (i64.const 0) (i32.const 0) (i32.const 70000)))
                (drop (call $load_layer (i32.const 9) (i32.const 0) (i32.const 0)))
                (local.set $turns (i32.add (local.get $turns) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $turns) (i32.const 20))))
              (global.set $inside (i32.const 0))
              (local.get $turns))""",
        )
    )
    others: list[tuple[str, str, list[int]]] = [("harmless", "read", [0, 8, 1000])] * 4
    calls = [("hostile", "run", []), *others, ("hostile", "run", [])] * 3
    answer = check_success(child.ask("call_in_threads", calls=calls))
    assert answer == [20, 1000, 1000, 1000, 1000, 20] * 3


def test_a_trap_in_one_guest_is_not_another_s(victims: Victims, child: Child) -> None:
    victims.attack(module('(func (export "run") unreachable)'))
    calls = [("hostile", "run", []), ("harmless", "read", [0, 8, 10])] * 20
    answer = check_success(child.ask("call_in_threads", calls=calls))
    assert answer == ["GuestTrapError", 10] * 20


@pytest.mark.parametrize(
    ("body", "error", "text"),
    [
        ("unreachable", GuestTrapError, "unreachable"),
        ("(loop $again (br $again))", GuestTimeoutError, "ran for more than 0.1 s"),
        ("(call $start)", GuestTrapError, "call stack exhausted"),
        ("(drop (i32.load (i32.const -1)))", GuestTrapError, "out of bounds memory access"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", GuestTrapError, "divide by zero"),
        ("(loop $again (drop (call $read (i64.const 0) (i32.const 0) (i32.const 1)))"
         " (br $again))", GuestTimeoutError, "ran for more than"),
    ],
)  # fmt: skip
def test_a_start_function(victims: Victims, body: str, error: type[GuestError], text: str) -> None:
    wat = module(IMPORTS, '(memory (export "memory") 1)', f"(func $start {body}) (start $start)")
    timeout = 0.1 if error is GuestTimeoutError else None
    victims.refused(wat, error, text, timeout=timeout)


@pytest.mark.parametrize(
    "segment",
    [
        '(memory 1) (data (i32.const 65536) "x")',
        "(table 1 funcref) (func $f) (elem (i32.const 1) $f)",
    ],
)
def test_segments_out_of_bounds(victims: Victims, segment: str) -> None:
    victims.refused(module(segment), GuestTrapError, "out of bounds")


@pytest.mark.parametrize(
    "imported",
    ["env.memory64_write", "env.table", "python.read", "memory64.counts", "front.table"],
)
def test_imports_that_are_not_for_guests(victims: Victims, imported: str) -> None:
    room, name = imported.split(".")
    for kind in ("(func)", "(memory 1 1)", "(table 1 funcref)"):
        victims.refused(
            module(f'(import "{room}" "{name}" {kind})'), GuestModuleError, f"not: {imported}"
        )


@pytest.mark.parametrize(
    "exported",
    [
        '(func (export "f") (result v128) (v128.const i64x2 0 0))',
        '(func (export "f") (param v128 externref funcref))',
        '(global (export "f") v128 (v128.const i64x2 0 0))',
        '(table (export "f") 1 externref)',
    ],
)
def test_types_wasmtime_s_interface_has_no_names_for(victims: Victims, exported: str) -> None:
    victims.attack(module(exported, '(func (export "ok") (result i32) (i32.const 7))'))
    victims.gives(7, "ok")


@pytest.mark.parametrize(
    "proposal",
    [
        '(func (export "f") (result anyref) (ref.null any))',
        '(type $s (struct (field i32))) (func (export "f") (param (ref null $s)))',
        '(type $a (array i64)) (func (export "f") (drop (array.new_default $a (i32.const -1))))',
        '(tag (export "t") (param i32)) (func (export "f") (throw 0 (i32.const 1)))',
        '(type $c (func)) (func (export "f") (param (ref $c)))',
    ],
)
def test_proposals_that_are_off(victims: Victims, proposal: str) -> None:
    victims.refused(module(proposal), GuestModuleError, "not a valid module")


def test_an_error_is_not_as_long_as_the_module(victims: Victims) -> None:
    victims.refused(f"(module {'(' * 200_000}", GuestModuleError, "no magic number")
    victims.refused(
        f'(module (import "{"x" * 60_000}" "y" (func)))', GuestModuleError, "what there is not"
    )


def test_sleeping_in_wasi(victims: Victims) -> None:
    victims.attack(
        module(
            """(import "wasi_snapshot_preview1" "poll_oneoff"
              (func $poll (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "run") (result i32)
              (i32.store (i32.const 16) (i32.const 1))
              (i64.store (i32.const 24) (i64.const 1000000000000))
              (call $poll (i32.const 0) (i32.const 1000) (i32.const 1) (i32.const 2000)))"""
        ),
        wasi=True,
    )
    victims.gives(58, "run")
