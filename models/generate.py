"""Model files made to measure: the shapes that matter, with random but valid weights.

    python models/generate.py llama-7b|llama-13b|beyond-4gib|llama-70b-sparse

prints the absolute path of the file as the last line on stdout. The same call always makes the same
bytes. Large files are kept by `models.cache`; small ones are written where the caller says.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
import numpy.typing as npt
from gguf import (
    GGML_QUANT_SIZES,
    GGUF_DEFAULT_ALIGNMENT,
    GGUF_VERSION,
    GGMLQuantizationType,
    GGUFValueType,
    Keys,
    LlamaFileType,
)

if not __package__:  # run as a file: Python then looks for modules beside it, not above it
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from models import llama
from models.blocks import random_tensor
from models.cache import cached
from models.progress import ProgressLine
from models.values import every_value
from models.writer import TensorSpec, Value, array, offsets, text, u32, write, write_sparse

Q = GGMLQuantizationType

MARK_BYTES = 64

TINY = llama.Shape(layers=4, dim=256, ffn=512, heads=4, kv_heads=2, vocab=320)
BEYOND_4GIB = llama.Shape(layers=12, dim=4096, ffn=11008, heads=32, kv_heads=32, vocab=2048)


@dataclass(frozen=True)
class Mark:
    """Bytes at `offset` of the tensor named `tensor`."""

    tensor: str
    offset: int
    data: bytes


def llama_7b() -> Path:
    """A Llama-2-7B-shaped Q4_K_M file of 4,080,936,160 bytes: 291 tensors in 32 layers."""
    return cached("llama-2-7b-shaped.Q4_K_M.gguf", _write_llama_7b)


def llama_13b() -> Path:
    """A Llama-2-13B-shaped file of 13.8 GB, all Q8_0 but for its norms."""
    return cached("llama-2-13b-shaped.Q8_0.gguf", _write_llama_13b)


def beyond_4gib() -> Path:
    """A file of 12 layers in F16, Q8_0, Q4_K and F32, the last of them beyond the 4 GiB offset."""
    return cached("beyond-4gib.gguf", _write_beyond_4gib)


def llama_70b_sparse() -> Path:
    """A Llama-2-70B-shaped F16 file of 138 GB, all zeros (holes) but for its header and a mark.

    The mark is told by `marked()`, and by the metadata under `mark.tensor`, `mark.offset` and
    `mark.bytes`. Raises OSError where the file system cannot hold such a file.
    """
    return cached("llama-2-70b-shaped.F16.sparse.gguf", _write_llama_70b_sparse)


def marked() -> Mark:
    """The mark in `llama_70b_sparse`: the end of its last tensor, values that are finite as F16."""
    last = _llama_70b_tensors()[-1]
    pattern = TensorSpec("mark", (MARK_BYTES // 2,), Q.F16)
    [data] = random_tensor(pattern, seed="llama-70b-sparse")
    return Mark(last.name, last.nbytes - MARK_BYTES, data.tobytes())


def tiny(
    path: Path,
    *,
    layers: int = TINY.layers,
    dim: int = TINY.dim,
    quant_types: Sequence[GGMLQuantizationType] = (Q.Q4_K, Q.Q6_K),
    alignment: int = GGUF_DEFAULT_ALIGNMENT,
    metadata: Mapping[str, Value] | None = None,
    order: llama.LayerOrder = "natural",
    version: int = GGUF_VERSION,
    seed: str = "tiny",
) -> Path:
    """Write a small but complete llama-shaped file to `path`, which is returned.

    The matrices take the quant types in turn. `metadata` is added to what such a file has, or
    replaces it. Raises ValueError if `dim` is not a multiple of a type's block size.
    """
    shape = replace(TINY, layers=layers, dim=dim, ffn=2 * dim)
    entries = llama.metadata(shape, path.stem, LlamaFileType.GUESSED)
    entries[Keys.General.ALIGNMENT] = u32(alignment)
    entries.update(metadata or {})
    tensors = llama.tensors(shape, _in_turn(quant_types), order=order)
    write(path, entries, tensors, partial(random_tensor, seed=seed), version=version)
    return path


def every_value_type(path: Path) -> Path:
    """As `tiny`, with one layer and metadata of every value type (see `models.values`)."""
    return tiny(path, layers=1, metadata=every_value())


def every_quant_type(path: Path) -> Path:
    """Write a file with a tensor `blk.N.TYPE.weight` of 3 rows by 512 for every quant type."""
    tensors = [
        TensorSpec(f"blk.{layer}.{quant_type.name.lower()}.weight", (3, 512), quant_type)
        for layer, quant_type in enumerate(GGML_QUANT_SIZES)
    ]
    shape = replace(TINY, layers=len(tensors), dim=512)
    entries = llama.metadata(shape, path.stem, LlamaFileType.GUESSED)
    write(path, entries, tensors, partial(random_tensor, seed="every-quant-type"))
    return path


def _write_llama_7b(path: Path) -> None:
    shape = llama.LLAMA_2_7B
    metadata = llama.metadata(shape, "Llama 2 7B shaped", LlamaFileType.MOSTLY_Q4_K_M)
    _write_large(path, metadata, llama.tensors(shape, llama.q4_k_m(shape.layers)), "llama-7b")


def _write_llama_13b(path: Path) -> None:
    shape = llama.LLAMA_2_13B
    metadata = llama.metadata(shape, "Llama 2 13B shaped", LlamaFileType.MOSTLY_Q8_0)
    _write_large(path, metadata, llama.tensors(shape, lambda _name, _layer: Q.Q8_0), "llama-13b")


def _write_beyond_4gib(path: Path) -> None:
    shape = BEYOND_4GIB
    metadata = llama.metadata(shape, "Beyond 4 GiB", LlamaFileType.GUESSED)
    tensors = llama.tensors(shape, _in_turn([Q.F16, Q.Q8_0, Q.Q4_K, Q.F32]))
    _write_large(path, metadata, tensors, "beyond-4gib")


def _write_llama_70b_sparse(path: Path) -> None:
    mark = marked()
    metadata = llama.metadata(llama.LLAMA_2_70B, "Llama 2 70B shaped", LlamaFileType.MOSTLY_F16)
    metadata["mark.tensor"] = text(mark.tensor)
    metadata["mark.offset"] = u32(mark.offset)
    metadata["mark.bytes"] = array(GGUFValueType.UINT8, list(mark.data))
    tensors = _llama_70b_tensors()
    last_start = offsets(tensors, GGUF_DEFAULT_ALIGNMENT)[-2]
    write_sparse(path, metadata, tensors, last_start + mark.offset, mark.data)


def _llama_70b_tensors() -> list[TensorSpec]:
    return llama.tensors(llama.LLAMA_2_70B, _in_turn([Q.F16]))


def _in_turn(quant_types: Sequence[GGMLQuantizationType]) -> llama.QuantTypeOf:
    turns = cycle(quant_types)
    return lambda _name, _layer: next(turns)


def _write_large(
    path: Path, metadata: Mapping[str, Value], tensors: Sequence[TensorSpec], seed: str
) -> None:
    done = 0
    total = sum(tensor.nbytes for tensor in tensors)
    with ProgressLine(f"generating {seed}", total) as line:

        def data(tensor: TensorSpec) -> Iterator[npt.NDArray[np.uint8]]:
            nonlocal done
            for piece in random_tensor(tensor, seed):
                yield piece
                done += piece.nbytes
                line.update(done)

        write(path, metadata, tensors, data)


def main() -> int:
    """Generate the file named on the command line and print its path."""
    files = {
        "llama-7b": llama_7b,
        "llama-13b": llama_13b,
        "beyond-4gib": beyond_4gib,
        "llama-70b-sparse": llama_70b_sparse,
    }
    parser = argparse.ArgumentParser(description="Generate a large model file.")
    parser.add_argument("file", choices=files)
    try:
        print(files[parser.parse_args().file]())
    except OSError as error:
        print(f"generate: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
