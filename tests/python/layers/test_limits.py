"""How much memory may be used: control groups of both kinds, then the machine."""

from pathlib import Path

import pytest

from memory64.layers import limits

GIB = 1 << 30
MEMINFO = f"MemTotal: {32 * GIB // 1024} kB\nMemAvailable: {10 * GIB // 1024} kB\n"


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(limits, "CGROUP_ROOT", tmp_path / "cgroup")
    monkeypatch.setattr(limits, "PROC", tmp_path / "proc")
    put(tmp_path / "proc/meminfo", MEMINFO)
    return tmp_path


def put(file: Path, text: str | int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(str(text))


def usable(available: int) -> int:
    return int(available * (1 - limits.KEEP_FREE_FRACTION))


def test_without_groups_what_the_machine_has(system: Path) -> None:
    assert limits.usable_bytes() == usable(10 * GIB)


def test_a_v2_group_and_those_above_it(system: Path) -> None:
    put(system / "proc/self/cgroup", "0::/app/worker\n")
    put(system / "cgroup/app/worker/memory.max", "max")
    put(system / "cgroup/app/worker/memory.current", 3 * GIB)
    put(system / "cgroup/app/memory.max", 4 * GIB)
    put(system / "cgroup/app/memory.current", 3 * GIB)
    put(system / "cgroup/app/memory.stat", f"anon 5\ninactive_file {GIB - 7}\nactive_file 7\n")
    assert limits.usable_bytes() == usable(2 * GIB)


def test_a_v1_group(system: Path) -> None:
    put(system / "proc/self/cgroup", "4:memory:/job\n1:cpu,cpuacct:/job\n0::/\n")
    put(system / "cgroup/memory/job/memory.limit_in_bytes", 2 * GIB)
    put(system / "cgroup/memory/job/memory.usage_in_bytes", GIB)
    put(system / "cgroup/memory/memory.limit_in_bytes", (1 << 63) - 4096)
    put(system / "cgroup/memory/memory.usage_in_bytes", GIB)
    assert limits.usable_bytes() == usable(GIB)


def test_inside_a_container_the_limit_stands_at_the_root(system: Path) -> None:
    put(system / "proc/self/cgroup", "0::/../elsewhere\n")
    put(system / "cgroup/memory.max", GIB)
    put(system / "cgroup/memory.current", 0)
    assert limits.usable_bytes() == usable(GIB)


def test_an_exhausted_group_leaves_nothing(system: Path) -> None:
    put(system / "proc/self/cgroup", "0::/app\n")
    put(system / "cgroup/app/memory.max", GIB)
    put(system / "cgroup/app/memory.current", 2 * GIB)
    assert limits.usable_bytes() == 0


def test_a_machine_that_says_nothing(system: Path) -> None:
    (system / "proc/meminfo").unlink()
    assert limits.usable_bytes() > 0
