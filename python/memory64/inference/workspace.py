"""The memories in which the engine's threads compute, all of one layout.

==================  ===========================================================
from byte           what
==================  ===========================================================
0                   the module's own stack and data, each thread's own
``SHARED_AT``       pages that all threads share: what they compute
``CACHES_AT``       pages that all threads share: keys and values of sequences
``MODEL_AT``        the model's flat space: its file, mapped for each thread
==================  ===========================================================

A thread has a store of its own, as a store serves one thread at a time.
"""

import ctypes
from bisect import insort

import wasmtime

from ..errors import CapacityError
from ..gguf import align_up
from ..layers import usable_bytes
from ..memory import (
    WASM_PAGE_BYTES,
    Memory64Runtime,
    SharedPages,
    kernel_engine,
    map_zeros,
)
from .weight_pages import WeightPages

SHARED_AT = 4 << 20
CACHES_AT = 16 << 30
MODEL_AT = 256 << 30
GRANULE_BYTES = 2 << 20
"""Caches begin at its multiples, so that huge pages can serve them."""


class Workspace:
    """One memory for each thread, and what they share."""

    def __init__(self, runtime: Memory64Runtime, threads: int, shared_bytes: int) -> None:
        """Make the memories; the shared pages are zero.

        Raises:
            CapacityError: the process may not reserve the address space, or this system cannot
                let memory appear in several places.
            SourceChangedError: the model's file was changed since it was placed.
        """
        most = min(CACHES_AT - SHARED_AT, usable_bytes())
        if shared_bytes > most:
            raise CapacityError(
                f"computing takes {shared_bytes} bytes beside the model, this process may use "
                f"{most}"
            )
        self.stores = [wasmtime.Store(kernel_engine()) for _ in range(threads)]
        size = MODEL_AT + runtime.size_bytes
        self.memories = [_memory(store, size) for store in self.stores]
        spaces = [
            runtime.map_into(store, memory, MODEL_AT)
            for store, memory in zip(self.stores, self.memories, strict=True)
        ]
        self.weights = WeightPages(spaces)
        # They never move. Asked for later, a store might be in use by its thread.
        self._bases = [
            ctypes.addressof(memory.data_ptr(store).contents)
            for store, memory in zip(self.stores, self.memories, strict=True)
        ]
        self._taken: list[tuple[int, int]] = []  # by their first bytes, then those behind them
        self.shared = SharedPages(align_up(shared_bytes, WASM_PAGE_BYTES))
        self._show(self.shared, SHARED_AT)

    def take_cache(self, size: int) -> tuple[int, SharedPages]:
        """Zeroed pages for the keys and values of a sequence.

        Returns:
            Where they appear in the memories, and the pages.

        Raises:
            CapacityError: there is no room.
        """
        size = align_up(size, GRANULE_BYTES)
        at = CACHES_AT
        for start, end in self._taken:
            if start - at >= size:
                break
            at = end
        if at + size > MODEL_AT:
            raise CapacityError(f"a cache of {size} bytes finds no room beside the others")
        pages = SharedPages(size)
        self._show(pages, at)
        insort(self._taken, (at, at + size))
        return at, pages

    def give_back(self, at: int) -> None:
        """The cache at ``at`` is no longer used."""
        [taken] = [each for each in self._taken if each[0] == at]
        self._taken.remove(taken)
        for base in self._bases:
            map_zeros(base + at, taken[1] - at)

    def _show(self, pages: SharedPages, at: int) -> None:
        if not pages.can_appear:
            raise CapacityError("models cannot be run here: the system maps no shared memory")
        for base in self._bases:
            pages.appear_at(base + at)


def _memory(store: wasmtime.Store, size: int) -> wasmtime.Memory:
    pages = align_up(size, WASM_PAGE_BYTES) // WASM_PAGE_BYTES
    try:
        return wasmtime.Memory(
            store, wasmtime.MemoryType(wasmtime.Limits(pages, pages), is_64=True)
        )
    except wasmtime.WasmtimeError as error:
        raise CapacityError(
            f"running the model takes {size} bytes of address space for each thread, which this "
            f"process may not reserve (see 'ulimit -v'): {error}"
        ) from error
