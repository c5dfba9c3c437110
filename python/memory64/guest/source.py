"""A guest's module, from wherever it comes, as binary WebAssembly."""

import os
from pathlib import Path

import wasmtime

from ..errors import GuestModuleError, SourceError, SourceNotFoundError

MAGIC = b"\0asm"
_START_SECTION = 8

ModuleSource = str | os.PathLike[str] | bytes | bytearray | memoryview


def read_module(source: ModuleSource) -> bytes:
    """The module of a path, or of bytes; text in WAT is translated.

    Raises:
        SourceNotFoundError, SourceError: there is no such file, or it cannot be read.
        GuestModuleError: it is neither binary WebAssembly nor valid WAT.
    """
    content = _content(source)
    if content.startswith(MAGIC):
        return content
    try:
        return bytes(wasmtime.wat2wasm(content))
    except wasmtime.WasmtimeError as error:
        raise GuestModuleError(
            f"the guest is not binary WebAssembly (no magic number), and as text: {error}"
        ) from error


def has_start_function(wasm: bytes) -> bool:
    """Whether a valid module runs code of its own while it is instantiated."""
    at = 8
    while at < len(wasm):
        section = wasm[at]
        size, at = _leb128(wasm, at + 1)
        if section == _START_SECTION:
            return True
        at += size
    return False


def _content(source: ModuleSource) -> bytes:
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    try:
        return Path(source).read_bytes()
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"there is no guest {os.fspath(source)!r}") from error
    except OSError as error:
        raise SourceError(f"the guest {os.fspath(source)!r} cannot be read: {error}") from error


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned number of variable length, and the place after it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
