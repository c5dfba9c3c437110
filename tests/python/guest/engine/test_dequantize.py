"""Values are the gguf package's, bit for bit."""

import numpy as np
import pytest
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants
from numpy.typing import NDArray

from tests.python.guest.engine.kernels import Kernels
from tests.python.guest.engine.weights import HALVES_AT, SCALES, TYPES, random_rows

every_type = pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.name)


def check(kernels: Kernels, type_: GGMLQuantizationType, blocks: NDArray[np.uint8]) -> None:
    with np.errstate(all="ignore"):
        expected = quants.dequantize(blocks, type_).astype(np.float32).reshape(-1)
    values = kernels.dequantize(type_, blocks, expected.size)
    nan = np.isnan(expected)
    assert np.array_equal(np.isnan(values), nan)
    assert values[~nan].tobytes() == expected[~nan].tobytes()


@every_type
@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_random_weights(kernels: Kernels, type_: GGMLQuantizationType, scale: float) -> None:
    check(kernels, type_, random_rows(type_, 64, 512, scale, seed=1))


@every_type
def test_random_bits(kernels: Kernels, type_: GGMLQuantizationType) -> None:
    size = GGML_QUANT_SIZES[type_][1]
    random = np.random.default_rng(2)
    check(kernels, type_, random.integers(0, 256, (4096, size), np.uint8))


@pytest.mark.parametrize("type_", [GGMLQuantizationType.F16, GGMLQuantizationType.BF16])
def test_every_16_bit_float(kernels: Kernels, type_: GGMLQuantizationType) -> None:
    check(kernels, type_, np.arange(1 << 16, dtype=np.uint16).view(np.uint8).reshape(1, -1))


@every_type
def test_every_scale(kernels: Kernels, type_: GGMLQuantizationType) -> None:
    """All 65,536 bit patterns of each 16-bit float that a block has."""
    blocks = random_rows(type_, 1 << 16, GGML_QUANT_SIZES[type_][0], 1.0, seed=3)
    for at in HALVES_AT.get(type_, ()):
        changed = blocks.copy()
        changed[:, at : at + 2] = np.arange(1 << 16, dtype=np.uint16)[:, None].view(np.uint8)
        for part in np.array_split(changed, 16):
            check(kernels, type_, part)


@pytest.mark.parametrize("count", range(1, 10))
@pytest.mark.parametrize(
    "type_", [GGMLQuantizationType.F32, GGMLQuantizationType.F16, GGMLQuantizationType.BF16]
)
def test_any_number_of_floats(kernels: Kernels, type_: GGMLQuantizationType, count: int) -> None:
    check(kernels, type_, random_rows(type_, 1, count, 1.0, seed=4))
