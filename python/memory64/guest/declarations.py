"""What a module declares about itself, read from its bytes.

wasmtime's C interface ends the process when it is asked for a type that it has no name for,
a vector for one, and a guest may export what it likes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .binary import Cursor, sections

_TYPES, _IMPORTS, _FUNCTIONS, _EXPORTS, _START = 1, 2, 3, 7, 8
_FUNCTION, _TABLE, _MEMORY, _GLOBAL = 0, 1, 2, 3
_HAS_MAXIMUM = 1

_VALUE_TYPES: Final = {
    0x7F: "i32",
    0x7E: "i64",
    0x7D: "f32",
    0x7C: "f64",
    0x7B: "v128",
    0x70: "funcref",
    0x6F: "externref",
}


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes and gives: names of value types."""

    params: tuple[str, ...]
    results: tuple[str, ...]

    def __str__(self) -> str:
        params, results = ", ".join(self.params), ", ".join(self.results)
        return (
            f"({params}) -> {results}" if len(self.results) == 1 else f"({params}) -> ({results})"
        )


class Declarations:
    """The functions a valid module exports, and whether it has a start function.

    Attributes:
        functions: the exported ones, by name.
        starts: whether code of its own runs while it is instantiated.
    """

    def __init__(self, wasm: bytes) -> None:
        """Read ``wasm``, which wasmtime found valid for a guest's engine."""
        self._types: list[Signature] = []
        self._declared: list[Signature] = []
        self.functions: dict[str, Signature] = {}
        self.starts = False
        for section, data in sections(wasm):
            content = Cursor(data)
            if section == _TYPES:
                self._types = [_signature(content) for _ in range(content.number())]
            elif section == _IMPORTS:
                self._read_imports(content)
            elif section == _FUNCTIONS:
                self._declare(content.number() for _ in range(content.number()))
            elif section == _EXPORTS:
                self._read_exports(content)
            elif section == _START:
                self.starts = True

    def _read_imports(self, content: Cursor) -> None:
        for _ in range(content.number()):
            content.sized()  # the module
            content.sized()  # the name
            kind = content.byte()
            if kind == _FUNCTION:
                self._declare([content.number()])
            elif kind == _TABLE:
                content.byte()
                _skip_limits(content)
            elif kind == _MEMORY:
                _skip_limits(content)
            else:
                assert kind == _GLOBAL, "tags belong to a proposal that is off"
                content.take(2)

    def _read_exports(self, content: Cursor) -> None:
        for _ in range(content.number()):
            name, kind, index = content.sized().decode(), content.byte(), content.number()
            if kind == _FUNCTION:
                self.functions[name] = self._declared[index]

    def _declare(self, types: "Iterator[int] | list[int]") -> None:
        self._declared += [self._types[index] for index in types]


def _signature(content: Cursor) -> Signature:
    content.byte()  # that it is a function's type
    return Signature(_value_types(content), _value_types(content))


def _value_types(content: Cursor) -> tuple[str, ...]:
    return tuple(_VALUE_TYPES[kind] for kind in content.sized())


def _skip_limits(content: Cursor) -> None:
    flags = content.byte()
    content.number()
    if flags & _HAS_MAXIMUM:
        content.number()
