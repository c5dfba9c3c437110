"""C compiled to WebAssembly: what computes with a model's weights."""

from .cores import usable_cores
from .dequantize import dequantize
from .module import kernels
from .types import KERNEL_TYPES

__all__ = ["KERNEL_TYPES", "dequantize", "kernels", "usable_cores"]
