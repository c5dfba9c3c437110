"""Instances of the kernels, one for each thread."""

import ctypes
import os
from collections.abc import Callable

import wasmtime

from ..memory import kernel_engine
from . import description as c

WaitForStep = Callable[[int], bool]
"""Sleeps until a step of the pass may begin; False where it will not."""


def _linker(
    store: wasmtime.Store, memory: wasmtime.Memory, wait_for_step: WaitForStep
) -> wasmtime.Linker:
    i32 = wasmtime.ValType.i32()
    linker = wasmtime.Linker(kernel_engine())
    linker.define(store, "env", "memory", memory)
    linker.define_func("host", "give_way", wasmtime.FuncType([], []), os.sched_yield)
    linker.define_func("host", "wait_for_step", wasmtime.FuncType([i32], [i32]), wait_for_step)
    return linker


def instantiate(
    module: wasmtime.Module,
    store: wasmtime.Store,
    memory: wasmtime.Memory,
    wait_for_step: WaitForStep,
) -> Callable[[int], None]:
    """An instance for one thread; what is returned computes what the ``Engine`` at a place says."""
    exports = _linker(store, memory, wait_for_step).instantiate(store, module).exports(store)
    forward, stack = exports["forward"], exports["__stack_pointer"]
    assert isinstance(forward, wasmtime.Func)
    assert isinstance(stack, wasmtime.Global)
    top = stack.value(store)

    def call(engine: int) -> None:
        stack.set_value(store, top)  # a trap leaves it where it was
        forward(store, engine)

    return call


def activations_bytes(module: wasmtime.Module) -> Callable[[int, int], int]:
    """The engine's own function of that name, after a look whether it is the one we know."""
    store = wasmtime.Store(kernel_engine())
    needed = next(each.type for each in module.imports if each.name == "memory")
    assert isinstance(needed, wasmtime.MemoryType)
    memory = wasmtime.Memory(store, wasmtime.MemoryType(needed.limits, is_64=True))
    exports = _linker(store, memory, bool).instantiate(store, module).exports(store)
    sizes, activations = exports["sizes_of_structs"], exports["activations_bytes"]
    assert isinstance(sizes, wasmtime.Func)
    assert isinstance(activations, wasmtime.Func)
    found = [sizes(store, index) for index in range(len(c.STRUCTS))]
    assert found == [ctypes.sizeof(struct) for struct in c.STRUCTS], found
    return lambda tokens, columns: int(activations(store, tokens, columns))
