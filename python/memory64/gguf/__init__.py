"""What is in a GGUF file, and where."""

from .dequantize import dequantize
from .directory import GGUFDirectory, open_gguf
from .header import Header, TensorInfo, align_up, scan_header
from .metadata import ArrayValue, Metadata
from .quant_type import GGMLQuantizationType
from .source import BytesSource, FileSource, Source
from .tensor import LayerWeights, Pins, Tensor

__all__ = [
    "ArrayValue",
    "BytesSource",
    "FileSource",
    "GGMLQuantizationType",
    "GGUFDirectory",
    "Header",
    "LayerWeights",
    "Metadata",
    "Pins",
    "Source",
    "Tensor",
    "TensorInfo",
    "align_up",
    "dequantize",
    "open_gguf",
    "scan_header",
]
