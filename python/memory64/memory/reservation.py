"""Where the addresses of a region come from: a wasm memory, or plain memory.

Reserving costs microseconds and no memory, whatever the size.
"""

import ctypes
from dataclasses import dataclass
from typing import Any

import wasmtime

from ..errors import CapacityError
from . import platform
from .layout import RegionSpec

WASM_PAGE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Reservation:
    """Zeroed pages at ``address``, there for as long as ``owner`` lives."""

    address: int
    owner: Any


def wasm_memory(store: wasmtime.Store, spec: RegionSpec) -> wasmtime.Memory:
    """A memory64 memory in ``store``, at its full size at once.

    It is never to grow: growing would move it under the arrays handed out.

    Raises:
        CapacityError: the process may not reserve that much address space.
    """
    pages = spec.size_bytes // WASM_PAGE_BYTES
    kind = wasmtime.MemoryType(wasmtime.Limits(pages, pages), is_64=True)
    try:
        return wasmtime.Memory(store, kind)
    except wasmtime.WasmtimeError as error:
        raise _refused(spec, error) from error


def reserve_wasm(store: wasmtime.Store, memory: wasmtime.Memory, at: int = 0) -> Reservation:
    """The pages of a wasm memory in ``store``, from its byte ``at`` on."""
    return Reservation(ctypes.addressof(memory.data_ptr(store).contents) + at, store)


def reserve_plain(spec: RegionSpec) -> Reservation:
    """Ordinary anonymous memory, for a model that is simply loaded.

    Raises:
        CapacityError: the process may not reserve that much address space.
    """
    try:
        pages = platform.anonymous_pages(spec.size_bytes)
    except OSError as error:
        raise _refused(spec, error) from error
    return Reservation(ctypes.addressof(ctypes.c_ubyte.from_buffer(pages)), pages)


def _refused(spec: RegionSpec, error: Exception) -> CapacityError:
    return CapacityError(
        f"region {spec.name!r} needs {spec.size_gb} GiB of address space, which this process "
        f"may not reserve (see 'ulimit -v'): {error}"
    )
