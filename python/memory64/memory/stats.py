"""What a runtime counts."""

from dataclasses import dataclass
from threading import Lock

from . import platform
from .reservation import WASM_PAGE_BYTES


@dataclass(frozen=True, slots=True)
class RegionStats:
    """One region: how large it is, and how much of it a model takes."""

    name: str
    size_bytes: int
    used_bytes: int


@dataclass(frozen=True, slots=True)
class RuntimeStats:
    """What a runtime has done so far."""

    reads: int
    """Successful ones, by ``read`` and by guests."""
    writes: int
    bytes_read: int
    bytes_written: int
    layers: int
    """Registered ones."""
    regions: tuple[RegionStats, ...]


class Counts:
    """Counters that several threads may raise at once, and guests without asking Python.

    They lie on one page of shared memory that appears in a memory of each guest. A guest
    adds to its own two by atomic instructions; Python's are raised under a lock.
    """

    GUEST_READS, GUEST_BYTES, READS, BYTES_READ, WRITES, BYTES_WRITTEN = range(6)

    def __init__(self) -> None:
        """Begin with zeros."""
        self._lock = Lock()
        self.page = platform.SharedPages(WASM_PAGE_BYTES)
        self._values = memoryview(self.page.memory).cast("Q")

    def add_read(self, size: int) -> None:
        """Count a successful read of ``size`` bytes."""
        self._add(self.READS, self.BYTES_READ, size)

    def add_write(self, size: int) -> None:
        """Count a successful write of ``size`` bytes."""
        self._add(self.WRITES, self.BYTES_WRITTEN, size)

    @property
    def reads(self) -> int:
        """Successful reads, by ``read`` and by guests."""
        return self._values[self.GUEST_READS] + self._values[self.READS]

    def snapshot(self, layers: int, regions: tuple[RegionStats, ...]) -> RuntimeStats:
        """The counts at this moment, with what the runtime adds."""
        with self._lock:
            values = self._values[:6].tolist()
        return RuntimeStats(
            reads=values[self.GUEST_READS] + values[self.READS],
            writes=values[self.WRITES],
            bytes_read=values[self.GUEST_BYTES] + values[self.BYTES_READ],
            bytes_written=values[self.BYTES_WRITTEN],
            layers=layers,
            regions=regions,
        )

    def _add(self, calls: int, total: int, size: int) -> None:
        with self._lock:
            self._values[calls] += 1
            self._values[total] += size
