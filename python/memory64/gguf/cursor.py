"""A bounds-checked walk through the header of a GGUF file, one window at a time."""

import struct
from reprlib import Repr
from typing import Any

from ..errors import GGUFFormatError
from .short_strings import LENGTH_BYTES, short_strings
from .source import Source

WINDOW_BYTES = 1 << 16
"""Larger ones would come fresh from the system each time: touching them costs more than parsing."""

MAX_HEADER_BYTES = 128 << 20
"""More than the largest vocabularies need (about 30 MB), little enough that a file whose
counts lie is refused in well under a second."""

MAX_TEXT_BYTES = 16 << 20
"""Of all strings that are kept, arrays not counted: a chat template has a hundredth of it."""

_LENGTH = struct.Struct("<Q")

_EXCERPT = Repr()
_EXCERPT.maxstring = _EXCERPT.maxother = 80


class Cursor:
    """Reads little-endian values from the start of ``source`` on.

    Every read is checked against the file's size before any byte is fetched, and no more
    than a window, or the one string asked for, is held at a time.
    """

    def __init__(self, source: Source) -> None:
        """Start at offset 0 of ``source``."""
        self.source = source
        self._window = bytearray()
        self._window_start = 0
        self._at = 0
        self._text_bytes = 0

    @property
    def position(self) -> int:
        """Offset in the file of the next byte to read."""
        return self._window_start + self._at

    @property
    def remaining(self) -> int:
        """Bytes between the position and the end of what a header may span."""
        return min(self.source.size, MAX_HEADER_BYTES) - self.position

    def fields(self, layout: struct.Struct, what: str) -> tuple[Any, ...]:
        """The next values, as ``layout`` names them."""
        self._need(layout.size, what)
        values = layout.unpack_from(self._window, self._at)
        self._at += layout.size
        return values

    def scalar(self, layout: struct.Struct, what: str) -> Any:
        """The next value of ``layout``, which names a single field."""
        return self.fields(layout, what)[0]

    def string(self, what: str, limit: int = MAX_TEXT_BYTES) -> str:
        """The next string: a 64-bit length, then that many bytes of UTF-8."""
        start = self.position
        length = self.scalar(_LENGTH, what)
        self.require(length, what)
        self._text_bytes += length
        if length > limit or self._text_bytes > MAX_TEXT_BYTES:
            raise GGUFFormatError(
                f"{self.source.name}: {what} has {length} bytes at offset {start}; it may have "
                f"{limit}, and all strings together {MAX_TEXT_BYTES}"
            )
        self._need(length, what)
        raw = memoryview(self._window)[self._at : self._at + length]
        self._at += length
        try:
            return str(raw, "utf-8")
        except UnicodeDecodeError as error:
            raise GGUFFormatError(
                f"{self.source.name}: {what} at offset {start} is not UTF-8: {error.reason}"
            ) from error

    def skip(self, size: int, what: str) -> None:
        """Pass over ``size`` bytes without reading them."""
        self.require(size, what)
        self._at += size

    def skip_strings(self, count: int, what: str) -> None:
        """Pass over ``count`` strings, reading nothing of them but their lengths."""
        self.require(count * LENGTH_BYTES, what)
        while count:
            self._need(LENGTH_BYTES, what)
            passed, size = short_strings(memoryview(self._window)[self._at :], count)
            self.skip(size, what)
            count -= passed + self._pass_window(count - passed, what)

    def _pass_window(self, count: int, what: str) -> int:
        """Pass over strings one by one up to the window's end; returns how many."""
        window, at, passed = self._window, self._at, 0
        while passed < count and at + LENGTH_BYTES <= len(window):
            at += LENGTH_BYTES + _LENGTH.unpack_from(window, at)[0]
            passed += 1
        self.skip(at - self._at, what)
        return passed

    def require(self, size: int, what: str) -> None:
        """Raise ``GGUFFormatError`` unless ``size`` more bytes can follow."""
        if size <= self.remaining:
            return
        if self.position + size <= self.source.size:
            raise GGUFFormatError(
                f"{self.source.name}: {what} would end at offset {self.position + size}, "
                f"beyond the {MAX_HEADER_BYTES} bytes a header may have"
            )
        raise GGUFFormatError(
            f"{self.source.name}: {what} needs {size} bytes at offset {self.position}, "
            f"the file ends at {self.source.size}"
        )

    def _need(self, size: int, what: str) -> None:
        if self._at + size <= len(self._window):
            return
        self.require(size, what)
        start = self.position
        window = bytearray(min(max(size, WINDOW_BYTES), self.source.size - start))
        self.source.read_into(start, memoryview(window))
        self._window, self._window_start, self._at = window, start, 0


def excerpt(value: object) -> str:
    """What a file says, for a message: shortened, control characters escaped."""
    return _EXCERPT.repr(value)
