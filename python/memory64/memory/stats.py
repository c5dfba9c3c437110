"""What a runtime counts."""

from dataclasses import dataclass
from threading import Lock


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
    """Counters that several threads may raise at once."""

    def __init__(self) -> None:
        """Begin with zeros."""
        self._lock = Lock()
        self._reads = self._writes = self._bytes_read = self._bytes_written = 0

    def add_read(self, size: int) -> None:
        """Count a successful read of ``size`` bytes."""
        with self._lock:
            self._reads += 1
            self._bytes_read += size

    def add_write(self, size: int) -> None:
        """Count a successful write of ``size`` bytes."""
        with self._lock:
            self._writes += 1
            self._bytes_written += size

    def snapshot(self, layers: int, regions: tuple[RegionStats, ...]) -> RuntimeStats:
        """The counts at this moment, with what the runtime adds."""
        with self._lock:
            return RuntimeStats(
                reads=self._reads,
                writes=self._writes,
                bytes_read=self._bytes_read,
                bytes_written=self._bytes_written,
                layers=layers,
                regions=regions,
            )
