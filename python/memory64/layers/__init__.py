"""Residency: which layers are in memory, and which go when room is needed."""

from .cache import CacheStats
from .limits import usable_bytes
from .manager import Memory64LayerManager
from .policies import PolicyChoice, check_choice
from .prefetch import LayerWalk

__all__ = [
    "CacheStats",
    "LayerWalk",
    "Memory64LayerManager",
    "PolicyChoice",
    "check_choice",
    "usable_bytes",
]
