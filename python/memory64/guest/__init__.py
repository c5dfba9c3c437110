"""WebAssembly guests: code in the sandbox that reads a model far larger than its memory."""

from .guest import Guest
from .limits import GuestLimits

__all__ = ["Guest", "GuestLimits"]
