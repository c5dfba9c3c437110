"""Writing GGUF files: headers byte for byte, tensors streamed, huge files sparse.

The `gguf` package's own writer drops empty strings, refuses empty arrays and writes version 3
only; the tests need all three otherwise. Enums and sizes come from that package.
"""

import os
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt
from gguf import (
    GGUF_DEFAULT_ALIGNMENT,
    GGUF_MAGIC,
    GGUF_VERSION,
    GGMLQuantizationType,
    GGUFReader,
    GGUFValueType,
    Keys,
    quant_shape_to_byte_shape,
)

# What a file system may use for the header and its own book-keeping of a sparse file.
SPARSE_LIMIT_BYTES = 64 << 20


Item = bool | int | float | str


@dataclass(frozen=True)
class Value:
    """A metadata value of `type`; for an array, `item_type` is the type of its items."""

    type: GGUFValueType
    value: Item | Sequence[Item]
    item_type: GGUFValueType | None = None


Metadata = Mapping[str, Value]


@dataclass(frozen=True)
class TensorSpec:
    """An entry of the tensor directory: `shape` has rows first, as in numpy."""

    name: str
    shape: tuple[int, ...]
    quant_type: GGMLQuantizationType

    @property
    def nbytes(self) -> int:
        """Size in bytes. Raises ValueError if a row is not a whole number of quant blocks."""
        return prod(quant_shape_to_byte_shape(self.shape, self.quant_type))


# Yields the bytes of a tensor in consecutive pieces.
TensorData = Callable[[TensorSpec], Iterable[npt.NDArray[np.uint8]]]


def u32(value: int) -> Value:
    """A value of the type that GGUF uses for most counts and sizes."""
    return Value(GGUFValueType.UINT32, value)


def text(value: str) -> Value:
    """A string value, stored as UTF-8."""
    return Value(GGUFValueType.STRING, value)


def array(item_type: GGUFValueType, items: Sequence[Item]) -> Value:
    """An array value, which may be empty."""
    return Value(GGUFValueType.ARRAY, items, item_type)


def header(
    metadata: Metadata, tensors: Sequence[TensorSpec], *, version: int = GGUF_VERSION
) -> bytes:
    """Everything before the first tensor's bytes, padded to the alignment of `metadata`."""
    return header_of_entries(
        len(metadata),
        encode_entries(metadata),
        tensors,
        alignment=alignment_of(metadata),
        version=version,
    )


def header_of_entries(
    count: int,
    entries: bytes,
    tensors: Sequence[TensorSpec],
    *,
    alignment: int = GGUF_DEFAULT_ALIGNMENT,
    version: int = GGUF_VERSION,
) -> bytes:
    """As `header`, for `count` metadata entries that are encoded already."""
    start = struct.pack("<IIQQ", GGUF_MAGIC, version, len(tensors), count)
    directory = b"".join(map(_directory_entry, tensors, offsets(tensors, alignment)))
    unpadded = start + entries + directory
    return unpadded.ljust(padded(len(unpadded), alignment), b"\0")


def alignment_of(metadata: Metadata) -> int:
    """The alignment in bytes that a file with this metadata has."""
    chosen = metadata.get(Keys.General.ALIGNMENT)
    return GGUF_DEFAULT_ALIGNMENT if chosen is None else cast(int, chosen.value)


def padded(nbytes: int, alignment: int) -> int:
    """`nbytes` rounded up to a multiple of `alignment`."""
    return -(-nbytes // alignment) * alignment


def offsets(tensors: Sequence[TensorSpec], alignment: int) -> list[int]:
    """Where each tensor starts, in bytes from the end of the header, then where the last ends."""
    return list(accumulate((padded(tensor.nbytes, alignment) for tensor in tensors), initial=0))


def encode_entries(metadata: Metadata) -> bytes:
    """The bytes of all metadata, keys and values, without their count."""
    return b"".join(_string(key) + encode(value) for key, value in metadata.items())


def encode(value: Value) -> bytes:
    """The bytes of a metadata value: type, then for an array item type and count, then items."""
    kind = struct.pack("<I", value.type)
    if value.item_type is None:
        return kind + _items(value.type, [cast(Item, value.value)])
    items = cast(Sequence[Item], value.value)
    return kind + struct.pack("<IQ", value.item_type, len(items)) + _items(value.item_type, items)


def _items(item_type: GGUFValueType, items: Sequence[Item]) -> bytes:
    if item_type is GGUFValueType.STRING:
        return b"".join(_string(str(item)) for item in items)
    return np.array(items, dtype=GGUFReader.gguf_scalar_to_np[item_type]).tobytes()


def _string(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def _directory_entry(tensor: TensorSpec, offset: int) -> bytes:
    columns_first = tensor.shape[::-1]
    dimensions = struct.pack(f"<I{len(columns_first)}Q", len(columns_first), *columns_first)
    return _string(tensor.name) + dimensions + struct.pack("<IQ", tensor.quant_type, offset)


def write(
    path: Path,
    metadata: Metadata,
    tensors: Sequence[TensorSpec],
    data: TensorData,
    *,
    version: int = GGUF_VERSION,
) -> None:
    """Write a whole file of `tensors` in this order."""
    start = header(metadata, tensors, version=version)
    with open(path, "wb") as file:
        file.write(start)
        write_data(file, tensors, data, alignment_of(metadata))


def write_data(
    file: BinaryIO, tensors: Sequence[TensorSpec], data: TensorData, alignment: int
) -> None:
    """Write the tensors one after the other, each followed by zeros up to `alignment`."""
    for tensor in tensors:
        for piece in data(tensor):
            file.write(piece.data)
        file.write(bytes(padded(tensor.nbytes, alignment) - tensor.nbytes))


def write_sparse(
    path: Path,
    metadata: Metadata,
    tensors: Sequence[TensorSpec],
    mark_offset: int,
    mark: bytes,
) -> None:
    """Write a header, and `mark` at an offset in bytes from the header's end; the rest is a hole.

    A hole reads as zeros and takes no room. Raises OSError where the file system cannot hold a
    file of that size without giving it room.
    """
    start = header(metadata, tensors)
    size = len(start) + offsets(tensors, alignment_of(metadata))[-1]
    with open(path, "wb") as file:
        file.write(start)
        try:
            file.truncate(size)
        except OSError as error:
            raise _not_sparse(path, size, str(error.strerror)) from error
        file.seek(len(start) + mark_offset)
        file.write(mark)
        file.flush()
        os.fsync(file.fileno())  # only then are the blocks counted
        taken = os.fstat(file.fileno()).st_blocks * 512
    if taken > SPARSE_LIMIT_BYTES:
        raise _not_sparse(path, size, f"it took {taken} bytes")


def _not_sparse(path: Path, size: int, found: str) -> OSError:
    return OSError(
        f"{path.parent} cannot hold a sparse file of {size} bytes ({found}); "
        "choose a folder on a file system that can, with MEMORY64_MODEL_CACHE"
    )
