"""The flat space: bounds, regions side by side, reads, writes and views."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from memory64 import (
    CapacityError,
    ClosedError,
    LayoutError,
    Memory64Runtime,
    MemoryLayout,
    OutOfBoundsError,
    SourceChangedError,
)
from memory64.gguf import open_gguf
from memory64.memory.layout import GIB
from models import generate

TWO = MemoryLayout.multi([("a", 1), ("b", 1)])
END = 2 * GIB


@pytest.fixture(params=[True, False], ids=["wasm", "plain"])
def runtime(request: pytest.FixtureRequest) -> Memory64Runtime:
    return Memory64Runtime(TWO, enabled=request.param)


@pytest.mark.parametrize("offset", [0, 1, GIB - 3, GIB - 1, GIB, END - 5])
def test_what_is_written_is_read(runtime: Memory64Runtime, offset: int) -> None:
    assert runtime.write(offset, b"12345") == 5
    buffer = bytearray(5)
    assert runtime.read(offset, buffer) == 5
    assert buffer == b"12345"


@pytest.mark.parametrize(
    ("offset", "size"),
    [
        (END, 1),
        (END - 1, 2),
        (END + 1, 0),
        (-1, 1),
        ((1 << 64) - 1, 1),
        ((1 << 64) - 1, 2),
        (1 << 64, 0),
        (1 << 200, 1),
    ],
)
def test_outside_is_refused_whole(runtime: Memory64Runtime, offset: int, size: int) -> None:
    buffer = bytearray(b"x" * size)
    for access in (
        lambda: runtime.read(offset, buffer),
        lambda: runtime.write(offset, buffer),
        lambda: runtime.view(offset, size),
    ):
        with pytest.raises(OutOfBoundsError, match=str(END)):
            access()
    assert buffer == b"x" * size
    assert runtime.stats().reads == runtime.stats().writes == 0


@pytest.mark.parametrize("offset", [0, GIB, END])
def test_nothing_can_be_read_everywhere_inside(runtime: Memory64Runtime, offset: int) -> None:
    assert runtime.read(offset, bytearray()) == 0
    assert runtime.write(offset, b"") == 0
    assert len(runtime.view(offset, 0)) == 0


def test_a_view_lies_in_one_region(runtime: Memory64Runtime) -> None:
    runtime.write(GIB - 2, b"abcd")
    assert runtime.view(GIB - 2, 2) == b"ab"
    assert runtime.view(GIB, 2) == b"cd"
    assert runtime.view(GIB, 2).readonly
    with pytest.raises(OutOfBoundsError, match="one region"):
        runtime.view(GIB - 2, 4)


@settings(max_examples=50)
@given(
    writes=st.lists(st.tuples(st.integers(GIB - 64, GIB + 64), st.binary(max_size=64)), max_size=10)
)
def test_writes_around_the_border_as_in_one_array(
    runtime: Memory64Runtime, writes: list[tuple[int, bytes]]
) -> None:
    runtime.write(GIB - 64, bytes(256))
    expected = bytearray(256)
    for offset, data in writes:
        runtime.write(offset, data)
        expected[offset - GIB + 64 : offset - GIB + 64 + len(data)] = data
    found = bytearray(256)
    runtime.read(GIB - 64, found)
    assert found == expected


def test_stats_count_successes() -> None:
    runtime = Memory64Runtime(TWO)
    runtime.write(0, b"123")
    runtime.read(0, bytearray(2))
    stats = runtime.stats()
    assert (stats.reads, stats.bytes_read, stats.writes, stats.bytes_written) == (1, 2, 1, 3)
    assert [(region.name, region.size_bytes) for region in stats.regions] == [
        ("a", GIB),
        ("b", GIB),
    ]


def test_a_closed_runtime_refuses_and_its_views_stay() -> None:
    with Memory64Runtime(TWO) as runtime:
        runtime.write(10, b"stay")
        view = runtime.view(10, 4)
    for access in (
        lambda: runtime.read(0, bytearray(1)),
        lambda: runtime.write(0, b"1"),
        lambda: runtime.view(0, 1),
        runtime.check,
    ):
        with pytest.raises(ClosedError):
            access()
    assert view == b"stay"


def test_registered_layers_are_read_as_images() -> None:
    runtime = Memory64Runtime(TWO)
    runtime.write(100, b"first")
    runtime.write(GIB + 7, b"second")
    runtime.register_layer(3, [(100, 5), (GIB + 7, 6)], alignment=8)
    image = bytearray(b"\xff" * 14)
    assert runtime.read_layer(3, image) == 14
    assert image == b"first\0\0\0second"
    with pytest.raises(OutOfBoundsError, match=r"needs 14 bytes.*has 13"):
        runtime.read_layer(3, bytearray(13))
    with pytest.raises(OutOfBoundsError, match="layer 4"):
        runtime.read_layer(4, image)
    with pytest.raises(OutOfBoundsError):
        runtime.register_layer(5, [(GIB - 1, 2)])
    with pytest.raises(OutOfBoundsError, match="-1"):
        runtime.register_layer(-1, [])
    with pytest.raises(ValueError, match="alignment"):
        runtime.register_layer(5, [], alignment=0)


@given(
    spans=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6),
    alignment=st.sampled_from([1, 8, 32]),
)
def test_an_image_has_the_spans_and_zeros_between(
    spans: list[tuple[int, int]], alignment: int
) -> None:
    """Also where they lie in the space as in the image, with other bytes between them."""
    written = bytes(range(1, 256))
    base = GIB - 60
    with Memory64Runtime(TWO) as runtime:
        runtime.write(base, written)
        end = 0
        placed = []
        expected = b""
        for distance, size in spans:
            start = end + distance
            if start < 60 < start + size:
                start = 60  # a span lies in one region
            end = start + size
            placed.append((base + start, size))
            expected += bytes(-len(expected) % alignment)
            expected += written[start:end].ljust(size, b"\0")
        runtime.register_layer(0, placed, alignment=alignment)
        image = bytearray(b"\xff" * len(expected))
        assert runtime.read_layer(0, image) == len(expected)
    assert image == expected


def test_a_runtime_holds_one_model(tiny: Path, tmp_path: Path) -> None:
    first, second = open_gguf(tiny), open_gguf(generate.tiny(tmp_path / "other.gguf"))
    runtime = Memory64Runtime(MemoryLayout.single(1))
    runtime.place(first)
    runtime.place(first)
    with pytest.raises(LayoutError, match="already"):
        runtime.place(second)
    for gguf in (first, second):
        gguf.close()


def test_a_write_over_a_tensor_never_reaches_the_file(tiny: Path) -> None:
    before = tiny.read_bytes()
    gguf = open_gguf(tiny)
    runtime = Memory64Runtime(MemoryLayout.single(1))
    runtime.place(gguf)
    span = runtime.span(gguf.tensor("output.weight"))
    runtime.write(span.offset, b"changed")
    assert bytes(runtime.view(span.offset, 7)) == b"changed"
    assert tiny.read_bytes() == before
    gguf.close()


@pytest.mark.parametrize("change", ["shrink", "rewrite"])
def test_a_changed_file_is_noticed(tiny: Path, change: str) -> None:
    gguf = open_gguf(tiny)
    runtime = Memory64Runtime(MemoryLayout.single(1))
    runtime.place(gguf)
    span = runtime.span(gguf.tensor("blk.3.ffn_up.weight"))
    if change == "shrink":
        os.truncate(tiny, 4096)
    else:
        status = tiny.stat()
        os.utime(tiny, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    for access in (
        lambda: runtime.read(span.offset, bytearray(span.size)),
        lambda: runtime.write(span.offset, b"1"),
        lambda: runtime.view(span.offset, span.size),
        lambda: runtime.load([span]),
        lambda: runtime.add_regions_to_linker(
            wasmtime.Linker(runtime.engine), wasmtime.Store(runtime.engine)
        ),
    ):
        with pytest.raises(SourceChangedError, match=r"tiny\.gguf"):
            access()
    gguf.close()


def test_a_file_cut_between_check_and_read_is_an_error_not_a_signal(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gguf = open_gguf(tiny)
    runtime = Memory64Runtime(MemoryLayout.single(1))
    runtime.place(gguf)
    span = runtime.span(gguf.tensor("blk.3.ffn_up.weight"))
    monkeypatch.setattr(gguf, "check", lambda: os.truncate(tiny, 4096))
    with pytest.raises(SourceChangedError, match=r"shorter|changed since"):
        runtime.read(span.offset, bytearray(span.size))
    with pytest.raises(SourceChangedError, match=r"shorter|changed since"):
        runtime.write(span.offset, bytes(span.size))
    gguf.close()


def test_more_address_space_than_there_is() -> None:
    layout = MemoryLayout.multi((str(index), 64 << 10) for index in range(3))
    with pytest.raises(CapacityError, match="address space"):
        Memory64Runtime(layout)


def test_logging_is_asked_for(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "memory64")
    for enabled in (False, True):
        gguf = open_gguf(tiny)
        runtime = Memory64Runtime(MemoryLayout.single(1), enable_logging=enabled)
        runtime.place(gguf)
        runtime.load([runtime.span(gguf.tensor("output.weight"))])
        assert bool(caplog.messages) is enabled
        gguf.close()
    assert "loaded" in caplog.text


def test_every_region_of_a_large_file_shows_the_file(beyond_4gib: Path) -> None:
    layout = MemoryLayout.multi([("embeddings", 1), ("layers_0_5", 3), ("layers", 3), ("head", 1)])
    gguf = open_gguf(beyond_4gib)
    runtime = Memory64Runtime(layout)
    runtime.place(gguf)
    raw = np.memmap(beyond_4gib, np.uint8, mode="r")
    for info in gguf.tensors.values():
        span = runtime.span(info)
        ends = np.r_[0:64, span.size - 64 : span.size]
        assert (runtime.array(*span)[ends] == raw[info.file_offset + ends]).all(), info.name
    assert all(region.used_bytes for region in runtime.stats().regions)
    gguf.close()
