"""The functions of memory64.rs, and the errors they give."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory64 import Guest, Memory64Model, load_model

from .rust import build_rust

DISABLED, NOT_FOUND, BUFFER_TOO_SMALL, READ_FAILED, OUT_OF_BOUNDS, TOO_LARGE = 1, 2, 3, 4, 7, 9

WRAPPERS = """
#![no_std]
mod memory64;
use core::{panic::PanicInfo, slice, str};

fn answer<T: Into<u64>>(result: memory64::Result<T>) -> i64 {
    match result {
        Ok(bytes) => bytes.into() as i64,
        Err(error) => -(error as i64),
    }
}
fn buffer<'a>(to: usize, size: usize) -> &'a mut [u8] {
    unsafe { slice::from_raw_parts_mut(to as *mut u8, size) }
}
#[no_mangle]
pub extern "C" fn is_enabled() -> bool { memory64::is_enabled() }
#[no_mangle]
pub extern "C" fn stats() -> u64 { memory64::stats() }
#[no_mangle]
pub extern "C" fn layer_count() -> u32 { memory64::layer_count() }
#[no_mangle]
pub extern "C" fn layer_size(layer: u32) -> i64 { answer(memory64::layer_size(layer)) }
#[no_mangle]
pub extern "C" fn load_layer(layer: u32, to: usize, size: usize) -> i64 {
    answer(memory64::load_layer(layer, buffer(to, size)))
}
#[no_mangle]
pub extern "C" fn read(offset: u64, to: usize, size: usize) -> i64 {
    answer(memory64::read(offset, buffer(to, size)))
}
#[no_mangle]
pub extern "C" fn find(layer: u32, name: usize, length: usize, to: usize) -> i64 {
    let layer = if layer == 99 { None } else { Some(layer) };
    let name = unsafe { str::from_utf8_unchecked(buffer(name, length)) };
    answer(memory64::find_tensor(layer, name).map(|tensor| {
        unsafe { *(to as *mut memory64::Tensor) = tensor };
        0u32
    }))
}
#[no_mangle]
pub extern "C" fn grow(pages: usize) -> usize {
    core::arch::wasm32::memory_grow(0, pages) << 16
}
#[panic_handler]
fn panic(_: &PanicInfo) -> ! { core::arch::wasm32::unreachable() }
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    return build_rust(WRAPPERS, tmp_path)


@pytest.fixture
def model(tiny: Path) -> Iterator[Memory64Model]:
    with load_model(tiny, memory64=True) as loaded:
        yield loaded


def number(guest: Guest, name: str, *arguments: int) -> int:
    result = guest.call(name, *arguments)
    assert isinstance(result, int)
    return result


def test_the_model_seen_from_rust(module: Path, model: Memory64Model) -> None:
    with Guest(module, model) as guest:
        assert guest.call("is_enabled") == 1
        assert guest.call("layer_count") == model.layer_count
        size = number(guest, "layer_size", 1)
        buffer = number(guest, "grow", (size >> 16) + 1)
        assert guest.call("load_layer", 1, buffer, size) == size
        tensor = model.get_layer(1)["attn_q.weight"]
        before = number(guest, "stats")
        assert guest.call("read", tensor.offset, buffer, 1000) == 1000
        assert guest.read(buffer, 1000) == tensor.data[:1000].tobytes()
        assert guest.call("stats") == before + 1


def test_a_tensor_found_from_rust(module: Path, model: Memory64Model) -> None:
    with Guest(module, model) as guest:
        buffer = number(guest, "grow", 1)
        whole = model.runtime.tensor_record(None, "blk.2.attn_k.weight")
        of_layer = model.runtime.tensor_record(2, "attn_k.weight")
        guest.write(buffer, b"blk.2.attn_k.weight")
        assert guest.call("find", 99, buffer, 19, buffer + 64) == 0
        assert guest.read(buffer + 64, 64) == whole.pack()
        assert guest.call("find", 2, buffer + 6, 13, buffer + 64) == 0
        assert guest.read(buffer + 64, 64) == of_layer.pack()
        assert guest.call("find", 2, buffer, 3, buffer + 64) == -NOT_FOUND


def test_errors(module: Path, model: Memory64Model, tiny: Path) -> None:
    with Guest(module, model) as guest:
        end, size = guest.memory_bytes, number(guest, "layer_size", 0)
        assert guest.call("layer_size", 99) == -NOT_FOUND
        assert guest.call("load_layer", 0, 64, size - 1) == -BUFFER_TOO_SMALL
        assert guest.call("load_layer", 0, end - size + 1, size) == -OUT_OF_BOUNDS
        assert guest.call("read", model.runtime.size_bytes, 64, 1) == -READ_FAILED
        assert guest.call("read", 0, end, 1) == -OUT_OF_BOUNDS
        assert guest.call("read", 0, 64, 1 << 31) == -TOO_LARGE
    with load_model(tiny, memory64=False) as off, Guest(module, off) as guest:
        assert guest.call("is_enabled") == 0
        assert guest.call("read", 0, 64, 1) == -DISABLED
