"""The operating system's memory calls, and what happens where it has none.

Linux is what this was run on. Where ``mmap`` cannot place a mapping at a given address
(``CAN_MAP`` is False), regions are filled by reading instead; where ``madvise`` does not
know ``MADV_POPULATE_READ`` (Linux before 5.14), one byte of each page is touched.
"""

import ctypes
import errno
import mmap
import os
import signal
import sys
import traceback
import weakref
from collections.abc import Callable
from functools import cache
from threading import get_ident

OS_PAGE_BYTES = mmap.PAGESIZE

HUGE_PAGE_BYTES = 2 << 20
"""Where file and address agree modulo this, the system maps so much at a time: a layer that is
in the page cache is there in a tenth of a millisecond instead of several."""

CAN_MAP = sys.platform == "linux"

_PROT_READ_WRITE = 0x1 | 0x2
_MAP_SHARED = 0x01
_MAP_PRIVATE = 0x02
_MAP_FIXED = 0x10
_MAP_NORESERVE = 0x4000
_MADV_RANDOM = 1
_MADV_DONTNEED = 4
_MADV_HUGEPAGE = 14
_MADV_POPULATE_READ = 22
_MREMAP_MAYMOVE = 1
_MREMAP_FIXED = 2
_MREMAP_DONTUNMAP = 4

_SA_SIGINFO = 4
_SA_NODEFER = 0x40000000
_BUS_ADRERR = 2


class _SignalInfo(ctypes.Structure):
    """The beginning of a siginfo_t as 64-bit Linux has it."""

    _fields_ = (
        ("number", ctypes.c_int),
        ("error", ctypes.c_int),
        ("code", ctypes.c_int),
        ("address", ctypes.c_void_p),
    )


_Handler = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.POINTER(_SignalInfo), ctypes.c_void_p)


class _SignalAction(ctypes.Structure):
    """A struct sigaction as the C libraries of 64-bit Linux have it."""

    _fields_ = (
        ("handler", _Handler),
        ("mask", ctypes.c_ulong * 16),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


if CAN_MAP:
    _libc = ctypes.CDLL(None, use_errno=True)
    _libc.mmap.restype = ctypes.c_void_p
    _libc.mmap.argtypes = (
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_longlong,
    )
    _libc.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)
    _libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    _libc.mremap.restype = ctypes.c_void_p
    _libc.mremap.argtypes = (
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_void_p,
    )


def anonymous_pages(size: int) -> mmap.mmap:
    """Zeroed private memory, without a claim on RAM before it is touched where that can be.

    Raises:
        OSError: the operating system refuses.
    """
    if CAN_MAP:
        flags = _MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
        return mmap.mmap(-1, size, flags=flags)
    return mmap.mmap(-1, size)


def huge_pages(size: int) -> memoryview:
    """Zeroed private memory that begins where a huge page does, so that such pages can move there.

    Raises:
        OSError: the operating system refuses.
    """
    flags = {"flags": _MAP_PRIVATE | mmap.MAP_ANONYMOUS} if CAN_MAP else {}
    pages = mmap.mmap(-1, size + HUGE_PAGE_BYTES, **flags)
    address = ctypes.addressof(ctypes.c_ubyte.from_buffer(pages))
    prefer_huge_pages(address, len(pages))
    lead = -address % HUGE_PAGE_BYTES
    return memoryview(pages)[lead : lead + size]


def prefer_huge_pages(address: int, size: int) -> None:
    """Take memory for these pages a huge page at a time, where the system does so at all."""
    if CAN_MAP:
        _libc.madvise(address, size, _MADV_HUGEPAGE)


def move_pages(source: int, destination: int, size: int) -> bool:
    """Let the pages at ``destination`` be those at ``source``, where there are zeros then.

    Both are private memory, and whole pages of it; what is in them is not copied.

    Returns:
        False where the system cannot (Linux before 5.7); there are zeros at ``destination``.
    """
    if not CAN_MAP:
        return False
    flags = _MREMAP_MAYMOVE | _MREMAP_FIXED | _MREMAP_DONTUNMAP
    if _libc.mremap(source, size, size, flags, destination) == destination:
        return True
    map_zeros(destination, size)  # the system may have taken away what was there
    return False


class SharedPages:
    """Zeroed memory that can appear at several addresses of this process at once.

    Its pages are taken when they are first touched. Where the system has no such memory,
    ``can_appear`` is False and it is plain memory.
    """

    def __init__(self, size: int) -> None:
        """Take ``size`` bytes, a multiple of the system's page."""
        self.can_appear = CAN_MAP and hasattr(os, "memfd_create")
        if self.can_appear:
            self._fd = os.memfd_create("memory64", os.MFD_CLOEXEC)
            weakref.finalize(self, os.close, self._fd)
            os.ftruncate(self._fd, size)
        self.memory = mmap.mmap(self._fd if self.can_appear else -1, size)

    def appear_at(self, address: int) -> None:
        """Put the memory over the pages at ``address``.

        Raises:
            OSError: the operating system refuses.
        """
        flags = _MAP_SHARED | _MAP_FIXED
        size = len(self.memory)
        if _libc.mmap(address, size, _PROT_READ_WRITE, flags, self._fd, 0) != address:
            raise _last_error("mmap")


def private_view(fd: int, offset: int, size: int) -> memoryview:
    """Bytes of a file, writable without reaching it, in a mapping of their own.

    Lives as long as the view; closing the file does not end it.

    Raises:
        OSError: the operating system refuses.
    """
    lead = offset % mmap.ALLOCATIONGRANULARITY
    pages = mmap.mmap(fd, size + lead, access=mmap.ACCESS_COPY, offset=offset - lead)
    return memoryview(pages)[lead:]


def map_file(address: int, size: int, fd: int, file_offset: int) -> None:
    """Put ``size`` bytes of the file over the pages at ``address``, copy-on-write.

    Writable, because a guest's ``memory.fill`` into a read-only page would end the
    process; private, so that nothing written reaches the file. Without a reservation a
    file larger than the machine's memory can be mapped.

    Raises:
        OSError: the operating system refuses.
    """
    flags = _MAP_PRIVATE | _MAP_FIXED | _MAP_NORESERVE
    found = _libc.mmap(address, size, _PROT_READ_WRITE, flags, fd, file_offset)
    if found != address:
        raise _last_error("mmap")


def map_zeros(address: int, size: int) -> None:
    """Put zeroed private pages over those at ``address``; ``size`` is a multiple of theirs.

    Raises:
        OSError: the operating system refuses.
    """
    flags = _MAP_PRIVATE | _MAP_FIXED | _MAP_NORESERVE | mmap.MAP_ANONYMOUS
    if _libc.mmap(address, size, _PROT_READ_WRITE, flags, -1, 0) != address:
        raise _last_error("mmap")


@cache
def handle_bus_errors(take: Callable[[int], bool]) -> None:
    """Call ``take`` with the address of every lost page touched from now on, in that thread.

    Where it returns False or fails, the handler there was before gets the fault. For systems
    where files are mapped.
    """
    before = _SignalAction()

    def handle(number: int, info: "ctypes._Pointer[_SignalInfo]", context: int) -> None:
        fault = info.contents.code == _BUS_ADRERR
        try:
            if fault and take(info.contents.address):
                return
        except KeyboardInterrupt:
            # It is for whoever runs here, not for this function. Sent again, it is held back
            # until this returns.
            signal.pthread_kill(get_ident(), signal.SIGINT)
            return
        except BaseException:
            # It would be called for ever, as the page is still not there.
            traceback.print_exc()
        # The instruction that faulted is tried again, and then that handler has it.
        _libc.sigaction(number, ctypes.byref(before), None)
        if info.contents.code <= 0:  # sent by somebody: there is no instruction
            signal.raise_signal(number)

    # It may fault itself, as any Python may run in it: the signal is not held back meanwhile.
    flags = _SA_SIGINFO | _SA_NODEFER
    held_back = (1 << (signal.SIGINT - 1),)
    action = _SignalAction(handler=_Handler(handle), mask=held_back, flags=flags)
    # For good: libc has its address, until after Python's end.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(action))
    _libc.sigaction(signal.SIGBUS, ctypes.byref(action), ctypes.byref(before))


def populate(address: int, size: int) -> bool:
    """Bring the pages of ``[address, address + size)`` in; the GIL is released meanwhile.

    Returns:
        False where the file behind them no longer has them.

    Raises:
        OSError: reading failed, or memory ran out.
    """
    start = address // OS_PAGE_BYTES * OS_PAGE_BYTES
    length = address + size - start
    if _libc.madvise(start, length, _MADV_POPULATE_READ) == 0:
        return True
    error = _last_error("madvise")
    if error.errno == errno.EFAULT:
        return False
    if error.errno != errno.EINVAL:
        raise error
    for page in range(start, address + size, OS_PAGE_BYTES):
        ctypes.c_ubyte.from_address(page).value  # noqa: B018 - the read is the purpose
    return True


def resident(address: int, size: int) -> bool:
    """Whether all these pages are in memory, as far as the system tells.

    It takes a hundredth of the time that ``populate`` takes to find nothing to do. To a file
    that this user may not write it answers yes, and pages then come when they are touched.
    """
    start = address // OS_PAGE_BYTES * OS_PAGE_BYTES
    length = address + size - start
    pages = (ctypes.c_ubyte * (-(-length // OS_PAGE_BYTES)))()
    if _libc.mincore(start, length, pages) != 0:
        return False
    # The lowest bit of each tells; the system leaves the others zero.
    return 0 not in bytes(pages)


def release(address: int, size: int) -> None:
    """Give back the pages that lie wholly in ``[address, address + size)``.

    A page mapped from a file is read from it again when next touched; any other is zero.
    Where there is no such call the pages simply stay.
    """
    start = -(-address // OS_PAGE_BYTES) * OS_PAGE_BYTES
    end = (address + size) // OS_PAGE_BYTES * OS_PAGE_BYTES
    if CAN_MAP and start < end:
        _libc.madvise(start, end - start, _MADV_DONTNEED)


def expect_huge(address: int, size: int) -> None:
    """Tell that pages will be touched in their order: read in huge ones, they cost a tenth."""
    start = -(-address // OS_PAGE_BYTES) * OS_PAGE_BYTES
    end = (address + size) // OS_PAGE_BYTES * OS_PAGE_BYTES
    if CAN_MAP and start < end:
        _libc.madvise(start, end - start, _MADV_HUGEPAGE)


def expect_random(address: int, size: int) -> None:
    """Tell that pages will be touched here and there, so that none is read with its neighbours."""
    start = address // OS_PAGE_BYTES * OS_PAGE_BYTES
    if CAN_MAP:
        _libc.madvise(start, address + size - start, _MADV_RANDOM)


def _last_error(call: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{call}: {os.strerror(number)}")
