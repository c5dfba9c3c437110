"""Regions: the file mapped into 64-bit wasm memories, and the functions guests call."""

from .cancel import Cancelled, never
from .image import LayerImage, Span
from .layout import MemoryLayout, RegionSpec
from .placement import Extent, Placement, place
from .private import PrivateRun, private_runs
from .runtime import Memory64Runtime
from .stats import RegionStats, RuntimeStats

__all__ = [
    "Cancelled",
    "Extent",
    "LayerImage",
    "Memory64Runtime",
    "MemoryLayout",
    "Placement",
    "PrivateRun",
    "RegionSpec",
    "RegionStats",
    "RuntimeStats",
    "Span",
    "never",
    "place",
    "private_runs",
]
