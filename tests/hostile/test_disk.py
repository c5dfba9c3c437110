"""A disk that fails, or stands still, under a model: a clear error, and life goes on.

The program is a real one; between it and the system stands `disk.c`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

COMMON = """
import sys
from pathlib import Path
from threading import Thread
from time import sleep

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


def soon():
    asked = iter([False, False, True])
    return lambda: next(asked)
"""

STREAMING = """
with load_model(path, memory64=True, capacity_bytes=64 << 20) as model:
    with model.session(16) as session:
        session.logits([1, 2, 3])

        disk.write_text("fails")
        expect(SourceError, lambda: session.logits([4]), "cannot be read")
        expect(SourceError, lambda: session.logits([4]), "cannot be read")
        expect(SourceError, lambda: list(model.generate("Hello")), "cannot be read")

        disk.write_text("stands still")
        expect(CancelledError, lambda: session.logits([4], cancelled=soon()))
        expect(CancelledError, lambda: list(model.generate("Hello", cancelled=soon())))

        with model.session(8) as other:
            asked = []
            call = Thread(target=lambda: other.logits([1], cancelled=lambda: asked.append(1)))
            call.start()
            while len(asked) < 3:
                sleep(0.01)
            expect(CancelledError, lambda: list(model.generate("Behind", cancelled=soon())))
            disk.write_text("works")
            call.join()

        disk.write_text("works")
        after = session.logits([4])
with load_model(path) as model, model.session(16) as session:
    assert np.array_equal(session.logits([1, 2, 3, 4])[-1:].argmax(), after.argmax())
    session.clear()
    session.logits([1, 2, 3])
    assert np.array_equal(session.logits([4]), after)
print("lived")
"""

LAYERS = """
from gguf import GGUFReader

with load_model(path, memory64=True) as model:
    disk.write_text("fails")
    expect(SourceError, lambda: model.get_layer(0), "cannot be read")
    expect(SourceError, lambda: model.get_layer(0, cancelled=soon()), "cannot be read")

    # Each of these returns while the disk goes on standing still.
    disk.write_text("stands still")
    expect(CancelledError, lambda: model.get_layer(0, cancelled=soon()))
    expect(CancelledError, lambda: model.load_tensor("output_norm.weight", cancelled=soon()))
    expect(CancelledError, lambda: model.preload_all_layers(cancelled=soon()))
    other = load_model(path, memory64=True)
    expect(CancelledError, lambda: other.get_layer(1, cancelled=soon()))
    other.close()
    assert model.cache_stats().resident_bytes == 0

    disk.write_text("works")
    for tensor in GGUFReader(path).tensors:
        if tensor.name.startswith("blk.0."):
            ours = model.get_layer(0, cancelled=lambda: False)[tensor.name[6:]]
            assert np.array_equal(ours.data, tensor.data.view(np.uint8).reshape(-1))
print("lived")
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("shim") / "disk.so"
    source = HERE / "disk.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


@pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD and MADV_POPULATE_READ are Linux's")
@pytest.mark.parametrize("program", [STREAMING, LAYERS], ids=["streaming", "layers"])
def test_a_disk_that_fails_or_stands_still(
    program: str, shim: Path, smollm2: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMON + program, str(smollm2), str(tmp_path / "disk")],
        env=os.environ | {"LD_PRELOAD": str(shim), "MEMORY64_DISK": str(tmp_path / "disk")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "lived\n"
