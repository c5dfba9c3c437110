"""Layers on demand: loads what is asked for once, keeps what the limits allow."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Condition, get_ident
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy import float32, uint8
from numpy.typing import NDArray

from ..errors import CancelledError, CapacityError, ClosedError
from ..gguf import GGUFDirectory, LayerWeights, Tensor, TensorInfo
from ..kernels import dequantize
from ..memory import LOOK_SECONDS, Cancelled, Memory64Runtime, Span, never
from .cache import CacheStats, LayerCache
from .limits import usable_bytes
from .policies import PolicyChoice, make_policy
from .prefetch import READERS, LayerWalk

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


class Memory64LayerManager:
    """The layers of a model in a runtime, a limited count of them resident.

    Safe to use from several threads: however many ask for a layer at once, it is loaded
    once. A layer that was handed out stays valid after it is evicted; its pages are then
    read from the file again when they are touched.
    """

    def __init__(
        self,
        runtime: Memory64Runtime,
        config: GGUFDirectory,
        max_cached: int | None = None,
        *,
        capacity_bytes: int | None = None,
        policy: PolicyChoice = "lru",
        prefetch: int | None = None,
    ) -> None:
        """Place the model ``config`` in ``runtime`` and begin with no layer resident.

        Args:
            runtime: where the layers are to appear.
            config: the model's directory.
            max_cached: layers resident at once, at least 1; all by default.
            capacity_bytes: bytes of resident layers; by default what the process may use
                (control group first), and never less than the largest layer.
            policy: which layer goes when room is needed, as for ``load_model``.
            prefetch: bytes that ``walk`` loads ahead, as for ``load_model``.

        Raises:
            LayoutError: the runtime's layout cannot hold the model.
            ValueError: a limit is not positive, or there is no such policy.
            OutOfBoundsError: the policy is to keep a layer that there is not.
        """
        for layer_id in policy["pinned"] if isinstance(policy, Mapping) else ():
            config.layer(layer_id)
        if prefetch is not None and (type(prefetch) is not int or prefetch < 0):
            raise ValueError(f"prefetch needs to be a whole number of bytes, found {prefetch!r}")
        runtime.place(config)
        self._runtime = runtime
        self._gguf = config
        spans = [[runtime.span(tensor) for tensor in layer] for layer in config.layers]
        self._spans = spans
        self._sizes = [sum(span.size for span in spans) for spans in self._spans]
        self._weights: dict[int, LayerWeights] = {}
        self._changed = Condition()
        self._users: list[int] = []
        self._use_lent: Callable[[int], None] = _nobody
        self._closed = False
        usable = usable_bytes()
        # What cannot all stay in the page cache would push out there what comes next.
        leave_page_cache = usable < sum(self._sizes)
        self._cache = LayerCache(
            make_policy(policy),
            _positive("max_cached", max_cached) or max(1, config.layer_count),
            _positive("capacity_bytes", capacity_bytes) or max(usable, *self._sizes, 1),
            # Not a method: a model that is dropped would stay until Python looks for cycles.
            lambda layer_id: runtime.evict(spans[layer_id], leave_page_cache=leave_page_cache),
        )
        # So much that each reader always has a layer to read.
        largest = max(self._sizes, default=0)
        self._prefetch_bytes = READERS * largest if prefetch is None else prefetch
        self._readers: ThreadPoolExecutor | None = None

    def load_layer(self, layer_id: int, *, cancelled: Cancelled = never) -> LayerWeights:
        """The layer's tensors, resident.

        Args:
            layer_id: 0 to ``layer_count`` - 1.
            cancelled: asked every few milliseconds while loading or waiting.

        Raises:
            OutOfBoundsError: no such layer.
            CapacityError: the limits do not let it in.
            CancelledError: ``cancelled`` became true; the layer is not resident then.
            SourceChangedError: the file was changed since it was loaded.
            ClosedError: the manager is closed.
        """
        self._gguf.layer(layer_id)
        self._check_open()
        self._runtime.check()
        with self._changed:
            self._make_resident(layer_id, cancelled, count=True)
            return self._handed_out(layer_id)

    def walk(self) -> LayerWalk:
        """Go over the layers in their order, while those that come next are being loaded."""
        walk = LayerWalk(self, self._sizes, self._prefetch_bytes)
        with self._changed:
            self._cache.walks.add(walk)
        return walk

    def is_lacking(self, layer_id: int) -> bool:
        """Whether the layer is neither resident nor being loaded."""
        with self._changed:
            return self._cache.find(layer_id) is None

    def load_ahead(self, walk: LayerWalk) -> None:
        """Let the readers load what is near on the walk, while there is room that nobody needs.

        Their errors are nobody's: the request for the layer will meet them itself.
        """
        # Imported here, as it takes longer than opening a model.
        from concurrent.futures import ThreadPoolExecutor

        with self._changed:
            self._check_open()
            if self._next_ahead(walk) is None:
                return
            if self._readers is None:
                self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="memory64-ahead")
            for _ in range(READERS):
                self._readers.submit(self._load_near, walk)

    def preload_all(
        self,
        *,
        progress: Callable[[float], None] | None = None,
        cancelled: Cancelled = never,
    ) -> None:
        """Make every layer resident; ``max_cached`` is lifted to all of them.

        Args:
            progress: called with the fraction of bytes resident, ending with 1.0.
            cancelled: asked every few milliseconds.

        Raises:
            CapacityError: the layers need more than the capacity; nothing was loaded.
            CancelledError: ``cancelled`` became true; what was loaded stays.
        """
        total = sum(self._sizes)
        with self.in_use():
            self._runtime.check()
            with self._changed:
                if total > self._cache.capacity_bytes:
                    raise CapacityError(
                        f"preloading needs {total} bytes for {len(self._sizes)} layers, "
                        f"the capacity is {self._cache.capacity_bytes}"
                    )
                self._cache.max_cached = max(self._cache.max_cached, len(self._sizes))
            done = 0
            for layer_id, size in enumerate(self._sizes):
                with self._changed:
                    self._make_resident(layer_id, cancelled, count=False)
                done += size
                if progress:
                    progress(done / total)

    def pin(self, layer_id: int) -> None:
        """Make the layer resident, and keep it so until unpinned as often as pinned.

        Raises:
            OutOfBoundsError: no such layer.
            CapacityError: the limits do not let it in.
        """
        self._gguf.layer(layer_id)
        with self._changed:
            self._make_resident(layer_id, never, count=False)
            self._cache.pin(layer_id)

    def unpin(self, layer_id: int) -> None:
        """Take one pin back.

        Raises:
            ValueError: the layer is not pinned.
        """
        with self._changed:
            self._cache.unpin(layer_id)
            self._changed.notify_all()

    def clear(self) -> None:
        """Evict every layer that is not pinned; limits and statistics stay as they are."""
        with self._changed:
            self._check_open()
            self._cache.clear()

    def lend(self, use: Callable[[int], None]) -> None:
        """Let somebody have all of the capacity that pinned layers leave; the others go.

        Args:
            use: told how many bytes may be had, now and when a layer needs room again; it may
                raise ``CapacityError`` where it cannot do with so little.
        """
        with self._changed:
            self._cache.clear()
            left = self._cache.capacity_bytes - self._cache.held_bytes
            use(left)
            self._cache.lent_bytes = left
            self._use_lent = use

    def cache_stats(self) -> CacheStats:
        """The statistics at this moment."""
        with self._changed:
            return self._cache.stats()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Closing waits until the block is left.

        Raises:
            ClosedError: the manager is closed.
        """
        with self._changed:
            self._check_open()
            self._users.append(get_ident())
        try:
            yield
        finally:
            with self._changed:
                self._users.remove(get_ident())
                self._changed.notify_all()

    def close(self) -> None:
        """Refuse further work, wait for calls under way, and give all memory back."""
        with self._changed:
            self._closed = True
            # A caller's own progress or cancelled function may be what closes.
            while any(user != get_ident() for user in self._users):
                self._changed.wait()
            self._cache.clear()
            self._weights.clear()
        if self._readers:
            self._readers.shutdown(wait=False, cancel_futures=True)

    def tensor(self, info: TensorInfo) -> Tensor:
        """A tensor of the model, of a layer or of none."""
        span = self._runtime.span(info)
        return Tensor(info, span.offset, partial(self._bytes_of, info.layer_id, span), dequantize)

    def dequantize(self, info: TensorInfo, *, cancelled: Cancelled = never) -> NDArray[float32]:
        """The values of a tensor; leaves no more resident than there was.

        Raises:
            UnsupportedQuantTypeError: there is no dequantisation for its type.
            CancelledError: ``cancelled`` became true.
            SourceChangedError: the file was changed since it was loaded.
        """
        span = self._runtime.span(info)
        with self.in_use():
            try:
                self._runtime.load([span], cancelled=cancelled)
                data = np.frombuffer(self._runtime.view(span.offset, span.size), uint8)
                return dequantize(data, info.quant_type, info.shape, info.name, cancelled)
            finally:
                with self._changed:
                    if self._runtime.enabled and not self._is_cached(info.layer_id):
                        self._runtime.evict([span])

    def _is_cached(self, layer_id: int | None) -> bool:
        return layer_id is not None and self._cache.find(layer_id) is not None

    def _make_resident(self, layer_id: int, cancelled: Cancelled, *, count: bool) -> None:
        """Load the layer unless it is there; called, and returns, with the lock held."""
        self._cache.use(layer_id)
        asked_at = perf_counter()
        while True:
            self._check_open()
            layer = self._cache.find(layer_id)
            if layer and not layer.loading:
                hit = True
                break
            if not layer:
                self._have_given_back(self._sizes[layer_id])
            if not layer and self._cache.admit(layer_id, self._sizes[layer_id]):
                self._load(layer_id, cancelled)
                hit = False
                break
            self._changed.wait(LOOK_SECONDS)
            if cancelled():
                raise CancelledError(f"waiting for layer {layer_id} was cancelled")
        if count:
            self._cache.count(layer_id, hit=hit, waited=perf_counter() - asked_at)

    def _have_given_back(self, nbytes: int) -> None:
        """Lend so much less that there is room for so many bytes."""
        cache = self._cache
        room = cache.capacity_bytes - cache.lent_bytes - cache.held_bytes
        if cache.lent_bytes and nbytes > room:
            less = max(0, cache.lent_bytes - (nbytes - room))
            self._use_lent(less)
            cache.lent_bytes = less

    def _load_near(self, walk: LayerWalk) -> None:
        with self._changed:
            while (layer_id := self._next_ahead(walk)) is not None:
                if not self._cache.admit_ahead(layer_id, self._sizes[layer_id]):
                    return
                self._load(layer_id, partial(self._is_behind, layer_id, walk))

    def _next_ahead(self, walk: LayerWalk) -> int | None:
        """The first of the near layers that is lacking, unless it is the one asked for."""
        lacking = (layer_id for layer_id in walk.near if self._cache.find(layer_id) is None)
        first = None if self._closed else next(lacking, None)
        return None if first is None or walk.steps_to(first) == 0 else first

    def _is_behind(self, layer_id: int, walk: LayerWalk) -> bool:
        return self._closed or layer_id not in walk.near

    def _load(self, layer_id: int, cancelled: Cancelled) -> None:
        """Bring an admitted layer in, the lock released meanwhile."""
        try:
            self._users.append(get_ident())
            self._changed.release()
            try:
                self._runtime.load(self._spans[layer_id], cancelled=cancelled)
            finally:
                self._changed.acquire()
                self._users.remove(get_ident())
            self._cache.loaded(layer_id)
        except BaseException:
            self._cache.drop(layer_id)
            raise
        finally:
            self._changed.notify_all()

    def _handed_out(self, layer_id: int) -> LayerWeights:
        if layer_id not in self._weights:
            tensors = {info.key: self.tensor(info) for info in self._gguf.layers[layer_id]}
            self._weights[layer_id] = LayerWeights(layer_id, tensors, self)
        return self._weights[layer_id]

    def _bytes_of(self, layer_id: int | None, span: Span) -> NDArray[uint8]:
        if self._runtime.keeps_evicted:
            return self._runtime.array(span.offset, span.size)
        if layer_id is None:
            return np.frombuffer(self._runtime.view(span.offset, span.size), uint8)
        # What was read into the region's own pages is gone once evicted: the array
        # pins its layer for as long as it is seen.
        self.pin(layer_id)
        unpin = partial(self.unpin, layer_id)
        try:
            return self._runtime.leased_array(span.offset, span.size, unpin)
        except BaseException:
            unpin()
            raise

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(f"{self._gguf.name}: the model has been closed")


def _nobody(nbytes: int) -> None:
    """Uses nothing."""


def _positive(name: str, value: int | None) -> int | None:
    if value is None or (type(value) is int and value > 0):
        return value
    raise ValueError(f"{name} needs to be a positive whole number, found {value!r}")
