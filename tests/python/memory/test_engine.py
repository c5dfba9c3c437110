"""There is one engine of a kind, whoever asks first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Threads that all ask first. A process has one such moment only.
ASK_AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from memory64.memory import engine

ask, barrier = getattr(engine, sys.argv[1]), Barrier(8)

def first(_):
    barrier.wait()
    return ask()

with ThreadPoolExecutor(8) as pool:
    found = list(pool.map(first, range(8)))
assert len(set(map(id, found))) == 1, found
"""


@pytest.mark.parametrize("kind", ["engine", "kernel_engine"])
def test_threads_that_ask_first_have_the_same(kind: str) -> None:
    asked = subprocess.run(
        [sys.executable, "-c", ASK_AT_ONCE, kind],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 0, asked.stderr
