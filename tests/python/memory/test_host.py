"""The functions a guest calls, each return code provoked, and regions read in place."""

import os
import struct
from pathlib import Path
from typing import Any

import pytest
import wasmtime
from gguf import GGUFReader

from memory64 import Memory64Runtime, MemoryLayout, SourceChangedError
from memory64.gguf import GGUFDirectory, open_gguf
from memory64.memory.layout import GIB
from models import generate

from .wat import CALLS_THE_HOST, MIX_IN_PLACE, Guest, file_bytes, mix

PAGE = 1 << 16
PAGES = 40
LAYER = 1


@pytest.fixture
def gguf(tiny: Path) -> GGUFDirectory:
    return open_gguf(tiny)


def guest(gguf: GGUFDirectory, *, enabled: bool = True, export: str = "memory") -> Guest:
    runtime = Memory64Runtime(MemoryLayout.single(1), enabled=enabled)
    runtime.place(gguf)
    return Guest(runtime, CALLS_THE_HOST.format(export=export, pages=PAGES))


def image_of(gguf: GGUFDirectory, tiny: Path, layer_id: int) -> bytes:
    """In these files a layer's tensors follow one another with the file's own alignment."""
    layer = gguf.layer(layer_id)
    return tiny.read_bytes()[layer[0].file_offset : layer[-1].file_end]


def test_load_layer_delivers_the_image(gguf: GGUFDirectory, tiny: Path) -> None:
    caller = guest(gguf)
    image = image_of(gguf, tiny, LAYER)
    assert caller.call("load_layer", LAYER, 100, len(image)) == len(image)
    assert caller.memory(100, len(image)) == image
    assert caller.call("stats") == 1


def test_load_layer_at_the_very_end_of_memory(gguf: GGUFDirectory, tiny: Path) -> None:
    caller = guest(gguf)
    image = image_of(gguf, tiny, LAYER)
    pointer = PAGES * PAGE - len(image)
    assert caller.call("load_layer", LAYER, pointer, len(image)) == len(image)
    assert caller.memory(pointer, len(image)) == image


def test_load_layer_codes(gguf: GGUFDirectory, tiny: Path) -> None:
    caller = guest(gguf)
    size = len(image_of(gguf, tiny, LAYER))
    assert caller.call("load_layer", 99, 0, size) == -2
    assert caller.call("load_layer", -1, 0, size) == -2
    assert caller.call("load_layer", LAYER, 0, size - 1) == -3
    assert caller.call("load_layer", LAYER, -1, size) == -6
    assert caller.call("load_layer", LAYER, PAGES * PAGE - size + 1, size) == -7
    assert guest(gguf, enabled=False).call("load_layer", LAYER, 0, size) == -1
    assert guest(gguf, export="other").call("load_layer", LAYER, 0, size) == -5
    assert caller.call("stats") == 0


def test_load_layer_over_2_gib_is_too_large(beyond_4gib: Path) -> None:
    runtime = Memory64Runtime(MemoryLayout.single(8))
    runtime.register_layer(0, [(0, 1 << 31)])
    caller = Guest(runtime, CALLS_THE_HOST.format(export="memory", pages=PAGES))
    assert caller.call("load_layer", 0, 0, -1) == -9


def test_read_delivers_bytes(gguf: GGUFDirectory, tiny: Path) -> None:
    caller = guest(gguf)
    runtime = Memory64Runtime(MemoryLayout.single(1))
    runtime.place(gguf)
    info = gguf.tensor("output.weight")
    assert caller.call("read", runtime.span(info).offset, 8, 1000) == 1000
    assert caller.memory(8, 1000) == tiny.read_bytes()[info.file_offset :][:1000]
    assert caller.call("read", GIB, 0, 0) == 0
    assert caller.call("read", 0, PAGES * PAGE, 0) == 0
    assert caller.call("stats") == 3


def test_read_codes(gguf: GGUFDirectory) -> None:
    caller = guest(gguf)
    assert caller.call("read", GIB, 0, 1) == -2
    assert caller.call("read", -1, 0, 1) == -2
    assert caller.call("read", 0, -1, 2) == -4
    assert caller.call("read", 0, PAGES * PAGE - 1, 2) == -5
    assert caller.call("read", 0, 0, -1) == -9
    assert guest(gguf, enabled=False).call("read", 0, 0, 1) == -1
    assert guest(gguf, export="other").call("read", 0, 0, 1) == -3
    assert caller.call("stats") == 0


def test_a_changed_file_is_a_failed_read(gguf: GGUFDirectory, tiny: Path) -> None:
    caller = guest(gguf)
    size = len(image_of(gguf, tiny, LAYER))
    tiny.write_bytes(b"")
    assert caller.call("load_layer", LAYER, 0, size) == -4
    assert caller.call("read", 0, 0, 1) == -2


def shortened_memory(gguf: GGUFDirectory, other: Path) -> tuple[wasmtime.Store, Any]:
    """A guest whose memory is a region over ``other``, which then lost its pages."""
    runtime = Memory64Runtime(MemoryLayout.single(1))
    runtime.place(gguf)
    behind = Memory64Runtime(MemoryLayout.single(1))
    behind.place(open_gguf(other))
    store = wasmtime.Store(runtime.engine)
    linker = wasmtime.Linker(runtime.engine)
    runtime.add_to_linker(linker)
    behind.add_regions_to_linker(linker, store)
    memory = '(import "memory64" "region_weights" (memory i64 1)) (export "memory" (memory 0))'
    wat = CALLS_THE_HOST.format(export="other", pages=1)
    lines = [line for line in wat.splitlines() if '"other"' not in line]
    module = wasmtime.Module(runtime.engine, "\n".join([lines[1], memory, *lines[2:]]))
    exports = linker.instantiate(store, module).exports(store)
    os.truncate(other, 0)
    return store, exports


def test_memory_that_cannot_be_written(gguf: GGUFDirectory, tmp_path: Path) -> None:
    """A region is the guest's memory, and the file behind that one became shorter."""
    store, exports = shortened_memory(gguf, generate.tiny(tmp_path / "other.gguf"))
    size = exports["layer_size"](store, LAYER)
    assert exports["load_layer"](store, LAYER, 0, size) == -8
    assert exports["read"](store, 0, 4 * PAGE, 8) == 8  # zeros have taken its place


@pytest.mark.parametrize("call", ["read", "tensor"])
def test_memory_that_cannot_be_written_by(call: str, gguf: GGUFDirectory, tmp_path: Path) -> None:
    store, exports = shortened_memory(gguf, generate.tiny(tmp_path / "other.gguf"))
    if call == "read":
        assert exports["read"](store, 0, PAGE, 8) == -6
    else:
        assert exports["tensor"](store, LAYER, PAGE, 4, 0) == -8


def test_layers_and_their_sizes(gguf: GGUFDirectory, tiny: Path) -> None:
    caller = guest(gguf)
    assert caller.call("layer_count") == gguf.layer_count
    for layer_id in range(gguf.layer_count):
        assert caller.call("layer_size", layer_id) == len(image_of(gguf, tiny, layer_id))
    assert caller.call("layer_size", gguf.layer_count) == -2
    assert caller.call("layer_size", -1) == -2
    assert guest(gguf, enabled=False).call("layer_size", 0) == -1


def ask(caller: Guest, layer_id: int, name: bytes, record: int = 1024) -> int:
    caller.write(0, name)
    return caller.call("tensor", layer_id, 0, len(name), record)


def test_tensor_records_as_the_gguf_package_knows_them(gguf: GGUFDirectory, tiny: Path) -> None:
    caller = guest(gguf)
    runtime = Memory64Runtime(MemoryLayout.single(1))
    runtime.place(gguf)
    for tensor in GGUFReader(tiny).tensors:
        parts = tensor.name.split(".")
        layer_id = int(parts[1]) if parts[0] == "blk" else -1
        shape = [int(extent) for extent in reversed(tensor.shape)]
        names = [(-1, tensor.name, 0)]
        if layer_id >= 0:
            first = gguf.layer(layer_id)[0].file_offset
            position = int(tensor.data_offset) - first
            names += [(layer_id, tensor.name, position)]
            names += [(layer_id, tensor.name.partition(f"blk.{layer_id}.")[2], position)]
        for asked, name, position in names:
            assert ask(caller, asked, name.encode()) == 0
            offset, layer_offset, nbytes, quant_type, count, *extents = struct.unpack(
                "<3Q2I4Q", caller.memory(1024, 64)
            )
            assert bytes(runtime.view(offset, nbytes)) == tensor.data.tobytes()
            assert (layer_offset, nbytes) == (position, tensor.n_bytes)
            assert (quant_type, count) == (tensor.tensor_type, len(shape))
            assert extents == shape + [1] * (4 - len(shape))


def test_tensor_codes(gguf: GGUFDirectory) -> None:
    caller = guest(gguf)
    name, end = b"attn_q.weight", PAGES * PAGE
    assert ask(caller, LAYER, name) == 0
    assert ask(caller, LAYER, b"nothing.weight") == -2
    assert ask(caller, LAYER, b"") == -2
    assert ask(caller, LAYER, b"\xff\xfe") == -2
    assert ask(caller, LAYER, b"x" * 257) == -2
    assert ask(caller, LAYER, b"blk.2.attn_q.weight") == -2
    assert ask(caller, -1, name) == -2
    assert ask(caller, 99, name) == -2
    assert caller.call("tensor", LAYER, 0, -1, 0) == -2
    assert caller.call("tensor", LAYER, -1, 13, 0) == -6
    assert caller.call("tensor", LAYER, end - 12, 13, 0) == -7
    assert ask(caller, LAYER, name, -63) == -6
    assert ask(caller, LAYER, name, end - 63) == -7
    assert ask(caller, LAYER, name, end - 64) == 0
    assert guest(gguf, enabled=False).call("tensor", LAYER, 0, 13, 0) == -1
    assert guest(gguf, export="other").call("tensor", LAYER, 0, 13, 0) == -5
    assert caller.call("stats") == 0


def test_a_layer_registered_anew_breaks_no_callback(gguf: GGUFDirectory) -> None:
    """An exception in a callback could reach a call of another thread."""
    runtime = Memory64Runtime(MemoryLayout.single(1))
    runtime.place(gguf)
    runtime.register_layer(LAYER, [])
    caller = Guest(runtime, CALLS_THE_HOST.format(export="memory", pages=1))
    assert ask(caller, LAYER, b"attn_q.weight") == -2


def test_is_enabled(gguf: GGUFDirectory) -> None:
    assert guest(gguf).call("is_enabled") == 1
    assert guest(gguf, enabled=False).call("is_enabled") == 0


@pytest.mark.parametrize("name", ["smollm2", "gemma", "beyond_4gib"])
def test_a_guest_reads_every_tensor_in_place(name: str, request: pytest.FixtureRequest) -> None:
    path = Path(request.getfixturevalue(name))
    gguf = open_gguf(path)
    runtime = Memory64Runtime(MemoryLayout.for_model(gguf))
    runtime.place(gguf)
    reader = Guest(runtime, MIX_IN_PLACE.format(region="weights"), regions=True)
    raw = file_bytes(path)
    for info in gguf.tensors.values():
        span = runtime.span(info)
        found = reader.call("mix", span.offset, span.size) % (1 << 64)
        assert found == mix(raw[info.file_offset : info.file_end]), info.name
    if name == "beyond_4gib":
        assert max(runtime.span(info).offset for info in gguf.tensors.values()) > 4 * GIB
    gguf.close()


def test_what_a_guest_writes_stays_in_its_store(gguf: GGUFDirectory, tiny: Path) -> None:
    before = tiny.read_bytes()
    runtime = Memory64Runtime(MemoryLayout.single(1))
    runtime.place(gguf)
    writer = Guest(
        runtime,
        '(module (import "memory64" "region_weights" (memory i64 1)) (func (export "fill")'
        " (memory.fill (i64.const 0) (i32.const 170) (i64.const 100000))))",
        regions=True,
    )
    writer.exports["fill"](writer.store)
    assert sum(runtime.view(0, 100)) != 170 * 100
    assert tiny.read_bytes() == before
    gguf.close()


def test_regions_that_cannot_be_mapped_reach_guests_too(tiny: Path) -> None:
    gguf = open_gguf(tiny.read_bytes())
    runtime = Memory64Runtime(MemoryLayout.single(1))
    runtime.place(gguf)
    reader = Guest(runtime, MIX_IN_PLACE.format(region="weights"), regions=True)
    for info in gguf.tensors.values():
        span = runtime.span(info)
        found = reader.call("mix", span.offset, span.size) % (1 << 64)
        assert found == mix(file_bytes(tiny)[info.file_offset : info.file_end])


def test_error_classes_stay_with_the_host(gguf: GGUFDirectory, tiny: Path) -> None:
    """A guest's failed read leaves nothing behind for the next call."""
    caller = guest(gguf)
    tiny.write_bytes(b"")
    assert caller.call("read", 0, 0, 1) == -2
    assert caller.call("is_enabled") == 1
    with pytest.raises(SourceChangedError):
        gguf.check()
