"""A session in a file.

==========  ==================================================================
bytes       what
==========  ==================================================================
8           ``MEM64KV2``
32          SHA-256 that stands for the model: dimensions and tensor directory
8           count of tokens, n
4 n         the tokens
…           for each layer the keys of each head, then the values, of n positions
32          SHA-256 of all before it
==========  ==================================================================

Numbers are little-endian, keys and values half floats. A session takes some hundred kilobytes for
each token.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import CapacityError, SourceError, SourceNotFoundError
from ..gguf import GGUFDirectory
from .sequence import TokenSequence

_MAGIC = b"MEM64KV2"
_DIGEST_BYTES = 32


def fingerprint(gguf: GGUFDirectory) -> bytes:
    """What stands for a model: its sizes, and its tensors' names, types and shapes."""
    digest = hashlib.sha256(f"{gguf.architecture} {gguf.size_bytes}".encode())
    for info in gguf.tensors.values():
        digest.update(f"\0{info.name} {info.quant_type} {info.shape}".encode())
    return digest.digest()


def write_session(path: str | os.PathLike[str], sequence: TokenSequence, model: bytes) -> None:
    """Write the tokens seen, and what is kept of them, in the place of ``path``.

    Raises:
        SourceError: the file cannot be written; what was there before is there still.
    """
    path = Path(path)
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with open(descriptor, "wb") as file:
                digest = hashlib.sha256()
                for part in _parts(sequence, model):
                    digest.update(part)
                    file.write(part)
                file.write(digest.digest())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SourceError(f"{os.fspath(path)}: the session cannot be written: {error}") from error


def read_session(path: str | os.PathLike[str], sequence: TokenSequence, model: bytes) -> None:
    """Let ``sequence`` be what was written to ``path``; it is empty where that fails.

    Raises:
        SourceNotFoundError: there is no such file.
        SourceError: it cannot be read, is of another model, or is damaged.
        CapacityError: ``sequence`` has no room for its tokens.
    """
    sequence.tokens.clear()
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            tokens = _restored(file, name, sequence, model)
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"there is no saved session {name!r}") from error
    except OSError as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{name}: the session cannot be read: {error}") from error
    sequence.tokens += tokens


def _parts(sequence: TokenSequence, model: bytes) -> Iterator[bytes]:
    count = len(sequence.tokens)
    yield _MAGIC + model + count.to_bytes(8, "little")
    yield np.asarray(sequence.tokens, "<u4").tobytes()
    for layer in sequence.kept(count):
        yield layer.tobytes()


def _restored(file: BinaryIO, name: str, sequence: TokenSequence, model: bytes) -> list[int]:
    size = os.fstat(file.fileno()).st_size
    digest = hashlib.sha256()

    def take(wanted: int) -> bytes:
        data = file.read(wanted)
        digest.update(data)
        if len(data) != wanted:
            raise SourceError(f"{name}: no saved session: it ends after {size} bytes")
        return data

    if take(len(_MAGIC)) != _MAGIC:
        raise SourceError(f"{name}: no saved session: it begins with other bytes")
    if take(_DIGEST_BYTES) != model:
        raise SourceError(f"{name}: the session was saved with another model")
    count = int.from_bytes(take(8), "little")
    if count > sequence.capacity:
        raise CapacityError(
            f"{name}: the session holds {count} tokens, there is room for {sequence.capacity}"
        )
    tokens: list[int] = np.frombuffer(take(4 * count), "<u4").tolist()
    for layer in sequence.kept(count):
        layer[:] = np.frombuffer(take(layer.nbytes), np.uint16).reshape(layer.shape)
    expected = digest.digest()
    if file.read(_DIGEST_BYTES + 1) != expected:
        raise SourceError(f"{name}: the saved session is damaged: its checksum is wrong")
    return tokens
