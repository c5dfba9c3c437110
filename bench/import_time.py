"""Where the time of an import goes, by `python -X importtime`."""

import re
import subprocess
import sys
from collections.abc import Collection

from bench.errors import BenchError
from bench.measure import ROOT

# import time:      1057 |      16004 |       memory64.memory.runtime
_LINE = re.compile(r"import time: +\d+ \| +(\d+) \| ( *)(\S+)")


def import_seconds(module: str, packages: Collection[str]) -> dict[str, float]:
    """Seconds that each of `packages` takes of `import module`, and what is left for `module`.

    A package's time holds all that it imports, but for those of the other packages.
    """
    command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise BenchError(f"{' '.join(command)} failed:\n{done.stderr}")
    seconds = {}
    passed: list[tuple[int, int]] = []  # depth of a line, microseconds told apart inside it
    # Whoever imports is written after, and one step left of, what it imports.
    for cumulative, indent, name in _LINE.findall(done.stderr):
        depth = len(indent)
        inside = sum(microseconds for below, microseconds in passed if below > depth)
        passed = [entry for entry in passed if entry[0] <= depth]
        if name in (module, *packages):
            seconds[name] = (int(cumulative) - inside) / 1e6
            inside = int(cumulative)
        passed.append((depth, inside))
    return seconds
