"""The disk and the engine, measured on real models."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memory64 import CancelledError, load_model
from memory64.gguf import GGUFDirectory, open_gguf
from memory64.inference.engine import Engine, Piece, Wanted
from memory64.inference.steps import walk_through
from memory64.layers import Memory64LayerManager
from memory64.memory import Memory64Runtime, MemoryLayout, never
from memory64.planning import compute, disk
from memory64.planning.disk import disk_key, measure_disk


def read_bytes() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("read_bytes")))


@pytest.fixture
def copy(smollm2: Path, tmp_path: Path) -> Iterator[Path]:
    """Of which nobody else maps a page."""
    path = tmp_path / "model.gguf"
    shutil.copyfile(smollm2, path)
    with open(path, "rb") as file:
        os.fsync(file.fileno())  # what is not on the disk yet is not dropped
    yield path
    path.unlink()


def test_the_disk_is_read_though_the_file_was_in_memory(copy: Path) -> None:
    gguf = open_gguf(copy)
    before = read_bytes()
    rate = measure_disk(gguf, never)
    assert rate is not None
    assert rate > 0
    assert read_bytes() - before > 0.9 * gguf.size_bytes
    gguf.close()


def test_what_is_not_in_memory_is_read_rather(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "SAMPLE_BYTES", 20 << 20)
    gguf = open_gguf(copy)
    [source] = gguf.sources
    source.drop_page_cache()
    half = copy.stat().st_size // 2
    first_half = bytearray(half)
    source.read_into(0, memoryview(first_half))
    assert measure_disk(gguf, never)
    before = read_bytes()
    source.read_into(0, memoryview(first_half))
    assert read_bytes() - before < half / 4  # it is still there
    gguf.close()


def test_there_is_no_rate_of_what_stays_in_memory(copy: Path) -> None:
    with load_model(copy, memory64=False) as model:  # which maps all of it
        assert measure_disk(model.gguf, never) is None


def test_measuring_the_disk_can_be_cancelled(copy: Path) -> None:
    gguf = open_gguf(copy)
    with pytest.raises(CancelledError):
        measure_disk(gguf, lambda: True)
    gguf.close()


def test_a_disk_is_known_by_its_device(smollm2: Path) -> None:
    with load_model(smollm2) as model:
        walk = walk_through(model.gguf, model.runtime.span)
        device = smollm2.stat().st_dev
        key = disk_key(model.gguf, walk)
        assert f"{os.major(device)}:{os.minor(device)} " in key
        assert str(walk.block_bytes) in key


def test_a_sample_of_all_layers_is_the_model(smollm2: Path) -> None:
    gguf = open_gguf(smollm2)
    sample = gguf.with_layers(compute._spread(gguf))
    assert np.array_equal(logits(gguf), logits(sample))
    gguf.close()


def logits(gguf: GGUFDirectory) -> np.ndarray:
    with Memory64Runtime(MemoryLayout.for_model(gguf)) as runtime:
        engine = Engine(gguf, runtime, 1, Memory64LayerManager(runtime, gguf))
        piece = Piece(engine.new_cache(4), 0, [1, 2, 3])
        rows = engine.compute([piece], Wanted.LOGITS)
        engine.close()
        return rows


def test_the_sample_of_a_large_model_is_spread_over_it(llama_70b_sparse: Path) -> None:
    gguf = open_gguf(llama_70b_sparse)
    assert compute._spread(gguf) == [0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compute, "SAMPLE_BYTES", 7 << 30)
        patch.setattr(compute, "usable_bytes", lambda: 64 << 30)
        assert compute._spread(gguf) == [0, 20, 40, 60]
    gguf.close()


def test_the_sample_stays_in_memory(smollm2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with load_model(smollm2) as model:
        assert len(compute._spread(model.gguf)) == model.layer_count
        monkeypatch.setattr(compute, "usable_bytes", lambda: 60 << 20)
        layers = compute._spread(model.gguf)
        assert 0 < sum(map(model.gguf.layer_bytes, layers)) <= 15 << 20


@pytest.mark.parametrize(("usable_mib", "streams"), [(105, False), (52, True)])
def test_it_is_told_where_the_sample_streams_all_the_same(
    smollm2: Path, monkeypatch: pytest.MonkeyPatch, usable_mib: int, streams: bool
) -> None:
    for name in ("layers.manager", "inference.weights", "planning.compute"):
        monkeypatch.setattr(f"memory64.{name}.usable_bytes", lambda: usable_mib << 20)
    with load_model(smollm2, memory64=True) as model:
        whole = model.stream_stats()
        assert whole is not None
        assert whole.streamed_bytes > 0
        assert compute.measure_compute(model.gguf, 1, never).streamed == streams


def test_the_engine_is_timed(smollm2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes a tenth of a second at each look."""
    monkeypatch.setattr(compute, "SAMPLE_BYTES", 10 << 20)
    ticks = iter(range(10**6))
    monkeypatch.setattr(compute, "perf_counter", lambda: next(ticks) / 10)
    with load_model(smollm2) as model:
        gguf = model.gguf
        walk = walk_through(gguf, model.runtime.span)
        share = len(compute._spread(gguf)) / gguf.layer_count
        assert 0 < share < 0.2
        rate = compute.measure_compute(gguf, 1, never)
        # All layers of SmolLM2 are of one size; the head is as fast as nothing here.
        assert rate.bytes_per_second == pytest.approx(walk.nbytes * share / 0.1, rel=0.1)


def test_measuring_the_engine_can_be_cancelled(smollm2: Path) -> None:
    with load_model(smollm2) as model, pytest.raises(CancelledError):
        compute.measure_compute(model.gguf, 1, lambda: True)


def test_the_rate_is_of_the_model_the_processor_and_the_threads(smollm2: Path, gemma: Path) -> None:
    first, second = open_gguf(smollm2), open_gguf(gemma)
    keys = {compute.compute_key(gguf, threads) for gguf in (first, second) for threads in (1, 2)}
    assert len(keys) == 4
    assert compute.compute_key(first, 1) in keys
    first.close()
    second.close()
