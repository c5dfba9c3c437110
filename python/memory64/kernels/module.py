"""The compiled kernels, as a module that stores can have."""

from functools import cache

import wasmtime

from ..memory import kernel_module


@cache
def kernels() -> wasmtime.Module:
    """The module; made once in a process.

    Raises:
        GuestError: it has not been compiled from C, and cannot be.
    """
    # Imported here, as most programs have no need of what it imports.
    from .build import engine_wasm

    try:
        return kernel_module(engine_wasm("relaxed"))
    except wasmtime.WasmtimeError:  # a processor, or a wasmtime, without relaxed SIMD
        return kernel_module(engine_wasm("plain"))
