"""Every error memory64 raises, in one tree.

    Memory64Error                          ERR_MEMORY64
    ├── LayoutError                        ERR_MEMORY64_LAYOUT
    ├── OutOfBoundsError (IndexError)      ERR_MEMORY64_OUT_OF_BOUNDS
    ├── GGUFFormatError (ValueError)       ERR_MEMORY64_GGUF_FORMAT
    ├── UnsupportedArchitectureError       ERR_MEMORY64_UNSUPPORTED_ARCHITECTURE
    ├── UnsupportedQuantTypeError          ERR_MEMORY64_UNSUPPORTED_QUANT_TYPE
    ├── TensorNotFoundError (KeyError)     ERR_MEMORY64_TENSOR_NOT_FOUND
    ├── TokenizerError (ValueError)        ERR_MEMORY64_TOKENIZER
    ├── ChatTemplateError                  ERR_MEMORY64_CHAT_TEMPLATE
    ├── LogitsError (ArithmeticError)      ERR_MEMORY64_LOGITS
    ├── CapacityError (MemoryError)        ERR_MEMORY64_CAPACITY
    ├── SourceError (OSError)              ERR_MEMORY64_SOURCE
    │   ├── SourceNotFoundError (FileNotFoundError)
    │   │                                  ERR_MEMORY64_SOURCE_NOT_FOUND
    │   └── SourceChangedError             ERR_MEMORY64_SOURCE_CHANGED
    ├── GuestError                         ERR_MEMORY64_GUEST
    │   ├── GuestModuleError (ValueError)  ERR_MEMORY64_GUEST_MODULE
    │   └── GuestTrapError                 ERR_MEMORY64_GUEST_TRAP
    │       └── GuestTimeoutError (TimeoutError)
    │                                      ERR_MEMORY64_GUEST_TIMEOUT
    ├── SessionBusyError                   ERR_MEMORY64_SESSION_BUSY
    ├── ClosedError                        ERR_MEMORY64_CLOSED
    └── CancelledError                     ERR_MEMORY64_CANCELLED

``code`` is stable and the same in JavaScript; the text of a message is not. Arguments
of the wrong type or value raise Python's own ``TypeError`` and ``ValueError``.
"""

from typing import ClassVar

__all__ = [
    "CancelledError",
    "CapacityError",
    "ChatTemplateError",
    "ClosedError",
    "GGUFFormatError",
    "GuestError",
    "GuestModuleError",
    "GuestTimeoutError",
    "GuestTrapError",
    "LayoutError",
    "LogitsError",
    "Memory64Error",
    "OutOfBoundsError",
    "SessionBusyError",
    "SourceChangedError",
    "SourceError",
    "SourceNotFoundError",
    "TensorNotFoundError",
    "TokenizerError",
    "UnsupportedArchitectureError",
    "UnsupportedQuantTypeError",
]


class Memory64Error(Exception):
    """Base of every error of this package; ``code`` names the class for programs."""

    code: ClassVar[str] = "ERR_MEMORY64"

    def __str__(self) -> str:
        # KeyError, one of the bases below, would show the repr of its argument.
        return str(self.args[0]) if self.args else ""


class LayoutError(Memory64Error):
    """A memory layout cannot exist, or cannot hold what is to be placed in it."""

    code = "ERR_MEMORY64_LAYOUT"


class OutOfBoundsError(Memory64Error, IndexError):
    """An offset, a size or a layer number lies outside what there is."""

    code = "ERR_MEMORY64_OUT_OF_BOUNDS"


class GGUFFormatError(Memory64Error, ValueError):
    """The file is not a GGUF file this package reads, or contradicts itself."""

    code = "ERR_MEMORY64_GGUF_FORMAT"


class UnsupportedArchitectureError(Memory64Error):
    """A model of an architecture that cannot be run; its layers and tensors can be had."""

    code = "ERR_MEMORY64_UNSUPPORTED_ARCHITECTURE"


class UnsupportedQuantTypeError(Memory64Error):
    """A tensor is stored in a type that is unknown, or that cannot be dequantised."""

    code = "ERR_MEMORY64_UNSUPPORTED_QUANT_TYPE"


class TensorNotFoundError(Memory64Error, KeyError):
    """The model has no tensor of that name."""

    code = "ERR_MEMORY64_TENSOR_NOT_FOUND"


class TokenizerError(Memory64Error, ValueError):
    """The model's tokenizer is missing, of an unknown kind, or contradicts itself."""

    code = "ERR_MEMORY64_TOKENIZER"


class ChatTemplateError(Memory64Error):
    """The model has no chat template, or it fails, or does more than a template may."""

    code = "ERR_MEMORY64_CHAT_TEMPLATE"


class LogitsError(Memory64Error, ArithmeticError):
    """The model computed what is not a number, so there is no next token."""

    code = "ERR_MEMORY64_LOGITS"


class CapacityError(Memory64Error, MemoryError):
    """The memory that may be used does not hold what was asked for."""

    code = "ERR_MEMORY64_CAPACITY"


class SourceError(Memory64Error, OSError):
    """The model's file cannot be opened or read."""

    code = "ERR_MEMORY64_SOURCE"


class SourceNotFoundError(SourceError, FileNotFoundError):
    """There is no such file."""

    code = "ERR_MEMORY64_SOURCE_NOT_FOUND"


class SourceChangedError(SourceError):
    """The file was changed after it was loaded, so its bytes can no longer be trusted."""

    code = "ERR_MEMORY64_SOURCE_CHANGED"


class GuestError(Memory64Error):
    """A WebAssembly guest cannot do what it is asked for."""

    code = "ERR_MEMORY64_GUEST"


class GuestModuleError(GuestError, ValueError):
    """A guest's module is not valid, or imports what there is not."""

    code = "ERR_MEMORY64_GUEST_MODULE"


class GuestTrapError(GuestError):
    """A guest trapped: it did what WebAssembly forbids, or was stopped."""

    code = "ERR_MEMORY64_GUEST_TRAP"


class GuestTimeoutError(GuestTrapError, TimeoutError):
    """A guest was stopped because it ran for too long."""

    code = "ERR_MEMORY64_GUEST_TIMEOUT"


class SessionBusyError(Memory64Error):
    """A session is in use by another call; it does one thing at a time."""

    code = "ERR_MEMORY64_SESSION_BUSY"


class ClosedError(Memory64Error):
    """The model, or what it was opened from, has been closed."""

    code = "ERR_MEMORY64_CLOSED"


class CancelledError(Memory64Error):
    """The caller asked for the work to stop."""

    code = "ERR_MEMORY64_CANCELLED"
