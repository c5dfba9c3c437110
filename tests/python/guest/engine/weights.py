"""Rows of every quant type: random bits, with scales of several kinds."""

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants
from numpy.typing import NDArray

T = GGMLQuantizationType

HALVES_AT = {
    T.Q8_0: (0,),
    T.Q4_0: (0,),
    T.Q4_1: (0, 2),
    T.Q5_0: (0,),
    T.Q5_1: (0, 2),
    T.Q2_K: (80, 82),
    T.Q3_K: (108,),
    T.Q4_K: (0, 2),
    T.Q5_K: (0, 2),
    T.Q6_K: (208,),
    T.IQ4_NL: (0,),
    T.IQ4_XS: (0,),
}
"""Where a block has its scales (and minima): the 16-bit floats among its bytes."""

FLOATS = {T.F32: np.float32, T.F16: np.float16, T.BF16: np.float32}
TYPES = [*FLOATS, *HALVES_AT]

SCALES = {
    "usual": 1e-2,
    "subnormal": 1e-6,
    "zero": 0.0,
    "largest": 65504.0,
}


def block_columns(type_: GGMLQuantizationType) -> int:
    return GGML_QUANT_SIZES[type_][0]


def random_rows(
    type_: GGMLQuantizationType, rows: int, columns: int, scale: float, seed: int
) -> NDArray[np.uint8]:
    """Rows of the type, whose every bit but the scales' is random."""
    random = np.random.default_rng(seed)
    if type_ in FLOATS:
        values = (random.standard_normal((rows, columns)) * min(scale, 1e4)).astype(FLOATS[type_])
        if type_ == T.BF16:
            return (values.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
        return values.view(np.uint8)
    length, size = GGML_QUANT_SIZES[type_]
    blocks = random.integers(0, 256, (rows * columns // length, size), np.uint8)
    for at in HALVES_AT[type_]:
        # Of either sign, and none beyond the largest half.
        halves = (random.uniform(-1, 1, len(blocks)) * scale).astype(np.float16)
        blocks[:, at : at + 2] = halves[:, None].view(np.uint8)
    return blocks.reshape(rows, -1)


def filled_rows(
    type_: GGMLQuantizationType, byte: int, columns: int, scale: float
) -> NDArray[np.uint8]:
    """One row whose blocks have the same byte everywhere but in their scales."""
    length, size = GGML_QUANT_SIZES[type_]
    blocks = np.full((columns // length, size), byte, np.uint8)
    for at in HALVES_AT[type_]:
        blocks[:, at : at + 2] = np.array([scale], np.float16).view(np.uint8)
    return blocks.reshape(1, -1)


def values(type_: GGMLQuantizationType, rows: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What the ``gguf`` package makes of the rows."""
    return quants.dequantize(rows, type_).astype(np.float64)
