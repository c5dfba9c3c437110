"""Numbers on their way into a guest and out of it."""

from collections.abc import Sequence
from typing import Any

from .declarations import Signature

Value = int | float

_BITS = {"i32": 32, "i64": 64}
_FLOATS = ("f32", "f64")


def checked(name: str, signature: Signature, given: Sequence[Value]) -> list[Value]:
    """The arguments of a call as wasmtime takes them.

    An integer may be given as signed or as unsigned.

    Raises:
        TypeError: their count or a type is wrong, or the function takes or gives what is no
            number.
        ValueError: a number is too large for its type.
    """
    kinds = signature.params
    if len(given) != len(kinds):
        wanted = ", ".join(kinds) or "none"
        raise TypeError(f"{name} takes {len(kinds)} arguments ({wanted}), found {len(given)}")
    for kind in signature.results:
        if kind not in _BITS and kind not in _FLOATS:
            raise TypeError(f"{name} gives a {kind}, which cannot be taken")
    return [
        _checked(f"{name}, argument {index}", kind, value)
        for index, (kind, value) in enumerate(zip(kinds, given, strict=True))
    ]


def _checked(what: str, kind: str, value: Any) -> Value:
    if kind in _FLOATS and isinstance(value, int | float):
        return _float(what, value)
    if kind not in _BITS or isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} needs to be {_words(kind)}, found {value!r}")
    bits = _BITS[kind]
    if not -(1 << (bits - 1)) <= value < 1 << bits:
        raise ValueError(f"{what} needs to be an integer of {bits} bits, found {value}")
    # wasmtime-py takes the signed number of the same bits.
    return value - (1 << bits) if value >= 1 << (bits - 1) else value


def _float(what: str, value: Value) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{what} needs to be a number that a float can hold") from None


def _words(kind: str) -> str:
    if kind in _BITS:
        return f"an integer of {_BITS[kind]} bits"
    return "a number" if kind in _FLOATS else f"a {kind}, which cannot be given"
