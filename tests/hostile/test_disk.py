"""A disk that fails, or stands still, under a model that streams: a clear error, and life goes on.

The program is a real one; between it and the system stands `disk.c`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

PROGRAM = """
import sys
from pathlib import Path
from threading import Event

import numpy as np

from memory64 import CancelledError, SourceError, load_model

path, disk = sys.argv[1], Path(sys.argv[2])


def expect(error, call, text=""):
    try:
        call()
    except error as found:
        assert text in str(found), found
    else:
        raise AssertionError(f"no {error.__name__}")


with load_model(path, memory64=True, capacity_bytes=64 << 20) as model:
    with model.session(16) as session:
        session.logits([1, 2, 3])

        disk.write_text("fails")
        expect(SourceError, lambda: session.logits([4]), "cannot be read")
        expect(SourceError, lambda: session.logits([4]), "cannot be read")
        expect(SourceError, lambda: list(model.generate("Hello")), "cannot be read")

        disk.write_text("stands still")
        asked = iter([False, False, True])
        expect(CancelledError, lambda: session.logits([4], cancelled=lambda: next(asked)))
        asked = iter([False, False, True])
        options = {"cancelled": lambda: next(asked)}
        expect(CancelledError, lambda: list(model.generate("Hello", **options)))

        disk.write_text("works")
        after = session.logits([4])
with load_model(path) as model, model.session(16) as session:
    assert np.array_equal(session.logits([1, 2, 3, 4])[-1:].argmax(), after.argmax())
    session.clear()
    session.logits([1, 2, 3])
    assert np.array_equal(session.logits([4]), after)
print("lived")
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("shim") / "disk.so"
    source = HERE / "disk.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


@pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD and MADV_POPULATE_READ are Linux's")
def test_a_disk_that_fails_or_stands_still(shim: Path, smollm2: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(smollm2), str(tmp_path / "disk")],
        env=os.environ | {"LD_PRELOAD": str(shim), "MEMORY64_DISK": str(tmp_path / "disk")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "lived\n"
