"""The functions of module ``env`` through which a guest asks for the model's bytes.

======================================================  ================================
``memory64_load_layer(layer_id, pointer, max_size)``    bytes copied; -1 to -9
``memory64_read(offset, pointer, size)``                bytes copied; -1 to -6, -9
``memory64_is_enabled()``                               1 or 0
``memory64_stats()``                                    count of successful reads
======================================================  ================================

The guest exports its ``memory``; offsets are flat ones. A failure is a negative number, so
nothing is raised in a callback: wasmtime-py keeps the exception of a callback in a variable
of the whole process, from where it can reach another thread's call.
"""

import ctypes
import logging
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Protocol

import wasmtime

from ..errors import Memory64Error
from .image import LayerImage
from .stats import RuntimeStats

log = logging.getLogger("memory64")

U32_MASK = (1 << 32) - 1
U64_MASK = (1 << 64) - 1
MAX_RESULT = (1 << 31) - 1


class LoadLayerCode(IntEnum):
    """Failures of ``memory64_load_layer``."""

    DISABLED = -1
    NO_SUCH_LAYER = -2
    BUFFER_TOO_SMALL = -3
    READ_FAILED = -4
    NO_MEMORY = -5
    POINTER_OVERFLOW = -6
    POINTER_OUT_OF_BOUNDS = -7
    WRITE_FAILED = -8
    TOO_LARGE = -9


class ReadCode(IntEnum):
    """Failures of ``memory64_read``."""

    DISABLED = -1
    READ_FAILED = -2
    NO_MEMORY = -3
    POINTER_OVERFLOW = -4
    POINTER_OUT_OF_BOUNDS = -5
    WRITE_FAILED = -6
    TOO_LARGE = -9


class Host(Protocol):
    """What guests are served from: see ``Memory64Runtime``."""

    enabled: bool

    def layer_image(self, layer_id: int) -> LayerImage | None:
        """The image of a layer."""
        ...

    def read_layer(self, layer_id: int, buffer: Any) -> int:
        """Fill ``buffer`` with the image of a layer."""
        ...

    def read(self, offset: int, buffer: Any) -> int:
        """Fill ``buffer`` from a flat offset on."""
        ...

    def stats(self) -> RuntimeStats:
        """Counts so far."""
        ...


def define_host_functions(linker: wasmtime.Linker, runtime: Host) -> None:
    """Define the four functions in ``linker``, for guests in any store of its engine."""
    i32, i64 = wasmtime.ValType.i32(), wasmtime.ValType.i64()

    def load_layer(caller: wasmtime.Caller, layer_id: int, pointer: int, max_size: int) -> int:
        image = runtime.layer_image(layer_id & U32_MASK)
        if not runtime.enabled:
            return LoadLayerCode.DISABLED
        if image is None:
            return LoadLayerCode.NO_SUCH_LAYER
        if image.nbytes > MAX_RESULT:
            return LoadLayerCode.TOO_LARGE
        if max_size & U32_MASK < image.nbytes:
            return LoadLayerCode.BUFFER_TOO_SMALL

        def fill(target: memoryview) -> int:
            return runtime.read_layer(layer_id & U32_MASK, target)

        return _deliver(caller, pointer & U32_MASK, image.nbytes, fill, LoadLayerCode)

    def read(caller: wasmtime.Caller, offset: int, pointer: int, size: int) -> int:
        size &= U32_MASK
        if not runtime.enabled:
            return ReadCode.DISABLED
        if size > MAX_RESULT:
            return ReadCode.TOO_LARGE

        def fill(target: memoryview) -> int:
            return runtime.read(offset & U64_MASK, target)

        return _deliver(caller, pointer & U32_MASK, size, fill, ReadCode)

    def define(
        name: str,
        inputs: list[wasmtime.ValType],
        output: wasmtime.ValType,
        function: Callable[..., int],
        access_caller: bool = True,
    ) -> None:
        kind = wasmtime.FuncType(inputs, [output])
        linker.define_func("env", name, kind, function, access_caller=access_caller)

    define("memory64_load_layer", [i32, i32, i32], i32, load_layer)
    define("memory64_read", [i64, i32, i32], i32, read)
    define("memory64_is_enabled", [], i32, lambda: int(runtime.enabled), access_caller=False)
    define("memory64_stats", [], i64, lambda: runtime.stats().reads, access_caller=False)


def _deliver(
    caller: wasmtime.Caller,
    pointer: int,
    size: int,
    fill: Callable[[memoryview], int],
    codes: type[LoadLayerCode] | type[ReadCode],
) -> int:
    """Let ``fill`` write ``size`` bytes at ``pointer`` of the guest's memory."""
    memory = caller.get("memory")
    if not isinstance(memory, wasmtime.Memory):
        return codes.NO_MEMORY
    if pointer + size > U32_MASK + 1:
        return codes.POINTER_OVERFLOW
    if pointer + size > memory.data_len(caller):
        return codes.POINTER_OUT_OF_BOUNDS
    try:
        target = _guest_bytes(memory, caller, pointer, size)
    except Exception:
        log.exception("the guest's memory cannot be written")
        return codes.WRITE_FAILED
    try:
        return fill(target)
    except Memory64Error as error:
        log.debug("a guest's read failed: %s", error)
    except Exception:  # a mistake of ours, which must not reach another thread's call either
        log.exception("a guest's read failed")
    return codes.READ_FAILED


def _guest_bytes(
    memory: wasmtime.Memory, caller: wasmtime.Caller, pointer: int, size: int
) -> memoryview:
    base = ctypes.addressof(memory.data_ptr(caller).contents)
    return memoryview((ctypes.c_ubyte * size).from_address(base + pointer)).cast("B")
