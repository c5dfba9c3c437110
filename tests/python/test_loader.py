"""Loading: the threshold, the ways to say what to load, progress and cancellation."""

import gc
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memory64 import (
    MEMORY64_THRESHOLD_BYTES,
    CancelledError,
    CapacityError,
    LayoutError,
    Memory64Error,
    Memory64GGUFLoader,
    MemoryLayout,
    SourceNotFoundError,
    load_model,
)
from models.generate import marked
from models.split import split
from tests.oracle import reader


def grown_to(path: Path, size: int) -> Path:
    """The same model with a hole behind it, so that the file has ``size`` bytes."""
    with open(path, "r+b") as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize(
    ("size", "option", "enabled"),
    [
        (MEMORY64_THRESHOLD_BYTES - 1, "auto", False),
        (MEMORY64_THRESHOLD_BYTES, "auto", False),
        (MEMORY64_THRESHOLD_BYTES + 1, "auto", True),
        (MEMORY64_THRESHOLD_BYTES + 1, False, False),
        (MEMORY64_THRESHOLD_BYTES, True, True),
    ],
)
def test_the_threshold(tiny: Path, size: int, option: bool, enabled: bool) -> None:
    with load_model(grown_to(tiny, size), memory64=option) as model:
        assert model.memory64 is enabled
    assert MEMORY64_THRESHOLD_BYTES == 3_000_000_000


def test_all_parts_count_towards_the_threshold(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = split(tiny, tmp_path, 2)
    whole = sum(part.stat().st_size for part in parts)
    for threshold, enabled in ((whole - 1, True), (whole, False)):
        monkeypatch.setattr("memory64.loader.MEMORY64_THRESHOLD_BYTES", threshold)
        with load_model(parts[0]) as model:
            assert model.memory64 is enabled


@pytest.mark.parametrize("memory64", ["on", 1, None])
def test_the_mode_is_auto_true_or_false(tiny: Path, memory64: bool) -> None:
    with pytest.raises(ValueError, match="'auto', True or False"):
        load_model(tiny, memory64=memory64)


@pytest.mark.parametrize("memory64", [True, False])
def test_from_bytes_as_from_the_path(tiny: Path, memory64: bool) -> None:
    data = tiny.read_bytes()
    with load_model(tiny) as by_path:
        for source in (data, bytearray(data), memoryview(data)):
            with load_model(source, memory64=memory64) as by_bytes:
                for name, tensor in by_path.tensors.items():
                    assert np.array_equal(by_bytes.tensors[name].data, tensor.data), name


def test_the_loader_keeps_its_options(tiny: Path) -> None:
    loader = Memory64GGUFLoader(memory64=True, max_cached=2)
    for model in (loader.load_model(tiny), loader.load_model_from_path(str(tiny))):
        with model:
            assert model.memory64
            assert model.cache_stats().max_cached == 2


def test_a_single_tensor(tiny: Path) -> None:
    (stored,) = [t for t in reader(tiny).tensors if t.name == "output_norm.weight"]
    loader = Memory64GGUFLoader(memory64=False, max_cached=1)
    for source in (tiny, tiny.read_bytes()):
        values = loader.load_tensor_lazy("output_norm.weight", source)
        assert values.dtype == np.float32
        assert np.array_equal(values, stored.data)


@pytest.mark.parametrize("memory64", [True, False])
def test_progress_ends_with_one(tiny: Path, memory64: bool) -> None:
    fractions: list[float] = []
    load_model(tiny, memory64=memory64, progress=fractions.append).close()
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_cancelling_standard_loading(tiny: Path) -> None:
    with pytest.raises(CancelledError):
        load_model(tiny, memory64=False, cancelled=lambda: True)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is mapped")
@pytest.mark.parametrize("options", [{"cancelled": lambda: True}, {"capacity_bytes": 1}])
def test_a_model_that_was_not_loaded_leaves_nothing_mapped(
    tiny: Path, options: dict[str, Any]
) -> None:
    gc.disable()  # what it took is given back at once, not when cycles are looked for
    try:
        with pytest.raises(Memory64Error) as caught:
            load_model(tiny, memory64=False, **options)
        del caught
        assert str(tiny) not in Path("/proc/self/maps").read_text()
    finally:
        gc.enable()


def test_a_standard_model_larger_than_the_capacity(tiny: Path) -> None:
    with pytest.raises(CapacityError, match="the capacity is 1000000"):
        load_model(tiny, memory64=False, capacity_bytes=1_000_000)


def test_a_layout_of_another_kind(tiny: Path) -> None:
    with pytest.raises(TypeError, match="needs to be a MemoryLayout"):
        load_model(tiny, layout=[("weights", 1)])  # type: ignore[arg-type]


def test_a_layout_too_small(beyond_4gib: Path) -> None:
    with pytest.raises(LayoutError, match="no room"):
        load_model(beyond_4gib, layout=MemoryLayout.single(1))


def test_non_ascii_paths(tiny: Path) -> None:
    renamed = tiny.rename(tiny.with_name("модель ✓ 模型.gguf"))
    with load_model(renamed) as model:
        assert model.source == str(renamed)
    with pytest.raises(SourceNotFoundError, match="✗"):
        load_model(tiny.with_name("✗.gguf"))


def test_a_70b_shaped_file(llama_70b_sparse: Path) -> None:
    mark = marked()
    with load_model(llama_70b_sparse) as model:
        assert model.memory64
        assert model.layer_count == 80
        assert model.size_bytes > 100 << 30
        tensor = model.tensors[mark.tensor]
        end = mark.offset + len(mark.data)
        assert tensor.data[mark.offset : end].tobytes() == mark.data
        found = bytearray(len(mark.data))
        model.runtime.read(tensor.offset + mark.offset, found)
        assert found == mark.data
