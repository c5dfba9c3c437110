"""Regions: the file mapped into 64-bit wasm memories, and the functions guests call."""

from .cancel import LOOK_SECONDS, Cancelled, never
from .engine import GuestEngine, kernel_engine, kernel_module
from .image import LayerImage, Span
from .layout import MemoryLayout, RegionSpec
from .placement import Extent, Placement, place
from .platform import (
    HUGE_PAGE_BYTES,
    SharedPages,
    huge_pages,
    map_zeros,
    move_pages,
    prefer_huge_pages,
)
from .private import PrivateRun, private_runs
from .region import Region
from .reservation import WASM_PAGE_BYTES
from .runtime import Memory64Runtime
from .space import FlatSpace
from .stats import RegionStats, RuntimeStats
from .truncation import guarded
from .user_cache import user_cache

__all__ = [
    "HUGE_PAGE_BYTES",
    "LOOK_SECONDS",
    "WASM_PAGE_BYTES",
    "Cancelled",
    "Extent",
    "FlatSpace",
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
    "SharedPages",
    "Span",
    "guarded",
    "huge_pages",
    "kernel_engine",
    "kernel_module",
    "map_zeros",
    "move_pages",
    "never",
    "place",
    "prefer_huge_pages",
    "private_runs",
    "user_cache",
]
