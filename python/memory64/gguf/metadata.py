"""The metadata of a GGUF file: typed values by key, arrays read when they are asked for.

Value types as in the GGUF specification (ggml, docs/gguf.md). Arrays of arrays, which the
specification allows and no writer produces, are refused.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ..errors import GGUFFormatError
from .cursor import Cursor
from .source import Source


class ValueType(IntEnum):
    """Numbers of the value types, as written in the file."""

    UINT8 = 0
    INT8 = 1
    UINT16 = 2
    INT16 = 3
    UINT32 = 4
    INT32 = 5
    FLOAT32 = 6
    BOOL = 7
    STRING = 8
    ARRAY = 9
    UINT64 = 10
    INT64 = 11
    FLOAT64 = 12


_LAYOUTS = {
    ValueType.UINT8: struct.Struct("<B"),
    ValueType.INT8: struct.Struct("<b"),
    ValueType.UINT16: struct.Struct("<H"),
    ValueType.INT16: struct.Struct("<h"),
    ValueType.UINT32: struct.Struct("<I"),
    ValueType.INT32: struct.Struct("<i"),
    ValueType.FLOAT32: struct.Struct("<f"),
    ValueType.BOOL: struct.Struct("<?"),
    ValueType.UINT64: struct.Struct("<Q"),
    ValueType.INT64: struct.Struct("<q"),
    ValueType.FLOAT64: struct.Struct("<d"),
}

U32 = _LAYOUTS[ValueType.UINT32]
U64 = _LAYOUTS[ValueType.UINT64]

MAX_PAIRS = 1 << 16
MAX_KEY_BYTES = 256
"""Several times what models have; without limits, what is kept of a header of legal size
could take gigabytes."""


@dataclass(frozen=True, slots=True)
class ArrayValue:
    """An array that lies in the file: known by type and length, read by ``read``."""

    element_type: ValueType
    length: int
    source: Source
    offset: int
    size: int

    def read(self) -> list[Any]:
        """The elements, as Python values.

        Raises:
            GGUFFormatError: an element is a string that is not UTF-8.
            SourceError: the file cannot be read any more.
            SourceChangedError: the file was changed since it was scanned.
        """
        data = memoryview(bytearray(self.size))
        self.source.read_into(self.offset, data)
        self.source.check()
        if self.element_type is not ValueType.STRING:
            layout = _LAYOUTS[self.element_type]
            return [value for (value,) in layout.iter_unpack(data)]
        return self._strings(bytes(data))

    def __repr__(self) -> str:
        """What it is, for messages."""
        return f"an array of {self.length} {self.element_type.name}"

    def _strings(self, data: bytes) -> list[str]:
        strings = []
        at = 0
        for index in range(self.length):
            (length,) = U64.unpack_from(data, at)
            at += U64.size
            try:
                strings.append(data[at : at + length].decode("utf-8"))
            except UnicodeDecodeError as error:
                raise GGUFFormatError(
                    f"{self.source.name}: string {index} of the array at offset "
                    f"{self.offset} is not UTF-8: {error.reason}"
                ) from error
            at += length
        return strings


class Metadata(Mapping[str, Any]):
    """Values by key, in the file's order. Reading an array reads it from the file, once."""

    def __init__(self, values: dict[str, Any]) -> None:
        """Take ``values``: Python scalars, strings and ``ArrayValue``."""
        self._values = values
        self._arrays: dict[str, list[Any]] = {}

    def __getitem__(self, key: str) -> Any:
        """The value of ``key``: bool, int, float, str, or a list of these."""
        value = self._values[key]
        if not isinstance(value, ArrayValue):
            return value
        return self.elements(key, 0, value.length)

    def __iter__(self) -> Iterator[str]:
        """The keys, in the file's order."""
        return iter(self._values)

    def __len__(self) -> int:
        """Count of keys."""
        return len(self._values)

    def elements(self, key: str, start: int, stop: int) -> list[Any]:
        """Those of the array ``key`` from ``start`` up to, and without, ``stop``."""
        if key not in self._arrays:
            self._arrays[key] = self._values[key].read()
        return self._arrays[key][start:stop]

    def scalar(self, key: str, default: Any = None) -> Any:
        """The value of ``key``, an array as an ``ArrayValue``: nothing is read."""
        return self._values.get(key, default)

    def array(self, key: str) -> ArrayValue | None:
        """The array ``key`` without reading it, None where the value is no array."""
        value = self._values[key]
        return value if isinstance(value, ArrayValue) else None


def read_metadata(cursor: Cursor, count: int) -> Metadata:
    """The next ``count`` pairs of key and value.

    Raises:
        GGUFFormatError: a pair is cut off, unknown, nested or given twice.
    """
    # The shortest pair: an empty key, a value type, one byte of value.
    cursor.require(count * (U64.size + U32.size + 1), f"{count} metadata values")
    if count > MAX_PAIRS:
        raise GGUFFormatError(
            f"{cursor.source.name}: {count} metadata values, at most {MAX_PAIRS} are read"
        )
    values: dict[str, Any] = {}
    for index in range(count):
        key = cursor.string(f"metadata key {index}", MAX_KEY_BYTES)
        if key in values:
            raise GGUFFormatError(f"{cursor.source.name}: metadata key {key!r} is given twice")
        values[key] = _read_value(cursor, key)
    return Metadata(values)


def _read_value(cursor: Cursor, key: str) -> Any:
    what = f"metadata {key!r}"
    value_type = _read_type(cursor, what)
    if value_type is ValueType.STRING:
        return cursor.string(what)
    if value_type is ValueType.ARRAY:
        return _pass_array(cursor, what)
    return cursor.scalar(_LAYOUTS[value_type], what)


def _pass_array(cursor: Cursor, what: str) -> ArrayValue:
    element_type = _read_type(cursor, what)
    length = cursor.scalar(U64, what)
    start = cursor.position
    if element_type is ValueType.ARRAY:
        raise GGUFFormatError(f"{cursor.source.name}: {what} is an array of arrays")
    if element_type is ValueType.STRING:
        cursor.skip_strings(length, what)
    else:
        cursor.skip(length * _LAYOUTS[element_type].size, what)
    return ArrayValue(element_type, length, cursor.source, start, cursor.position - start)


def _read_type(cursor: Cursor, what: str) -> ValueType:
    number = cursor.scalar(U32, what)
    try:
        return ValueType(number)
    except ValueError:
        raise GGUFFormatError(
            f"{cursor.source.name}: {what} has type {number}, known are 0 to {max(ValueType)}"
        ) from None
