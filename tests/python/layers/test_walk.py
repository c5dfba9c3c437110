"""Walks: what is loaded ahead, what it may push out, and how it ends."""

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from memory64 import (
    CancelledError,
    ClosedError,
    Memory64LayerManager,
    SourceChangedError,
    load_model,
)
from memory64.gguf import GGUFDirectory, open_gguf
from memory64.layers import PolicyChoice, manager
from memory64.memory import platform
from models import generate
from tests.python.layers.watched import WAIT_SECONDS, WatchedRuntime

LAYERS = 8
EVERYTHING = 1 << 40


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return generate.tiny(tmp_path / "model.gguf", layers=LAYERS)


@pytest.fixture
def gguf(path: Path) -> Iterator[GGUFDirectory]:
    gguf = open_gguf(path)
    yield gguf
    gguf.close()


@pytest.fixture
def runtime() -> WatchedRuntime:
    return WatchedRuntime()


@pytest.fixture
def gate(runtime: WatchedRuntime) -> threading.Event:
    """What is loaded ahead waits until it is set."""
    gate = threading.Event()
    here = threading.get_ident()
    runtime.pause = lambda: threading.get_ident() == here or gate.wait(WAIT_SECONDS)
    return gate


def until(happened: Callable[[], bool]) -> None:
    ends = time.monotonic() + WAIT_SECONDS
    while not happened():
        assert time.monotonic() < ends, "it does not happen"
        time.sleep(0.001)


def test_layers_come_in_order_each_loaded_once(
    runtime: WatchedRuntime, gguf: GGUFDirectory
) -> None:
    layers = Memory64LayerManager(runtime, gguf)
    walk = layers.walk()
    assert [layer.layer_id for layer in iter(walk.next, None)] == list(range(LAYERS))
    assert walk.next() is None
    assert set(runtime.loads.values()) == {1}
    stats = layers.cache_stats()
    assert stats.cache_hits + stats.cache_misses == LAYERS
    assert stats.prefetches + stats.cache_misses == LAYERS
    assert stats.prefetch_hits == stats.prefetches
    assert stats.stall_seconds > 0
    layers.close()


def test_while_a_layer_is_in_hand_the_next_ones_are_loaded(
    runtime: WatchedRuntime, gguf: GGUFDirectory
) -> None:
    depth = gguf.layer_bytes(1) + gguf.layer_bytes(2)
    layers = Memory64LayerManager(runtime, gguf, prefetch=depth)
    walk = layers.walk()
    walk.next()
    until(lambda: layers.cache_stats().prefetches == 2)
    assert layers.cache_stats().cached_layers == 3
    walk.next()
    walk.next()
    assert layers.cache_stats().prefetch_hits == 2
    layers.close()


@pytest.mark.parametrize("prefetch", [0, 1])
def test_without_depth_for_a_layer_nothing_is_loaded_ahead(
    runtime: WatchedRuntime, gguf: GGUFDirectory, prefetch: int
) -> None:
    layers = Memory64LayerManager(runtime, gguf, prefetch=prefetch)
    assert len(list(iter(layers.walk().next, None))) == LAYERS
    stats = layers.cache_stats()
    assert (stats.cache_misses, stats.prefetches) == (LAYERS, 0)
    layers.close()


@pytest.mark.parametrize("prefetch", [-1, 0.5, True, "1"])
def test_a_depth_is_a_count_of_bytes(
    runtime: WatchedRuntime, gguf: GGUFDirectory, prefetch: int
) -> None:
    with pytest.raises(ValueError, match="prefetch needs to be a whole number of bytes"):
        Memory64LayerManager(runtime, gguf, prefetch=prefetch)


@pytest.mark.parametrize("policy", ["lru", "cyclic", "auto", {"pinned": [0, 1]}])
@pytest.mark.parametrize("room", [1, 2, 3])
def test_under_every_policy_the_room_holds_and_nothing_is_loaded_in_vain(
    runtime: WatchedRuntime, gguf: GGUFDirectory, policy: PolicyChoice, room: int
) -> None:
    layers = Memory64LayerManager(runtime, gguf, room, policy=policy, prefetch=EVERYTHING)
    for _ in range(3):
        for layer in iter(layers.walk().next, None):
            assert layers.cache_stats().cached_layers <= room
            assert not layers.is_lacking(layer.layer_id)
    stats = layers.cache_stats()
    assert stats.cache_hits + stats.cache_misses == 3 * LAYERS
    assert stats.prefetch_hits == stats.prefetches
    assert room > 1 or stats.prefetches == 0
    layers.close()


def test_what_is_in_hand_or_ahead_stays_while_others_load_ahead(
    runtime: WatchedRuntime, gguf: GGUFDirectory
) -> None:
    layers = Memory64LayerManager(runtime, gguf, 3, prefetch=gguf.layer_bytes(1) * 2)
    first, second = layers.walk(), layers.walk()
    first.next()
    until(lambda: layers.cache_stats().cached_layers == 3)
    for _ in range(5):  # takes the room of what is farthest ahead, for one layer at a time
        second.next()
    assert not layers.is_lacking(0)
    assert not layers.is_lacking(1)
    assert layers.cache_stats().prefetches == 2
    layers.close()


def test_a_request_comes_before_what_is_loaded_ahead(
    runtime: WatchedRuntime, gguf: GGUFDirectory
) -> None:
    layers = Memory64LayerManager(runtime, gguf, 2, prefetch=EVERYTHING)
    walk = layers.walk()
    walk.next()
    until(lambda: layers.cache_stats().prefetches == 1)
    assert layers.load_layer(LAYERS - 1).layer_id == LAYERS - 1
    assert [layer.layer_id for layer in iter(walk.next, None)] == list(range(1, LAYERS))
    layers.close()


def test_leaving_gives_up_what_is_on_its_way(
    runtime: WatchedRuntime, gguf: GGUFDirectory, gate: threading.Event
) -> None:
    layers = Memory64LayerManager(runtime, gguf, prefetch=EVERYTHING)
    with layers.walk() as walk:
        walk.next()
        until(lambda: len(runtime.loads) == 3)  # one for each reader
    assert walk.next() is None
    gate.set()
    until(lambda: layers.cache_stats().cached_layers == 1)
    assert layers.cache_stats().prefetches == 0
    layers.close()
    assert len(runtime.loads) == 3


def test_a_walk_nobody_holds_takes_no_room(runtime: WatchedRuntime, gguf: GGUFDirectory) -> None:
    layers = Memory64LayerManager(runtime, gguf, 2, prefetch=EVERYTHING)
    walk = layers.walk()
    forgotten = weakref.ref(walk)
    walk.next()
    until(lambda: layers.cache_stats().prefetches == 1)
    walk = layers.walk()
    until(lambda: forgotten() is None)  # the readers hold it as long as they load for it
    for layer_id in range(1, LAYERS):
        walk.next()
        until(lambda ahead=layer_id: not layers.is_lacking(ahead))  # type: ignore[misc]
    layers.close()


def test_closing_while_layers_are_loaded_ahead(
    runtime: WatchedRuntime, gguf: GGUFDirectory, gate: threading.Event
) -> None:
    layers = Memory64LayerManager(runtime, gguf, prefetch=EVERYTHING)
    walk = layers.walk()
    walk.next()
    until(lambda: len(runtime.loads) == 3)
    with ThreadPoolExecutor(1) as pool:
        closing = pool.submit(layers.close)
        with suppress(ClosedError):
            while True:
                layers.clear()
        assert not closing.done()
        gate.set()
        closing.result()
    stats = layers.cache_stats()
    assert (stats.prefetches, stats.cached_layers) == (0, 0)
    with pytest.raises(ClosedError):
        walk.next()
    assert len(runtime.loads) == 3


def test_waiting_for_what_is_on_its_way_can_be_cancelled(
    runtime: WatchedRuntime, gguf: GGUFDirectory, gate: threading.Event
) -> None:
    layers = Memory64LayerManager(runtime, gguf, prefetch=EVERYTHING)
    walk = layers.walk()
    walk.next()
    until(lambda: len(runtime.loads) == 3)
    with pytest.raises(CancelledError, match="layer 1"):
        walk.next(lambda: True)
    assert not gate.is_set(), "the read under way was not waited for"
    gate.set()
    layer = walk.next()
    assert layer is not None
    assert layer.layer_id == 1
    layers.close()


def test_a_file_cut_on_the_way_is_told_to_who_asks(
    runtime: WatchedRuntime, gguf: GGUFDirectory, gate: threading.Event, path: Path
) -> None:
    layers = Memory64LayerManager(runtime, gguf, prefetch=EVERYTHING)
    walk = layers.walk()
    walk.next()
    until(lambda: len(runtime.loads) == 3)
    os.truncate(path, 4096)
    gate.set()
    until(lambda: layers.cache_stats().cached_layers == 1)
    for _ in range(2):
        with pytest.raises(SourceChangedError):
            walk.next()
    layers.close()


def test_many_walks_at_once(runtime: WatchedRuntime, gguf: GGUFDirectory, path: Path) -> None:
    layers = Memory64LayerManager(runtime, gguf, 2, prefetch=EVERYTHING)
    raw = path.read_bytes()
    threads = 6

    def go(_: int) -> list[int]:
        seen = []
        for layer in iter(layers.walk().next, None):
            info = gguf.layer(layer.layer_id)[-1]
            assert layer[info.key].data.tobytes() == raw[info.file_offset : info.file_end]
            seen.append(layer.layer_id)
        return seen

    with ThreadPoolExecutor(threads) as pool:
        assert list(pool.map(go, range(threads))) == [list(range(LAYERS))] * threads
    stats = layers.cache_stats()
    assert stats.cache_hits + stats.cache_misses == threads * LAYERS
    assert stats.peak_bytes <= max(
        gguf.layer_bytes(one) + gguf.layer_bytes(two)
        for one in range(LAYERS)
        for two in range(LAYERS)
        if one != two
    )
    layers.close()


def test_iterating_over_a_model_walks(path: Path) -> None:
    with load_model(path, memory64=True) as model:
        for _ in model:
            until(lambda: model.cache_stats().prefetches > 0)
            break
        ids = [layer.layer_id for layer in model]
        assert all(after == before + 1 for before, after in pairwise(ids))
        assert len(ids) == LAYERS


def test_a_model_loaded_whole_has_nothing_to_load_ahead(path: Path) -> None:
    with load_model(path, memory64=False) as model:
        assert len(list(model)) == LAYERS
        assert model.cache_stats().prefetches == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is in the page cache")
@pytest.mark.parametrize("usable", [1, EVERYTHING])
def test_what_is_dropped_leaves_the_page_cache_where_memory_is_short(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, usable: int
) -> None:
    monkeypatch.setattr(manager, "usable_bytes", lambda: usable)
    path = generate.tiny(tmp_path / "large.gguf", dim=1024)
    with open(path, "rb") as file:
        os.fsync(file.fileno())  # what is not on the disk yet cannot leave
    with load_model(path, memory64=True) as model:
        info = model.gguf.tensor("blk.0.ffn_up.weight")
        model.get_layer(0)
        address = model.tensors[info.name].data.ctypes.data
        assert platform.resident(address, info.nbytes)
        model.clear_cache()
        assert platform.resident(address, info.nbytes) == (usable == EVERYTHING)
