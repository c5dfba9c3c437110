"""What was measured on: a figure without its machine says nothing."""

import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def facts() -> dict[str, str | int | float]:
    """CPU, memory, versions, the time, and how busy the machine is at this moment."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "node": _node_version(),
        "python": platform.python_version(),
        "wasmtime": version("wasmtime"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_average": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _node_version() -> str:
    node = shutil.which("node")
    if not node:
        return "none"
    return subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()
