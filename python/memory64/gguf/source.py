"""Where a model's bytes come from: a file on disk, or bytes the caller holds."""

import os
import stat
from pathlib import Path
from typing import Protocol

from ..errors import ClosedError, SourceChangedError, SourceError, SourceNotFoundError


class Source(Protocol):
    """Bytes with a length that does not change while it is open."""

    name: str
    size: int

    def read_into(self, offset: int, target: memoryview) -> None:
        """Fill ``target`` with the bytes at ``offset``, all of them.

        Raises:
            SourceChangedError: the bytes are no longer there.
        """
        ...

    def check(self) -> None:
        """Raise ``SourceChangedError`` where the bytes are no longer those opened."""
        ...

    def fileno(self) -> int | None:
        """The descriptor of the file to map, None where there is no file."""
        ...

    def drop_page_cache(self, offset: int = 0, size: int = 0) -> None:
        """Ask the operating system to forget its copy of these bytes; 0 for all from ``offset``.

        Pages that are mapped anywhere stay.
        """
        ...

    def close(self) -> None:
        """Let go of the bytes."""
        ...


class _Descriptor:
    """An open file, closed when nobody uses it any more: a call under way keeps its own."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __del__(self) -> None:
        os.close(self.fd)


class FileSource:
    """A regular file, open for reading until closed."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open ``path``.

        Raises:
            SourceNotFoundError: there is no such file.
            SourceError: it cannot be read, or is a directory, a pipe or a device.
        """
        self.name = str(path)
        self._open: _Descriptor | None = _Descriptor(_open_regular(Path(path)))
        status = os.fstat(self._open.fd)
        self.size = status.st_size
        self._modified_ns = status.st_mtime_ns

    def read_into(self, offset: int, target: memoryview) -> None:
        """Fill ``target`` from ``offset`` on; see ``Source.read_into``."""
        file = self._descriptor()
        done = 0
        while done < len(target):
            try:
                count = os.preadv(file.fd, [target[done:]], offset + done)
            except OSError as error:
                raise SourceError(
                    f"{self.name}: reading at {offset + done} failed: {error}"
                ) from error
            if count == 0:
                raise SourceChangedError(
                    f"{self.name}: needed {len(target)} bytes at offset {offset}, "
                    f"found {done}: the file has become shorter"
                )
            done += count

    def check(self) -> None:
        """See ``Source.check``: size and time of modification are compared."""
        status = os.fstat(self._descriptor().fd)
        if status.st_size == self.size and status.st_mtime_ns == self._modified_ns:
            return
        raise SourceChangedError(
            f"{self.name}: changed since it was loaded ({self.size} bytes then, "
            f"{status.st_size} now); load it again"
        )

    def fileno(self) -> int:
        """The file's descriptor, valid until ``close``."""
        return self._descriptor().fd

    def drop_page_cache(self, offset: int = 0, size: int = 0) -> None:
        """See ``Source.drop_page_cache``; nothing where the system takes no such advice."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._descriptor().fd, offset, size, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        """Close the file; what was mapped from it stays mapped."""
        self._open = None

    def _descriptor(self) -> _Descriptor:
        file = self._open
        if file is None:
            raise ClosedError(f"{self.name}: closed")
        return file


class BytesSource:
    """A whole GGUF file the caller already holds in memory."""

    name = "<bytes>"

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        """Keep a view of ``data``, which the caller must not change meanwhile."""
        self.data = memoryview(data).cast("B")
        self.size = len(self.data)

    def read_into(self, offset: int, target: memoryview) -> None:
        """Copy into ``target``; see ``Source.read_into``."""
        target[:] = self.data[offset : offset + len(target)]

    def check(self) -> None:
        """Bytes in hand stay as they are."""

    def fileno(self) -> None:
        """There is no file."""

    def drop_page_cache(self, offset: int = 0, size: int = 0) -> None:
        """There is no file."""

    def close(self) -> None:
        """The caller's bytes are the caller's; nothing to do."""


def _open_regular(path: Path) -> int:
    try:
        # Without O_NONBLOCK, opening a pipe nobody writes to would wait for ever.
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SourceError(f"{path}: cannot be opened: {reason}") from error
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    kind = "a directory" if stat.S_ISDIR(mode) else "a pipe, socket or device"
    raise SourceError(f"{path}: needs to be a regular file, is {kind}")
