"""Random matrices as trained ones lie in files: float values of a chosen spread, quantised.

Everything is made of whole numbers and IEEE operations on single elements, so that the bytes are
the same on every machine; measurements of the models are kept in the repository.
"""

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType
from gguf.quants import quantize

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

GROUPS, GROUP = 8, 32
"""A super-block of Q4_K has so many groups of so many columns."""


def uniform(shape: tuple[int, ...], spread: float, seed: str) -> Floats:
    """Values around 0 of that standard deviation, told by `seed` alone."""
    words = np.random.SFC64(list(seed.encode())).random_raw(-(-int(np.prod(shape)) // 4))
    shorts = np.asarray(words).view(np.int16)[: int(np.prod(shape))]
    step = np.float32(spread * 3**0.5 / 2**15)
    return (shorts * step).astype(np.float32).reshape(shape)


def quantized(values: Floats, quant_type: GGMLQuantizationType) -> Bytes:
    """The bytes of a matrix in Q4_K, or in a type that the gguf package can quantise to."""
    if quant_type is GGMLQuantizationType.Q4_K:
        return _q4_k(values).reshape(-1)
    encoded: npt.NDArray[np.generic] = quantize(values, quant_type)
    return encoded.reshape(-1).view(np.uint8)


def _q4_k(values: Floats) -> Bytes:
    """Each group from its least value, or 0, to its largest in 15 steps."""
    groups = values.reshape(-1, GROUPS, GROUP)
    lows = -np.minimum(groups.min(-1), 0)
    steps = (groups.max(-1) + lows) / np.float32(15)
    step, step_codes = _six_bits(steps)
    low, low_codes = _six_bits(lows)
    offset = _of_groups(low, low_codes)
    codes = np.rint((groups + offset) / _of_groups(step, step_codes))
    return _q4_k_blocks(step, low, step_codes, low_codes, np.clip(codes, 0, 15).astype(np.uint8))


def _six_bits(values: Floats) -> tuple[npt.NDArray[np.float16], Bytes]:
    """What each super-block's values are multiples of, and which multiples."""
    unit = (values.max(-1) / np.float32(63)).astype(np.float16)
    codes = np.rint(values / unit.astype(np.float32)[:, None])
    return unit, np.clip(codes, 1, 63).astype(np.uint8)


def _of_groups(unit: npt.NDArray[np.float16], codes: Bytes) -> Floats:
    return (unit.astype(np.float32)[:, None] * codes)[..., None].astype(np.float32)


def _q4_k_blocks(
    step: npt.NDArray[np.float16],
    low: npt.NDArray[np.float16],
    step_codes: Bytes,
    low_codes: Bytes,
    codes: Bytes,
) -> Bytes:
    """The layout of `block_q4_K` in ggml's ggml-common.h."""
    first_steps, last_steps = step_codes[:, :4], step_codes[:, 4:]
    first_lows, last_lows = low_codes[:, :4], low_codes[:, 4:]
    parts = [
        step[:, None].view(np.uint8),
        low[:, None].view(np.uint8),
        first_steps | last_steps >> 4 << 6,
        first_lows | last_lows >> 4 << 6,
        last_steps & 15 | last_lows << 4,
        (codes[:, 0::2] | codes[:, 1::2] << 4).reshape(len(codes), -1),
    ]
    return np.concatenate(parts, axis=1)
