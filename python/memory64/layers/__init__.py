"""Residency: which layers are in memory, and which go when room is needed."""

from .cache import CacheStats
from .limits import usable_bytes
from .manager import Memory64LayerManager
from .policy import LRU, POLICIES, Policy, policy_named

__all__ = [
    "LRU",
    "POLICIES",
    "CacheStats",
    "Memory64LayerManager",
    "Policy",
    "policy_named",
    "usable_bytes",
]
