"""What this process holds in memory, from the kernel's own count of its pages."""

from pathlib import Path
from typing import NamedTuple

KIB = 1024


class Held(NamedTuple):
    """Bytes in memory."""

    resident: int
    """Every page, those of mapped files and of shared libraries' code included."""
    anonymous: int
    """Pages that no file stands behind: a copy of a model's bytes would be found here."""
    shared: int
    """Pages of memory that appears in several places, each counted once."""

    def grown_by(self) -> dict[str, int]:
        """How much more is held now, as the drivers print it."""
        now = held()
        return {
            "residentBytes": now.resident - self.resident,
            "anonymousBytes": now.anonymous - self.anonymous,
            "sharedBytes": now.shared - self.shared,
        }


def held() -> Held:
    """What this process holds now."""
    # Exact, where /proc/self/stat lags behind by what each core has not yet reported.
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    kib = {field: int(value) for field, value, _unit in map(str.split, lines)}
    return Held(*(kib[field] * KIB for field in ("Rss:", "Anonymous:", "Pss_Shmem:")))
