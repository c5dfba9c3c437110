"""Loads from regions, in guests that a compiler made which knows one memory only.

``MEMORY64_REGION(weights)`` in ``memory64.h`` defines and exports a function for each kind of
load, named ``memory64.region_weights.u64`` and the like, whose body is a trap. Linked here,
the module imports the region's memory, and the load itself stands where such a function was
called. The module's own memory gets another number, as imported ones come first.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..errors import GuestModuleError
from .binary import HEADER_BYTES, Cursor, number, sections, sized

_TYPE, _IMPORT, _EXPORT, _CODE, _DATA = 1, 2, 7, 10, 11
_FUNCTION, _TABLE, _MEMORY = 0, 1, 2
_OF_64_BITS, _WITH_MAXIMUM = 4, 1
_LOCAL_GET, _CALL, _RETURN, _RETURN_CALL, _END = 0x20, 0x10, 0x0F, 0x12, 0x0B

_NAMED_MEMORY = 0x40
"""In a load or store: the number of its memory follows."""

_STUB = re.compile(r"memory64\.(region_.+)\.(\w+)")

_SIZE = "bytes"
_LOADS = {
    "u8": b"\x2d",
    "u16": b"\x2f",
    "u32": b"\x28",
    "u64": b"\x29",
    "f32": b"\x2a",
    "v128": b"\xfd\x00",
}


def _with_prefix(prefix: int, *opcodes: int) -> list[int]:
    return [prefix << 16 | opcode for opcode in opcodes]


# What follows an instruction: n a number, m the place of a load or store, i the number of a
# memory, t the targets of a br_table, v numbers, and b, 4, 8, x that many bytes (b 1, x 16).
_FORMS: dict[int, str] = (
    dict.fromkeys((0x00, 0x01, 0x05, 0x0B, 0x0F, 0x1A, 0x1B, 0xD1, *range(0x45, 0xC5)), "")
    | dict.fromkeys((0x02, 0x03, 0x04, 0x0C, 0x0D, 0x10, 0x12, *range(0x20, 0x27)), "n")
    | dict.fromkeys((0x41, 0x42, 0xD0, 0xD2), "n")
    | {0x0E: "t", 0x11: "nn", 0x13: "nn", 0x1C: "v", 0x43: "4", 0x44: "8"}
    | dict.fromkeys(range(0x28, 0x3F), "m")
    | dict.fromkeys((0x3F, 0x40), "i")
    | dict.fromkeys(_with_prefix(0xFC, *range(8)), "")
    | dict.fromkeys(_with_prefix(0xFC, 9, 13, 15, 16, 17), "n")
    | dict.fromkeys(_with_prefix(0xFC, 12, 14), "nn")
    | dict(zip(_with_prefix(0xFC, 8, 10, 11), ("ni", "ii", "i"), strict=True))
    | dict.fromkeys(_with_prefix(0xFD, *range(0x114)), "")
    | dict.fromkeys(_with_prefix(0xFD, *range(12), 92, 93), "m")
    | dict.fromkeys(_with_prefix(0xFD, 12, 13), "x")
    | dict.fromkeys(_with_prefix(0xFD, *range(21, 35)), "b")
    | dict.fromkeys(_with_prefix(0xFD, *range(84, 92)), "mb")
)
_PREFIXES = (0xFC, 0xFD)
_BYTES = {"b": 1, "4": 4, "8": 8, "x": 16}


def link_regions(wasm: bytes) -> bytes:
    """The valid module ``wasm`` with the regions it loads from; as it is, if from none.

    Raises:
        GuestModuleError: it declares a load there is not, or has an instruction that is not
            known here.
    """
    found = list(sections(wasm))
    parts = dict(found)
    stubs = {
        index: (match[1], match[2])
        for name, kind, index in _exports(parts.get(_EXPORT, b"\0"))
        if kind == _FUNCTION and (match := _STUB.fullmatch(name))
    }
    if not stubs:
        return wasm
    regions = sorted({region for region, _ in stubs.values()})
    if _IMPORT not in parts:
        found.insert([section for section, _ in found].index(_TYPE) + 1, (_IMPORT, b"\0"))
    loads = {index: _load(kind, regions.index(region)) for index, (region, kind) in stubs.items()}
    linker = _Linker(regions, loads)
    return wasm[:HEADER_BYTES] + b"".join(
        bytes([section]) + sized(linker.section(section, content)) for section, content in found
    )


class _Load(NamedTuple):
    """A load in the place of a call, and as the body of the function called."""

    inline: bytes
    body: bytes


class _Linker:
    """Sections of one module, with the memories of ``regions`` before its own."""

    def __init__(self, regions: Sequence[str], loads: dict[int, _Load]) -> None:
        self._regions = regions
        self._loads = loads
        self._imported_functions = 0

    def section(self, section: int, content: bytes) -> bytes:
        """What stands for ``content``; to be called in the module's order."""
        changes = {
            _IMPORT: self._imports,
            _EXPORT: self._exports,
            _CODE: self._code,
            _DATA: self._data,
        }
        change = changes.get(section)
        return change(content) if change else content

    def _imports(self, content: bytes) -> bytes:
        cursor = Cursor(content)
        kept = [_import(cursor) for _ in range(cursor.number())]
        self._imported_functions = sum(kind == _FUNCTION for kind, _ in kept)
        if any(kind == _MEMORY for kind, _ in kept):
            raise GuestModuleError("a guest with regions cannot import its own memory")
        added = [
            sized(b"memory64") + sized(region.encode()) + bytes([_MEMORY, _OF_64_BITS, 1])
            for region in self._regions
        ]
        return _vector([each for _, each in kept] + added)

    def _exports(self, content: bytes) -> bytes:
        return _vector(
            [
                sized(name.encode())
                + bytes([kind])
                + (self._memory(index) if kind == _MEMORY else number(index))
                for name, kind, index in _exports(content)
                if not (kind == _FUNCTION and index in self._loads)
            ]
        )

    def _data(self, content: bytes) -> bytes:
        """Segments that say which memory they are for; up to now they meant the only one."""
        passive, explicit = 1, 2
        cursor = Cursor(content)
        segments = []
        for _ in range(cursor.number()):
            mode = cursor.number()
            head = number(passive)
            if mode != passive:
                memory = cursor.number() if mode == explicit else 0
                head = number(explicit) + self._memory(memory) + _constant(cursor)
            segments.append(head + sized(cursor.sized()))
        return _vector(segments)

    def _code(self, content: bytes) -> bytes:
        cursor = Cursor(content)
        bodies = []
        for index in range(self._imported_functions, self._imported_functions + cursor.number()):
            body = cursor.sized()
            load = self._loads.get(index)
            bodies.append(sized(load.body if load else self._body(body)))
        return _vector(bodies)

    def _body(self, body: bytes) -> bytes:
        cursor = Cursor(body)
        for _ in range(cursor.number()):
            cursor.number()  # how many locals
            cursor.byte()  # of which type
        written = bytearray(body[: cursor.at])
        while not cursor.at_end:
            written += self._instruction(cursor)
        return bytes(written)

    def _instruction(self, cursor: Cursor) -> bytes:
        start = cursor.at
        opcode = cursor.byte()
        if opcode in _PREFIXES:
            opcode = opcode << 16 | cursor.number()
        form = _FORMS.get(opcode)
        if form is None:
            raise GuestModuleError(f"a guest with regions cannot have instruction {opcode:#x}")
        head = cursor.data[start : cursor.at]
        if opcode in (_CALL, _RETURN_CALL):
            called = cursor.number()
            if load := self._loads.get(called):
                return load.inline + bytes([_RETURN] * (opcode == _RETURN_CALL))
            return head + number(called)
        return head + b"".join(self._immediate(letter, cursor) for letter in form)

    def _immediate(self, letter: str, cursor: Cursor) -> bytes:
        if letter == "i":
            return self._memory(cursor.number())
        if letter == "m":
            alignment = cursor.number()
            memory = cursor.number() if alignment & _NAMED_MEMORY else 0
            return number(alignment | _NAMED_MEMORY) + self._memory(memory) + _number(cursor)
        if letter == "n":
            return _number(cursor)
        if letter in "tv":
            count = cursor.number()
            return number(count) + b"".join(_number(cursor) for _ in range(count + (letter == "t")))
        return cursor.take(_BYTES[letter])

    def _memory(self, index: int) -> bytes:
        return number(len(self._regions) + index)


def _load(kind: str, memory: int) -> _Load:
    if kind == _SIZE:
        size = b"\x3f" + number(memory) + b"\x42\x10\x86"  # memory.size << 16
        return _Load(size, b"\0" + size + bytes([_END]))
    if kind not in _LOADS:
        raise GuestModuleError(f"there is no load {kind!r} from a region")
    load = _LOADS[kind] + number(_NAMED_MEMORY) + number(memory) + number(0)
    return _Load(load, bytes([0, _LOCAL_GET, 0]) + load + bytes([_END]))


def _exports(content: bytes) -> Iterator[tuple[str, int, int]]:
    """Name, kind and index of each."""
    cursor = Cursor(content)
    for _ in range(cursor.number()):
        yield cursor.sized().decode(), cursor.byte(), cursor.number()


def _import(cursor: Cursor) -> tuple[int, bytes]:
    """Kind and bytes of the import at the cursor."""
    start = cursor.at
    cursor.sized()  # the module
    cursor.sized()  # the name
    kind = cursor.byte()
    if kind in (_TABLE, _MEMORY):
        if kind == _TABLE:
            cursor.byte()
        bounds = 2 if cursor.byte() & _WITH_MAXIMUM else 1
        for _ in range(bounds):
            cursor.number()
    elif kind == _FUNCTION:
        cursor.number()
    else:
        cursor.take(2)  # of a global: its type, and whether it changes
    return kind, cursor.data[start : cursor.at]


def _constant(cursor: Cursor) -> bytes:
    """The constant expression at the cursor."""
    start = cursor.at
    while (opcode := cursor.byte()) != _END:
        if "n" in _FORMS[opcode]:
            cursor.number()
    return cursor.data[start : cursor.at]


def _number(cursor: Cursor) -> bytes:
    """A number as it is written, signed or not."""
    start = cursor.at
    cursor.number()
    return cursor.data[start : cursor.at]


def _vector(items: Sequence[bytes]) -> bytes:
    return number(len(items)) + b"".join(items)
