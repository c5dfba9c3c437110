"""Guests built from C: the header's functions, every error it can name, and the command."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import wasmtime

from memory64 import (
    Guest,
    GuestError,
    GuestLimits,
    GuestTrapError,
    Memory64Model,
    SourceNotFoundError,
    load_model,
)
from memory64.guest.build import build_guest

OK, DISABLED, NOT_FOUND, BUFFER_TOO_SMALL, READ_FAILED = range(5)
POINTER_OVERFLOW, POINTER_OUT_OF_BOUNDS, TOO_LARGE = 6, 7, 9

WRAPPERS = """
#include <memory64.h>
MEMORY64_EXPORT(is_enabled) int is_enabled(void) { return memory64_is_enabled(); }
MEMORY64_EXPORT(stats) uint64_t stats(void) { return memory64_stats(); }
MEMORY64_EXPORT(layer_count) uint32_t layer_count(void) { return memory64_layer_count(); }
MEMORY64_EXPORT(layer_size) int64_t layer_size(uint32_t layer) {
  memory64_result size = memory64_layer_size(layer);
  return size.error ? -(int64_t)size.error : (int64_t)size.bytes;
}
MEMORY64_EXPORT(load_layer) int64_t load_layer(uint32_t layer, char *to, size_t size) {
  memory64_result loaded = memory64_load_layer(layer, to, size);
  return loaded.error ? -(int64_t)loaded.error : (int64_t)loaded.bytes;
}
MEMORY64_EXPORT(read) int64_t read(uint64_t offset, char *to, size_t size) {
  memory64_result done = memory64_read(offset, to, size);
  return done.error ? -(int64_t)done.error : (int64_t)done.bytes;
}
static memory64_tensor found;
MEMORY64_EXPORT(find) int find(uint32_t layer, const char *name, size_t size) {
  return memory64_find_tensor(layer, name, size, &found);
}
MEMORY64_EXPORT(record) const memory64_tensor *record(void) { return &found; }
MEMORY64_EXPORT(whole_model) uint32_t whole_model(void) { return MEMORY64_WHOLE_MODEL; }
MEMORY64_EXPORT(text) const char *text(int error) {
  return memory64_error_text((memory64_error)error);
}
MEMORY64_EXPORT(grow) void *grow(size_t size) { return memory64_grow(size); }
"""

Build = Callable[..., Path]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def build(code: str, *, ending: str = ".c", wasm64: bool = False) -> Path:
        source = tmp_path / f"guest{ending}"
        source.write_text(code)
        return build_guest(source, wasm64=wasm64)

    return build


@pytest.fixture
def model(tiny: Path) -> Iterator[Memory64Model]:
    with load_model(tiny, memory64=True) as loaded:
        yield loaded


@pytest.fixture(params=[".c", ".cpp", ".c wasm64"])
def guest(request: pytest.FixtureRequest, build: Build, model: Memory64Model) -> Iterator[Guest]:
    ending, *wasm64 = request.param.split()
    with Guest(build(WRAPPERS, ending=ending, wasm64=bool(wasm64)), model) as built:
        yield built


def number(guest: Guest, name: str, *arguments: int) -> int:
    result = guest.call(name, *arguments)
    assert isinstance(result, int)
    return result


def text(guest: Guest, pointer: int) -> str:
    return guest.read(pointer, 100).partition(b"\0")[0].decode()


def test_the_model_seen_through_the_header(guest: Guest, model: Memory64Model) -> None:
    assert number(guest, "is_enabled") == 1
    assert number(guest, "layer_count") == model.layer_count
    size = number(guest, "layer_size", 1)
    buffer = number(guest, "grow", size)
    assert number(guest, "load_layer", 1, buffer, size) == size
    first = next(iter(model.get_layer(1).values()))
    assert guest.read(buffer, first.nbytes) == first.data.tobytes()
    before = number(guest, "stats")
    assert number(guest, "read", first.offset + 7, buffer, 1000) == 1000
    assert guest.read(buffer, 1000) == first.data[7:1007].tobytes()
    assert number(guest, "stats") == before + 1
    assert number(guest, "read", 0, buffer, 0) == 0


def test_a_tensor_found_by_name(guest: Guest, model: Memory64Model) -> None:
    tensor = model.get_layer(2)["attn_k.weight"]
    name = number(guest, "grow", 100)
    guest.write(name, b"attn_k.weight")
    assert number(guest, "find", 2, name, 13) == OK
    short = guest.read(number(guest, "record"), 64)
    numbers = [int.from_bytes(short[at : at + 8], "little") for at in range(0, 64, 8)]
    assert numbers[0] == tensor.offset
    assert numbers[2] == tensor.nbytes
    assert numbers[3] == tensor.quant_type | len(tensor.shape) << 32
    assert numbers[4:] == [*tensor.shape, 1, 1]
    guest.write(name, b"blk.2.attn_k.weight")
    assert number(guest, "find", number(guest, "whole_model"), name, 19) == OK
    whole = guest.read(number(guest, "record"), 64)
    assert whole[:8] + whole[16:] == short[:8] + short[16:]
    assert number(guest, "find", 3, name, 19) == NOT_FOUND


def test_errors_of_load_layer(guest: Guest) -> None:
    size = number(guest, "layer_size", 0)
    end = guest.memory_bytes
    assert number(guest, "layer_size", 99) == -NOT_FOUND
    assert number(guest, "load_layer", 99, 0, size) == -NOT_FOUND
    assert number(guest, "load_layer", 0, 0, size - 1) == -BUFFER_TOO_SMALL
    assert number(guest, "load_layer", 0, (1 << 32) - 1, size) == -POINTER_OVERFLOW
    assert number(guest, "load_layer", 0, end - size + 1, size) == -POINTER_OUT_OF_BOUNDS


def test_errors_of_read(guest: Guest, model: Memory64Model) -> None:
    end = guest.memory_bytes
    assert number(guest, "read", model.runtime.size_bytes, 0, 1) == -READ_FAILED
    assert number(guest, "read", 0, (1 << 32) - 1, 2) == -POINTER_OVERFLOW
    assert number(guest, "read", 0, end, 1) == -POINTER_OUT_OF_BOUNDS
    assert number(guest, "read", 0, 0, 1 << 31) == -TOO_LARGE


def test_pointers_beyond_4_gib_are_told_before_they_are_cut(
    build: Build, model: Memory64Model
) -> None:
    with Guest(build(WRAPPERS, wasm64=True), model) as guest:
        high = 1 << 32
        assert number(guest, "read", 0, high, 1) == -POINTER_OVERFLOW
        assert number(guest, "read", 0, 0, high + 1) == -POINTER_OVERFLOW
        assert number(guest, "load_layer", 0, high, 1) == -POINTER_OVERFLOW
        assert number(guest, "find", 0, high, 1) == POINTER_OVERFLOW
        size = number(guest, "layer_size", 0)
        buffer = number(guest, "grow", size)
        assert number(guest, "load_layer", 0, buffer, high + size) == size


def test_everything_fails_where_memory64_is_off(build: Build, tiny: Path) -> None:
    with load_model(tiny, memory64=False) as model, Guest(build(WRAPPERS), model) as guest:
        assert number(guest, "is_enabled") == 0
        assert number(guest, "layer_size", 0) == -DISABLED
        assert number(guest, "load_layer", 0, 0, 100) == -DISABLED
        assert number(guest, "read", 0, 0, 100) == -DISABLED
        assert number(guest, "find", 0, 0, 1) == DISABLED


def test_every_error_has_words(guest: Guest) -> None:
    words = [text(guest, number(guest, "text", error)) for error in range(10)]
    assert words[OK] == "success"
    assert words[BUFFER_TOO_SMALL] == "the layer is larger than the buffer"
    assert len({*words, "unknown error"}) == 11
    assert text(guest, number(guest, "text", 10)) == "unknown error"


def test_grown_memory_is_zero_whole_and_limited(build: Build, model: Memory64Model) -> None:
    limits = GuestLimits(memory_bytes=4 << 20)
    with Guest(build(WRAPPERS), model, limits=limits) as guest:
        before = guest.memory_bytes
        start = number(guest, "grow", 100_000)
        assert start == before
        assert guest.memory_bytes == before + 2 * 65536
        assert not any(guest.read(start, 2 * 65536))
        assert number(guest, "grow", 4 << 20) == 0
        assert number(guest, "grow", (1 << 32) - 1) == 0
        assert guest.memory_bytes == before + 2 * 65536


def test_too_deep_a_recursion_traps_before_it_reaches_data(
    build: Build, model: Memory64Model
) -> None:
    code = """
    #include <memory64.h>
    static volatile char data[1 << 16];
    MEMORY64_EXPORT(deep) int deep(int depth) {
      volatile char frame[4096];
      frame[depth % 4096] = 1;
      return depth ? deep(depth - 1) + frame[0] : 0;
    }
    MEMORY64_EXPORT(touched) int touched(void) {
      int count = 0;
      for (unsigned at = 0; at < sizeof data; at++) count += data[at] != 0;
      return count;
    }
    """
    with Guest(build(code), model) as guest:
        assert guest.call("deep", 100) is not None
        with pytest.raises(GuestTrapError):
            guest.call("deep", 100_000)
        assert guest.call("touched") == 0


def test_the_compilers_own_functions_are_there(build: Build, model: Memory64Model) -> None:
    code = """
    #include <memory64.h>
    static char bytes[300];
    MEMORY64_EXPORT(compare) int compare(size_t size) {
      __builtin_memset(bytes, 7, size);
      __builtin_memcpy(bytes + 100, bytes, size);
      return __builtin_memcmp(bytes, bytes + 100, size);
    }
    MEMORY64_EXPORT(high) uint64_t high(uint64_t a, uint64_t b) {
      return (unsigned __int128)a * b >> 64;
    }
    """
    with Guest(build(code), model) as guest:
        assert guest.call("compare", 100) == 0
        assert guest.call("high", 1 << 63, 6) == 3


def test_wasm64_gives_the_guest_a_memory_of_64_bits(build: Build) -> None:
    config = wasmtime.Config()
    config.wasm_memory64 = True
    engine = wasmtime.Engine(config)
    for wasm64 in (False, True):
        module = wasmtime.Module.from_file(engine, str(build(WRAPPERS, wasm64=wasm64)))
        [memory] = [e.type for e in module.exports if isinstance(e.type, wasmtime.MemoryType)]
        assert memory.is_64 is wasm64


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "memory64", "guest", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_writes_beside_the_source_or_where_told(tmp_path: Path) -> None:
    source = tmp_path / "guest.c"
    source.write_text(WRAPPERS)
    result = command("build", source)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    other = tmp_path / "other.wasm"
    assert command("build", source, "-o", other).returncode == 0
    assert other.read_bytes() == (tmp_path / "guest.wasm").read_bytes()
    assert command("build", source, "-o", other, "--wasm64").returncode == 0
    assert other.read_bytes() != (tmp_path / "guest.wasm").read_bytes()


@pytest.mark.parametrize(
    ("code", "message"),
    [("int x = ;", "bad.c:1:9: error: expected expression"), ("nonsense", "bad.c:1:1: error:")],
)
def test_the_command_shows_what_the_compiler_says(tmp_path: Path, code: str, message: str) -> None:
    source = tmp_path / "bad.c"
    source.write_text(code)
    result = command("build", source)
    assert result.returncode == 1
    assert message in result.stderr
    assert result.stderr.endswith("[ERR_MEMORY64_GUEST]\n")
    assert not (tmp_path / "bad.wasm").exists()


def test_a_function_that_nobody_defines_is_an_error(
    build: Build, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(GuestError, match=r"guest\.c was not compiled"):
        build(
            'int nowhere(void); __attribute__((export_name("f"))) int f(void) {return nowhere();}'
        )
    assert "undefined symbol: nowhere" in capfd.readouterr().err


def test_a_missing_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match=r"there is no guest .*missing\.c"):
        build_guest(tmp_path / "missing.c")


def test_a_missing_compiler_is_named_with_its_remedy(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ziglang", None)  # Python's own way to hide a module
    with pytest.raises(GuestError, match=r"pip install 'memory64\[guest\]'"):
        build(WRAPPERS)


def test_the_include_folder_has_both_languages() -> None:
    folder = Path(command("include").stdout.strip())
    assert {"memory64.h", "memory64.rs"} <= {file.name for file in folder.iterdir()}
