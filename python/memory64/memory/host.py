"""The functions of module ``env`` through which a guest asks for the model's bytes.

======================================================  ================================
``memory64_load_layer(layer_id, pointer, max_size)``    bytes copied; -1 to -9
``memory64_read(offset, pointer, size)``                bytes copied; -1 to -6, -9
``memory64_is_enabled()``                               1 or 0
``memory64_stats()``                                    count of successful reads
``memory64_layer_count()``                              count of layers
``memory64_layer_size(layer_id)``                       bytes of its image; -1, -2
``memory64_tensor(layer_id, name, length, record)``     0; -1, -2, -5 to -8
======================================================  ================================

The guest exports its ``memory``; offsets are flat ones. ``tensor_record`` says what
``memory64_tensor`` writes. A failure is a negative number, so nothing is raised in a
callback: wasmtime-py keeps the exception of a callback in a variable of the whole process,
from where it can reach another thread's call.
"""

import ctypes
import logging
from collections.abc import Callable
from typing import Any, Protocol

import wasmtime

from ..errors import Memory64Error, TensorNotFoundError
from .host_codes import LoadLayerCode, ReadCode, TensorCode
from .image import LayerImage
from .tensor_record import MAX_NAME_BYTES, RECORD_BYTES, TensorRecord
from .truncation import guarded

log = logging.getLogger("memory64")

U32_MASK = (1 << 32) - 1
U64_MASK = (1 << 64) - 1
MAX_RESULT = (1 << 31) - 1
NO_LAYER = U32_MASK
"""As a layer's number: the whole model, whose tensors go by their whole names."""


class Host(Protocol):
    """What guests are served from: see ``Memory64Runtime``."""

    enabled: bool

    @property
    def layer_count(self) -> int:
        """Count of layers."""
        ...

    @property
    def read_count(self) -> int:
        """Successful reads so far."""
        ...

    def layer_image(self, layer_id: int) -> LayerImage | None:
        """The image of a layer."""
        ...

    def read_layer(self, layer_id: int, buffer: Any) -> int:
        """Fill ``buffer`` with the image of a layer."""
        ...

    def read(self, offset: int, buffer: Any) -> int:
        """Fill ``buffer`` from a flat offset on."""
        ...

    def tensor_record(self, layer_id: int | None, name: str) -> TensorRecord:
        """Describe a tensor of a layer, or of the whole model."""
        ...


class GuestMemory:
    """The memory of the guest that calls, while its call lasts."""

    def __init__(self, memory: object, store: wasmtime.Caller) -> None:
        """Take what the guest exports as ``memory``, which may be nothing or anything."""
        self._memory = memory if isinstance(memory, wasmtime.Memory) else None
        self._store = store

    def deliver(
        self,
        pointer: int,
        size: int,
        fill: Callable[[memoryview], int],
        codes: type[LoadLayerCode] | type[ReadCode] | type[TensorCode],
    ) -> int:
        """Let ``fill`` write or read ``size`` bytes at ``pointer``; its result, or a code."""
        if self._memory is None:
            return codes.NO_MEMORY
        if pointer + size > U32_MASK + 1:
            return codes.POINTER_OVERFLOW
        if pointer + size > self._memory.data_len(self._store):
            return codes.POINTER_OUT_OF_BOUNDS
        address = ctypes.addressof(self._memory.data_ptr(self._store).contents) + pointer
        # A region can be the guest's memory, and its file can become shorter as well.
        with guarded([(address, size)]) as guard:
            result = fill(memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B"))
        return codes.WRITE_FAILED if guard.lost else result


def load_layer(host: Host, guest: GuestMemory, layer_id: int, pointer: int, max_size: int) -> int:
    """Copy the image of a layer to ``pointer``."""
    layer_id &= U32_MASK
    image = host.layer_image(layer_id)
    if not host.enabled:
        return LoadLayerCode.DISABLED
    if image is None:
        return LoadLayerCode.NO_SUCH_LAYER
    if image.nbytes > MAX_RESULT:
        return LoadLayerCode.TOO_LARGE
    if max_size & U32_MASK < image.nbytes:
        return LoadLayerCode.BUFFER_TOO_SMALL

    def fill(target: memoryview) -> int:
        return _guarded(lambda: host.read_layer(layer_id, target), LoadLayerCode.READ_FAILED)

    return guest.deliver(pointer & U32_MASK, image.nbytes, fill, LoadLayerCode)


def read(host: Host, guest: GuestMemory, offset: int, pointer: int, size: int) -> int:
    """Copy ``size`` bytes from a flat offset on to ``pointer``."""
    size &= U32_MASK
    if not host.enabled:
        return ReadCode.DISABLED
    if size > MAX_RESULT:
        return ReadCode.TOO_LARGE

    def fill(target: memoryview) -> int:
        return _guarded(lambda: host.read(offset & U64_MASK, target), ReadCode.READ_FAILED)

    return guest.deliver(pointer & U32_MASK, size, fill, ReadCode)


def layer_size(host: Host, layer_id: int) -> int:
    """Bytes of a layer's image."""
    if not host.enabled:
        return TensorCode.DISABLED
    image = host.layer_image(layer_id & U32_MASK)
    return TensorCode.NOT_FOUND if image is None else image.nbytes


def tensor(
    host: Host, guest: GuestMemory, layer_id: int, name: int, length: int, record: int
) -> int:
    """Write the record of the tensor whose name lies at ``name`` to ``record``."""
    layer_id &= U32_MASK
    length &= U32_MASK
    if not host.enabled:
        return TensorCode.DISABLED
    if length > MAX_NAME_BYTES:
        return TensorCode.NOT_FOUND
    text = bytearray(length)

    def take_name(source: memoryview) -> int:
        text[:] = source
        return 0

    def write_record(target: memoryview) -> int:
        target[:] = found.pack()
        return 0

    if failed := guest.deliver(name & U32_MASK, length, take_name, TensorCode):
        return failed
    try:
        found = host.tensor_record(None if layer_id == NO_LAYER else layer_id, text.decode())
    except (TensorNotFoundError, UnicodeDecodeError):
        return TensorCode.NOT_FOUND
    except Exception:  # as below
        log.exception("a tensor cannot be described")
        return TensorCode.NOT_FOUND
    return guest.deliver(record & U32_MASK, RECORD_BYTES, write_record, TensorCode)


def define_host_functions(linker: wasmtime.Linker, host: Host) -> None:
    """Define the functions in ``linker``, for guests in any store of its engine."""
    i32, i64 = wasmtime.ValType.i32(), wasmtime.ValType.i64()

    def define(
        name: str, inputs: list[wasmtime.ValType], output: wasmtime.ValType, to: Any
    ) -> None:
        linker.define_func("env", name, wasmtime.FuncType(inputs, [output]), to)

    def define_copying(name: str, inputs: list[wasmtime.ValType], function: Any) -> None:
        def answer(caller: wasmtime.Caller, *arguments: int) -> int:
            code: int = function(host, GuestMemory(caller.get("memory"), caller), *arguments)
            return code

        kind = wasmtime.FuncType(inputs, [i32])
        linker.define_func("env", name, kind, answer, access_caller=True)

    define_copying("memory64_load_layer", [i32, i32, i32], load_layer)
    define_copying("memory64_read", [i64, i32, i32], read)
    define_copying("memory64_tensor", [i32, i32, i32, i32], tensor)
    define("memory64_is_enabled", [], i32, lambda: int(host.enabled))
    define("memory64_stats", [], i64, lambda: host.read_count)
    define("memory64_layer_count", [], i32, lambda: host.layer_count)
    define("memory64_layer_size", [i32], i64, lambda layer_id: layer_size(host, layer_id))


def _guarded(action: Callable[[], int], code: int) -> int:
    try:
        return action()
    except Memory64Error as error:
        log.debug("a guest's read failed: %s", error)
    except Exception:  # a mistake of ours, which must not reach another thread's call either
        log.exception("a guest's read failed")
    return code
