"""WASI preview 1 for guests that were promised it."""

import wasmtime

_NOT_SUPPORTED = 58


def add_wasi(linker: wasmtime.Linker, store: wasmtime.Store) -> None:
    """Define WASI without files, arguments or environment; output is this process's.

    A guest cannot sleep: wasmtime would wait with it, and no limit would end that.
    """
    config = wasmtime.WasiConfig()
    config.inherit_stdout()
    config.inherit_stderr()
    store.set_wasi(config)
    linker.define_wasi()
    i32 = wasmtime.ValType.i32()
    kind = wasmtime.FuncType([i32, i32, i32, i32], [i32])
    linker.define_func(
        "wasi_snapshot_preview1", "poll_oneoff", kind, lambda *_arguments: _NOT_SUPPORTED
    )
