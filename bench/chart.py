"""Tokens per second against the memory limit, as a picture for the README."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.errors import BenchError
from bench.measure import ROOT
from bench.peers import FOLDER, PEERS_PYTHON, make_environment

PICTURE = ROOT / "docs" / "larger-than-memory.svg"
PACKAGE = "matplotlib"


@dataclass(frozen=True)
class Point:
    """Rates under one limit, in tokens per second."""

    limit_gib: float
    ours: float
    peer: float | None
    bound: float


def draw(points: Sequence[Point]) -> None:
    """Write `PICTURE`. The package that draws is installed where the peers are."""
    make_environment(PACKAGE, PACKAGE)
    drawing = subprocess.run(
        [str(PEERS_PYTHON), str(FOLDER / "py" / "draw_chart.py"), str(PICTURE)],
        input=json.dumps([asdict(point) for point in points]),
        capture_output=True,
        text=True,
    )
    if drawing.returncode:
        raise BenchError(f"the chart could not be drawn:\n{drawing.stderr}")
    print(f"drawn: {PICTURE.relative_to(ROOT)}", file=sys.stderr)
