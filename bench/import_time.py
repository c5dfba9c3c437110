"""Where the time of an import goes, by `python -X importtime`."""

import re
import subprocess
import sys
from collections import Counter

from bench.errors import BenchError
from bench.measure import ROOT

# import time:      1057 |      16004 |       memory64.memory.runtime
_LINE = re.compile(r"import time: +(\d+) \| +\d+ \| +([^.\s]+)")


def import_seconds(module: str) -> dict[str, float]:
    """Seconds of `import module` by top-level package, Python's own start included.

    Each package with the time of its own modules alone: what they import counts for itself.
    """
    command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise BenchError(f"{' '.join(command)} failed:\n{done.stderr}")
    microseconds: Counter[str] = Counter()
    for own, package in _LINE.findall(done.stderr):
        microseconds[package] += int(own)
    return {package: own / 1e6 for package, own in microseconds.items()}
