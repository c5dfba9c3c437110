"""The header of one GGUF file: magic, version, metadata, tensor directory.

Format: the GGUF specification (ggml, docs/gguf.md), versions 2 and 3, little-endian.
"""

import math
import re
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from ..errors import GGUFFormatError
from .cursor import Cursor, excerpt
from .metadata import U32, U64, Metadata, read_metadata
from .quant_type import GGMLQuantizationType, bytes_per_row, quant_type
from .source import Source

MAGIC = b"GGUF"
SUPPORTED_VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32
MAX_DIMENSIONS = 4
MAX_TENSORS = 1 << 16
MAX_NAME_BYTES = 256

_LAYER_NAME = re.compile(r"blk\.(0|[1-9][0-9]{0,9})\.(.+)", re.DOTALL)

# What follows the count of dimensions: the dimensions, the type, the offset.
_ENTRY_ENDS = [struct.Struct(f"<{count}QIQ") for count in range(MAX_DIMENSIONS + 1)]

# The shortest directory entry: an empty name, a count of dimensions, a type, an offset.
_SHORTEST_ENTRY_BYTES = U64.size + U32.size + U32.size + U64.size


class TensorInfo(NamedTuple):
    """What the directory says of one tensor, and where its bytes lie."""

    name: str
    shape: tuple[int, ...]
    """Rows first, as in numpy; the file has the dimensions the other way round."""
    quant_type: GGMLQuantizationType
    nbytes: int
    source: Source
    file_offset: int
    """From the start of the file ``source``."""
    layer_id: int | None
    """N for ``blk.N.…``; None for what belongs to no layer (embeddings, head, rope factors)."""
    key: str
    """The name without ``blk.N.``."""

    @property
    def file_end(self) -> int:
        """Offset in the file just behind the last byte."""
        return self.file_offset + self.nbytes


@dataclass(frozen=True, slots=True)
class Header:
    """All that one file says before its data begins."""

    source: Source
    version: int
    metadata: Metadata
    alignment: int
    tensors: tuple[TensorInfo, ...]
    """In the order of the directory."""


def scan_header(source: Source) -> Header:
    """Read the header of ``source``, arrays skipped, and check it against the file.

    Raises:
        GGUFFormatError: not GGUF v2 or v3 little-endian, cut off, or contradicting itself.
        UnsupportedQuantTypeError: a tensor's type number is unknown.
    """
    cursor = Cursor(source)
    version = _read_version(cursor)
    tensor_count = cursor.scalar(U64, "the tensor count")
    metadata_count = cursor.scalar(U64, "the metadata count")
    metadata = read_metadata(cursor, metadata_count)
    alignment = _alignment(metadata, source.name)
    cursor.require(tensor_count * _SHORTEST_ENTRY_BYTES, f"a directory of {tensor_count} tensors")
    if tensor_count > MAX_TENSORS:
        raise GGUFFormatError(
            f"{source.name}: a directory of {tensor_count} tensors, at most {MAX_TENSORS} are read"
        )
    entries = [_read_entry(cursor, index) for index in range(tensor_count)]
    data_start = align_up(cursor.position, alignment)
    tensors = tuple(_locate(entry, source, data_start, alignment) for entry in entries)
    _check_names(tensors, source.name)
    _check_overlaps(tensors, source.name)
    return Header(source, version, metadata, alignment, tensors)


def align_up(offset: int, alignment: int) -> int:
    """The first multiple of ``alignment`` that is not below ``offset``."""
    return -(-offset // alignment) * alignment


def _read_version(cursor: Cursor) -> int:
    name = cursor.source.name
    found = bytes(cursor.scalar(struct.Struct("4s"), "the magic"))
    if found != MAGIC:
        raise GGUFFormatError(f"{name}: not a GGUF file: it starts with {found!r}, not {MAGIC!r}")
    version = int(cursor.scalar(U32, "the version"))
    if version in SUPPORTED_VERSIONS:
        return version
    if int.from_bytes(version.to_bytes(4, "little"), "big") in (1, *SUPPORTED_VERSIONS):
        raise GGUFFormatError(f"{name}: a big-endian GGUF file; only little-endian ones are read")
    raise GGUFFormatError(
        f"{name}: GGUF version {version}; versions 2 and 3 are read. "
        "Convert older files with a current llama.cpp"
    )


def _alignment(metadata: Metadata, name: str) -> int:
    alignment: Any = metadata.scalar("general.alignment", DEFAULT_ALIGNMENT)
    if type(alignment) is int and alignment > 0 and alignment.bit_count() == 1:
        return alignment
    raise GGUFFormatError(f"{name}: general.alignment is {excerpt(alignment)}, not a power of two")


class _Entry(NamedTuple):
    name: str
    dimensions: tuple[int, ...]
    type_number: int
    offset: int


def _read_entry(cursor: Cursor, index: int) -> _Entry:
    name = cursor.string(f"the name of tensor {index}", MAX_NAME_BYTES)
    what = f"tensor {name!r}"
    dimension_count = cursor.scalar(U32, what)
    if not 1 <= dimension_count <= MAX_DIMENSIONS:
        raise GGUFFormatError(
            f"{cursor.source.name}: {what} has {dimension_count} dimensions, "
            f"not 1 to {MAX_DIMENSIONS}"
        )
    *dimensions, type_number, offset = cursor.fields(_ENTRY_ENDS[dimension_count], what)
    if 0 in dimensions:
        raise GGUFFormatError(f"{cursor.source.name}: {what} has a dimension of 0: {dimensions}")
    return _Entry(name, tuple(dimensions), type_number, offset)


def _locate(entry: _Entry, source: Source, data_start: int, alignment: int) -> TensorInfo:
    what = f"{source.name}: tensor {entry.name!r}"
    if entry.offset % alignment:
        raise GGUFFormatError(f"{what}: offset {entry.offset} is not aligned to {alignment}")
    type_ = quant_type(entry.type_number, what)
    row_length, *row_counts = entry.dimensions
    nbytes = bytes_per_row(row_length, type_, what) * math.prod(row_counts)
    file_offset = data_start + entry.offset
    if file_offset + nbytes > source.size:
        raise GGUFFormatError(
            f"{what} of shape {entry.dimensions[::-1]} needs {nbytes} bytes at offset "
            f"{file_offset}, the file ends at {source.size}"
        )
    layer_id, key = split_layer_name(entry.name)
    return TensorInfo(
        entry.name, entry.dimensions[::-1], type_, nbytes, source, file_offset, layer_id, key
    )


def split_layer_name(name: str) -> tuple[int | None, str]:
    """``blk.7.attn_q.weight`` → ``(7, "attn_q.weight")``; other names → ``(None, name)``."""
    match = _LAYER_NAME.fullmatch(name)
    return (int(match[1]), match[2]) if match else (None, name)


def _check_names(tensors: tuple[TensorInfo, ...], name: str) -> None:
    seen: set[str] = set()
    for tensor in tensors:
        if tensor.name in seen:
            raise GGUFFormatError(f"{name}: tensor {tensor.name!r} is listed twice")
        seen.add(tensor.name)


def _check_overlaps(tensors: tuple[TensorInfo, ...], name: str) -> None:
    ordered = sorted(tensors, key=lambda tensor: tensor.file_offset)
    for before, after in pairwise(ordered):
        if before.file_end > after.file_offset:
            raise GGUFFormatError(
                f"{name}: tensors {before.name!r} and {after.name!r} overlap: the first ends at "
                f"{before.file_end}, the second begins at {after.file_offset}"
            )
