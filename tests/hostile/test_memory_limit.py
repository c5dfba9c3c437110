"""A process that may use less memory than the model needs is not killed: text, layers, sessions."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memory64 import load_model

ROOT = Path(__file__).parents[2]
GROUPS = Path("/sys/fs/cgroup/memory")
LIMIT_BYTES = 150 << 20
TOKENS = list(range(100, 140))

PROGRAM = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from memory64 import CapacityError, load_model

path, tokens = sys.argv[1], json.loads(sys.argv[2])
with load_model(path, memory64=True) as model:
    text = "".join(model.generate("The capital of France is", max_tokens=8, temperature=0))
    for layer in model:
        layer["attn_q.weight"].data.sum()
    try:
        model.preload_all_layers()
    except CapacityError:
        pass
    model.clear_cache()
    sessions = [model.session(64) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda session: session.logits(tokens)[-1], sessions))
    stats = model.stream_stats()
    rows[0].tofile(sys.argv[3])
    print(json.dumps({
        "text": text,
        "alike": all((row == rows[0]).all() for row in rows),
        "streamed": stats.streamed_bytes,
    }))
"""


@pytest.fixture
def group() -> Iterator[Path]:
    folder = GROUPS / f"memory64-test-{os.getpid()}"
    folder.mkdir()
    (folder / "memory.limit_in_bytes").write_text(str(LIMIT_BYTES))
    yield folder
    folder.rmdir()


@pytest.mark.skipif(
    not os.access(GROUPS, os.W_OK), reason="control groups of version 1 that may be written"
)
def test_a_process_with_too_little_memory_lives(group: Path, smollm2: Path, tmp_path: Path) -> None:
    fd = os.open(smollm2, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)  # what others had read would be for free
    os.close(fd)
    program = [
        sys.executable,
        "-c",
        PROGRAM,
        str(smollm2),
        json.dumps(TOKENS),
        str(tmp_path / "row"),
    ]
    done = subprocess.run(
        ["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh", *program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    failures = (group / "memory.failcnt").read_text().strip()
    peak = (group / "memory.max_usage_in_bytes").read_text().strip()
    print(f"memory.failcnt {failures}, most used {peak} of {LIMIT_BYTES}")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["streamed"] > 0
    assert found["alike"]
    with load_model(smollm2) as model, model.session(64) as session:
        assert np.array_equal(session.logits(TOKENS)[-1], np.fromfile(tmp_path / "row", np.float32))
        text = model.generate("The capital of France is", max_tokens=8, temperature=0)
        assert "".join(text) == found["text"]
