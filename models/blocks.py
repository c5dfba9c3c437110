"""Random bytes that are valid quant blocks: every dequantised value is finite and small.

A quant block may hold any bits except in its scales, where some patterns mean infinity or
not-a-number. So a tensor is drawn as random bytes, then each scale keeps its low bits and has the
others set, which leaves it random within a factor of two.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from models.writer import TensorSpec

PIECE_BYTES = 16 << 20

Q = GGMLQuantizationType


@dataclass(frozen=True)
class Scale:
    """A little-endian unsigned integer of `width` bytes within a block, and the bits it may have.

    `kept` masks the bits that stay random, `fixed` has the bits that are set.
    """

    offset: int
    width: int
    kept: int
    fixed: int


def _float16(offset: int, exponent: int, *, sign: int = 0) -> Scale:
    """A float16 of magnitude 2**exponent up to twice that."""
    return Scale(offset, 2, 0x03FF, sign << 15 | (exponent + 15) << 10)


def _subnormal16(offset: int) -> Scale:
    """A float16 from 1.5e-5 up to twice that, where the scales of real Q6_K blocks lie."""
    return Scale(offset, 2, 0x00FF, 0x0100)


# The first scale is the step between values, a second one the block's minimum; the exponents bring
# the values near those of trained weights.
SCALES: dict[GGMLQuantizationType, tuple[Scale, ...]] = {
    Q.F32: (Scale(0, 4, 0x807FFFFF, (127 - 6) << 23),),
    Q.F16: (Scale(0, 2, 0x83FF, (15 - 6) << 10),),
    Q.BF16: (Scale(0, 2, 0x807F, (127 - 6) << 7),),
    Q.F64: (Scale(0, 8, 0x800FFFFFFFFFFFFF, (1023 - 6) << 52),),
    Q.I8: (),
    Q.I16: (),
    Q.I32: (),
    Q.I64: (),
    Q.Q4_0: (_float16(0, -8),),
    Q.Q4_1: (_float16(0, -8), _float16(2, -5, sign=1)),
    Q.Q5_0: (_float16(0, -9),),
    Q.Q5_1: (_float16(0, -9), _float16(2, -5, sign=1)),
    Q.Q8_0: (_float16(0, -12),),
    Q.Q8_1: (_float16(0, -12), _float16(2, -5)),
    Q.Q2_K: (_float16(80, -9), _float16(82, -9)),
    Q.Q3_K: (_float16(108, -12),),
    Q.Q4_K: (_float16(0, -14), _float16(2, -11)),
    Q.Q5_K: (_subnormal16(0), _float16(2, -12)),
    Q.Q6_K: (_subnormal16(208),),
    Q.Q8_K: (Scale(0, 4, 0x007FFFFF, (127 - 12) << 23),),
    Q.IQ1_S: (_float16(0, -9),),
    # The four top nibbles of these words are one float16, the last its sign and high exponent.
    Q.IQ1_M: (Scale(54, 2, 0x0FFF, 0x1000),),
    Q.IQ2_XXS: (_float16(0, -12),),
    Q.IQ2_XS: (_float16(0, -12),),
    Q.IQ2_S: (_float16(0, -12),),
    Q.IQ3_XXS: (_float16(0, -12),),
    Q.IQ3_S: (_float16(0, -12),),
    Q.IQ4_NL: (_float16(0, -12),),
    Q.IQ4_XS: (_subnormal16(0),),
    Q.TQ1_0: (_float16(52, -6),),
    Q.TQ2_0: (_float16(64, -6),),
    Q.MXFP4: (Scale(0, 1, 0x01, 127 - 8),),
    Q.NVFP4: tuple(Scale(offset, 1, 0x07, 0x08) for offset in range(4)),
    Q.Q1_0: (_float16(0, -6),),
}

# Norm weights, the one-dimensional tensors, lie around 1 in trained models.
NORM = Scale(0, 4, 0x007FFFFF, 127 << 23)


def random_tensor(tensor: TensorSpec, seed: str) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the bytes of `tensor` in pieces of up to 16 MiB, told by its name and `seed` alone."""
    scales = _scales(tensor)
    block_bytes = GGML_QUANT_SIZES[tensor.quant_type][1]
    random = np.random.Generator(np.random.SFC64(list(f"{seed}/{tensor.name}".encode())))
    left = tensor.nbytes // block_bytes
    while left:
        count = min(left, PIECE_BYTES // block_bytes)
        words = random.integers(0, 1 << 64, -(-count * block_bytes // 8), dtype=np.uint64)
        blocks = words.view(np.uint8)[: count * block_bytes].reshape(count, block_bytes)
        for scale in scales:
            _settle(blocks, scale)
        yield blocks.reshape(-1)
        left -= count


def _scales(tensor: TensorSpec) -> tuple[Scale, ...]:
    if len(tensor.shape) == 1 and tensor.quant_type is Q.F32:
        return (NORM,)
    return SCALES[tensor.quant_type]


def _settle(blocks: npt.NDArray[np.uint8], scale: Scale) -> None:
    integers = blocks[:, scale.offset : scale.offset + scale.width].view(f"<u{scale.width}")
    integers &= integers.dtype.type(scale.kept)
    integers |= integers.dtype.type(scale.fixed)
