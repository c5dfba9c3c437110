"""What the gguf package says about a model file, as JSON: the oracle for what JavaScript gets.

Usage: python tests/js/reference.py MODEL [all | TENSOR...]

Prints the tensor directory in the file's order, and the SHA-256 of the float32 values of the
tensors named.
"""

import hashlib
import json
import sys
from typing import Any

import numpy as np
from gguf import GGUFReader, ReaderTensor, dequantize


def values_sha256(tensor: ReaderTensor) -> str:
    """The SHA-256 of a tensor's values, little-endian float32, rows first."""
    values = np.ascontiguousarray(dequantize(tensor.data, tensor.tensor_type), dtype="<f4")
    return hashlib.sha256(values.data).hexdigest()


def directory_entry(tensor: ReaderTensor) -> dict[str, Any]:
    """A tensor as the file's directory describes it, with its absolute offset in the file."""
    return {
        "name": tensor.name,
        "shape": [int(length) for length in reversed(tensor.shape)],
        "quantType": tensor.tensor_type.name,
        "nbytes": int(tensor.n_bytes),
        "fileOffset": int(tensor.data_offset),
    }


def main(path: str, names: list[str]) -> None:
    """Print the description of the file at ``path``."""
    reader = GGUFReader(path)
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    names = list(tensors) if names == ["all"] else names
    description = {
        "tensors": [directory_entry(tensor) for tensor in reader.tensors],
        "metadata": {
            key: field.contents()
            for key, field in reader.fields.items()
            if not key.startswith("GGUF.")
        },
        "values": {name: values_sha256(tensors[name]) for name in names},
    }
    print(json.dumps(description))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
