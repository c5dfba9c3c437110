"""GGUF files written field by field, each field free to lie.

`MODEL` is a small file in which all is right: two layers, two arrays, some padding. An attack is
that file with one thing replaced.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64, INT64, FLOAT64 = (
    range(13)
)
F32, F16, Q8_0 = 0, 1, 8

HUGE = (1 << 63, (1 << 64) - 1)
"""Counts and lengths that become negative, or -1, where they are taken for signed."""


class Section(NamedTuple):
    """A run of bytes of the file that means one thing."""

    name: str
    owner: str
    """What a message about this place has to speak of."""
    data: bytes


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def u64(value: int) -> bytes:
    return struct.pack("<Q", value)


def string(value: bytes, length: int | None = None) -> bytes:
    """Length and bytes; `length` says something else than the bytes there are."""
    return u64(len(value) if length is None else length) + value


def array(element_type: int, length: int, elements: bytes) -> bytes:
    return u32(element_type) + u64(length) + elements


@dataclass(frozen=True)
class Pair:
    """A metadata key and its value, which is encoded already."""

    key: bytes
    type: int
    value: bytes
    key_length: int | None = None

    def sections(self, index: int) -> Iterator[Section]:
        key, value = f"metadata key {index}", f"metadata {self.key.decode(errors='replace')!r}"
        encoded = string(self.key, self.key_length)
        yield Section(f"length of key {index}", key, encoded[:8])
        yield Section(f"key {index}", key, encoded[8:])
        yield Section(f"type of value {index}", value, u32(self.type))
        if self.type == ARRAY:
            yield Section(f"element type of array {index}", value, self.value[:4])
            yield Section(f"length of array {index}", value, self.value[4:12])
            yield Section(f"elements of array {index}", value, self.value[12:])
        else:
            yield Section(f"value {index}", value, self.value)


@dataclass(frozen=True)
class Entry:
    """A line of the tensor directory; dimensions as in the file, the row length first."""

    name: bytes
    dimensions: tuple[int, ...]
    type: int
    offset: int
    name_length: int | None = None
    dimension_count: int | None = None

    def sections(self, index: int) -> Iterator[Section]:
        name, rest = f"the name of tensor {index}", f"tensor {self.name.decode(errors='replace')!r}"
        encoded = string(self.name, self.name_length)
        count = len(self.dimensions) if self.dimension_count is None else self.dimension_count
        yield Section(f"length of name {index}", name, encoded[:8])
        yield Section(f"name {index}", name, encoded[8:])
        yield Section(f"dimension count of tensor {index}", rest, u32(count))
        for number, dimension in enumerate(self.dimensions):
            yield Section(f"dimension {number} of tensor {index}", rest, u64(dimension))
        yield Section(f"type of tensor {index}", rest, u32(self.type))
        yield Section(f"offset of tensor {index}", rest, u64(self.offset))


@dataclass(frozen=True)
class GGUF:
    """A whole file. Counts are true unless they are given."""

    pairs: tuple[Pair, ...]
    entries: tuple[Entry, ...]
    data: bytes
    magic: bytes = b"GGUF"
    version: bytes = u32(3)
    pair_count: int | None = None
    entry_count: int | None = None
    alignment: int = 32

    def sections(self) -> Iterator[Section]:
        """All sections in the order of the file; the last is the data."""
        size = 0
        for section in self._header():
            size += len(section.data)
            yield section
        first = f"tensor {self.entries[0].name.decode(errors='replace')!r}" if self.entries else ""
        yield Section("padding", first, bytes(-size % self.alignment))
        yield Section("data", "tensor ", self.data)

    def encode(self) -> bytes:
        return b"".join(section.data for section in self.sections())

    def header(self) -> bytes:
        """All but the data."""
        return self.encode()[: -len(self.data) or None]

    def _header(self) -> Iterator[Section]:
        entry_count = len(self.entries) if self.entry_count is None else self.entry_count
        pair_count = len(self.pairs) if self.pair_count is None else self.pair_count
        yield Section("magic", "the magic", self.magic)
        yield Section("version", "the version", self.version)
        yield Section("tensor count", "the tensor count", u64(entry_count))
        yield Section("metadata count", "the metadata count", u64(pair_count))
        for index, pair in enumerate(self.pairs):
            yield from pair.sections(index)
        for index, entry in enumerate(self.entries):
            yield from entry.sections(index)

    def with_pair(self, pair: Pair) -> "GGUF":
        """The file with that pair, in the place of the one of the same key if there is one."""
        if all(other.key != pair.key for other in self.pairs):
            return replace(self, pairs=(*self.pairs, pair))
        pairs = (pair if other.key == pair.key else other for other in self.pairs)
        return replace(self, pairs=tuple(pairs))

    def without_pair(self, key: bytes) -> "GGUF":
        return replace(self, pairs=tuple(pair for pair in self.pairs if pair.key != key))

    def with_entry(self, number: int, **fields: object) -> "GGUF":
        """The file with fields of one directory entry changed."""
        entries = list(self.entries)
        entries[number] = replace(entries[number], **fields)  # type: ignore[arg-type]
        return replace(self, entries=tuple(entries))


def pattern(size: int, seed: int) -> bytes:
    """Bytes in which a shift, or another tensor's bytes, would show."""
    return bytes((at * (2 * seed + 3) + at // 251 + seed) % 256 for at in range(size))


def model(*, rows: int = 2) -> GGUF:
    """A file without a lie: tensors of `rows` rows, two layers and the embeddings."""
    kinds = (
        (b"token_embd.weight", 8, F32, 32),
        (b"blk.0.attn_q.weight", 32, Q8_0, 34),
        (b"blk.1.attn_q.weight", 16, F16, 32),
    )
    entries: tuple[Entry, ...] = ()
    data = b""
    for name, row_length, type_, row_bytes in kinds:
        entries += (Entry(name, (row_length, rows), type_, len(data)),)
        data += pattern(rows * row_bytes, len(entries))
        data += bytes(-len(data) % 32)
    tokens = string(b"<s>") + string("é".encode()) + string(b"")
    return GGUF(
        pairs=(
            Pair(b"general.architecture", STRING, string(b"llama")),
            Pair(b"llama.block_count", UINT32, u32(2)),
            Pair(b"tokenizer.ggml.tokens", ARRAY, array(STRING, 3, tokens)),
            Pair(b"tokenizer.ggml.scores", ARRAY, array(FLOAT32, 3, bytes(12))),
            Pair(b"llama.rope.freq_base", FLOAT32, struct.pack("<f", 10000.0)),
        ),
        entries=entries,
        data=data,
    )


MODEL = model()
