"""Prints the SHA-256 of a tensor as the gguf package finds it: `checksum.py MODEL TENSOR`."""

import hashlib
import sys

from gguf import GGUFReader

path, name = sys.argv[1:]
(tensor,) = [tensor for tensor in GGUFReader(path).tensors if tensor.name == name]
print(hashlib.sha256(tensor.data.tobytes()).hexdigest())
