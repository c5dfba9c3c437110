"""Modules and files that change: many tries each, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .shrinking import READ_FAILED, WAYS

FOLDER = Path(__file__).parent
WAIT_SECONDS = 600
ROUNDS = 40
EXAMPLES = {
    "replaced": 2500,
    "moved": 500,
    "truncated": 500,
    "random": 300,
    "random_after_header": 500,
    "random_text": 200,
}


def run(program: str, *arguments: object, **environment: str) -> dict[str, int]:
    """How often each ending was met; AssertionError where the process did not end as it should."""
    done = subprocess.run(
        [sys.executable, FOLDER / program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    endings: dict[str, int] = json.loads(done.stdout)
    return endings


@pytest.mark.parametrize("kind", EXAMPLES)
def test_modules(kind: str, tmp_path: Path) -> None:
    # Thousands of them would only push each other out of the folder of compiled modules.
    endings = run("mutated.py", kind, EXAMPLES[kind], tmp_path, MEMORY64_CACHE=os.devnull)
    assert endings["GuestModuleError"] > 0
    if kind == "replaced":
        assert endings["guest"] > EXAMPLES[kind] / 20


@pytest.mark.parametrize("way", WAYS)
def test_files_that_become_shorter(way: str, tmp_path: Path) -> None:
    endings = run("shrinking.py", way, ROUNDS, tmp_path)
    assert sum(endings.values()) == ROUNDS
    assert endings.keys() <= {"SourceChangedError", *(["code"] if way in READ_FAILED else [])}
