"""A model hands out the file's own bytes, in every mode, and nothing after it is closed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from memory64 import (
    ClosedError,
    Memory64Model,
    Memory64Runtime,
    MemoryLayout,
    OutOfBoundsError,
    SourceChangedError,
    TensorNotFoundError,
    load_model,
)
from models import generate
from tests.oracle import reader


@pytest.fixture(params=[True, False], ids=["memory64", "standard"])
def model(request: pytest.FixtureRequest, tiny: Path) -> Memory64Model:
    return load_model(tiny, memory64=request.param)


@pytest.mark.parametrize("memory64", [True, False], ids=["memory64", "standard"])
@pytest.mark.parametrize("name", ["smollm2", "gemma", "beyond_4gib"])
def test_every_byte_is_the_files(name: str, memory64: bool, request: pytest.FixtureRequest) -> None:
    path = Path(request.getfixturevalue(name))
    layout = None
    if memory64:
        layout = MemoryLayout.multi(
            [("embeddings", 2), ("layers_0_4", 3), ("rest", 4), ("head", 1)]
        )
    oracle = {tensor.name: tensor for tensor in reader(path).tensors}
    with load_model(path, memory64=memory64, layout=layout, max_cached=2) as model:
        seen = set()
        for layer in model:
            for key, tensor in layer.items():
                assert tensor.name == f"blk.{layer.layer_id}.{key}"
                check(model, tensor.name, oracle[tensor.name].data, tensor.data)
                seen.add(tensor.name)
        for tensor_name, tensor in model.tensors.items():
            if tensor_name not in seen:
                check(model, tensor_name, oracle[tensor_name].data, tensor.data)
                seen.add(tensor_name)
    assert seen == oracle.keys()


def check(model: Memory64Model, name: str, expected: np.ndarray, data: np.ndarray) -> None:
    assert data.dtype == np.uint8
    assert not data.flags.writeable
    flat = expected.reshape(-1).view(np.uint8)
    assert np.array_equal(data, flat), name
    copy = np.empty(data.size, np.uint8)
    assert model.runtime.read(model.tensors[name].offset, copy) == data.size
    assert np.array_equal(copy, flat), name


def test_facts(model: Memory64Model, tiny: Path) -> None:
    assert model.source == str(tiny)
    assert model.architecture == "llama"
    assert model.layer_count == len(model) == 4
    assert model.size_bytes == tiny.stat().st_size
    assert model.metadata["llama.block_count"] == 4
    assert repr(model).startswith("Memory64Model(")


def test_a_layer_is_a_mapping_in_directory_order(model: Memory64Model) -> None:
    layer = model.get_layer(2)
    names = [name for name in model.tensors if name.startswith("blk.2.")]
    assert [f"blk.2.{key}" for key in layer] == names
    assert layer["attn_q.weight"] is layer["blk.2.attn_q.weight"]
    assert layer.nbytes == sum(tensor.nbytes for tensor in layer.values())
    assert "attn_q.weight" in layer
    assert "blk.1.attn_q.weight" not in layer
    with pytest.raises(TensorNotFoundError, match=r"layer 2 has no tensor 'nope'; it has: attn_k"):
        layer["nope"]


def test_wrong_names_and_numbers(model: Memory64Model) -> None:
    with pytest.raises(OutOfBoundsError, match="no layer 4, layers are 0 to 3"):
        model.get_layer(4)
    with pytest.raises(TensorNotFoundError, match="'nope'"):
        model.load_tensor("nope")
    with pytest.raises(TypeError, match="by its number, found '0'"):
        model.get_layer("0")  # type: ignore[arg-type]


def test_standard_loading_has_everything_resident(tiny: Path) -> None:
    with load_model(tiny, memory64=False) as model:
        assert not model.memory64
        stats = model.cache_stats()
        assert stats.cached_layers == stats.max_cached == model.layer_count
        list(model)
        stats = model.cache_stats()
        assert (stats.cache_hits, stats.cache_misses) == (model.layer_count, 0)


def test_memory64_loading_reads_nothing_before_it_is_asked(tiny: Path) -> None:
    with load_model(tiny, memory64=True) as model:
        assert model.memory64
        assert model.cache_stats().resident_bytes == 0
        assert [region.size_gb for region in model.runtime.layout.regions] == [1]


def test_after_closing(model: Memory64Model) -> None:
    layer = model.get_layer(0)
    array = layer["attn_q.weight"].data
    expected = array.tobytes()
    model.close()
    model.close()
    assert array.tobytes() == expected
    for use in (
        lambda: model.get_layer(0),
        lambda: model.load_tensor("output.weight"),
        lambda: layer["attn_q.weight"].data,
        lambda: model.tensors["output.weight"].data,
        lambda: model.metadata["tokenizer.ggml.tokens"],
        model.preload_all_layers,
        model.clear_cache,
        layer.__enter__,
    ):
        with pytest.raises(ClosedError):
            use()
    assert model.cache_stats().cache_hits + model.cache_stats().cache_misses == 1


def test_views_outlive_the_model(tiny: Path) -> None:
    array = load_model(tiny, memory64=True).get_layer(1)["ffn_up.weight"].data
    (stored,) = [t for t in reader(tiny).tensors if t.name == "blk.1.ffn_up.weight"]
    assert np.array_equal(array, stored.data.reshape(-1).view(np.uint8))


def test_a_view_stays_true_after_eviction(tiny: Path) -> None:
    with load_model(tiny, memory64=True, max_cached=1) as model:
        array = model.get_layer(0)["attn_q.weight"].data
        expected = array.tobytes()
        for layer_id in range(1, 4):
            model.get_layer(layer_id)
        assert model.cache_stats().evictions == 3
        assert array.tobytes() == expected


@pytest.mark.parametrize("memory64", [True, False])
def test_a_file_that_shrinks_after_loading(tiny: Path, memory64: bool) -> None:
    with load_model(tiny, memory64=memory64) as model:
        layer = model.get_layer(0)
        with open(tiny, "r+b") as file:
            file.truncate(5000)
        for use in (
            lambda: model.get_layer(0),
            lambda: model.get_layer(1),
            lambda: layer["attn_q.weight"].data,
            lambda: model.load_tensor("output.weight"),
        ):
            with pytest.raises(SourceChangedError, match=r"5000 now\); load it again"):
                use()


@pytest.mark.parametrize("copied", [False, True], ids=["mapped", "copied"])
def test_many_threads_on_one_model_with_too_little_room(tiny: Path, copied: bool) -> None:
    raw = tiny.read_bytes()
    source = raw if copied else tiny
    with load_model(source, memory64=True, max_cached=1) as model:
        expected = model.load_tensor("output.weight")
        info = model.gguf.tensor("output.weight")
        offset = model.tensors["output.weight"].offset

        def values(_: int) -> bool:
            return np.array_equal(model.load_tensor("output.weight"), expected)

        def read(_: int) -> bool:
            found = bytearray(info.nbytes)
            model.runtime.read(offset, found)
            return found == raw[info.file_offset : info.file_end]

        def walk(turn: int) -> bool:
            layer_id = turn % model.layer_count
            model.get_layer(layer_id)
            first = model.gguf.layer(layer_id)[0]
            found = bytearray(first.nbytes)
            model.runtime.read(model.tensors[first.name].offset, found)
            return found == raw[first.file_offset : first.file_end]

        with ThreadPoolExecutor(8) as pool:
            for work in (values, read, walk, values, read, walk):
                assert all(pool.map(work, range(100)))
            mixed = [pool.submit((values, read, walk)[turn % 3], turn) for turn in range(600)]
            assert all(done.result() for done in mixed)


def test_closing_waits_for_calls_under_way(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model(tiny, memory64=True)
    inside, may_end = threading.Event(), threading.Event()
    load = Memory64Runtime.load

    def slow(runtime: Memory64Runtime, *arguments: object, **options: object) -> None:
        inside.set()
        may_end.wait(timeout=60)
        load(runtime, *arguments, **options)

    monkeypatch.setattr(Memory64Runtime, "load", slow)
    with ThreadPoolExecutor(3) as pool:
        loading = pool.submit(model.load_tensor, "output.weight")
        inside.wait(timeout=60)
        closing = [pool.submit(model.close) for _ in range(2)]
        with suppress(ClosedError):
            while True:
                with model.in_use():
                    pass
        assert not any(close.done() for close in closing)
        may_end.set()
        assert loading.result().any()
        for close in closing:
            close.result()
    with pytest.raises(ClosedError):
        model.load_tensor("output.weight")


def test_metadata_handed_out_is_the_callers_own(model: Memory64Model) -> None:
    model.metadata["tokenizer.ggml.tokens"].clear()
    assert len(model.metadata["tokenizer.ggml.tokens"]) == 320


def test_many_models_at_once_from_many_threads(tmp_path: Path) -> None:
    paths = [generate.tiny(tmp_path / f"{seed}.gguf", seed=str(seed)) for seed in range(6)]

    def walk(path: Path) -> bool:
        with load_model(path, memory64=True, max_cached=2) as model:
            raw = path.read_bytes()
            return all(
                tensor.data.tobytes() == raw[info.file_offset : info.file_end]
                for layer in model
                for tensor in layer.values()
                for info in [model.gguf.tensor(tensor.name)]
            )

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(walk, paths * 5))
