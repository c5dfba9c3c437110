"""How much memory the process may use for layers."""

import os
from collections.abc import Iterator
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
PROC = Path("/proc")

KEEP_FREE_FRACTION = 0.1
"""Left to everything else: the interpreter, the caller's arrays, other processes."""


def usable_bytes() -> int:
    """Bytes a model may take: what the control groups and the machine leave, less a tenth.

    The tightest of the process's control groups (v2 or v1) counts first, then the memory
    the kernel calls available; where neither is known, half of the physical memory.
    """
    available = min([*_cgroup_available(), _machine_available()])
    return max(0, int(available * (1 - KEEP_FREE_FRACTION)))


def _cgroup_available() -> Iterator[int]:
    for limit_file, usage_file in _cgroup_files():
        limit, usage = _read_number(limit_file), _read_number(usage_file)
        if limit is None or usage is None:
            continue
        # Cached file pages count as used, but are given up before anything is refused.
        stat = limit_file.parent / "memory.stat"
        cached = sum(_read_field(stat, f"{state}_file") for state in ("inactive", "active"))
        yield limit - usage + cached


def _cgroup_files() -> Iterator[tuple[Path, Path]]:
    try:
        lines = (PROC / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            for folder in _up_to_root(CGROUP_ROOT, path):
                yield folder / "memory.max", folder / "memory.current"
        elif "memory" in controllers.split(","):
            for folder in _up_to_root(CGROUP_ROOT / "memory", path):
                yield folder / "memory.limit_in_bytes", folder / "memory.usage_in_bytes"


def _up_to_root(root: Path, path: str) -> Iterator[Path]:
    folder = root / path.lstrip("/")
    while folder != root and root in folder.parents:
        yield folder
        folder = folder.parent
    # Inside a container the group's own files stand at the root.
    yield root


def _machine_available() -> int:
    available = _read_field(PROC / "meminfo", "MemAvailable:")
    if available:
        return available * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _read_number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # absent, or the word "max"
        return None


def _read_field(file: Path, field: str) -> int:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.split()[0] == field), 0)
