"""Language models larger than memory, layer by layer, from GGUF files.

Example::

    import memory64

    with memory64.load_model("llama-2-7b.gguf") as model:
        layer = model.get_layer(0)
        print(layer["attn_q.weight"].dequantize())
"""

from .errors import (
    CancelledError,
    CapacityError,
    ChatTemplateError,
    ClosedError,
    GGUFFormatError,
    GuestError,
    GuestModuleError,
    GuestTimeoutError,
    GuestTrapError,
    LayoutError,
    LogitsError,
    Memory64Error,
    OutOfBoundsError,
    SessionBusyError,
    SourceChangedError,
    SourceError,
    SourceNotFoundError,
    TensorNotFoundError,
    TokenizerError,
    UnsupportedArchitectureError,
    UnsupportedQuantTypeError,
)
from .gguf import GGMLQuantizationType, LayerWeights, Tensor
from .guest import Guest, GuestLimits
from .layers import CacheStats, Memory64LayerManager
from .loader import MEMORY64_THRESHOLD_BYTES, Memory64GGUFLoader, load_model
from .memory import Memory64Runtime, MemoryLayout, RegionSpec, RuntimeStats
from .model import Memory64Model

__version__ = "0.1.0"

__all__ = [
    "MEMORY64_THRESHOLD_BYTES",
    "CacheStats",
    "CancelledError",
    "CapacityError",
    "ChatTemplateError",
    "ClosedError",
    "GGMLQuantizationType",
    "GGUFFormatError",
    "Guest",
    "GuestError",
    "GuestLimits",
    "GuestModuleError",
    "GuestTimeoutError",
    "GuestTrapError",
    "LayerWeights",
    "LayoutError",
    "LogitsError",
    "Memory64Error",
    "Memory64GGUFLoader",
    "Memory64LayerManager",
    "Memory64Model",
    "Memory64Runtime",
    "MemoryLayout",
    "OutOfBoundsError",
    "RegionSpec",
    "RuntimeStats",
    "SessionBusyError",
    "SourceChangedError",
    "SourceError",
    "SourceNotFoundError",
    "Tensor",
    "TensorNotFoundError",
    "TokenizerError",
    "UnsupportedArchitectureError",
    "UnsupportedQuantTypeError",
    "load_model",
]
