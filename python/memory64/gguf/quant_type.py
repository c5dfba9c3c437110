"""Quant types: how many bytes a row takes, and which type number is which."""

from enum import IntEnum

from ..errors import GGUFFormatError, UnsupportedQuantTypeError


class GGMLQuantizationType(IntEnum):
    """The types by their number in a file; each with the elements and the bytes of a block.

    The same as the ``gguf`` package's, which a test compares. That package takes as long to
    import as numpy, and is needed only where something is dequantised.
    """

    block_length: int
    block_bytes: int

    def __new__(cls, number: int, block_length: int, block_bytes: int) -> "GGMLQuantizationType":
        """A member: its value is the number alone."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.block_length = block_length
        member.block_bytes = block_bytes
        return member

    F32 = 0, 1, 4
    F16 = 1, 1, 2
    Q4_0 = 2, 32, 18
    Q4_1 = 3, 32, 20
    Q5_0 = 6, 32, 22
    Q5_1 = 7, 32, 24
    Q8_0 = 8, 32, 34
    Q8_1 = 9, 32, 40
    Q2_K = 10, 256, 84
    Q3_K = 11, 256, 110
    Q4_K = 12, 256, 144
    Q5_K = 13, 256, 176
    Q6_K = 14, 256, 210
    Q8_K = 15, 256, 292
    IQ2_XXS = 16, 256, 66
    IQ2_XS = 17, 256, 74
    IQ3_XXS = 18, 256, 98
    IQ1_S = 19, 256, 50
    IQ4_NL = 20, 32, 18
    IQ3_S = 21, 256, 110
    IQ2_S = 22, 256, 82
    IQ4_XS = 23, 256, 136
    I8 = 24, 1, 1
    I16 = 25, 1, 2
    I32 = 26, 1, 4
    I64 = 27, 1, 8
    F64 = 28, 1, 8
    IQ1_M = 29, 256, 56
    BF16 = 30, 1, 2
    TQ1_0 = 34, 256, 54
    TQ2_0 = 35, 256, 66
    MXFP4 = 39, 32, 17
    NVFP4 = 40, 64, 36
    Q1_0 = 41, 128, 18


def quant_type(number: int, what: str) -> GGMLQuantizationType:
    """The quant type with that number in a file.

    Raises:
        UnsupportedQuantTypeError: there is no type of that number.
    """
    try:
        return GGMLQuantizationType(number)  # type: ignore[call-arg]  # not __new__
    except ValueError:
        raise UnsupportedQuantTypeError(
            f"{what} has quant type {number}, which this version of memory64 does not know"
        ) from None


def bytes_per_row(row_length: int, type_: GGMLQuantizationType, what: str) -> int:
    """Bytes of one row of ``row_length`` elements.

    Raises:
        GGUFFormatError: a row is no whole number of quant blocks.
    """
    if row_length % type_.block_length:
        raise GGUFFormatError(
            f"{what}: rows of {row_length} elements are no multiple of the {type_.block_length} "
            f"elements in a block of {type_.name}"
        )
    return row_length // type_.block_length * type_.block_bytes
