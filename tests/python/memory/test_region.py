"""One contract for regions, however the file's bytes come in: mapped, or copied."""

import errno
from pathlib import Path
from unittest.mock import Mock

import pytest

from memory64 import Memory64Runtime, MemoryLayout, SourceChangedError
from memory64.errors import CancelledError
from memory64.gguf import GGUFDirectory, open_gguf
from memory64.memory import Span, platform


@pytest.fixture(
    params=["mapped", "copied", "mapping refused", "plain", "plain copied", "from bytes"]
)
def placed(
    request: pytest.FixtureRequest, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Memory64Runtime, GGUFDirectory]:
    if "copied" in request.param:
        monkeypatch.setattr(platform, "CAN_MAP", False)
    if request.param == "mapping refused":
        monkeypatch.setattr(platform, "map_file", Mock(side_effect=OSError(errno.ENODEV, "no")))
    gguf = open_gguf(tiny.read_bytes() if request.param == "from bytes" else tiny)
    runtime = Memory64Runtime(MemoryLayout.single(1), enabled="plain" not in request.param)
    runtime.place(gguf)
    assert runtime.keeps_evicted is (request.param in ("mapped", "plain"))
    return runtime, gguf


def test_loaded_bytes_are_the_files(
    placed: tuple[Memory64Runtime, GGUFDirectory], tiny: Path
) -> None:
    runtime, gguf = placed
    raw = tiny.read_bytes()
    for info in gguf.tensors.values():
        span = runtime.span(info)
        runtime.load([span])
        expected = raw[info.file_offset : info.file_end]
        assert runtime.array(*span).tobytes() == expected
        assert bytes(runtime.view(*span)) == expected
        buffer = bytearray(span.size)
        runtime.read(span.offset, buffer)
        assert buffer == expected


def test_bytes_come_back_after_eviction(
    placed: tuple[Memory64Runtime, GGUFDirectory], tiny: Path
) -> None:
    runtime, gguf = placed
    raw = tiny.read_bytes()
    for layer in gguf.layers:
        spans = [runtime.span(info) for info in layer]
        for _ in range(2):
            runtime.load(spans)
            for info, span in zip(layer, spans, strict=True):
                assert runtime.array(*span).tobytes() == raw[info.file_offset : info.file_end]
            runtime.evict(spans)
    for info in gguf.tensors.values():  # views and reads need no load before them
        span = runtime.span(info)
        assert bytes(runtime.view(*span)) == raw[info.file_offset : info.file_end]


def test_what_is_written_over_a_tensor_lasts_until_it_is_evicted(
    placed: tuple[Memory64Runtime, GGUFDirectory], tiny: Path
) -> None:
    runtime, gguf = placed
    before = tiny.read_bytes()
    info = gguf.tensor("output.weight")
    span = runtime.span(info)
    runtime.write(span.offset, b"changed")
    for _ in range(2):
        assert bytes(runtime.view(span.offset, 7)) == b"changed"
    runtime.evict([Span(0, runtime.size_bytes)])
    assert bytes(runtime.view(*span)) == before[info.file_offset : info.file_end]
    assert tiny.read_bytes() == before


def test_cancelled_before_the_first_byte(placed: tuple[Memory64Runtime, GGUFDirectory]) -> None:
    runtime, gguf = placed
    span = runtime.span(gguf.tensor("output.weight"))
    with pytest.raises(CancelledError):
        runtime.load([span], cancelled=lambda: True)


def test_leased_arrays_tell_when_the_last_one_is_gone(
    placed: tuple[Memory64Runtime, GGUFDirectory],
) -> None:
    runtime, gguf = placed
    span = runtime.span(gguf.tensor("output.weight"))
    released: list[bool] = []
    array = runtime.leased_array(span.offset, span.size, lambda: released.append(True))
    part = array[10:20].view("i1")
    del array
    assert not released
    del part
    assert released == [True]


def test_populate_where_the_kernel_does_not_know_it(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "_MADV_POPULATE_READ", 12345)  # EINVAL, as before Linux 5.14
    gguf = open_gguf(tiny)
    runtime = Memory64Runtime(MemoryLayout.single(1))
    runtime.place(gguf)
    info = gguf.tensor("output.weight")
    runtime.load([runtime.span(info)])
    expected = tiny.read_bytes()[info.file_offset : info.file_end]
    assert runtime.array(*runtime.span(info)).tobytes() == expected
    gguf.close()


def test_a_copied_file_that_shrank(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "CAN_MAP", False)
    gguf = open_gguf(tiny)
    runtime = Memory64Runtime(MemoryLayout.single(1))
    runtime.place(gguf)
    monkeypatch.setattr(gguf, "check", lambda: tiny.write_bytes(b""))
    with pytest.raises(SourceChangedError, match="shorter"):
        runtime.load([runtime.span(gguf.tensor("output.weight"))])
    gguf.close()
