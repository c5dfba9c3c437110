"""What a module declares about itself, read from its bytes.

wasmtime's C interface ends the process when it is asked for a type that it has no name for,
a vector for one, and a guest may export what it likes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

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
        for section, content in _sections(wasm):
            if section == _TYPES:
                self._types = [content.signature() for _ in range(content.number())]
            elif section == _IMPORTS:
                self._read_imports(content)
            elif section == _FUNCTIONS:
                self._declare(content.number() for _ in range(content.number()))
            elif section == _EXPORTS:
                self._read_exports(content)
            elif section == _START:
                self.starts = True

    def _read_imports(self, content: "_Bytes") -> None:
        for _ in range(content.number()):
            content.text()
            content.text()
            kind = content.byte()
            if kind == _FUNCTION:
                self._declare([content.number()])
            elif kind == _TABLE:
                content.byte()
                content.skip_limits()
            elif kind == _MEMORY:
                content.skip_limits()
            else:
                assert kind == _GLOBAL, "tags belong to a proposal that is off"
                content.take(2)

    def _read_exports(self, content: "_Bytes") -> None:
        for _ in range(content.number()):
            name, kind, index = content.text(), content.byte(), content.number()
            if kind == _FUNCTION:
                self.functions[name] = self._declared[index]

    def _declare(self, types: "Iterator[int] | list[int]") -> None:
        self._declared += [self._types[index] for index in types]


class _Bytes:
    """Bytes read from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> bool:
        return self._at < len(self._data)

    def byte(self) -> int:
        return self.take(1)[0]

    def take(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self) -> int:
        """An unsigned number in LEB128."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def text(self) -> str:
        return self.take(self.number()).decode()

    def signature(self) -> Signature:
        self.byte()  # that it is a function's type
        return Signature(self._value_types(), self._value_types())

    def skip_limits(self) -> None:
        flags = self.byte()
        self.number()
        if flags & _HAS_MAXIMUM:
            self.number()

    def _value_types(self) -> tuple[str, ...]:
        return tuple(_VALUE_TYPES[kind] for kind in self.take(self.number()))


def _sections(wasm: bytes) -> Iterator[tuple[int, _Bytes]]:
    content = _Bytes(wasm)
    content.take(8)  # magic number and version
    while content.left:
        yield content.byte(), _Bytes(content.take(content.number()))
