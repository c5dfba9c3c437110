"""From a file's quant blocks to float32, on all cores, bit for bit as the ``gguf`` package."""

import ctypes
import math
import os
import threading
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import wasmtime
from numpy.typing import NDArray

from ..errors import CancelledError, CapacityError, GuestError
from ..gguf import GGMLQuantizationType, align_up
from ..gguf import dequantize as reference
from ..memory import WASM_PAGE_BYTES, Cancelled, kernel_engine, never
from .cores import usable_cores
from .module import kernels
from .types import KERNEL_TYPES

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

CHUNK_VALUES = 1 << 20
"""Values made at a time: some tenths of a millisecond of work, beside which handing it to a thread
does not count."""

BLOCKS_AT = 4 << 20
"""In a worker's memory, behind the module's own stack and data: the chunk's blocks…"""
VALUES_AT = BLOCKS_AT + 4 * CHUNK_VALUES
"""…which take no more than their values, and these."""


def dequantize(
    data: NDArray[np.uint8],
    type_: GGMLQuantizationType,
    shape: tuple[int, ...],
    name: str,
    cancelled: Cancelled = never,
) -> NDArray[np.float32]:
    """The values of ``data``, a tensor's bytes, as a new array.

    What the kernels do not know, or everything where they are not compiled, is left to the
    ``gguf`` package, which is slower.

    Args:
        data: all blocks of the tensor, one-dimensional.
        type_: what the blocks are.
        shape: of the result, rows first.
        name: of the tensor, for the error.
        cancelled: asked every few milliseconds; True stops the work.

    Raises:
        UnsupportedQuantTypeError: nobody can dequantise ``type_``.
        CapacityError: there is no memory for the values.
        CancelledError: ``cancelled`` became true.
    """
    if type_ not in KERNEL_TYPES or not _are_there():
        return reference(data, type_, shape, name, cancelled)
    count = math.prod(shape)
    try:
        values = np.empty(count, np.float32)
    except MemoryError as error:
        raise CapacityError(
            f"tensor {name!r} needs {count * 4} bytes as float32: {error}"
        ) from error
    pool = _pool(os.getpid())
    running = [
        pool.submit(_convert, type_, blocks, into) for blocks, into in _chunks(data, type_, values)
    ]
    try:
        for done, each in enumerate(running):
            if cancelled():
                raise CancelledError(f"dequantising stopped at part {done} of {len(running)}")
            each.result()
    except BaseException:
        _end(running)
        raise
    return values.reshape(shape)


@cache
def _are_there() -> bool:
    try:
        kernels()
    except GuestError:
        return False
    return True


def _chunks(
    data: NDArray[np.uint8], type_: GGMLQuantizationType, values: NDArray[np.float32]
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    chunk_bytes = CHUNK_VALUES // type_.block_length * type_.block_bytes
    for number, start in enumerate(range(0, data.size, chunk_bytes)):
        first = number * CHUNK_VALUES
        yield data[start : start + chunk_bytes], values[first : first + CHUNK_VALUES]


def _convert(
    type_: GGMLQuantizationType, blocks: NDArray[np.uint8], into: NDArray[np.float32]
) -> None:
    worker = getattr(_here, "worker", None)
    if worker is None:
        worker = _here.worker = _Worker()
    worker.convert(type_, blocks, into)


_here = threading.local()


class _Worker:
    """A store for one thread."""

    def __init__(self) -> None:
        self._store = wasmtime.Store(kernel_engine())
        pages = align_up(VALUES_AT + 4 * CHUNK_VALUES, WASM_PAGE_BYTES) // WASM_PAGE_BYTES
        kind = wasmtime.MemoryType(wasmtime.Limits(pages, pages), is_64=True)
        self._memory = wasmtime.Memory(self._store, kind)
        linker = wasmtime.Linker(kernel_engine())
        linker.define(self._store, "env", "memory", self._memory)
        linker.define_func("host", "give_way", wasmtime.FuncType([], []), os.sched_yield)
        function = linker.instantiate(self._store, kernels()).exports(self._store)["dequantize"]
        assert isinstance(function, wasmtime.Func)
        self._function = function
        base = ctypes.addressof(self._memory.data_ptr(self._store).contents)
        room = (ctypes.c_ubyte * (4 * CHUNK_VALUES)).from_address
        self._blocks = np.frombuffer(memoryview(room(base + BLOCKS_AT)), np.uint8)
        self._values = np.frombuffer(memoryview(room(base + VALUES_AT)), np.float32)

    def convert(
        self, type_: GGMLQuantizationType, blocks: NDArray[np.uint8], into: NDArray[np.float32]
    ) -> None:
        """Write the values of ``blocks``, one chunk at most, into ``into``."""
        self._blocks[: blocks.size] = blocks
        self._function(self._store, int(type_), BLOCKS_AT, VALUES_AT, into.size)
        into[:] = self._values[: into.size]


@cache
def _pool(process: int) -> "ThreadPoolExecutor":
    # Imported here, as most programs have no need of it.
    from concurrent.futures import ThreadPoolExecutor

    del process  # after a fork there are no threads in the child
    return ThreadPoolExecutor(usable_cores(), thread_name_prefix="memory64-values")


def _end(running: "list[Future[None]]") -> None:
    """Return only when nobody writes into the values any more."""
    for each in running:
        each.cancel()
    for each in running:
        if not each.cancelled():
            each.exception()
