"""One region: pages of model files at fixed places in reserved memory."""

import ctypes
import errno
import weakref
from collections.abc import Callable

import numpy as np

from ..errors import CancelledError, CapacityError, SourceChangedError, SourceError
from ..gguf import align_up
from . import platform
from .layout import RegionSpec
from .placement import Extent
from .reservation import Reservation

CHUNK_BYTES = 8 << 20
"""What is brought in between two looks at whether the caller still wants it: 4 ms of disk."""


ByteArray = np.ndarray[tuple[int], np.dtype[np.uint8]]


class Region:
    """Named memory whose pages are the pages of model files.

    Nothing is read when an extent is attached: the operating system reads a page when it
    is first touched, by us, by the caller's array, or by a guest. What cannot be mapped
    is read into the memory's own pages by ``load`` instead, and is gone after ``evict``;
    ``keeps_evicted`` tells which of the two holds.
    """

    def __init__(self, spec: RegionSpec, reservation: Reservation) -> None:
        """Begin with zeros in all of ``reservation``."""
        self.name = spec.name
        self.size_bytes = spec.size_bytes
        self._owner = reservation.owner
        self._address = reservation.address
        self._pages = _as_array(self._buffer(0, spec.size_bytes))
        self._bytes = _read_only(self._pages)
        self._copied: list[Extent] = []
        self.used_bytes = 0

    @property
    def keeps_evicted(self) -> bool:
        """Whether evicted bytes come back by themselves when they are touched."""
        return not self._copied

    def attach(self, extent: Extent, *, copy_now: bool = False) -> None:
        """Let the pages of ``extent`` appear at its place.

        Args:
            extent: of this region.
            copy_now: where it cannot be mapped, copy it at once, not when it is loaded.
        """
        if not self._map(extent):
            self._copied.append(extent)
            if copy_now:
                self._copy_from(extent, extent.region_offset, extent.region_offset + extent.size)
        self.used_bytes += extent.size

    def load(self, offset: int, size: int, cancelled: Callable[[], bool]) -> None:
        """Make the bytes resident.

        Raises:
            CancelledError: ``cancelled`` became true.
            SourceChangedError: the file no longer has them.
        """
        for start in range(offset, offset + size, CHUNK_BYTES):
            if cancelled():
                raise CancelledError(f"loading stopped at byte {start - offset} of {size}")
            self._load_chunk(start, min(start + CHUNK_BYTES, offset + size))

    def evict(self, offset: int, size: int) -> None:
        """Give the pages of these bytes back to the operating system."""
        start, end = offset, offset + size
        if self.keeps_evicted:  # the pages at both ends come back for their other owners
            start = start // platform.OS_PAGE_BYTES * platform.OS_PAGE_BYTES
            end = align_up(end, platform.OS_PAGE_BYTES)
        platform.release(self._address + start, end - start)

    def array(self, offset: int, size: int) -> ByteArray:
        """The bytes themselves, read-only."""
        return self._bytes[offset : offset + size]

    def leased_array(self, offset: int, size: int, on_release: Callable[[], object]) -> ByteArray:
        """The bytes, and a call to ``on_release`` once no array shows them any more."""
        buffer = self._buffer(offset, size)
        weakref.finalize(buffer, on_release)
        return _read_only(_as_array(buffer))

    def write(self, offset: int, data: memoryview) -> None:
        """Change the region's own copy of the bytes; no file is changed."""
        self._pages[offset : offset + len(data)] = np.frombuffer(data, np.uint8)

    def _map(self, extent: Extent) -> bool:
        fd = extent.source.fileno()
        if fd is None or not platform.CAN_MAP:
            return False
        address = self._address + extent.region_offset
        try:
            platform.map_file(address, extent.size, fd, extent.file_offset)
        except OSError as error:
            if error.errno == errno.ENOMEM:
                raise CapacityError(
                    f"region {self.name!r}: {extent.size} bytes at offset {extent.file_offset} of "
                    f"{extent.source.name} cannot be mapped (see vm.max_map_count): {error}"
                ) from error
            return False  # a file system without mappings, for one
        return True

    def _buffer(self, offset: int, size: int) -> "ctypes.Array[ctypes.c_ubyte]":
        buffer = (ctypes.c_ubyte * size).from_address(self._address + offset)
        # Every array made of these pages leads back here: while one lives, so does the
        # owner, whose end would unmap them.
        buffer._owner = self._owner  # type: ignore[attr-defined]
        return buffer

    def _load_chunk(self, start: int, end: int) -> None:
        for extent in self._copied:
            self._copy_from(extent, start, end)
        if self.keeps_evicted:
            self._populate(start, end)

    def _populate(self, start: int, end: int) -> None:
        what = f"region {self.name!r}, bytes {start} to {end}"
        try:
            there = platform.populate(self._address + start, end - start)
        except OSError as error:
            raise SourceError(f"{what} cannot be read: {error}") from error
        if not there:
            raise SourceChangedError(f"{what}: the file behind them has become shorter")

    def _copy_from(self, extent: Extent, start: int, end: int) -> None:
        file_end = extent.region_offset + extent.source.size - extent.file_offset
        start = max(start, extent.region_offset)
        end = min(end, extent.region_offset + extent.size, file_end)
        if start < end:
            file_offset = extent.file_offset + start - extent.region_offset
            extent.source.read_into(file_offset, self._pages[start:end].data)


def _as_array(buffer: "ctypes.Array[ctypes.c_ubyte]") -> ByteArray:
    return np.frombuffer(memoryview(buffer), np.uint8)


def _read_only(array: ByteArray) -> ByteArray:
    view = array.view()
    view.flags.writeable = False
    return view
