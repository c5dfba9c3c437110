"""The wasmtime engines: one for the runtimes, one for our own kernels, and one for each guest.

A guest has an engine of its own so that it can be stopped alone: a guest looks at its
engine's epoch now and then, and traps when that has moved.
"""

from functools import cache
from threading import Lock

import wasmtime


def _config() -> wasmtime.Config:
    config = wasmtime.Config()
    config.wasm_memory64 = True
    config.wasm_multi_memory = True
    config.wasm_simd = True
    config.wasm_relaxed_simd = True
    # The threads for it are not there after a fork, where compiling would wait for them for ever.
    config.parallel_compilation = False
    return config


# Here, as the first Config takes a hundred times as long as any other.
_first_config = _config()

# A cache alone lets two threads in: each would have an engine of its own, which takes no module
# or store of the other's, and the first configuration serves only once.
_making = Lock()


def engine() -> wasmtime.Engine:
    """Made at the first use, since making it installs signal handlers."""
    with _making:
        return _engine()


def kernel_engine() -> wasmtime.Engine:
    """The one for modules of our own that compute, which nobody stops from outside."""
    with _making:
        return _kernel_engine()


@cache
def _engine() -> wasmtime.Engine:
    return wasmtime.Engine(_first_config)


@cache
def _kernel_engine() -> wasmtime.Engine:
    config = _config()
    # Such a module reads nothing that its caller may not see.
    config.wasm_threads = True  # its atomic instructions
    config.cranelift_flag_set("enable_heap_access_spectre_mitigation", "false")
    return wasmtime.Engine(config)


def kernel_module(wasm: bytes) -> wasmtime.Module:
    """The binary module ``wasm``, compiled for ``kernel_engine``, now or earlier.

    Raises:
        wasmtime.WasmtimeError: it is not valid here.
    """
    from .modules import module_cache  # as below

    return module_cache().module(kernel_engine(), "kernels", wasm)


class GuestEngine:
    """A new engine, for one guest."""

    def __init__(self, *, fuel: bool) -> None:
        """Make it.

        Args:
            fuel: whether instructions are to be counted, which makes the guest slower.
        """
        config = _config()
        config.epoch_interruption = True
        # Nobody needs them here, and their types are more than wasmtime's C interface can say.
        config.wasm_gc = False
        config.wasm_function_references = False
        config.wasm_exceptions = False
        config.consume_fuel = fuel
        self.engine = wasmtime.Engine(config)
        self._key = f"guest fuel={fuel}"

    def module(self, wasm: bytes) -> wasmtime.Module:
        """The binary module ``wasm``, compiled for this engine, now or earlier.

        Raises:
            wasmtime.WasmtimeError: it is not valid.
        """
        # Imported here, as what it needs takes 15 ms, and programs without guests need it not.
        from .modules import module_cache

        return module_cache().module(self.engine, self._key, wasm)

    def stop(self) -> None:
        """Let what runs in it trap; may be called from any thread."""
        self.engine.increment_epoch()
