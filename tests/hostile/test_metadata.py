"""Metadata of unknown, wrong or missing kinds."""

import struct
from dataclasses import replace
from pathlib import Path

from memory64 import GGUFFormatError

from .attack import Attack, Attacks, check_refusal, check_success, written
from .builder import (
    ARRAY,
    BOOL,
    FLOAT32,
    GGUF,
    INT32,
    MODEL,
    STRING,
    UINT8,
    UINT32,
    UINT64,
    Pair,
    array,
    string,
    u32,
    u64,
)
from .process import Child

BAD_UTF8 = b"\xff\xfe\xc0"

attacks = Attacks()
refused = attacks.refused


@refused(GGUFFormatError, "metadata 'key'", "type {0}", each=[13, 255, (1 << 32) - 1])
def unknown_type(number: int) -> GGUF:
    """Has a value of a type that no version of the format knows."""
    return MODEL.with_pair(Pair(b"key", number, bytes(8)))


@refused(GGUFFormatError, "metadata 'key'", "type {0}", each=[13, (1 << 32) - 1])
def unknown_element_type(number: int) -> GGUF:
    """Has an array of elements of such a type."""
    return MODEL.with_pair(Pair(b"key", ARRAY, array(number, 1, bytes(8))))


@refused(GGUFFormatError, "metadata 'key'", "array of arrays", each=[1, 2, 5000])
def nested_arrays(depth: int) -> GGUF:
    """Has arrays in arrays, in the end more of them than a stack has room for."""
    value = array(UINT8, 1, b"1")
    for _ in range(depth):
        value = array(ARRAY, 1, value)
    return MODEL.with_pair(Pair(b"key", ARRAY, value))


@refused(GGUFFormatError, "'llama.block_count'", "twice")
def duplicate_key() -> GGUF:
    """Gives a key two values, so that two readers may see two different models."""
    return replace(MODEL, pairs=(*MODEL.pairs, Pair(b"llama.block_count", UINT32, u32(3))))


@refused(GGUFFormatError, "general.architecture", "missing")
def no_architecture() -> GGUF:
    """Does not say of which architecture it is."""
    return MODEL.without_pair(b"general.architecture")


@refused(GGUFFormatError, "llama.block_count", "missing")
def no_block_count() -> GGUF:
    """Does not say how many layers it has."""
    return MODEL.without_pair(b"llama.block_count")


@refused(GGUFFormatError, "missing")
def nothing_at_all() -> GGUF:
    """Has neither metadata nor tensors."""
    return GGUF(pairs=(), entries=(), data=b"")


@refused(GGUFFormatError, "other.block_count", "missing")
def block_count_of_another_architecture() -> GGUF:
    """Says how many layers a llama has, and is none."""
    return MODEL.with_pair(Pair(b"general.architecture", STRING, string(b"other")))


@refused(GGUFFormatError, "general.architecture", "7")
def architecture_is_a_number() -> GGUF:
    """Gives a number for a name."""
    return MODEL.with_pair(Pair(b"general.architecture", UINT32, u32(7)))


@refused(GGUFFormatError, "general.architecture")
def architecture_is_an_array() -> GGUF:
    """Gives a list of names for a name."""
    names = array(STRING, 2, string(b"llama") + string(b"qwen2"))
    return MODEL.with_pair(Pair(b"general.architecture", ARRAY, names))


@refused(GGUFFormatError, "general.architecture")
def architecture_commands_the_terminal() -> GGUF:
    """Clears the screen of whoever prints the message about it."""
    name = b"\x1b[2J\r\n"
    return MODEL.with_pair(Pair(b"general.architecture", STRING, string(name))).with_pair(
        Pair(name + b".block_count", UINT32, u32(9))
    )


SCALARS = ("general.alignment", "general.architecture", "llama.block_count", "split.count")


@refused(GGUFFormatError, "{0}", each=SCALARS)
def a_megabyte_for_a_scalar(key: str) -> GGUF:
    """Has a text, and an error in it, that floods the terminal with its message."""
    return MODEL.with_pair(Pair(key.encode(), STRING, string(b"x" * (1 << 20))))


@refused(GGUFFormatError, "metadata key 5")
def a_key_of_a_megabyte() -> GGUF:
    """Has an error, and a key to flood the terminal; the specification allows 65,535 bytes."""
    return MODEL.with_pair(Pair(b"x" * (1 << 20), 99, b""))


WRONG_COUNTS = {
    "text": Pair(b"llama.block_count", STRING, string(b"2")),
    "fraction": Pair(b"llama.block_count", FLOAT32, struct.pack("<f", 2.0)),
    "truth": Pair(b"llama.block_count", BOOL, b"\x01"),
    "array": Pair(b"llama.block_count", ARRAY, array(UINT32, 1, u32(2))),
}


@refused(GGUFFormatError, "llama.block_count", "not int", each=list(WRONG_COUNTS))
def block_count_is_no_number(kind: str) -> GGUF:
    """Gives something else for the count of layers."""
    return MODEL.with_pair(WRONG_COUNTS[kind])


@refused(
    GGUFFormatError, "block_count says {0} layers", "2 layers, 0 to 1", each=[0, 1, 3, 1 << 31]
)
def block_count(count: int) -> GGUF:
    """Says so many layers, where there are tensors of two."""
    return MODEL.with_pair(Pair(b"llama.block_count", UINT32, u32(count)))


@refused(GGUFFormatError, "says {0} layers", each=[1 << 63, (1 << 64) - 1])
def block_count_of_64_bits(count: int) -> GGUF:
    """Says more layers than a list could hold."""
    return MODEL.with_pair(Pair(b"llama.block_count", UINT64, u64(count)))


@refused(GGUFFormatError, "llama.block_count says -1")
def negative_block_count() -> GGUF:
    """Says one layer less than none."""
    return MODEL.with_pair(Pair(b"llama.block_count", INT32, struct.pack("<i", -1)))


@refused(GGUFFormatError, "metadata key 5", "not UTF-8")
def key_is_not_utf8() -> GGUF:
    """Has a key that is no text."""
    return MODEL.with_pair(Pair(BAD_UTF8, UINT32, u32(1)))


@refused(GGUFFormatError, "metadata 'key'", "not UTF-8")
def string_is_not_utf8() -> GGUF:
    """Has a string that is no text."""
    return MODEL.with_pair(Pair(b"key", STRING, string(BAD_UTF8)))


@refused(GGUFFormatError, "metadata 'key'", "not UTF-8")
def string_is_half_a_surrogate() -> GGUF:
    """Has a string that would not come through JSON or a file name."""
    return MODEL.with_pair(Pair(b"key", STRING, string(b"\xed\xa0\x80")))


ALIGNMENTS = {
    "0": Pair(b"general.alignment", UINT32, u32(0)),
    "3": Pair(b"general.alignment", UINT32, u32(3)),
    "48": Pair(b"general.alignment", UINT32, u32(48)),
    "-32": Pair(b"general.alignment", INT32, struct.pack("<i", -32)),
    "18446744073709551615": Pair(b"general.alignment", UINT64, u64((1 << 64) - 1)),
    "'32'": Pair(b"general.alignment", STRING, string(b"32")),
    "32.0": Pair(b"general.alignment", FLOAT32, struct.pack("<f", 32.0)),
    "True": Pair(b"general.alignment", BOOL, b"\x01"),
}


@refused(GGUFFormatError, "general.alignment is {0}", "power of two", each=list(ALIGNMENTS))
def alignment(found: str) -> GGUF:
    """Aligns by nothing, by no power of two, or by no number."""
    return MODEL.with_pair(ALIGNMENTS[found])


@refused(GGUFFormatError, "general.alignment")
def alignment_is_an_array() -> GGUF:
    """Gives several alignments."""
    return MODEL.with_pair(Pair(b"general.alignment", ARRAY, array(UINT32, 2, u32(32) + u32(64))))


@refused(GGUFFormatError, "tensor 'token_embd.weight'", "the file ends at")
def alignment_of_2_to_63() -> GGUF:
    """Aligns by a power of two that is larger than any file."""
    return MODEL.with_pair(Pair(b"general.alignment", UINT64, u64(1 << 63)))


@attacks.each
def test_refused(attack: Attack, child: Child, tmp_path: Path) -> None:
    attack.check(child, tmp_path)


def test_a_string_of_an_array_that_is_not_utf8(child: Child, tmp_path: Path) -> None:
    """Arrays are read when they are asked for: until then nobody is in the way of the model."""
    strings = string(b"fine") + string(BAD_UTF8)
    content = MODEL.with_pair(Pair(b"key", ARRAY, array(STRING, 2, strings)))
    check_success(child.ask("open", path=str(written(content, tmp_path)), enabled=True))
    check_refusal(child.ask("metadata", key="key"), GGUFFormatError, "string 1", "not UTF-8")
    check_success(child.ask("get_layer", layer_id=0))
