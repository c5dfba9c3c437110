"""One guest: a module, instantiated over a model's regions."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from types import MappingProxyType
from typing import TypeVar

import wasmtime

from ..closeable import Closeable
from ..errors import (
    CancelledError,
    ClosedError,
    GuestError,
    GuestModuleError,
    GuestTrapError,
    OutOfBoundsError,
    SourceChangedError,
)
from ..memory import (
    Cancelled,
    GuestEngine,
    guarded,
    never,
)
from ..model import Memory64Model
from .declarations import Declarations
from .interrupt import interruptible
from .limits import MAX_MEMORIES, MAX_TABLES, GuestLimits
from .reason import excerpt, reason
from .source import ModuleSource, read_module
from .values import Value, checked
from .wasi import add_wasi
from .watchdog import watchdog

T = TypeVar("T")

U64_MAX = (1 << 64) - 1

LOCK_SECONDS = 0.05
"""How often a call that waits for another one looks whether it is cancelled."""


class Guest(Closeable):
    """WebAssembly over a model: what it imports is served, what it exports can be called.

    A guest has a store of its own. It reads the model's bytes by the functions of module
    ``env``, or in place from the memories ``memory64.region_NAME``; what it writes reaches
    neither the file nor anybody else. Safe to use from several threads: its calls come one
    after the other. A context manager: ``close`` at the end.

    Attributes:
        exports: the names of the functions it exports, with their types as text.
    """

    def __init__(
        self,
        module: ModuleSource,
        model: Memory64Model,
        *,
        limits: GuestLimits | None = None,
        wasi: bool = False,
        cancelled: Cancelled = never,
    ) -> None:
        """Instantiate ``module``, and run its start function if it has one.

        Args:
            module: path of a ``.wasm`` or ``.wat`` file, or the content of one.
            model: what it may read.
            limits: what it may take.
            wasi: let it use WASI preview 1, without files, arguments or environment: its
                output goes to this process's.
            cancelled: asked every few milliseconds; True stops the start function.

        Raises:
            GuestModuleError: it is not valid, or imports what there is not.
            GuestTrapError: its start function trapped.
            CancelledError: ``cancelled`` returned True.
            CapacityError: the process may not reserve the address space.
            SourceError, SourceChangedError, ClosedError: as for the model's own calls.
        """
        self._model = model
        self._limits = limits or GuestLimits()
        self._lock = Lock()
        self._lost = False
        wasm = read_module(module)
        self._engine = GuestEngine(fuel=self._limits.fuel is not None)
        with _as_module_error():
            compiled = self._engine.module(wasm)
        declared = Declarations(wasm)
        self._signatures = declared.functions
        self.exports = MappingProxyType(
            {name: str(signature) for name, signature in self._signatures.items()}
        )
        with model.in_use():
            store = wasmtime.Store(self._engine.engine)
            self._store: wasmtime.Store | None = store
            try:
                self._link(compiled, wasi, declared.starts, cancelled)
            except BaseException:
                store.close()
                raise

    def call(
        self,
        name: str,
        *arguments: Value,
        timeout: float | None = None,
        cancelled: Cancelled = never,
    ) -> Value | tuple[Value, ...] | None:
        """Call a function that the guest exports.

        Args:
            name: of the function.
            arguments: numbers; integers signed or unsigned.
            timeout: seconds it may last, instead of the guest's own limit.
            cancelled: asked every few milliseconds; True stops the guest.

        Returns:
            Nothing, a number, or several; integers are signed.

        Raises:
            GuestError: there is no such function.
            TypeError, ValueError: an argument is not what the function takes.
            GuestTrapError: the guest trapped; it may be called again.
            GuestTimeoutError: it ran for too long.
            CancelledError: ``cancelled`` returned True.
            SourceChangedError: the model's file was changed while it was open.
            ClosedError: the guest or the model is closed.
        """
        signature = self._signatures.get(name)
        if signature is None:
            known = ", ".join(self.exports) or "none"
            raise GuestError(f"the guest exports no function {name!r}, it has {known}")
        values = checked(name, signature, arguments)
        limit = self._limits.timeout if timeout is None else timeout
        with self._model.in_use(), self._locked(cancelled):
            store = self._open()
            function = self._exports[name]
            assert isinstance(function, wasmtime.Func)
            try:
                result = self._run(lambda: function(store, *values), limit, cancelled)
            except wasmtime.ExitTrap as error:
                if error.code == 0:
                    return None  # WASI's way of returning
                raise _exited(error) from error
            except wasmtime.WasmtimeError as error:
                raise GuestTrapError(f"the guest failed: {reason(error)}") from error
        return tuple(result) if isinstance(result, list) else result

    @property
    def memory_bytes(self) -> int:
        """Size of the memory it exports, 0 for none."""
        with self._lock:
            return self._memory.data_len(self._open()) if self._memory else 0

    def read(self, pointer: int, size: int) -> bytes:
        """A copy of bytes in the memory that the guest exports as ``memory``.

        Raises:
            OutOfBoundsError: they are not all inside.
            SourceChangedError: that memory is a region, whose file became shorter.
            ClosedError: the guest is closed.
        """
        with self._lock:
            view = self._view(pointer, size)
            with self._guarded():
                return bytes(view)

    def write(self, pointer: int, data: bytes) -> None:
        """Write ``data`` into the memory that the guest exports as ``memory``.

        Raises:
            OutOfBoundsError: it does not fit there.
            SourceChangedError: that memory is a region, whose file became shorter.
            ClosedError: the guest is closed.
        """
        with self._lock:
            view = self._view(pointer, len(data))
            with self._guarded():
                view[:] = data

    def close(self) -> None:
        """Wait for a call under way and give the guest's memory back; twice is fine."""
        with self._lock:
            store, self._store = self._store, None
            if store is not None:
                store.close()

    def _link(
        self, module: wasmtime.Module, wasi: bool, starts: bool, cancelled: Cancelled
    ) -> None:
        """Serve the imports of ``module`` and instantiate it."""
        runtime, store = self._model.runtime, self._open()
        linker = wasmtime.Linker(self._engine.engine)
        linker.allow_shadowing = True
        runtime.add_to_linker(linker)
        regions = runtime.add_regions_to_linker(linker, store)
        if wasi:
            add_wasi(linker, store)
        # During a start function there is no memory yet that fast functions could be told of.
        memory = {each.name: each.type for each in module.exports if each.name == "memory"}
        fast, untouched = None, []
        if runtime.enabled and not starts and _is_plain(memory.get("memory")):
            with self._unlimited():
                fast = runtime.fast_host(self._engine, store)
        if fast:
            fast.add_to_linker(linker)
            if any(each.module == "memory64" for each in module.imports):
                # What it writes in place is not what the host's functions are to give it.
                untouched = runtime.add_regions_to_linker(wasmtime.Linker(store.engine), store)
        mapped = [region for region, _ in regions + untouched]
        self._mappings = [each for region in mapped for each in region.mappings]
        _check_imports(module, linker, store, wasi)
        # Only now: the regions are memories too, and larger than any limit. In their number
        # what the host made itself does not count, but the table of our own module does.
        store.set_limits(
            self._limits.memory_bytes,
            self._limits.table_elements,
            tables=MAX_TABLES + (fast is not None),
            memories=MAX_MEMORIES,
        )
        if self._limits.fuel is not None:
            store.set_fuel(self._limits.fuel)
        try:
            instance = self._run(
                lambda: linker.instantiate(store, module), self._limits.timeout, cancelled
            )
        except wasmtime.ExitTrap as error:
            raise _exited(error) from error
        except wasmtime.WasmtimeError as error:
            raise GuestModuleError(f"the guest cannot be instantiated: {reason(error)}") from error
        self._exports = instance.exports(store)
        found = self._exports.get("memory")
        self._memory = found if isinstance(found, wasmtime.Memory) else None
        if fast and self._memory:
            with self._unlimited():
                fast.connect(self._memory, untouched or regions)

    def _run(self, work: Callable[[], T], timeout: float | None, cancelled: Cancelled) -> T:
        """What the guest gives, or the error for how it was ended."""
        stop = self._engine.stop
        self._open().set_epoch_deadline(1)
        with watchdog.watching(timeout, cancelled, stop) as watched, self._guarded():
            try:
                return interruptible(work, stop)
            except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
                if watched.stopped:
                    raise watched.stopped from error
                if isinstance(error, wasmtime.Trap):
                    raise self._trapped(error) from error
                raise

    @contextmanager
    def _unlimited(self) -> Iterator[None]:
        """A block in which our own modules run, which neither take fuel nor are stopped."""
        store = self._open()
        store.set_epoch_deadline(1)  # the guest may have been stopped when it was done already
        if self._limits.fuel is None:
            yield
            return
        left = store.get_fuel()
        store.set_fuel(U64_MAX)
        yield
        store.set_fuel(left)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """A block that touches the regions, and fails where a file no longer has their pages."""
        if self._lost:
            raise self._source_changed()
        with guarded(self._mappings, on_loss=self._engine.stop) as guard:
            try:
                yield
            finally:
                self._lost = guard.lost
                if guard.lost:
                    raise self._source_changed()

    def _trapped(self, trap: wasmtime.Trap) -> GuestTrapError:
        if trap.trap_code is wasmtime.TrapCode.OUT_OF_FUEL:
            return GuestTrapError(f"the guest used up its fuel of {self._limits.fuel}")
        return GuestTrapError(f"the guest trapped: {reason(trap)}")

    def _source_changed(self) -> SourceChangedError:
        return SourceChangedError(
            f"{self._model.source}: the file became shorter while a guest read it"
        )

    @contextmanager
    def _locked(self, cancelled: Cancelled) -> Iterator[None]:
        while not self._lock.acquire(timeout=LOCK_SECONDS):
            if cancelled():
                raise CancelledError("waiting for the guest's other call was cancelled")
        try:
            yield
        finally:
            self._lock.release()

    def _view(self, pointer: int, size: int) -> memoryview:
        """Bytes of its memory, until that grows or ends."""
        store = self._open()
        length = self._memory.data_len(store) if self._memory else 0
        if not self._memory or pointer < 0 or size < 0 or pointer + size > length:
            raise OutOfBoundsError(
                f"{size} bytes at {pointer} are not inside the guest's {length} bytes of memory"
            )
        address = ctypes.addressof(self._memory.data_ptr(store).contents) + pointer
        return memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B")

    def _open(self) -> wasmtime.Store:
        if self._store is None:
            raise ClosedError("the guest has been closed")
        return self._store


@contextmanager
def _as_module_error() -> Iterator[None]:
    try:
        yield
    except wasmtime.WasmtimeError as error:
        raise GuestModuleError(f"the guest is not a valid module: {reason(error)}") from error


def _check_imports(
    module: wasmtime.Module, linker: wasmtime.Linker, store: wasmtime.Store, wasi: bool
) -> None:
    missing = [
        f"{each.module}.{each.name}"
        for each in module.imports
        if _missing(linker, store, each.module, each.name or "")
    ]
    if not missing:
        return
    hint = (
        "; WASI is off, wasi=True turns it on"
        if not wasi and any(name.startswith("wasi_") for name in missing)
        else ""
    )
    names = excerpt(", ".join(missing))
    raise GuestModuleError(f"the guest imports what there is not: {names}{hint}")


def _missing(linker: wasmtime.Linker, store: wasmtime.Store, module: str, name: str) -> bool:
    try:
        linker.get(store, module, name)
    except wasmtime.WasmtimeError:
        return True
    return False


def _is_plain(memory: object) -> bool:
    """Whether it is a memory that the host's functions know: of 32 bits, and not shared."""
    return isinstance(memory, wasmtime.MemoryType) and not (memory.is_64 or memory.is_shared)


def _exited(error: wasmtime.ExitTrap) -> GuestTrapError:
    return GuestTrapError(f"the guest exited with status {error.code}")
