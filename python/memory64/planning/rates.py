"""How fast this machine reads and computes, measured once and kept on disk."""

import json
import logging
import math
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ..memory import user_cache

log = logging.getLogger("memory64")

MAX_RATES = 256
"""The oldest ones go."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What was measured.

    Attributes:
        bytes_per_second: of weights.
        measured: the day, as ``2026-11-23``.
    """

    bytes_per_second: float
    measured: str


class Rates:
    """Rates by what they belong to, in a file."""

    def __init__(self, file: Path) -> None:
        """Keep them in ``file``, which is made with its folder when the first one is kept."""
        self._file = file

    def find(self, key: str) -> Rate | None:
        """The one that was kept under ``key``."""
        return self._read().get(key)

    def keep(self, key: str, bytes_per_second: float) -> Rate:
        """Let that be the rate for ``key`` from now on; where it cannot be kept, it is not."""
        rate = measured_today(bytes_per_second)
        try:
            self._write({**self._read(), key: rate})
        except OSError as error:
            log.debug("a rate is not kept: %s", error)
        return rate

    def _read(self) -> dict[str, Rate]:
        try:
            kept = json.loads(self._file.read_bytes())
        except (OSError, ValueError):  # not there, or of somebody else
            return {}
        if not isinstance(kept, dict):
            return {}
        rates = {key: _rate(each) for key, each in kept.items()}
        return {key: rate for key, rate in rates.items() if rate}

    def _write(self, rates: dict[str, Rate]) -> None:
        newest = sorted(rates, key=lambda key: rates[key].measured)[-MAX_RATES:]
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)
        try:
            with open(descriptor, "w") as opened:
                json.dump({key: asdict(rates[key]) for key in newest}, opened, indent=1)
            Path(name).replace(self._file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def measured_today(bytes_per_second: float) -> Rate:
    """That as a rate."""
    return Rate(bytes_per_second, date.today().isoformat())


def kept_rates() -> Rates:
    """Those of this user."""
    return Rates(user_cache() / "rates.json")


def _rate(kept: Any) -> Rate | None:
    """What was kept, unless somebody has changed it into something else."""
    with suppress(TypeError, ValueError, KeyError):
        speed, day = float(kept["bytes_per_second"]), date.fromisoformat(kept["measured"])
        if math.isfinite(speed) and speed > 0:
            return Rate(speed, day.isoformat())
    return None
