"""One region: pages of model files at fixed places in reserved memory."""

import ctypes
import errno
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import numpy as np

from ..errors import CapacityError, SourceChangedError, SourceError
from ..gguf import align_up
from . import platform
from .copied_extents import CopiedExtents
from .layout import RegionSpec
from .placement import Extent
from .reservation import Reservation
from .truncation import guarded

ByteArray = np.ndarray[tuple[int], np.dtype[np.uint8]]


class Region:
    """Named memory whose pages are the pages of model files.

    Nothing is read when an extent is attached: the operating system reads a page when it
    is first touched, by us, by the caller's array, or by a guest. What cannot be mapped
    is copied into the memory's own pages when it is needed, and is gone after ``evict``;
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
        self._copied = CopiedExtents(self._pages)
        self._mappings: list[tuple[int, int]] = []
        self._mapped: list[Extent] = []
        self.used_bytes = 0

    @property
    def mappings(self) -> Sequence[tuple[int, int]]:
        """Addresses and sizes of what is mapped from files."""
        return self._mappings

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
            self._copied.add(extent)
            if copy_now:
                self._copied.fill(extent.region_offset, extent.region_offset + extent.size)
        self.used_bytes += extent.size

    def load(self, offset: int, size: int) -> None:
        """Make the bytes resident.

        Raises:
            SourceChangedError: the file no longer has them.
            SourceError: they cannot be read.
        """
        if self._copied:
            self._copied.fill(offset, offset + size)
        else:
            self._populate(offset, offset + size)

    def has_resident(self, offset: int, size: int) -> bool:
        """Whether all pages of these bytes are in memory, be it in the system's cache of files.

        A file that this user may not write always seems to be.
        """
        return platform.resident(self._address + offset, size)

    def evict(self, offset: int, size: int) -> None:
        """Give the pages of these bytes back to the operating system."""
        if self._copied:
            with self._copied.lock:
                emptied = self._copied.empty(offset, offset + size)
                platform.release(self._address + emptied.start, len(emptied))
            return
        # The pages at both ends come back by themselves for their other owners.
        start = offset // platform.OS_PAGE_BYTES * platform.OS_PAGE_BYTES
        end = align_up(offset + size, platform.OS_PAGE_BYTES)
        platform.release(self._address + start, end - start)

    def leave_page_cache(self, offset: int, size: int) -> None:
        """Let the system's own copies of these bytes go too, where nobody maps them any more."""
        for extent in self._mapped:
            start = max(offset, extent.region_offset)
            end = min(offset + size, extent.region_offset + extent.size)
            if start < end:
                at = extent.file_offset + start - extent.region_offset
                extent.source.drop_page_cache(at, end - start)

    def expect_blocks(self) -> None:
        """Tell that what is mapped comes and goes in blocks of whole huge pages."""
        for address, size in self._mappings:
            platform.expect_huge(address, size)

    def expect_single_pages(self, offset: int, size: int) -> None:
        """Tell that single pages of these bytes are touched, without those around them."""
        platform.expect_random(self._address + offset, size)

    def read_into(self, offset: int, target: memoryview) -> None:
        """Copy the bytes at ``offset`` out.

        Raises:
            SourceChangedError: the file no longer has them.
        """
        size = len(target)
        with self._present(offset, size):
            np.frombuffer(target, np.uint8)[:] = self.array(offset, size)

    def write(self, offset: int, data: memoryview) -> None:
        """Change the region's own copy of the bytes; no file is changed.

        Raises:
            SourceChangedError: the file no longer has the pages that are to be changed.
        """
        with self._present(offset, len(data)):
            self._pages[offset : offset + len(data)] = np.frombuffer(data, np.uint8)

    def array(self, offset: int, size: int) -> ByteArray:
        """The bytes themselves, read-only."""
        return self._bytes[offset : offset + size]

    def leased_array(self, offset: int, size: int, on_release: Callable[[], object]) -> ByteArray:
        """The bytes, and a call to ``on_release`` once no array shows them any more."""
        buffer = self._buffer(offset, size)
        # Not at exit, when nobody needs the room and a lock may be held for good.
        weakref.finalize(buffer, on_release).atexit = False
        return _read_only(_as_array(buffer))

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
        self._mappings.append((address, extent.size))
        self._mapped.append(extent)
        return True

    def _buffer(self, offset: int, size: int) -> "ctypes.Array[ctypes.c_ubyte]":
        buffer = (ctypes.c_ubyte * size).from_address(self._address + offset)
        # Every array made of these pages leads back here: while one lives, so does the
        # owner, whose end would unmap them.
        buffer._owner = self._owner  # type: ignore[attr-defined]
        return buffer

    @contextmanager
    def _present(self, offset: int, size: int) -> Iterator[None]:
        with (
            self._copied.lock if self._copied else nullcontext(),
            guarded([(self._address + offset, size)], mappings=self._mappings) as guard,
        ):
            if self._copied or not platform.resident(self._address + offset, size):
                self.load(offset, size)
            yield
        if guard.lost:
            raise SourceChangedError(
                f"region {self.name!r}: the file behind it became shorter while it was in use"
            )

    def _populate(self, start: int, end: int) -> None:
        what = f"region {self.name!r}, bytes {start} to {end}"
        try:
            there = platform.populate(self._address + start, end - start)
        except OSError as error:
            raise SourceError(f"{what} cannot be read: {error}") from error
        if not there:
            for extent in self._mapped:
                extent.source.check()
            raise SourceError(f"{what} cannot be read: the file is whole, the disk fails")


def _as_array(buffer: "ctypes.Array[ctypes.c_ubyte]") -> ByteArray:
    return np.frombuffer(memoryview(buffer), np.uint8)


def _read_only(array: ByteArray) -> ByteArray:
    view = array.view()
    view.flags.writeable = False
    return view
