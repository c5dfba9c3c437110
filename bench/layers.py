"""What the benches of single layers need: their bytes, and reading those plainly."""

import mmap
import os
from pathlib import Path

import numpy as np

from memory64 import Memory64Model, load_model


class PlainReader:
    """Reads the layers of `path` with `preadv` into memory that has been touched before."""

    def __init__(self, path: Path) -> None:
        self._extents = extents(path)
        self.layer_count = len(self._extents)
        self._fd = os.open(path, os.O_RDONLY)
        largest = max(size for _, size in self._extents)
        self._buffer = mmap.mmap(-1, largest, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        np.frombuffer(self._buffer, np.uint8)[:] = 1

    def nbytes(self, layer_id: int) -> int:
        """Bytes of the file that a layer takes, the padding between its tensors included."""
        return self._extents[layer_id][1]

    def read(self, layer_id: int) -> None:
        """Read a layer, over the one that was read before."""
        offset, size = self._extents[layer_id]
        target = memoryview(self._buffer)[:size]
        done = 0
        while done < size:
            done += os.preadv(self._fd, [target[done:]], offset + done)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def extents(path: Path) -> list[tuple[int, int]]:
    """Offset and size in the file of each layer, the padding between its tensors included."""
    with load_model(path) as model:
        return [_extent(model, layer) for layer in range(model.layer_count)]


def _extent(model: Memory64Model, layer_id: int) -> tuple[int, int]:
    """Offset and size in the file; the tensors of a layer follow one another there."""
    tensors = model.gguf.layer(layer_id)
    start = min(tensor.file_offset for tensor in tensors)
    return start, max(tensor.file_end for tensor in tensors) - start
