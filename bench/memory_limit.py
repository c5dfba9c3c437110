"""Processes that may use only so much memory, cached pages of files counted."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup/memory")
"""Control groups, version 1."""


@dataclass(frozen=True)
class MemoryLimit:
    """A control group."""

    folder: Path

    def command(self, command: Sequence[str]) -> list[str]:
        """The command that runs `command` inside."""
        join = f'echo $$ > {self.folder / "cgroup.procs"}; exec "$@"'
        return ["sh", "-c", join, "sh", *command]

    @property
    def peak_bytes(self) -> int:
        """The most that was used at once."""
        return int((self.folder / "memory.max_usage_in_bytes").read_text())

    @property
    def failures(self) -> int:
        """How often memory had to be reclaimed because the limit was reached."""
        return int((self.folder / "memory.failcnt").read_text())


def why_no_limits() -> str | None:
    """None where memory can be limited."""
    if os.access(GROUPS, os.W_OK):
        return None
    return f"limiting memory needs control groups of version 1 that may be written: {GROUPS}"


@contextmanager
def memory_limit(nbytes: int) -> Iterator[MemoryLimit]:
    """A group of processes that may use `nbytes`, for the block."""
    folder = GROUPS / f"memory64-bench-{os.getpid()}"
    folder.mkdir()
    try:
        (folder / "memory.limit_in_bytes").write_text(str(nbytes))
        yield MemoryLimit(folder)
    finally:
        folder.rmdir()
