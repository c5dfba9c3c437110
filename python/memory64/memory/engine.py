"""The wasmtime engine of this process: one, so that compiled modules serve every runtime."""

from functools import cache

import wasmtime


@cache
def engine() -> wasmtime.Engine:
    """Made at the first use, with all that regions and their guests need."""
    config = wasmtime.Config()
    config.wasm_memory64 = True
    config.wasm_multi_memory = True
    config.wasm_simd = True
    config.wasm_relaxed_simd = True
    return wasmtime.Engine(config)
