"""The wasmtime engine of this process: one, so that compiled modules serve every runtime."""

from functools import cache

import wasmtime

_config = wasmtime.Config()
_config.wasm_memory64 = True
_config.wasm_multi_memory = True
_config.wasm_simd = True
_config.wasm_relaxed_simd = True


@cache
def engine() -> wasmtime.Engine:
    """Made at the first use, since making it installs signal handlers."""
    return wasmtime.Engine(_config)
