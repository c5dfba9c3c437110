"""The fast functions against those through Python: same codes, same bytes, same counts."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory64 import Memory64Model, MemoryLayout, load_model
from memory64.guest import Guest
from memory64.memory.host_fast import MAX_FAST_BYTES
from memory64.memory.layout import GIB
from models import generate

PAGE = 1 << 16
PAGES = 3
END = PAGES * PAGE
U32 = (1 << 32) - 1

READS = """
(module
  (import "env" "memory64_read" (func $read (param i64 i32 i32) (result i32)))
  (import "env" "memory64_is_enabled" (func $is_enabled (result i32)))
  (import "env" "memory64_stats" (func $stats (result i64)))
  (memory (export "memory") {pages})
  (func (export "read") (param i64 i32 i32) (result i32)
    (call $read (local.get 0) (local.get 1) (local.get 2)))
  (func (export "clear") (memory.fill (i32.const 0) (i32.const 0xee) (i32.const {end})))
  (func (export "grow") (drop (memory.grow (i32.const 1))))
  (func (export "is_enabled") (result i32) (call $is_enabled))
  (func (export "stats") (result i64) (call $stats))
  {start})
"""
FAST = READS.format(pages=PAGES, end=END, start="").encode()
# With a start function there are no fast functions: it could call them before they are there.
SLOW = READS.format(pages=PAGES, end=END, start="(func $start) (start $start)").encode()

LAYOUTS = {
    "one region": MemoryLayout.single(1),
    "three regions": MemoryLayout.multi([("a", 1), ("b", 2), ("c", 1)]),
}


class Pair(NamedTuple):
    """Two guests over one model."""

    model: Memory64Model
    fast: Guest
    slow: Guest
    used: list[int]
    """Offsets at which there is something to be read."""


@pytest.fixture(scope="module", params=LAYOUTS)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    path = generate.tiny(tmp_path_factory.mktemp("fast") / "tiny.gguf")
    with (
        load_model(path, memory64=True, layout=LAYOUTS[request.param]) as model,
        Guest(FAST, model) as fast,
        Guest(SLOW, model) as slow,
    ):
        # Also where one region ends and the next begins.
        model_offsets = [tensor.offset for tensor in model.tensors.values()]
        yield Pair(model, fast, slow, [*model_offsets, GIB, 3 * GIB, 4 * GIB])


def difference(guest: Guest, model: Memory64Model, *arguments: int) -> tuple[object, ...]:
    """Code and memory after a read, and by how much the counts were raised."""
    guest.call("clear")
    before = model.runtime.stats()
    code = guest.call("read", *arguments)
    after = model.runtime.stats()
    return (
        code,
        guest.read(0, END),
        after.reads - before.reads,
        after.bytes_read - before.bytes_read,
    )


near = st.integers(-70, 70)
edges = st.sampled_from([0, 16, PAGE, END, MAX_FAST_BYTES, 1 << 31, U32, U32 - PAGE])
words = st.one_of(
    st.builds(lambda edge, off: (edge + off) % (U32 + 1), edges, near), st.integers(0, U32)
)
small = st.integers(0, 200)


@settings(max_examples=400)
@given(data=st.data())
def test_same_in_all_that_shows(pair: Pair, data: st.DataObject) -> None:
    anchors = st.sampled_from([0, *pair.used, (1 << 63), (1 << 64) - 1])
    offsets = st.builds(lambda anchor, off: (anchor + off) % (1 << 64), anchors, near)
    arguments = (
        data.draw(offsets | st.integers(0, (1 << 64) - 1), "offset"),
        data.draw(words | small, "pointer"),
        data.draw(words | small, "size"),
    )
    fast = difference(pair.fast, pair.model, *arguments)
    assert fast == difference(pair.slow, pair.model, *arguments)
    assert (fast[0] in range(1 << 31)) == (fast[2] == 1)


@pytest.mark.parametrize("size", [*range(35), 1000, MAX_FAST_BYTES, MAX_FAST_BYTES + 1])
def test_bytes_are_the_file_s(pair: Pair, size: int) -> None:
    tensor = max(pair.model.tensors.values(), key=lambda tensor: tensor.nbytes)
    expected = tensor.data.reshape(-1)[3 : 3 + size].tobytes()
    code, memory, reads, count = difference(pair.fast, pair.model, tensor.offset + 3, 5, size)
    assert isinstance(memory, bytes)
    assert (code, reads, count) == (size, 1, size)
    assert memory == b"\xee" * 5 + expected + b"\xee" * (END - 5 - size)


def test_stats_and_is_enabled(pair: Pair) -> None:
    for guest in (pair.fast, pair.slow):
        assert guest.call("is_enabled") == 1
        assert guest.call("stats") == pair.model.runtime.stats().reads
        guest.call("read", 0, 0, 1)
        assert guest.call("stats") == pair.model.runtime.stats().reads


def test_counts_of_several_guests_go_together(pair: Pair) -> None:
    before = pair.fast.call("stats")
    with Guest(FAST, pair.model) as third:
        for guest in (pair.fast, pair.slow, third):
            guest.call("read", 0, 0, 7)
    assert isinstance(before, int)
    assert pair.slow.call("stats") == before + 3


def test_memory_that_grew_is_seen(pair: Pair) -> None:
    with Guest(FAST, pair.model) as growing:
        assert growing.call("read", 0, END, 1) == -5
        growing.call("grow")
        assert growing.call("read", 0, END, 1) == 1
        assert growing.call("read", 0, END + PAGE, 1) == -5


def test_the_fast_one_is_fast_because_python_is_not_asked(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the comparisons above would compare Python with Python."""
    asked = []
    read = type(pair.model.runtime).read

    def spy(runtime: object, offset: int, buffer: memoryview) -> int:
        asked.append(len(buffer))
        return read(runtime, offset, buffer)  # type: ignore[arg-type]

    monkeypatch.setattr(type(pair.model.runtime), "read", spy)
    for size in (0, 1, MAX_FAST_BYTES):
        pair.fast.call("read", 0, 0, size)
    assert asked == []
    pair.slow.call("read", 0, 0, 8)
    pair.fast.call("read", 0, 0, MAX_FAST_BYTES + 1)
    pair.fast.call("read", GIB - 4, 0, 8)
    assert asked in ([8, MAX_FAST_BYTES + 1], [8, MAX_FAST_BYTES + 1, 8])


def test_what_the_host_writes_into_its_regions_is_read(tiny: Path) -> None:
    """The guest's own regions do not have it."""
    with load_model(tiny, memory64=True) as model, Guest(FAST, model) as guest:
        tensor = model.tensors["output.weight"]
        guest.call("read", tensor.offset, 0, 8)
        assert guest.read(0, 8) == tensor.data.reshape(-1)[:8].tobytes()
        model.runtime.write(tensor.offset, b"new data")
        for size in (8, MAX_FAST_BYTES + 8):
            guest.call("read", tensor.offset, 0, size)
            assert guest.read(0, 8) == b"new data"


@pytest.mark.parametrize("size", [8, MAX_FAST_BYTES + 1])
def test_what_the_guest_writes_in_place_is_not_read(tiny: Path, size: int) -> None:
    """Whichever way leads there."""
    wat = f"""(module
      (import "env" "memory64_read" (func $read (param i64 i32 i32) (result i32)))
      (import "memory64" "region_weights" (memory $weights i64 1))
      (memory (export "memory") {PAGES})
      (func (export "f") (param $offset i64) (param $size i32) (result i32)
        (i64.store $weights (local.get $offset) (i64.const -1))
        (call $read (local.get $offset) (i32.const 0) (local.get $size))))"""
    with load_model(tiny, memory64=True) as model, Guest(wat.encode(), model) as guest:
        offset = model.tensors["output.weight"].offset
        assert guest.call("f", offset, size) == size
        assert guest.read(0, size) == bytes(model.runtime.view(offset, size))


@pytest.mark.parametrize(
    ("memory", "code"),
    [
        ("", -3),
        ('(global (export "memory") i32 (i32.const 0))', -3),
        ('(memory (export "other") 1)', -3),
        ('(memory (export "memory") i64 1)', 8),
        ('(memory (export "memory") 0)', -5),
    ],
)
def test_guests_without_a_plain_memory(tiny: Path, memory: str, code: int) -> None:
    wat = f"""(module
      (import "env" "memory64_read" (func $read (param i64 i32 i32) (result i32)))
      {memory}
      (func (export "f") (param i32) (result i32)
        (call $read (i64.const 0) (i32.const 0) (local.get 0))))"""
    with load_model(tiny, memory64=True) as model, Guest(wat.encode(), model) as guest:
        assert guest.call("f", 8) == code
        assert guest.call("f", 0) == (code if code == -3 else 0)


def test_a_start_function_reads(tiny: Path) -> None:
    wat = """(module
      (import "env" "memory64_read" (func $read (param i64 i32 i32) (result i32)))
      (import "env" "memory64_stats" (func $stats (result i64)))
      (memory (export "memory") 1)
      (global $code (mut i32) (i32.const 0))
      (func $start (global.set $code (call $read (i64.const 0) (i32.const 16) (i32.const 8))))
      (func (export "code") (result i32) (global.get $code))
      (start $start))"""
    with load_model(tiny, memory64=True) as model, Guest(wat.encode(), model) as guest:
        assert guest.call("code") == 8
        assert guest.read(16, 8) == bytes(model.runtime.view(0, 8))
        assert model.runtime.stats().reads == 1


def test_standard_mode_has_only_the_slow_ones(tiny: Path) -> None:
    with load_model(tiny, memory64=False) as model, Guest(FAST, model) as guest:
        assert guest.call("read", 0, 0, 8) == -1
        assert guest.call("is_enabled") == 0
        assert guest.call("stats") == 0
