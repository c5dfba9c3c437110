"""How many threads are worth having."""

import os
from pathlib import Path

_QUOTAS = (
    # control groups, version 2: "max 100000" or "150000 100000"
    (Path("/sys/fs/cgroup/cpu.max"),),
    (Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")),
)


def usable_cores() -> int:
    """The cores this process may use: those it may run on, and its group's share of them."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *_quotas()]))


def _quotas() -> list[int]:
    found = []
    for files in _QUOTAS:
        try:
            words = " ".join(file.read_text() for file in files).split()
        except OSError:
            continue
        if len(words) == 2 and all(word.isdigit() for word in words) and words[1] != "0":
            found.append(-(-int(words[0]) // int(words[1])))
    return found
