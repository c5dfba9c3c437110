"""A guest's module, from wherever it comes, as binary WebAssembly."""

import os
from pathlib import Path

import wasmtime

from ..errors import GuestModuleError, SourceError, SourceNotFoundError
from .reason import reason

MAGIC = b"\0asm"

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
            f"the guest is not binary WebAssembly (no magic number), and as text: {reason(error)}"
        ) from error


def _content(source: ModuleSource) -> bytes:
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    try:
        return Path(source).read_bytes()
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"there is no guest {os.fspath(source)!r}") from error
    except (OSError, ValueError) as error:  # a path with a zero byte
        raise SourceError(f"the guest {os.fspath(source)!r} cannot be read: {error}") from error
