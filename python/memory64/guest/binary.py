"""WebAssembly's binary format, as far as this package looks into it."""

from collections.abc import Iterator

HEADER_BYTES = 8


class Cursor:
    """A place in bytes that moves on with what is read there."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        """Begin at ``at``."""
        self.data = data
        self.at = at

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.data)

    def byte(self) -> int:
        """One byte."""
        self.at += 1
        return self.data[self.at - 1]

    def number(self) -> int:
        """An unsigned number of variable length."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        self.at += size
        return self.data[self.at - size : self.at]

    def sized(self) -> bytes:
        """Bytes after a number that counts them: a name, a section, the body of a function."""
        return self.take(self.number())


def sections(wasm: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each section of a valid module."""
    cursor = Cursor(wasm, HEADER_BYTES)
    while not cursor.at_end:
        yield cursor.byte(), cursor.sized()


def number(value: int) -> bytes:
    """An unsigned number in as few bytes as it takes."""
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*written, value))


def sized(content: bytes) -> bytes:
    """Bytes after their count."""
    return number(len(content)) + content
