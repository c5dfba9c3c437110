"""Cutting a GGUF file into a split of several, in the way of llama.cpp's `gguf-split`."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from gguf import GGUF_DEFAULT_ALIGNMENT, GGUFReader, GGUFValueType, Keys
from gguf.gguf_reader import ReaderTensor

from models.writer import TensorSpec, Value, encode_entries, header_of_entries, write_data

# Magic, version, and the counts of tensors and of metadata entries.
FIXED_HEADER_BYTES = 24


def split(path: Path, folder: Path, parts: int) -> list[Path]:
    """Write `path` into `folder` as `NAME-00001-of-0000N.gguf` and so on; returns the new paths.

    The tensors are dealt out in their order, as evenly as their number allows. The first part has
    all the metadata; the others have only the three `split.*` keys, and so the default alignment.
    Raises ValueError unless 1 <= parts <= number of tensors.
    """
    reader = GGUFReader(path)
    total = len(reader.tensors)
    if not 1 <= parts <= total:
        raise ValueError(f"{path.name} has {total} tensors, cannot split it into {parts} parts")
    written = []
    for number in range(parts):
        part = folder / f"{path.stem}-{number + 1:05d}-of-{parts:05d}.gguf"
        tensors = reader.tensors[total * number // parts : total * (number + 1) // parts]
        _write_part(part, reader, tensors, number, parts)
        written.append(part)
    return written


def _write_part(
    path: Path, reader: GGUFReader, tensors: list[ReaderTensor], number: int, parts: int
) -> None:
    own = {
        Keys.Split.LLM_KV_SPLIT_NO: Value(GGUFValueType.UINT16, number),
        Keys.Split.LLM_KV_SPLIT_COUNT: Value(GGUFValueType.UINT16, parts),
        Keys.Split.LLM_KV_SPLIT_TENSORS_COUNT: Value(GGUFValueType.INT32, len(reader.tensors)),
    }
    count, entries, alignment = len(own), encode_entries(own), GGUF_DEFAULT_ALIGNMENT
    if number == 0:
        count += reader.fields["GGUF.kv_count"].contents()
        entries = _copied_entries(reader) + entries
        alignment = int(reader.alignment)
    specs = [_spec(tensor) for tensor in tensors]
    sources = {tensor.name: tensor for tensor in tensors}

    def data(spec: TensorSpec) -> list[npt.NDArray[np.uint8]]:
        start = sources[spec.name].data_offset
        return [reader.data[start : start + spec.nbytes]]

    with open(path, "wb") as file:
        file.write(header_of_entries(count, entries, specs, alignment=alignment))
        write_data(file, specs, data, alignment)


def _copied_entries(reader: GGUFReader) -> bytes:
    """The metadata byte for byte: decoding it would lose the item types of empty arrays."""
    return reader.data[FIXED_HEADER_BYTES : reader.tensors[0].field.offset].tobytes()


def _spec(tensor: ReaderTensor) -> TensorSpec:
    rows_first = tuple(int(size) for size in reversed(tensor.shape))
    return TensorSpec(tensor.name, rows_first, tensor.tensor_type)
