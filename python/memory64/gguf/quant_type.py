"""Quant types: how many bytes a row takes, and which type number is which."""

from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from ..errors import GGUFFormatError, UnsupportedQuantTypeError

__all__ = ["GGMLQuantizationType", "bytes_per_row", "quant_type"]


def quant_type(number: int, what: str) -> GGMLQuantizationType:
    """The quant type with that number in a file.

    Raises:
        UnsupportedQuantTypeError: the ``gguf`` package knows no type of that number.
    """
    try:
        return GGMLQuantizationType(number)
    except ValueError:
        raise UnsupportedQuantTypeError(
            f"{what} has quant type {number}, which this version of the gguf package does not know"
        ) from None


def bytes_per_row(row_length: int, type_: GGMLQuantizationType, what: str) -> int:
    """Bytes of one row of ``row_length`` elements.

    Raises:
        GGUFFormatError: a row is no whole number of quant blocks.
    """
    block_length, block_bytes = GGML_QUANT_SIZES[type_]
    if row_length % block_length:
        raise GGUFFormatError(
            f"{what}: rows of {row_length} elements are no multiple of the {block_length} "
            f"elements in a block of {type_.name}"
        )
    return row_length // block_length * block_bytes
