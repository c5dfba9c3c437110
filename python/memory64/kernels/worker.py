"""What one thread makes values with: the kernels, and a memory for one part of a tensor.

The kernels can write into their own memory only. So as not to copy what they wrote, its pages are
moved to where the values are wanted.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import wasmtime
from numpy.typing import NDArray

from ..gguf import GGMLQuantizationType, align_up
from ..memory import (
    HUGE_PAGE_BYTES,
    WASM_PAGE_BYTES,
    kernel_engine,
    move_pages,
    prefer_huge_pages,
)
from .module import kernels

PART_VALUES = 1 << 21
"""Values made at a time: a millisecond of work or less, beside which calling the kernels
does not count."""
PART_BYTES = 4 * PART_VALUES
"""What they take, and more than the blocks that they are made from do."""

BLOCKS_AT = 4 << 20
"""In the memory, behind the module's own stack and data. The values come next."""


@contextmanager
def worker() -> Iterator["Worker"]:
    """One that nobody else uses meanwhile."""
    try:
        found = _idle.pop()
    except IndexError:
        found = Worker()
    try:
        yield found
    finally:
        if len(_idle) < (os.cpu_count() or 1):
            _idle.append(found)


_idle: list["Worker"] = []


class Worker:
    """Serves one thread at a time."""

    def __init__(self) -> None:
        """Make the memory and instantiate the kernels in it."""
        self._store = wasmtime.Store(kernel_engine())
        pages = align_up(BLOCKS_AT + 2 * PART_BYTES + HUGE_PAGE_BYTES, WASM_PAGE_BYTES)
        limits = wasmtime.Limits(pages // WASM_PAGE_BYTES, pages // WASM_PAGE_BYTES)
        memory = wasmtime.Memory(self._store, wasmtime.MemoryType(limits, is_64=True))
        linker = wasmtime.Linker(kernel_engine())
        linker.define(self._store, "env", "memory", memory)
        linker.define_unknown_imports_as_traps(kernels())  # for threads that compute together
        function = linker.instantiate(self._store, kernels()).exports(self._store)["dequantize"]
        assert isinstance(function, wasmtime.Func)
        self._function = function
        base = ctypes.addressof(memory.data_ptr(self._store).contents)
        self._values_address = align_up(base + BLOCKS_AT + PART_BYTES, HUGE_PAGE_BYTES)
        self._values_at = self._values_address - base
        prefer_huge_pages(self._values_address, PART_BYTES)
        self._blocks = np.frombuffer(_bytes_at(base + BLOCKS_AT), np.uint8)
        self._values = np.frombuffer(_bytes_at(self._values_address), np.float32)

    def make(
        self, type_: GGMLQuantizationType, blocks: NDArray[np.uint8], into: NDArray[np.float32]
    ) -> None:
        """Write the values of ``blocks``, one part at most, into ``into``.

        A whole part's array has pages of its own, nobody else's.
        """
        self._blocks[: blocks.size] = blocks
        self._function(self._store, int(type_), BLOCKS_AT, self._values_at, into.size)
        if into.size < PART_VALUES or not move_pages(
            self._values_address, into.ctypes.data, PART_BYTES
        ):
            into[:] = self._values[: into.size]


def _bytes_at(address: int) -> memoryview:
    return memoryview((ctypes.c_ubyte * PART_BYTES).from_address(address))
