"""A module's own declarations, compared with what wasmtime says about it."""

import pytest
import wasmtime

from memory64.guest.declarations import Declarations

EVERY_IMPORT = """
(module
  (import "a" "f" (func $f (param i32 f64) (result i64)))
  (import "a" "t" (table 1 5 funcref))
  (import "a" "t64" (table i64 1 externref))
  (import "a" "m" (memory 1 2))
  (import "a" "m64" (memory i64 1 0x100000000))
  (import "a" "s" (memory 1 1 shared))
  (import "a" "g" (global (mut f32)))
  (import "a" "h" (func $h))
  (func $own (result f32) (f32.const 1))
  (func $start)
  (start $start)
  (memory (export "memory") 1)
  (global (export "global") i32 (i32.const 1))
  (table (export "table") 1 funcref)
  (export "f" (func $f))
  (export "h" (func $h))
  (export "own" (func $own))
  (export "own again \\u{1f600}" (func $own))
  (data (i32.const 0) "\\08\\01\\00"))
"""


def declared(wat: str) -> Declarations:
    return Declarations(bytes(wasmtime.wat2wasm(wat)))


def test_functions_behind_every_kind_of_import() -> None:
    found = declared(EVERY_IMPORT)
    assert {name: str(signature) for name, signature in found.functions.items()} == {
        "f": "(i32, f64) -> i64",
        "h": "() -> ()",
        "own": "() -> f32",
        "own again 😀": "() -> f32",
    }
    assert found.starts


@pytest.mark.parametrize("wat", ["(module)", '(module (func (export "f")) (data "\\08\\01\\00"))'])
def test_no_start_function(wat: str) -> None:
    assert not declared(wat).starts


def test_many_types_as_wasmtime_gives_them() -> None:
    kinds = ["i32", "i64", "f32", "f64"]
    functions = [
        f'(func (export "f{index}") (param {" ".join(kinds[: index % 5])}) '
        f"(result {kinds[index % 4]}) ({kinds[index % 4]}.const 1))"
        for index in range(300)
    ]
    wat = f"(module {' '.join(functions)})"
    module = wasmtime.Module(wasmtime.Engine(), wat)
    expected = {
        each.name: (tuple(map(str, each.type.params)), tuple(map(str, each.type.results)))
        for each in module.exports
        if isinstance(each.type, wasmtime.FuncType)
    }
    found = declared(wat).functions
    assert {name: (each.params, each.results) for name, each in found.items()} == expected
