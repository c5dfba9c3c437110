"""Runs the engine, C compiled to WebAssembly, over a model's own bytes."""

import ctypes
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from threading import Lock

import numpy as np
import wasmtime
from numpy.typing import NDArray

from ..errors import (
    CancelledError,
    ClosedError,
    GuestTrapError,
    SourceChangedError,
    UnsupportedQuantTypeError,
)
from ..gguf import GGMLQuantizationType, GGUFDirectory, TensorInfo
from ..kernels import kernels
from ..layers import Memory64LayerManager
from ..memory import (
    Cancelled,
    Memory64Runtime,
    SharedPages,
    guarded,
    never,
)
from . import description as c
from .architecture import dimensions
from .instance import activations_bytes, instantiate
from .places import Room, cache_bytes, logits_rows, places_for
from .rope import global_rope, local_rope
from .weights import Weights
from .workspace import MODEL_AT, SHARED_AT, Workspace

LOOK_SECONDS = 0.02
"""How often a call under way looks whether it is cancelled."""


class Wanted(IntEnum):
    """What is to be had of the last tokens of a batch."""

    NOTHING = 0
    LOGITS = 1
    HIDDEN = 2


@dataclass(slots=True)
class KVCache:
    """The keys and values of one sequence."""

    at: int
    pages: SharedPages
    capacity: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens that follow one another in a sequence, the first at ``position``."""

    cache: KVCache
    position: int
    tokens: Sequence[int]


class Engine:
    """A model ready to be computed. Calls come one after the other; each uses all threads.

    Caches come and go meanwhile: who opens a session does not wait for somebody else's text.
    """

    def __init__(
        self,
        gguf: GGUFDirectory,
        runtime: Memory64Runtime,
        threads: int,
        manager: Memory64LayerManager,
    ) -> None:
        """Check the model and make its memories; nothing of its weights is read.

        Args:
            gguf: the model.
            runtime: where it is placed.
            threads: that compute.
            manager: of the model's layers.

        Raises:
            UnsupportedArchitectureError, UnsupportedQuantTypeError: it cannot be run.
            GGUFFormatError: its numbers or tensors contradict each other.
            CapacityError: the process may not reserve the address space.
        """
        self.dimensions = found = dimensions(gguf)
        self._name = gguf.name
        self._runtime = runtime

        def address_of(info: TensorInfo) -> int:
            return MODEL_AT + runtime.span(info).offset

        model, layers = c.describe(gguf, found, address_of)
        self._ropes = (global_rope(gguf, found, _rope_factors(gguf, runtime)), local_rope(found))
        module = kernels()
        self.threads = threads
        self.logits_rows = logits_rows(found)
        room = Room()
        places = places_for(room, found, activations_bytes(module))
        self._workspace = Workspace(runtime, threads, room.size)
        self._shared = self._workspace.shared.memory
        self._write(places.model, model, *layers)
        self._write(places.scratch, places.scratch_struct)
        parts = (places.model, places.batch, places.scratch, places.crew)
        self._write(places.engine, c.Engine(*(SHARED_AT + at for at in parts)))
        self._places = places
        self._crew = c.Crew.from_buffer(self._shared, places.crew)
        self.weights = Weights(gguf, runtime, self._workspace.weights, manager)
        self.weights.reserve(room.size)
        self._calls = [
            instantiate(module, store, memory, self.weights.wait_for)
            for store, memory in zip(self._workspace.stores, self._workspace.memories, strict=True)
        ]
        self._pool = _pool(threads)
        self._lock = Lock()
        self._caches = Lock()
        self._lost = False
        self._closed = False

    def cache_bytes(self, capacity: int) -> int:
        """Bytes of a cache for ``capacity`` positions."""
        return cache_bytes(self.dimensions, capacity)

    def new_cache(self, capacity: int) -> KVCache:
        """A cache for ``capacity`` positions.

        Raises:
            CapacityError: there is no room for it.
            ClosedError: the engine is closed.
        """
        with self._caches:
            self._check_open()
            size = self.cache_bytes(capacity)
            self.weights.reserve(size)
            try:
                at, pages = self._workspace.take_cache(size)
            except BaseException:
                self.weights.give_back(size)
                raise
            return KVCache(at, pages, capacity, size)

    def end_cache(self, cache: KVCache) -> None:
        """Give a cache's memory back."""
        with self._caches:
            if not self._closed:
                self._workspace.give_back(cache.at)
                self.weights.give_back(cache.nbytes)

    def compute(
        self,
        pieces: Sequence[Piece],
        wanted: Wanted = Wanted.NOTHING,
        wanted_from: int = 0,
        *,
        cancelled: Cancelled = never,
    ) -> NDArray[np.float32]:
        """Run tokens through the model, putting their keys and values into their caches.

        Args:
            pieces: at most ``BATCH_TOKENS`` tokens in all.
            wanted: what to give of the tokens from ``wanted_from`` on, counted over all pieces;
                logits of at most ``logits_rows`` of them.
            wanted_from: see there.
            cancelled: asked every few milliseconds.

        Returns:
            float32 of shape [tokens wanted, vocabulary], or [tokens wanted, dim] for HIDDEN.

        Raises:
            CancelledError: ``cancelled`` became true; the caches then hold anything behind the
                positions they held before.
            GuestTrapError: the engine trapped, which only a broken model file makes it do.
            SourceChangedError: the model's file was changed since it was loaded.
            ClosedError: the engine is closed.
        """
        with self._turn(cancelled):
            self._check_open()
            self._check_whole()
            count = self._write_batch(pieces, wanted, wanted_from)
            self._crew.threads = self.threads
            for name in ("abandoned", "arrived", "next_task"):
                setattr(self._crew, name, 0)
            steps = self.weights.walk.step_count - (wanted is not Wanted.LOGITS)
            with self.weights.read_for(self._crew, steps):
                self._run(cancelled)
            rows = count - wanted_from
            return self._result(wanted, rows)

    def close(self) -> None:
        """Wait for a call under way and give the memory back; twice is fine."""
        with self._lock, self._caches:
            if self._closed:
                return
            self._closed = True
            self._pool.shutdown()
            self.weights.close()
            self._calls.clear()
            for store in self._workspace.stores:
                store.close()

    @contextmanager
    def _turn(self, cancelled: Cancelled) -> Iterator[None]:
        """Wait for the calls before, which may take long: for the disk, for one."""
        is_ours = False
        while not is_ours:
            _check_wanted(cancelled)
            is_ours = self._lock.acquire(timeout=LOOK_SECONDS)
        try:
            yield
        finally:
            self._lock.release()

    def _write_batch(self, pieces: Sequence[Piece], wanted: Wanted, wanted_from: int) -> int:
        places = self._places
        tokens: list[int] = []
        positions: list[int] = []
        runs: list[c.Run] = []
        for piece in pieces:
            for start in range(0, len(piece.tokens), c.MAX_RUN):
                part = piece.tokens[start : start + c.MAX_RUN]
                position = piece.position + start
                runs.append(
                    c.Run(len(tokens), len(part), position, piece.cache.capacity, piece.cache.at)
                )
                tokens += part
                positions += range(position, position + len(part))
        count = len(tokens)
        self._write(places.runs, *runs)
        self._floats(places.tokens, count).view(np.uint32)[:] = tokens
        for rope, place in zip(self._ropes, places.angles, strict=True):
            angles = rope.angles(np.asarray(positions))
            self._floats(place, angles.size)[:] = angles.ravel()
        batch = c.Batch(count, len(runs), wanted, wanted_from)
        batch.tokens = SHARED_AT + places.tokens
        batch.runs = SHARED_AT + places.runs
        batch.angles = tuple(SHARED_AT + place for place in places.angles)
        self._write(places.batch, batch)
        return count

    def _run(self, cancelled: Cancelled) -> None:
        running: list[Future[None]] = []
        with guarded(self._workspace.weights.mappings, on_loss=self._abandon) as guard:
            try:
                running += [
                    self._pool.submit(self._compute_on, index) for index in range(self.threads)
                ]
                while wait(running, LOOK_SECONDS).not_done:
                    _check_wanted(cancelled)
            except BaseException:  # a signal's, for one, which may come anywhere
                self._abandon()
                self._renew_pool()
                raise
            finally:
                self._lost = guard.lost  # zeros have taken its place, which later calls would read
        self._check_whole()
        for each in running:
            each.result()

    def _renew_pool(self) -> None:
        """Return only when its threads are done: their stores must not be used meanwhile."""
        while True:
            with suppress(BaseException):  # whatever signals raise meanwhile, and however often
                self._pool.shutdown()
                break
        self._pool = _pool(self.threads)

    def _compute_on(self, index: int) -> None:
        try:
            self._calls[index](SHARED_AT + self._places.engine)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            self._abandon()  # the others would wait for this one
            raise GuestTrapError(f"{self._name}: the engine trapped: {error}") from error
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        self._crew.abandoned = 1
        self.weights.stop()

    def _result(self, wanted: Wanted, rows: int) -> NDArray[np.float32]:
        found, scratch = self.dimensions, self._places.scratch_struct
        width = {Wanted.LOGITS: found.vocabulary, Wanted.HIDDEN: found.dim}.get(wanted, 0)
        start = scratch.logits if wanted is Wanted.LOGITS else scratch.normed
        values = self._floats(start - SHARED_AT, rows * width)
        return values.reshape(rows, width).copy() if width else np.empty((0, 0), np.float32)

    def _floats(self, at: int, count: int) -> NDArray[np.float32]:
        return np.frombuffer(self._shared, np.float32, count, at)

    def _write(self, at: int, *structs: ctypes.Structure) -> None:
        for struct in structs:
            data = bytes(struct)
            self._shared[at : at + len(data)] = data
            at += len(data)

    def _check_whole(self) -> None:
        self._runtime.check()
        if self._lost:
            raise SourceChangedError(f"{self._name}: the file became shorter while it was used")

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(f"{self._name}: the model has been closed")


def _check_wanted(cancelled: Cancelled) -> None:
    if cancelled():
        raise CancelledError("the computation was cancelled")


def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="memory64")


def _rope_factors(gguf: GGUFDirectory, runtime: Memory64Runtime) -> NDArray[np.float32] | None:
    info = gguf.tensors.get(c.ROPE_FACTORS)
    if info is None:
        return None
    if info.quant_type is not GGMLQuantizationType.F32:
        raise UnsupportedQuantTypeError(
            f"{gguf.name}: {info.name!r} is of type {info.quant_type.name}, needed is F32"
        )
    data = bytearray(info.nbytes)
    runtime.read(runtime.span(info).offset, data)
    return np.frombuffer(data, np.float32)
