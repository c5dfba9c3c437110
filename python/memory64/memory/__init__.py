"""Regions: the file mapped into 64-bit wasm memories, and the functions guests call."""

from .cancel import Cancelled, never
from .engine import GuestEngine
from .image import LayerImage, Span
from .layout import MemoryLayout, RegionSpec
from .placement import Extent, Placement, place
from .private import PrivateRun, private_runs
from .region import Region
from .runtime import Memory64Runtime
from .stats import RegionStats, RuntimeStats
from .truncation import guarded

__all__ = [
    "Cancelled",
    "Extent",
    "GuestEngine",
    "LayerImage",
    "Memory64Runtime",
    "MemoryLayout",
    "Placement",
    "PrivateRun",
    "Region",
    "RegionSpec",
    "RegionStats",
    "RuntimeStats",
    "Span",
    "guarded",
    "never",
    "place",
    "private_runs",
]
