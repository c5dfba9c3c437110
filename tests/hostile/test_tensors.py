"""A tensor directory that cannot be."""

from dataclasses import replace
from pathlib import Path

from memory64 import GGUFFormatError, UnsupportedQuantTypeError

from .attack import Attack, Attacks
from .builder import F32, GGUF, MODEL, Q8_0
from .process import Child

attacks = Attacks()
refused = attacks.refused


@refused(
    UnsupportedQuantTypeError,
    "tensor 'blk.0.attn_q.weight'",
    "quant type {0}",
    each=[4, 31, 9999, (1 << 32) - 1],
)
def unknown_quant_type(number: int) -> GGUF:
    """Is stored in a type that was withdrawn (4, 31) or never was."""
    return MODEL.with_entry(1, type=number)


@refused(GGUFFormatError, "tensor 'blk.0.attn_q.weight'", "{0} elements", "32", each=[1, 31, 33])
def row_is_no_multiple_of_the_block(length: int) -> GGUF:
    """Has rows that end inside a block of 32."""
    return MODEL.with_entry(1, dimensions=(length, 2), type=Q8_0)


@refused(
    GGUFFormatError, "tensor 'blk.0.attn_q.weight'", "{0} dimensions", each=[0, 5, (1 << 32) - 1]
)
def dimension_count(count: int) -> GGUF:
    """Says how many dimensions follow: none, or more than the format has."""
    return MODEL.with_entry(1, dimensions=(32,) * min(count, 8), dimension_count=count)


@refused(
    GGUFFormatError, "'token_embd.weight'", "dimension of 0", each=[(0,), (8, 0), (0, 1 << 63)]
)
def dimension_of_0(dimensions: tuple[int, ...]) -> GGUF:
    """Has no elements."""
    return MODEL.with_entry(0, dimensions=dimensions)


@refused(GGUFFormatError, "tensor 'blk.0.attn_q.weight'", "twice")
def duplicate_name() -> GGUF:
    """Lists one name twice."""
    return MODEL.with_entry(2, name=b"blk.0.attn_q.weight")


@refused(GGUFFormatError, "the name of tensor 0", "not UTF-8")
def name_is_not_utf8() -> GGUF:
    """Has a name that is no text."""
    return MODEL.with_entry(0, name=b"\xff\xff")


@refused(GGUFFormatError, "the name of tensor 0")
def name_of_a_megabyte() -> GGUF:
    """Has an error, and a name to flood the terminal; the specification allows 64 bytes."""
    return MODEL.with_entry(0, name=b"x" * (1 << 20), type=9999)


@refused(GGUFFormatError)
def name_commands_the_terminal() -> GGUF:
    """Has a name that clears the screen of whoever prints the message about it."""
    return MODEL.with_entry(0, name=b"\x1b[2J\r\n", offset=1)


@refused(GGUFFormatError, "block_count says 2 layers")
def layers_with_a_gap() -> GGUF:
    """Has tensors of the layers 0 and 2."""
    return MODEL.with_entry(2, name=b"blk.2.attn_q.weight")


@refused(GGUFFormatError, "block_count says 2 layers")
def layer_number_of_64_bits() -> GGUF:
    """Has tensors of the layers 0 and 2^64-1."""
    return MODEL.with_entry(2, name=b"blk.18446744073709551615.attn_q.weight")


@refused(GGUFFormatError)
def layer_number_of_5000_digits() -> GGUF:
    """Has a layer number longer than Python turns into an int (4300 digits)."""
    return MODEL.with_entry(2, name=b"blk." + b"9" * 5000 + b".attn_q.weight")


@refused(
    GGUFFormatError, "tensor 'blk.1.attn_q.weight'", "the file ends at", each=[32 << 10, 1 << 40]
)
def offset_outside(offset: int) -> GGUF:
    """Lies behind the end of the file."""
    return MODEL.with_entry(2, offset=offset)


@refused(GGUFFormatError, "tensor 'blk.1.attn_q.weight'", "needs 64 bytes", "the file ends at")
def one_byte_short() -> GGUF:
    """Has its last byte behind the end of the file."""
    return replace(MODEL, data=MODEL.data[:-1])


@refused(GGUFFormatError, "'blk.1.attn_q.weight'", "not aligned to 32", each=[1, 16, 193])
def unaligned(offset: int) -> GGUF:
    """Begins between two multiples of the alignment."""
    return MODEL.with_entry(2, offset=offset)


@refused(GGUFFormatError, "'token_embd.weight'", "'blk.1.attn_q.weight'", "overlap")
def two_tensors_in_one_place() -> GGUF:
    """Gives two tensors the same bytes."""
    return MODEL.with_entry(2, offset=0)


@refused(GGUFFormatError, "'blk.0.attn_q.weight'", "'blk.1.attn_q.weight'", "overlap")
def tensors_that_overlap() -> GGUF:
    """Lets a tensor begin in the last block of another."""
    return MODEL.with_entry(2, offset=MODEL.entries[1].offset + 64)


@refused(GGUFFormatError, "overlap")
def a_tensor_inside_another() -> GGUF:
    """Lets one tensor be the whole data, the others parts of it."""
    return MODEL.with_entry(0, dimensions=(len(MODEL.data) // 4,), type=F32)


@attacks.each
def test_refused(attack: Attack, child: Child, tmp_path: Path) -> None:
    attack.check(child, tmp_path)
