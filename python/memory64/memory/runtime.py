"""The flat 64-bit space: named regions, reads and writes across them, layers by number."""

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import wasmtime
from numpy import uint8
from numpy.typing import NDArray

from ..closeable import Closeable
from ..errors import ClosedError, LayoutError, OutOfBoundsError, TensorNotFoundError
from ..gguf import GGUFDirectory, TensorInfo
from .cancel import Cancelled, do_all, never
from .engine import GuestEngine, engine
from .host import define_host_functions
from .host_fast import FastHost
from .image import LayerImage, Span
from .layout import MemoryLayout
from .placement import Placement, place
from .region import Region
from .reservation import Reservation, reserve_plain, reserve_wasm, wasm_memory
from .space import FlatSpace
from .stats import Counts, RegionStats, RuntimeStats
from .tensor_record import TensorRecord
from .truncation import loss_count

log = logging.getLogger("memory64")

CHUNK_BYTES = 8 << 20
"""What is brought in between two looks at whether the caller still wants it: 4 ms of disk."""


class Memory64Runtime(Closeable):
    """The regions of a layout as one flat space of bytes, and the layers in it.

    Safe to use from several threads. A context manager: ``close`` at the end. What was
    handed out before stays valid after closing.
    """

    def __init__(
        self, layout: MemoryLayout, enable_logging: bool = False, *, enabled: bool = True
    ) -> None:
        """Reserve the regions of ``layout``.

        Args:
            layout: the regions; reserving takes microseconds and no memory.
            enable_logging: log loads and evictions to the logger ``memory64`` at INFO;
                otherwise at DEBUG.
            enabled: False makes the regions of ordinary memory instead of wasm memories,
                and tells guests that Memory64 is off.

        Raises:
            CapacityError: the process may not reserve that much address space.
        """
        self.layout = layout
        self.enabled = enabled
        self._log_level = logging.INFO if enable_logging else logging.DEBUG
        self._placed: tuple[GGUFDirectory, Placement] | None = None
        self._images: dict[int, LayerImage] = {}
        self._counts = Counts()
        if enabled:
            store = wasmtime.Store(engine())
            reservations = [
                reserve_wasm(store, wasm_memory(store, spec)) for spec in layout.regions
            ]
        else:
            reservations = [reserve_plain(spec) for spec in layout.regions]
        self._space: FlatSpace | None = FlatSpace(
            [
                Region(spec, reservation)
                for spec, reservation in zip(layout.regions, reservations, strict=True)
            ]
        )
        self._log("reserved %s", layout)

    @property
    def engine(self) -> wasmtime.Engine:
        """What stores, linkers and modules that use this runtime must be made with."""
        return engine()

    @property
    def size_bytes(self) -> int:
        """One past the last flat offset."""
        return self.layout.size_bytes

    @property
    def space(self) -> FlatSpace:
        """The regions as one range.

        Raises:
            ClosedError: the runtime has been closed.
        """
        return self._open()

    @property
    def keeps_evicted(self) -> bool:
        """Whether evicted bytes come back by themselves when they are touched."""
        return all(region.keeps_evicted for region in self._open().regions)

    def place(self, gguf: GGUFDirectory) -> None:
        """Let a model's tensors appear in the regions, and register its layers.

        Nothing is read. Placing the same model again does nothing.

        Raises:
            LayoutError: the layout cannot hold it, or holds another one.
        """
        space = self._open()
        if self._placed and self._placed[0] is gguf:
            return
        if self._placed:
            raise LayoutError(f"the regions hold {self._placed[0].name} already")
        placement = place(gguf, self.layout)
        for extent in placement.extents:
            space.regions[extent.region].attach(extent)
        self._placed = (gguf, placement)
        for layer_id, tensors in enumerate(gguf.layers):
            self.register_layer(layer_id, map(self.span, tensors), alignment=gguf.alignment)

    def span(self, tensor: TensorInfo) -> Span:
        """Where a tensor of the placed model lies in the flat space."""
        if not self._placed:
            raise LayoutError("no model has been placed")
        return Span(self._placed[1].offsets[tensor.name], tensor.nbytes)

    def register_layer(
        self, layer_id: int, spans: Iterable[Span | tuple[int, int]], *, alignment: int = 32
    ) -> None:
        """Say which bytes make up a layer, for guests to ask for by its number.

        Args:
            layer_id: from 0 on; one registered before is replaced.
            spans: flat offset and size of each tensor, in directory order.
            alignment: bytes to which each span is aligned in the layer's image.

        Raises:
            OutOfBoundsError: a span is not inside one region.
            ValueError: ``alignment`` is not positive.
        """
        if layer_id < 0:
            raise OutOfBoundsError(f"layers are numbered from 0 on, not {layer_id}")
        if alignment < 1:
            raise ValueError(f"alignment needs to be a positive number of bytes, not {alignment}")
        image = LayerImage([Span(*span) for span in spans], alignment)
        space = self._open()
        for span in image.spans:
            space.within_one(span.offset, span.size)
        self._images[layer_id] = image

    def layer_image(self, layer_id: int) -> LayerImage | None:
        """The registered image of a layer, None where there is none."""
        return self._images.get(layer_id)

    @property
    def layer_count(self) -> int:
        """Count of registered layers."""
        return len(self._images)

    @property
    def read_count(self) -> int:
        """Successful reads so far, by ``read`` and by guests."""
        return self._counts.reads

    def tensor_record(self, layer_id: int | None, name: str) -> TensorRecord:
        """Describe a tensor of the placed model.

        Args:
            layer_id: of the layer it belongs to; None for any tensor.
            name: whole, or for a tensor of a layer without ``blk.N.``.

        Raises:
            TensorNotFoundError: there is no such tensor.
        """
        if not self._placed:
            raise TensorNotFoundError(f"no model has been placed, so there is no tensor {name!r}")
        gguf = self._placed[0]
        if layer_id is None:
            return self._record(gguf.tensor(name), 0)
        layer = gguf.layers[layer_id] if layer_id < gguf.layer_count else ()
        for index, info in enumerate(layer):
            if name in (info.name, info.key):
                return self._record(info, self._images[layer_id].positions[index])
        raise TensorNotFoundError(f"layer {layer_id} has no tensor {name!r}")

    def check(self) -> None:
        """Raise ``SourceChangedError`` where a file placed here has been changed since."""
        self._open()
        if self._placed:
            self._placed[0].check()

    def read(self, offset: int, buffer: Any) -> int:
        """Fill ``buffer``, anything writable, from ``offset`` on; all of it or nothing.

        Returns:
            The count of bytes: the length of ``buffer``.

        Raises:
            OutOfBoundsError: not all of it lies inside the space.
            SourceChangedError: the file was changed since it was placed.
        """
        target = memoryview(buffer).cast("B")
        self._copy_out(offset, target)
        self._counts.add_read(len(target))
        return len(target)

    def read_layer(self, layer_id: int, buffer: Any) -> int:
        """Fill ``buffer`` with the image of a layer: its tensors, each aligned, zeros between.

        Returns:
            The count of bytes: the size of the image.

        Raises:
            OutOfBoundsError: no such layer, or ``buffer`` is smaller than its image.
            SourceChangedError: the file was changed since it was placed.
        """
        image = self._images.get(layer_id)
        target = memoryview(buffer).cast("B")
        if image is None or len(target) < image.nbytes:
            needed = "is not registered" if image is None else f"needs {image.nbytes} bytes"
            raise OutOfBoundsError(f"layer {layer_id} {needed}, the buffer has {len(target)}")
        for position, span in image.runs:
            self._copy_out(span.offset, target[position : position + span.size])
        for start, end in image.gaps:  # in the file, anything may lie there
            target[start:end] = bytes(end - start)
        self._counts.add_read(image.nbytes)
        return image.nbytes

    def write(self, offset: int, data: Any) -> int:
        """Write ``data`` at ``offset``; all of it or nothing.

        What is written over a model's tensors stays in this process, never reaches the
        file, and lasts until those pages are evicted.

        Returns:
            The count of bytes written.

        Raises:
            OutOfBoundsError: not all of it lies inside the space.
            SourceChangedError: the file was changed since it was placed.
        """
        self.check()
        source = memoryview(data).cast("B")
        done = 0
        for region, start, size in self._open().pieces(offset, len(source)):
            region.write(start, source[done : done + size])
            done += size
        self._counts.add_write(done)
        return done

    def view(self, offset: int, size: int) -> memoryview:
        """A read-only view of bytes inside one region, without a copy where files are mapped.

        Raises:
            OutOfBoundsError: the bytes are not all inside one region.
            SourceChangedError: the file was changed since it was placed.
        """
        if self.keeps_evicted:
            return self.array(offset, size).data
        self._open().within_one(offset, size)
        copy = bytearray(size)
        self._copy_out(offset, memoryview(copy))
        return memoryview(copy).toreadonly()

    def array(self, offset: int, size: int) -> NDArray[uint8]:
        """The resident bytes inside one region, read-only, not copied.

        Raises:
            OutOfBoundsError: the bytes are not all inside one region.
            SourceChangedError: the file was changed since it was placed.
        """
        self.check()
        region, start = self._open().within_one(offset, size)
        return region.array(start, size)

    def leased_array(
        self, offset: int, size: int, on_release: Callable[[], object]
    ) -> NDArray[uint8]:
        """Like ``array``; ``on_release`` is called when the last array showing it is gone."""
        self.check()
        region, start = self._open().within_one(offset, size)
        return region.leased_array(start, size, on_release)

    def load(self, spans: Iterable[Span], *, cancelled: Cancelled = never) -> None:
        """Make the bytes of ``spans`` resident.

        Args:
            spans: inside the space.
            cancelled: asked every few milliseconds.

        Raises:
            CancelledError: ``cancelled`` became true.
            SourceChangedError: the file was changed since it was placed.
        """
        self.check()
        wanted = list(spans)
        steps = [partial(region.load, *chunk) for region, *chunk in self._chunks(wanted)]
        do_all(steps, cancelled)
        for span in wanted:
            self._log("loaded %s", span)

    def evict(self, spans: Iterable[Span], *, leave_page_cache: bool = False) -> None:
        """Give the pages of ``spans`` back to the operating system.

        Args:
            spans: inside the space.
            leave_page_cache: it is not to keep them either.
        """
        for span in spans:
            for region, start, size in self._open().pieces(span.offset, span.size):
                region.evict(start, size)
                if leave_page_cache:
                    region.leave_page_cache(start, size)
            self._log("evicted %s", span)

    def add_to_linker(self, linker: wasmtime.Linker) -> None:
        """Define the ``memory64_*`` functions of module ``env``, for guests in any store."""
        define_host_functions(linker, self)

    def add_regions_to_linker(
        self, linker: wasmtime.Linker, store: wasmtime.Store
    ) -> list[tuple[Region, wasmtime.Memory]]:
        """Define ``memory64.region_NAME`` for each region: the same files, mapped for ``store``.

        A guest reads them in place. What it writes there stays in its own store.

        Returns:
            The regions of that store, in the order of the layout.

        Raises:
            CapacityError: the process may not reserve that much address space again.
            SourceChangedError: the file was changed since it was placed.
        """
        self.check()
        mapped = []
        for index, spec in enumerate(self.layout.regions):
            memory = wasm_memory(store, spec)
            region = self._mapped_anew(index, reserve_wasm(store, memory))
            linker.define(store, "memory64", f"region_{spec.name}", memory)
            mapped.append((region, memory))
        return mapped

    def map_into(self, store: wasmtime.Store, memory: wasmtime.Memory, at: int) -> FlatSpace:
        """Let the whole flat space appear in ``memory``, offset 0 at its byte ``at``.

        The same files, mapped once more: what is written there stays in that memory.

        Raises:
            SourceChangedError: the file was changed since it was placed.
        """
        self.check()
        regions = []
        for index, spec in enumerate(self.layout.regions):
            regions.append(self._mapped_anew(index, reserve_wasm(store, memory, at)))
            at += spec.size_bytes
        return FlatSpace(regions)

    def fast_host(self, engine: GuestEngine, store: wasmtime.Store) -> FastHost | None:
        """The functions that one guest in ``store`` calls without a way through Python.

        None where the operating system cannot share the counters with it.
        """
        if not self._counts.page.can_appear:
            return None
        return FastHost(engine, store, self, self._counts)

    def stats(self) -> RuntimeStats:
        """Counts so far, and the regions."""
        return self._counts.snapshot(
            layers=len(self._images),
            regions=tuple(
                RegionStats(region.name, region.size_bytes, region.used_bytes)
                for region in self._open().regions
            ),
        )

    def close(self) -> None:
        """End all use; the regions go when the last array showing them does."""
        self._space = None

    def _mapped_anew(self, index: int, reservation: Reservation) -> Region:
        region = Region(self.layout.regions[index], reservation)
        for extent in self._placed[1].extents if self._placed else ():
            if extent.region == index:
                region.attach(extent, copy_now=True)
        return region

    def _record(self, info: TensorInfo, layer_offset: int) -> TensorRecord:
        offset = self.span(info).offset
        return TensorRecord(offset, layer_offset, info.nbytes, info.quant_type, info.shape)

    def _chunks(self, spans: Iterable[Span]) -> Iterator[tuple[Region, int, int]]:
        """Regions, offsets there and sizes."""
        space = self._open()
        for span in spans:
            for region, start, size in space.pieces(span.offset, span.size):
                for at in range(start, start + size, CHUNK_BYTES):
                    yield region, at, min(CHUNK_BYTES, start + size - at)

    def _copy_out(self, offset: int, target: memoryview) -> None:
        losses = loss_count()
        self.check()
        done = 0
        for region, start, size in self._open().pieces(offset, len(target)):
            region.read_into(start, target[done : done + size])
            done += size
        if losses != loss_count():  # these may be zeros, put there for another thread
            self.check()

    def _open(self) -> FlatSpace:
        """The regions, held by the caller even if another thread closes the runtime."""
        space = self._space
        if space is None:
            raise ClosedError("the runtime has been closed")
        return space

    def _log(self, message: str, *values: object) -> None:
        log.log(self._log_level, message, *values)
