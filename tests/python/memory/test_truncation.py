"""Pages that are gone from their file; the scenarios stand in `lost_pages`."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .lost_pages import SCENARIOS

ROOT = Path(__file__).parents[3]
WAIT_SECONDS = 60
DEADLY = sorted(name for name in SCENARIOS if name.startswith("dies"))


def run(name: str, folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.python.memory.lost_pages", name, folder, *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=WAIT_SECONDS,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.mark.parametrize("options", [[], ["faulthandler"]], ids=["alone", "faulthandler"])
@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - set(DEADLY)))
def test_goes_on(name: str, options: list[str], tmp_path: Path) -> None:
    done = run(name, tmp_path, *options)
    assert (done.returncode, done.stdout) == (0, "as it should\n"), done.stderr


@pytest.mark.parametrize("name", DEADLY)
def test_any_other_ends_the_process(name: str, tmp_path: Path) -> None:
    assert run(name, tmp_path).returncode == -signal.SIGBUS


@pytest.mark.parametrize("name", DEADLY)
def test_a_handler_there_was_before_is_asked(name: str, tmp_path: Path) -> None:
    done = run(name, tmp_path, "faulthandler")
    assert done.returncode == -signal.SIGBUS
    assert "Fatal Python error: Bus error" in done.stderr
