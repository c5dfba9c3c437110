"""Many threads on one manager: one load a layer, no pin evicted, counts that add up."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from memory64 import (
    CancelledError,
    CapacityError,
    ClosedError,
    Memory64LayerManager,
    Memory64Runtime,
)
from memory64.gguf import open_gguf
from memory64.memory import Span
from models import generate
from tests.python.layers.watched import WAIT_SECONDS, WatchedRuntime

LAYERS = 8
THREADS = 16


@pytest.fixture
def runtime() -> WatchedRuntime:
    return WatchedRuntime()


@pytest.fixture
def gate(runtime: WatchedRuntime) -> threading.Event:
    """Loads wait until it is set."""
    gate = threading.Event()
    runtime.pause = lambda: gate.wait(WAIT_SECONDS)
    return gate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return generate.tiny(tmp_path / "model.gguf", layers=LAYERS)


def until_it_loads(runtime: WatchedRuntime) -> None:
    while not runtime.loads:
        time.sleep(0.001)


def until_it_closes(layers: Memory64LayerManager) -> None:
    with suppress(ClosedError):
        while True:
            with layers.in_use():
                pass


def test_however_many_ask_a_layer_is_loaded_once(runtime: WatchedRuntime, path: Path) -> None:
    layers = Memory64LayerManager(runtime, open_gguf(path))
    runtime.pause = lambda: time.sleep(0.02)
    together = threading.Barrier(THREADS)

    def ask(thread: int) -> None:
        together.wait()
        for step in range(LAYERS):
            layers.load_layer((thread + step) % LAYERS)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(ask, range(THREADS)))
    assert set(runtime.loads.values()) == {1}
    stats = layers.cache_stats()
    assert stats.cache_misses == LAYERS
    assert stats.cache_hits == THREADS * LAYERS - LAYERS


def test_hammered_with_too_little_room(runtime: WatchedRuntime, path: Path) -> None:
    raw = path.read_bytes()
    gguf = open_gguf(path)
    layers = Memory64LayerManager(runtime, gguf, 3)
    requests = Counter[str]()
    counted = threading.Lock()

    def hammer(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(100):
            layer_id = rng.randrange(LAYERS)
            try:
                layer = layers.load_layer(layer_id)
                with counted:
                    requests["served"] += 1
                if rng.random() < 0.3:
                    with layer:
                        held = runtime.span(gguf.layer(layer_id)[0]).offset
                        before = runtime.evicted.count(held)
                        time.sleep(0.001)
                        assert runtime.evicted.count(held) == before, "a pinned layer went"
            except CapacityError:
                continue  # every cached layer is pinned by some thread: refused, not stuck
            info = rng.choice(gguf.layer(layer_id))
            assert layer[info.key].data.tobytes() == raw[info.file_offset : info.file_end]

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(hammer, range(THREADS)))
    stats = layers.cache_stats()
    assert stats.cache_hits + stats.cache_misses == requests["served"]
    assert stats.cached_layers <= 3
    layers.clear()
    stats = layers.cache_stats()
    assert (stats.cached_layers, stats.resident_bytes) == (0, 0)


def test_a_waiting_thread_can_be_cancelled(
    runtime: WatchedRuntime, gate: threading.Event, path: Path
) -> None:
    layers = Memory64LayerManager(runtime, open_gguf(path))
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(layers.load_layer, 0)
        until_it_loads(runtime)
        with pytest.raises(CancelledError, match="waiting"):
            layers.load_layer(0, cancelled=lambda: True)
        assert not loading.done()
        gate.set()
        assert loading.result().layer_id == 0


def test_when_the_first_is_cancelled_the_next_one_loads(
    runtime: WatchedRuntime, gate: threading.Event, path: Path
) -> None:
    layers = Memory64LayerManager(runtime, open_gguf(path))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(layers.load_layer, 0, cancelled=lambda: True)
        until_it_loads(runtime)
        second = pool.submit(layers.load_layer, 0)
        gate.set()
        with pytest.raises(CancelledError):
            first.result()
        assert second.result()["attn_q.weight"].data.any()
    assert layers.cache_stats().cached_layers == 1


def test_loads_of_different_layers_run_side_by_side(runtime: WatchedRuntime, path: Path) -> None:
    layers = Memory64LayerManager(runtime, open_gguf(path))
    both_inside = threading.Barrier(2)
    inner = Memory64Runtime.load

    def load(spans: Iterable[Span], **options: Callable[[], bool]) -> None:
        both_inside.wait(timeout=30)
        inner(runtime, spans, **options)

    runtime.load = load  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(layers.load_layer, range(2)))


def test_closing_waits_for_a_load(
    runtime: WatchedRuntime, gate: threading.Event, path: Path
) -> None:
    layers = Memory64LayerManager(runtime, open_gguf(path))
    ended: list[str] = []

    def pause() -> None:
        gate.wait(WAIT_SECONDS)
        ended.append("load")

    def close() -> None:
        layers.close()
        ended.append("close")

    runtime.pause = pause
    with ThreadPoolExecutor(2) as pool:
        loading = pool.submit(layers.load_layer, 0)
        until_it_loads(runtime)
        closing = pool.submit(close)
        until_it_closes(layers)
        gate.set()
        assert loading.result().layer_id == 0
        closing.result()
    assert ended == ["load", "close"]
