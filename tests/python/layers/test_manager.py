"""Residency: limits, statistics, pins, cancellation; LRU against a plain model of it."""

import sys
from collections import OrderedDict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory64 import (
    CancelledError,
    CapacityError,
    ClosedError,
    Memory64LayerManager,
    Memory64Runtime,
    MemoryLayout,
    OutOfBoundsError,
    SourceChangedError,
)
from memory64.gguf import GGUFDirectory, open_gguf
from memory64.layers import PolicyChoice
from memory64.memory import platform
from models import generate

LAYERS = 6


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> GGUFDirectory:
    path = tmp_path_factory.mktemp("manager") / "model.gguf"
    return open_gguf(generate.tiny(path, layers=LAYERS))


@pytest.fixture(params=["mapped", "copied"], autouse=True)
def backing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(platform, "CAN_MAP", request.param == "mapped")
    return str(request.param)


def manager(
    gguf: GGUFDirectory,
    max_cached: int | None = None,
    policy: PolicyChoice = "lru",
    **limits: int,
) -> Memory64LayerManager:
    return Memory64LayerManager(
        Memory64Runtime(MemoryLayout.single(1)), gguf, max_cached, policy=policy, **limits
    )


class PlainLRU:
    """LRU as a textbook has it: limits in layers and in bytes."""

    def __init__(self, max_cached: int, capacity: int, sizes: list[int]) -> None:
        self.max_cached, self.capacity, self.sizes = max_cached, capacity, sizes
        self.cached: OrderedDict[int, None] = OrderedDict()
        self.hits = self.misses = self.evictions = 0

    def get(self, layer_id: int) -> None:
        if layer_id in self.cached:
            self.hits += 1
            self.cached.move_to_end(layer_id)
            return
        self.misses += 1
        while (
            len(self.cached) >= self.max_cached
            or self.resident + self.sizes[layer_id] > self.capacity
        ):
            self.cached.popitem(last=False)
            self.evictions += 1
        self.cached[layer_id] = None

    @property
    def resident(self) -> int:
        return sum(self.sizes[layer_id] for layer_id in self.cached)


@given(
    accesses=st.lists(st.integers(0, LAYERS - 1), max_size=40),
    max_cached=st.integers(1, LAYERS + 1),
    share=st.floats(0.2, 1.2),
)
def test_like_a_plain_lru(
    gguf: GGUFDirectory, accesses: list[int], max_cached: int, share: float
) -> None:
    sizes = [gguf.layer_bytes(layer_id) for layer_id in range(LAYERS)]
    capacity = max(*sizes, int(sum(sizes) * share))
    real = manager(gguf, max_cached, capacity_bytes=capacity)
    plain = PlainLRU(max_cached, capacity, sizes)
    for layer_id in accesses:
        assert real.load_layer(layer_id).layer_id == layer_id
        plain.get(layer_id)
        stats = real.cache_stats()
        assert stats.cache_hits == plain.hits
        assert stats.cache_misses == plain.misses
        assert stats.evictions == plain.evictions
        assert stats.cached_layers == len(plain.cached)
        assert stats.resident_bytes == plain.resident <= capacity
        assert stats.peak_bytes >= stats.resident_bytes
    assert real.cache_stats().hit_rate == (plain.hits / len(accesses) if accesses else 0.0)


def test_the_same_layer_is_the_same_object(gguf: GGUFDirectory) -> None:
    layers = manager(gguf)
    assert layers.load_layer(2) is layers.load_layer(2)


@pytest.mark.parametrize("layer_id", [-1, LAYERS, 1 << 63])
def test_no_such_layer(gguf: GGUFDirectory, layer_id: int) -> None:
    layers = manager(gguf)
    with pytest.raises(OutOfBoundsError, match=f"no layer {layer_id}, layers are 0 to 5"):
        layers.load_layer(layer_id)
    assert layers.cache_stats().cache_misses == 0


@pytest.mark.parametrize("limits", [{"max_cached": 0}, {"capacity_bytes": -1}, {"max_cached": 1.5}])
def test_limits_are_positive_whole_numbers(gguf: GGUFDirectory, limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="positive whole number"):
        manager(gguf, **limits)


def test_an_unknown_policy_is_told_with_those_known(gguf: GGUFDirectory) -> None:
    with pytest.raises(ValueError, match="'mru': known are 'lru'"):
        manager(gguf, policy="mru")  # type: ignore[arg-type]


def test_pinned_layers_are_kept_and_must_exist(gguf: GGUFDirectory) -> None:
    layers = manager(gguf, 3, policy={"pinned": [4, 1]})
    for _ in range(3):
        for layer_id in range(LAYERS):
            layers.load_layer(layer_id)
    before = layers.cache_stats()
    layers.load_layer(1)
    layers.load_layer(4)
    assert layers.cache_stats().cache_hits == before.cache_hits + 2
    with pytest.raises(OutOfBoundsError, match=f"no layer {LAYERS}"):
        manager(gguf, policy={"pinned": [0, LAYERS]})


def test_cyclic_hits_on_a_circular_walk(gguf: GGUFDirectory) -> None:
    layers = manager(gguf, 4, policy="cyclic")
    for _ in range(LAYERS):
        for layer_id in range(LAYERS):
            layers.load_layer(layer_id)
    rounds = (LAYERS * LAYERS - LAYERS) // (LAYERS - 1)
    assert layers.cache_stats().cache_hits == rounds * (4 - 1)


def test_a_layer_larger_than_the_capacity(gguf: GGUFDirectory) -> None:
    layers = manager(gguf, capacity_bytes=1000)
    with pytest.raises(CapacityError, match=f"needs {gguf.layer_bytes(0)} bytes.* 1000"):
        layers.load_layer(0)


def test_a_pinned_layer_is_not_evicted(gguf: GGUFDirectory) -> None:
    layers = manager(gguf, 2)
    with layers.load_layer(0):
        for layer_id in range(1, LAYERS):
            layers.load_layer(layer_id)
        layers.clear()
        assert layers.cache_stats().cached_layers == 1
        misses = layers.cache_stats().cache_misses
        layers.load_layer(0)
        assert layers.cache_stats().cache_misses == misses
    layers.clear()
    assert layers.cache_stats().cached_layers == 0


def test_nothing_but_pinned_layers_is_an_error(gguf: GGUFDirectory) -> None:
    layers = manager(gguf, 2)
    with layers.load_layer(0), layers.load_layer(1), pytest.raises(CapacityError, match="pinned"):
        layers.load_layer(2)
    layers.load_layer(2)


def test_a_refused_layer_costs_no_other(gguf: GGUFDirectory) -> None:
    small, large = gguf.layer_bytes(0), gguf.layer_bytes(1)
    assert small < large
    layers = manager(gguf, capacity_bytes=2 * small)
    with layers.load_layer(0):
        layers.load_layer(2)
        with pytest.raises(CapacityError, match=f"1 pinned layers take {small}"):
            layers.load_layer(1)
        assert layers.cache_stats().cached_layers == 2
        assert layers.cache_stats().evictions == 0


def test_pins_of_layers_that_are_not_there(gguf: GGUFDirectory) -> None:
    layers = manager(gguf)
    for layer_id in (-1, LAYERS):
        with pytest.raises(OutOfBoundsError):
            layers.pin(layer_id)
    with pytest.raises(ValueError, match="layer 0 is not pinned"):
        layers.unpin(0)
    layers.load_layer(0)
    with pytest.raises(ValueError, match="layer 0 is not pinned"):
        layers.unpin(0)


def test_pins_count(gguf: GGUFDirectory) -> None:
    layers = manager(gguf, 1)
    layer = layers.load_layer(0)
    with layer:
        with layer:
            pass
        with pytest.raises(CapacityError):
            layers.load_layer(1)
    layers.load_layer(1)


def test_pinning_an_evicted_layer_brings_it_back(gguf: GGUFDirectory) -> None:
    layers = manager(gguf, 1)
    first = layers.load_layer(0)
    layers.load_layer(1)
    with first:
        assert layers.cache_stats().cached_layers == 1
        with pytest.raises(CapacityError):
            layers.load_layer(1)


def test_in_copied_memory_an_array_pins_its_layer(gguf: GGUFDirectory, backing: str) -> None:
    layers = manager(gguf, 1)
    array = layers.load_layer(0)["attn_q.weight"].data
    part = array[100:200]
    expected = part.tobytes()
    del array
    if backing == "copied":
        with pytest.raises(CapacityError, match="pinned"):
            layers.load_layer(1)
    else:
        layers.load_layer(1)
    assert part.tobytes() == expected
    del part
    layers.load_layer(1)


def test_clearing_keeps_the_statistics(gguf: GGUFDirectory) -> None:
    layers = manager(gguf)
    layers.load_layer(0)
    layers.load_layer(0)
    layers.clear()
    stats = layers.cache_stats()
    assert (stats.cache_hits, stats.cache_misses, stats.evictions) == (1, 1, 0)
    assert (stats.cached_layers, stats.resident_bytes) == (0, 0)
    assert stats.peak_bytes == gguf.layer_bytes(0)


def test_preloading_lifts_the_limit_and_makes_every_layer_resident(gguf: GGUFDirectory) -> None:
    layers = manager(gguf, 1)
    fractions: list[float] = []
    layers.preload_all(progress=fractions.append)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(fractions) == LAYERS
    assert layers.cache_stats().max_cached == LAYERS
    for layer_id in range(LAYERS):
        layers.load_layer(layer_id)
    stats = layers.cache_stats()
    assert (stats.cache_hits, stats.cache_misses) == (LAYERS, 0)


def test_preloading_more_than_fits_loads_nothing(gguf: GGUFDirectory) -> None:
    total = sum(gguf.layer_bytes(layer_id) for layer_id in range(LAYERS))
    layers = manager(gguf, 2, capacity_bytes=total - 1)
    with pytest.raises(CapacityError, match=f"needs {total} bytes.*is {total - 1}"):
        layers.preload_all()
    stats = layers.cache_stats()
    assert (stats.cached_layers, stats.max_cached) == (0, 2)


def test_cancelling_leaves_no_trace(gguf: GGUFDirectory) -> None:
    layers = manager(gguf)
    with pytest.raises(CancelledError):
        layers.load_layer(0, cancelled=lambda: True)
    stats = layers.cache_stats()
    assert (stats.cached_layers, stats.resident_bytes, stats.evictions) == (0, 0, 0)
    assert layers.load_layer(0)["attn_q.weight"].data.any()


def test_cancelling_a_preload_keeps_what_was_loaded(gguf: GGUFDirectory) -> None:
    layers = manager(gguf)
    done: list[float] = []
    with pytest.raises(CancelledError):
        layers.preload_all(progress=done.append, cancelled=lambda: len(done) == 3)
    assert layers.cache_stats().cached_layers == 3


def test_dequantising_leaves_nothing_resident(gguf: GGUFDirectory) -> None:
    layers = manager(gguf)
    values = layers.dequantize(gguf.tensor("blk.0.attn_q.weight"))
    assert values.any()
    assert layers.cache_stats().resident_bytes == 0


def mapped_and_resident(path: str) -> int:
    """Bytes of the file that this process has in its memory, by the kernel's count."""
    resident, ours = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        field, *values = line.split()
        if not field.endswith(":"):  # of a mapping's first line, which ends with its file
            ours = values[-1] == path
        elif ours and field == "Rss:":
            resident += int(values[0]) * 1024
    return resident


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is resident of a file")
@pytest.mark.parametrize("backing", ["mapped"], indirect=True)
def test_dequantising_gives_the_pages_back_cancelled_or_not(tmp_path: Path) -> None:
    gguf = open_gguf(generate.tiny(tmp_path / "large.gguf", dim=1024))
    layers = manager(gguf)
    info = gguf.tensor("blk.0.ffn_up.weight")
    neighbours = 2 * (64 << 10)  # what the kernel maps along with pages touched, at both ends
    seen: list[int] = []

    def once_the_bytes_are_there() -> bool:
        seen.append(mapped_and_resident(gguf.name))
        return seen[-1] >= info.nbytes

    with pytest.raises(CancelledError, match="dequantising"):
        layers.dequantize(info, cancelled=once_the_bytes_are_there)
    assert mapped_and_resident(gguf.name) <= neighbours < info.nbytes
    assert layers.dequantize(info).any()
    assert mapped_and_resident(gguf.name) <= neighbours
    gguf.close()


def test_closing_from_a_function_of_the_caller(gguf: GGUFDirectory) -> None:
    layers = manager(gguf)
    with pytest.raises(ClosedError):
        layers.preload_all(progress=lambda fraction: layers.close())
    layers = manager(gguf)
    assert layers.load_layer(0, cancelled=lambda: bool(layers.close())).layer_id == 0
    with pytest.raises(ClosedError):
        layers.load_layer(0)


def test_a_closed_manager(gguf: GGUFDirectory) -> None:
    layers = manager(gguf)
    array = layers.load_layer(0)["attn_q.weight"].data
    expected = array.tobytes()
    layers.close()
    assert array.tobytes() == expected
    for use in (lambda: layers.load_layer(0), layers.preload_all, layers.clear):
        with pytest.raises(ClosedError):
            use()
    assert layers.cache_stats().cache_misses == 1


def test_a_failed_load_is_no_resident_layer(tmp_path: Path) -> None:
    path = generate.tiny(tmp_path / "model.gguf")
    gguf = open_gguf(path)
    layers = manager(gguf)
    path.write_bytes(b"")
    with pytest.raises(SourceChangedError):
        layers.load_layer(0)
    assert layers.cache_stats().cached_layers == 0
    gguf.close()
