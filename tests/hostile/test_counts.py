"""Counts, lengths and products of 2^63 and more, which wrap where they are not whole numbers."""

from dataclasses import replace
from pathlib import Path

from memory64 import GGUFFormatError

from .attack import Attack, Attacks
from .builder import (
    ARRAY,
    F32,
    GGUF,
    HUGE,
    MODEL,
    STRING,
    UINT8,
    UINT64,
    Pair,
    array,
    string,
    u64,
)
from .process import Child

attacks = Attacks()
refused = attacks.refused


@refused(GGUFFormatError, "{0} metadata values", "the file ends at", each=HUGE)
def metadata_count(count: int) -> GGUF:
    """Says that so many metadata values follow, where five do."""
    return replace(MODEL, pair_count=count)


@refused(GGUFFormatError, "metadata key 5", "the file ends at")
def one_metadata_value_more() -> GGUF:
    """Says six, where five follow and then the end."""
    return replace(MODEL, pair_count=6, entries=(), data=b"", alignment=1)


@refused(GGUFFormatError, "a directory of {0} tensors", "the file ends at", each=HUGE)
def tensor_count(count: int) -> GGUF:
    """Says that so many tensors follow, where three do."""
    return replace(MODEL, entry_count=count)


@refused(GGUFFormatError, "metadata key 5", "needs {0} bytes", "the file ends at", each=HUGE)
def key_length(length: int) -> GGUF:
    """Gives a key such a length; added to an offset it is a small number again."""
    return MODEL.with_pair(Pair(b"key", STRING, string(b"value"), key_length=length))


@refused(GGUFFormatError, "metadata 'key'", "needs {0} bytes", "the file ends at", each=HUGE)
def string_length(length: int) -> GGUF:
    """Gives a string value such a length."""
    return MODEL.with_pair(Pair(b"key", STRING, string(b"value", length)))


@refused(GGUFFormatError, "metadata 'key'", "needs {0} bytes", "the file ends at", each=HUGE)
def byte_array_length(length: int) -> GGUF:
    """Gives an array of bytes such a length."""
    return MODEL.with_pair(Pair(b"key", ARRAY, array(UINT8, length, b"12345678")))


@refused(GGUFFormatError, "metadata 'key'", "the file ends at", each=[*HUGE, 1 << 61])
def number_array_length(length: int) -> GGUF:
    """Gives an array of 64-bit numbers such a length: 2^61 times 8 bytes wraps to none."""
    return MODEL.with_pair(Pair(b"key", ARRAY, array(UINT64, length, bytes(8))))


@refused(GGUFFormatError, "metadata 'key'", "the file ends at", each=[*HUGE, 1 << 61])
def string_array_length(length: int) -> GGUF:
    """Gives an array of strings such a length."""
    return MODEL.with_pair(Pair(b"key", ARRAY, array(STRING, length, string(b"one"))))


@refused(GGUFFormatError, "metadata 'key'", "the file ends at", each=HUGE)
def length_of_a_string_in_an_array(length: int) -> GGUF:
    """Gives the second of three strings such a length; 2^64-1 leads back into the first."""
    strings = string(b"one") + string(b"two", length) + string(b"three")
    return MODEL.with_pair(Pair(b"key", ARRAY, array(STRING, 3, strings)))


@refused(GGUFFormatError, "metadata 'key'", "the file ends at")
def lengths_that_lead_round_in_a_circle() -> GGUF:
    """Gives a string the length 2^64-8, after which the same length would be read for ever."""
    return MODEL.with_pair(Pair(b"key", ARRAY, array(STRING, 1 << 4, u64((1 << 64) - 8) * 16)))


@refused(GGUFFormatError, "the name of tensor 1", "needs {0} bytes", each=HUGE)
def name_length(length: int) -> GGUF:
    """Gives a tensor's name such a length."""
    return MODEL.with_entry(1, name_length=length)


WRAPPING = (
    (1 << 63,),
    ((1 << 64) - 1,),
    ((1 << 62) + 8,),  # of 4 bytes each: 2^64 + 32 bytes
    (1 << 32, 1 << 32),
    (8, 1 << 61),
    (1 << 16, 1 << 16, 1 << 16, 1 << 16),
    ((1 << 64) - 1,) * 4,
)


@refused(GGUFFormatError, "tensor 'token_embd.weight'", "the file ends at", each=WRAPPING)
def dimensions(sizes: tuple[int, ...]) -> GGUF:
    """Gives a tensor dimensions whose product, or its bytes, is little or nothing in 64 bits."""
    return MODEL.with_entry(0, dimensions=sizes, type=F32)


@refused(GGUFFormatError, "tensor 'blk.1.attn_q.weight'", each=[1 << 63, (1 << 64) - 32])
def offset(value: int) -> GGUF:
    """Puts a tensor so far on that its place in the file wraps to one before the data."""
    return MODEL.with_entry(2, offset=value)


@attacks.each
def test_refused(attack: Attack, child: Child, tmp_path: Path) -> None:
    attack.check(child, tmp_path)
