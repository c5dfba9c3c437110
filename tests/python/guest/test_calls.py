"""What goes into a guest and what comes back."""

from pathlib import Path

import pytest

from memory64 import (
    ClosedError,
    GuestError,
    GuestTrapError,
    Memory64Model,
    OutOfBoundsError,
    load_model,
)
from memory64.guest import Guest

from .conftest import MakeGuest
from .modules import ECHO, WIDE

WASM_PAGE = 1 << 16


@pytest.fixture
def echo(guest: MakeGuest) -> Guest:
    return guest(ECHO)


def test_exports_are_functions_with_their_types(echo: Guest) -> None:
    assert echo.exports == {
        "nothing": "() -> ()",
        "i32": "(i32) -> i32",
        "i64": "(i64) -> i64",
        "f32": "(f32) -> f32",
        "f64": "(f64) -> f64",
        "several": "(i32, i64, f32, f64) -> (i32, i64, f32, f64)",
        "load": "(i32) -> i32",
        "grow": "(i32) -> i32",
        "trap": "() -> ()",
    }


def test_exports_of_types_that_cannot_cross(guest: MakeGuest) -> None:
    """wasmtime's C interface ends the process where one asks it for a vector's type."""
    wide = guest(WIDE)
    assert wide.exports == {
        "vector": "() -> v128",
        "takes_vector": "(v128) -> ()",
        "reference": "() -> funcref",
        "takes_reference": "(externref) -> ()",
        "number": "() -> i32",
    }
    for name, kind in [("vector", "v128"), ("reference", "funcref")]:
        with pytest.raises(TypeError, match=f"{name} gives a {kind}, which cannot be taken"):
            wide.call(name)
    for name, kind in [("takes_vector", "v128"), ("takes_reference", "externref")]:
        with pytest.raises(TypeError, match=f"needs to be a {kind}, which cannot be given"):
            wide.call(name, 0)
    assert wide.call("number") == 5


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("i32", 0, 0),
        ("i32", (1 << 31) - 1, (1 << 31) - 1),
        ("i32", -(1 << 31), -(1 << 31)),
        ("i32", 1 << 31, -(1 << 31)),
        ("i32", (1 << 32) - 1, -1),
        ("i64", -(1 << 63), -(1 << 63)),
        ("i64", 1 << 63, -(1 << 63)),
        ("i64", (1 << 64) - 1, -1),
        ("f32", 0.5, 0.5),
        ("f32", 3, 3.0),
        ("f64", -1e300, -1e300),
        ("f64", float("inf"), float("inf")),
    ],
)
def test_one_number(echo: Guest, name: str, given: float, expected: float) -> None:
    result = echo.call(name, given)
    assert result == expected
    assert type(result) is type(expected)


def test_no_result_and_several(echo: Guest) -> None:
    assert echo.call("nothing") is None
    assert echo.call("several", -1, (1 << 64) - 2, 1.5, 2) == (-1, -2, 1.5, 2.0)


@pytest.mark.parametrize(
    ("name", "arguments", "error", "text"),
    [
        ("i32", (), TypeError, r"i32 takes 1 arguments \(i32\), found 0"),
        ("nothing", (1,), TypeError, r"nothing takes 0 arguments \(none\), found 1"),
        ("i32", (1.0,), TypeError, "i32, argument 0 needs to be an integer of 32 bits, found 1.0"),
        ("i32", (True,), TypeError, "found True"),
        ("i32", ("1",), TypeError, "found '1'"),
        ("f64", (None,), TypeError, "needs to be a number, found None"),
        ("i32", (1 << 32,), ValueError, "integer of 32 bits, found 4294967296"),
        ("i32", (-(1 << 31) - 1,), ValueError, "integer of 32 bits"),
        ("i64", (1 << 64,), ValueError, "integer of 64 bits"),
        ("f32", (10**400,), ValueError, "f32, argument 0 needs to be a number that a float"),
        ("nowhere", (), GuestError, "exports no function 'nowhere', it has nothing, i32"),
        ("memory", (), GuestError, "exports no function 'memory'"),
    ],
)
def test_wrong_calls(
    echo: Guest, name: str, arguments: tuple[int, ...], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        echo.call(name, *arguments)
    assert echo.call("i32", 7) == 7


def test_a_guest_that_trapped_may_be_called_again(echo: Guest) -> None:
    with pytest.raises(GuestTrapError, match="unreachable") as caught:
        echo.call("trap")
    assert caught.value.code == "ERR_MEMORY64_GUEST_TRAP"
    assert echo.call("i32", 7) == 7


def test_memory_is_read_and_written(echo: Guest) -> None:
    assert echo.memory_bytes == 2 * WASM_PAGE
    echo.write(2 * WASM_PAGE - 3, b"abc")
    assert echo.read(2 * WASM_PAGE - 4, 4) == b"\0abc"
    assert echo.call("load", 2 * WASM_PAGE - 1) == ord("c")
    assert echo.read(2 * WASM_PAGE, 0) == b""
    echo.write(2 * WASM_PAGE, b"")
    assert echo.call("grow", 1) == 2
    assert echo.memory_bytes == 3 * WASM_PAGE
    echo.write(2 * WASM_PAGE, b"d")
    assert echo.read(2 * WASM_PAGE - 1, 2) == b"cd"


@pytest.mark.parametrize(
    ("pointer", "size"),
    [(2 * WASM_PAGE, 1), (-1, 1), (0, 2 * WASM_PAGE + 1), (1 << 64, 0)],
)
def test_memory_has_bounds(echo: Guest, pointer: int, size: int) -> None:
    with pytest.raises(OutOfBoundsError, match=f"at {pointer} are not inside the guest's 131072"):
        echo.read(pointer, size)
    with pytest.raises(OutOfBoundsError):
        echo.write(pointer, bytes(size))


def test_a_size_is_not_negative(echo: Guest) -> None:
    with pytest.raises(OutOfBoundsError):
        echo.read(1, -1)


def test_a_guest_without_memory(guest: MakeGuest) -> None:
    bare = guest('(module (memory 1) (func (export "f")))')
    assert bare.memory_bytes == 0
    with pytest.raises(OutOfBoundsError):
        bare.read(0, 0)
    assert bare.call("f") is None


def test_close_is_the_end_and_may_come_twice(echo: Guest) -> None:
    echo.close()
    echo.close()
    for use in (
        lambda: echo.call("i32", 1),
        lambda: echo.read(0, 1),
        lambda: echo.write(0, b"x"),
        lambda: echo.memory_bytes,
    ):
        with pytest.raises(ClosedError, match="the guest has been closed"):
            use()
    assert "i32" in echo.exports


def test_a_context_manager_closes(model: Memory64Model) -> None:
    with Guest(ECHO.encode(), model) as echo:
        assert echo.call("i32", 1) == 1
    with pytest.raises(ClosedError):
        echo.call("i32", 1)


def test_the_model_closed(tiny: Path) -> None:
    model = load_model(tiny, memory64=True)
    with Guest(ECHO.encode(), model) as echo:
        model.close()
        with pytest.raises(ClosedError):
            echo.call("i32", 1)
        assert echo.read(0, 1) == b"\0"
    with pytest.raises(ClosedError):
        Guest(ECHO.encode(), model)


def test_several_guests_of_one_model(guest: MakeGuest) -> None:
    first, second = guest(ECHO), guest(ECHO)
    first.write(0, b"first")
    second.write(0, b"other")
    assert first.read(0, 5) == b"first"
    second.close()
    assert first.call("load", 0) == ord("f")
