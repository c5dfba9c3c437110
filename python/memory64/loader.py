"""From a file to a model: with Memory64 above the threshold, simply loaded below it."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Literal

from numpy import float32
from numpy.typing import NDArray

from .errors import CapacityError
from .gguf import GGUFDirectory, open_gguf
from .layers import Memory64LayerManager, PolicyChoice, check_choice, usable_bytes
from .memory import Cancelled, Memory64Runtime, MemoryLayout, never
from .model import Memory64Model

MEMORY64_THRESHOLD_BYTES = 3_000_000_000
"""Models larger than this use Memory64 unless told otherwise; one of just this size does not."""

MAX_THREADS = 64

Source = str | os.PathLike[str] | bytes | bytearray | memoryview
"""A path, any part of a split model, or a whole GGUF file held in memory."""


def load_model(
    source: Source,
    *,
    memory64: Literal["auto"] | bool = "auto",
    layout: MemoryLayout | None = None,
    max_cached: int | None = None,
    capacity_bytes: int | None = None,
    policy: PolicyChoice = "lru",
    prefetch: int | None = None,
    threads: int | None = None,
    enable_logging: bool = False,
    progress: Callable[[float], None] | None = None,
    cancelled: Cancelled = never,
) -> Memory64Model:
    """Open a model.

    With Memory64 only the header is read: milliseconds and megabytes, whatever the size.
    Without it the whole model is brought into memory before this returns.

    Args:
        source: a path, any part of a split model, or the bytes of a whole file.
        memory64: ``"auto"`` for models above ``MEMORY64_THRESHOLD_BYTES``, or True, False.
        layout: the regions; one that holds the model by default.
        max_cached: layers resident at once; as many as fit by default. Without Memory64
            all of them are.
        capacity_bytes: bytes of layers resident at once; by default what the process may
            use, control group first.
        policy: which layer goes when room is needed: ``"lru"`` the one used longest ago,
            ``"cyclic"`` the one just used, which is best for walks over all layers time and
            again, ``"auto"`` whichever of the two the requests so far would have suited more,
            ``{"pinned": [0, 1, 2]}`` any but these.
        prefetch: bytes of layers that a walk over the model may load ahead, within its capacity:
            0 for none, as much as keeps the disk busy by default.
        threads: that compute when the model is run; the cores the process may use by default.
        enable_logging: log loads and evictions at INFO to the logger ``memory64``.
        progress: called with the fraction loaded, ending with 1.0.
        cancelled: asked every few milliseconds; True stops the work.

    Raises:
        SourceNotFoundError: no such file, or a part of a split is missing.
        SourceError: it cannot be read, or is no regular file.
        GGUFFormatError: it is not GGUF v2 or v3, or contradicts itself.
        UnsupportedQuantTypeError: a tensor has an unknown type.
        LayoutError: ``layout`` cannot hold the model.
        CapacityError: without Memory64, the model needs more than ``capacity_bytes``.
        CancelledError: ``cancelled`` returned True.
        OutOfBoundsError: ``policy`` is to keep a layer that there is not.
        TypeError, ValueError: an argument is not what it should be.
    """
    if memory64 != "auto" and not isinstance(memory64, bool):
        raise ValueError(f"memory64 needs to be 'auto', True or False, found {memory64!r}")
    if layout is not None and not isinstance(layout, MemoryLayout):
        raise TypeError(f"layout needs to be a MemoryLayout, found {layout!r}")
    if threads is not None and (type(threads) is not int or not 0 < threads <= MAX_THREADS):
        raise ValueError(
            f"threads needs to be a whole number from 1 to {MAX_THREADS}, found {threads!r}"
        )
    check_choice(policy)  # a wrong one is told before any file is opened
    with ExitStack() as if_it_fails:
        gguf = open_gguf(source)
        if_it_fails.callback(gguf.close)
        enabled = gguf.size_bytes > MEMORY64_THRESHOLD_BYTES if memory64 == "auto" else memory64
        runtime = Memory64Runtime(
            layout or MemoryLayout.for_model(gguf), enable_logging, enabled=enabled
        )
        if_it_fails.callback(runtime.close)
        manager = Memory64LayerManager(
            runtime,
            gguf,
            max_cached,
            capacity_bytes=capacity_bytes,
            policy=policy,
            prefetch=prefetch,
        )
        if not enabled:
            _check_capacity(gguf, capacity_bytes or usable_bytes())
            _load_whole(gguf, runtime, manager, progress, cancelled)
        elif progress:
            progress(1.0)
        if_it_fails.pop_all()
    return Memory64Model(gguf, runtime, manager, threads, capacity_bytes)


class Memory64GGUFLoader:
    """Loads models with the same options each time, given once as for ``load_model``."""

    def __init__(self, **options: Any) -> None:
        """Keep ``options``; see ``load_model``."""
        self._options = options

    def load_model(self, source: Source) -> Memory64Model:
        """Open a model from a path or from bytes; see the function ``load_model``."""
        return load_model(source, **self._options)

    def load_model_from_path(self, path: str | os.PathLike[str]) -> Memory64Model:
        """Open the model at ``path``; see the function ``load_model``."""
        return load_model(os.fspath(path), **self._options)

    def load_tensor_lazy(self, tensor_name: str, source: Source) -> NDArray[float32]:
        """One tensor's values, reading nothing else of the model but its header.

        Args:
            tensor_name: whole, for example ``"blk.0.attn_q.weight"``.
            source: as for ``load_model``.

        Returns:
            A new float32 array of the tensor's shape, rows first.

        Raises:
            TensorNotFoundError: no tensor of that name.
            UnsupportedQuantTypeError: its type cannot be dequantised.
        """
        with load_model(source, **(self._options | {"memory64": True})) as model:
            return model.load_tensor(tensor_name)


def _load_whole(
    gguf: GGUFDirectory,
    runtime: Memory64Runtime,
    manager: Memory64LayerManager,
    progress: Callable[[float], None] | None,
    cancelled: Cancelled,
) -> None:
    """Bring in the layers, then the tensors of no layer."""
    others = [runtime.span(info) for info in gguf.tensors.values() if info.layer_id is None]
    total = sum(info.nbytes for info in gguf.tensors.values())
    layers_bytes = total - sum(span.size for span in others)

    def report(done: float) -> None:
        if progress:
            progress(done / total)

    manager.preload_all(
        progress=lambda fraction: report(fraction * layers_bytes), cancelled=cancelled
    )
    done = layers_bytes
    for span in others:
        runtime.load([span], cancelled=cancelled)
        done += span.size
        report(done)


def _check_capacity(gguf: GGUFDirectory, capacity_bytes: int) -> None:
    needed = sum(info.nbytes for info in gguf.tensors.values())
    if needed > capacity_bytes:
        raise CapacityError(
            f"{gguf.name}: without Memory64 it needs {needed} bytes, the capacity is "
            f"{capacity_bytes}; load it with memory64=True"
        )
