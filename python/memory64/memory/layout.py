"""How the flat 64-bit space is divided into named regions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ..errors import LayoutError
from ..gguf import GGUFDirectory
from .parts import parts, room_for

GIB = 1 << 30

MAX_REGIONS = 100
"""A WebAssembly module may import no more memories than this (a limit of wasmtime's)."""

MAX_REGION_GIB = 64 << 10
"""64 TiB: beyond it lies more address space than a process has on 48-bit machines."""


@dataclass(frozen=True, slots=True)
class RegionSpec:
    """A region to be: its name, and its size in GiB."""

    name: str
    size_gb: int

    def __post_init__(self) -> None:
        """Check both."""
        if not self.name:
            raise LayoutError("a region needs a name, found an empty one")
        if type(self.size_gb) is not int or not 1 <= self.size_gb <= MAX_REGION_GIB:
            raise LayoutError(
                f"region {self.name!r}: needs a whole number of GiB from 1 to {MAX_REGION_GIB}, "
                f"found {self.size_gb!r}"
            )

    @property
    def size_bytes(self) -> int:
        """The size in bytes."""
        return self.size_gb * GIB


@dataclass(frozen=True, slots=True)
class MemoryLayout:
    """Regions in the order in which they follow one another in the flat space.

    A flat offset counts bytes from the start of the first region; the second region begins
    where the first one ends, and so on.
    """

    regions: tuple[RegionSpec, ...]

    def __post_init__(self) -> None:
        """Check the regions together."""
        if not self.regions:
            raise LayoutError("a layout needs at least one region")
        if len(self.regions) > MAX_REGIONS:
            raise LayoutError(
                f"a layout has at most {MAX_REGIONS} regions, not {len(self.regions)}"
            )
        names = [region.name for region in self.regions]
        for name in names:
            if names.count(name) > 1:
                raise LayoutError(f"two regions are named {name!r}; names tell regions apart")

    @classmethod
    def single(cls, size_gb: int, name: str = "weights") -> Self:
        """One region of ``size_gb`` GiB.

        Raises:
            LayoutError: the size or the name is none.
        """
        return cls((RegionSpec(name, size_gb),))

    @classmethod
    def multi(cls, regions: Iterable[tuple[str, int]]) -> Self:
        """Several regions, each a name and a size in GiB.

        The names say what goes where when a model is placed (see ``placement``):
        ``embeddings``, ``layers_0_15``, ``head``; any other name takes what is left.

        Raises:
            LayoutError: there is no region, or one is not right.
        """
        return cls(tuple(RegionSpec(name, size_gb) for name, size_gb in regions))

    @classmethod
    def for_model(cls, gguf: GGUFDirectory) -> Self:
        """One region that holds all of ``gguf``, whatever its size."""
        needed = sum(map(room_for, parts(gguf).values()))
        return cls.single(max(1, -(-needed // GIB)))

    @property
    def size_bytes(self) -> int:
        """Bytes of all regions together: one past the last flat offset."""
        return sum(region.size_bytes for region in self.regions)
