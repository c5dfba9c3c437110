"""The wasmtime engine of this process: one, so that compiled modules serve every runtime."""

from functools import cache
from threading import Lock

import wasmtime

_config = wasmtime.Config()
_config.wasm_memory64 = True
_config.wasm_multi_memory = True
_config.wasm_simd = True
_config.wasm_relaxed_simd = True

_making = Lock()


def engine() -> wasmtime.Engine:
    """Made at the first use, since making it installs signal handlers."""
    with _making:  # a cache alone lets two threads in, and the configuration serves only once
        return _make()


@cache
def _make() -> wasmtime.Engine:
    return wasmtime.Engine(_config)
