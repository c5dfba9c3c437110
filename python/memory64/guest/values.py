"""Numbers on their way into a guest and out of it."""

from collections.abc import Sequence
from typing import Any

import wasmtime

Value = int | float

_BITS = {"i32": 32, "i64": 64}
_FLOATS = ("f32", "f64")


def checked(name: str, kinds: Sequence[wasmtime.ValType], given: Sequence[Value]) -> list[Value]:
    """The arguments of a call as wasmtime takes them.

    An integer may be given as signed or as unsigned.

    Raises:
        TypeError: their count or a type is wrong, or the function takes what is no number.
        ValueError: an integer has too many bits.
    """
    if len(given) != len(kinds):
        wanted = ", ".join(map(str, kinds)) or "none"
        raise TypeError(f"{name} takes {len(kinds)} arguments ({wanted}), found {len(given)}")
    return [
        _checked(f"{name}, argument {index}", str(kind), value)
        for index, (kind, value) in enumerate(zip(kinds, given, strict=True))
    ]


def signature(kind: wasmtime.FuncType) -> str:
    """The type of a function as text: ``(i32, i64) -> i32``."""
    params, results = (", ".join(map(str, each)) for each in (kind.params, kind.results))
    return f"({params}) -> ({results})" if len(kind.results) != 1 else f"({params}) -> {results}"


def _checked(what: str, kind: str, value: Any) -> Value:
    if kind in _FLOATS and isinstance(value, int | float):
        return float(value)
    if kind not in _BITS or isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} needs to be {_words(kind)}, found {value!r}")
    bits = _BITS[kind]
    if not -(1 << (bits - 1)) <= value < 1 << bits:
        raise ValueError(f"{what} needs to be an integer of {bits} bits, found {value}")
    # wasmtime-py takes the signed number of the same bits.
    return value - (1 << bits) if value >= 1 << (bits - 1) else value


def _words(kind: str) -> str:
    if kind in _BITS:
        return f"an integer of {_BITS[kind]} bits"
    return "a number" if kind in _FLOATS else f"a {kind}, which cannot be given"
