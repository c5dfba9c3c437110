"""Products against float64, with the values that the gguf package and numpy's own rounding give."""

from itertools import product

import numpy as np
import pytest
from gguf import GGMLQuantizationType
from numpy.typing import NDArray

from tests.python.guest.engine.kernels import Kernels
from tests.python.guest.engine.weights import (
    FLOATS,
    HALVES_AT,
    SCALES,
    TYPES,
    block_columns,
    filled_rows,
    random_rows,
    values,
)

ROUNDING = 5e-7
"""Of the sum of the magnitudes: some additions of 32-bit floats."""

every_type = pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.name)
every_quantised = pytest.mark.parametrize("type_", HALVES_AT, ids=lambda type_: type_.name)


def activations(tokens: int, columns: int, seed: int) -> NDArray[np.float32]:
    """Of very different sizes, as a model's are; and a block of zeros."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((tokens, columns)) * np.exp(2 * random.standard_normal(columns))
    x[:, :32] = 0
    return x.astype(np.float32)


def as_multiplied(type_: GGMLQuantizationType, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """The values that 8-bit activations stand for: as many share a scale as a block has columns."""
    if type_ in FLOATS:
        return x.astype(np.float64)
    blocks = x.reshape(len(x), -1, block_columns(type_))
    largest = np.abs(blocks).max(-1, keepdims=True)
    factor = np.divide(np.float32(127), largest, out=np.zeros_like(largest), where=largest > 0)
    return (np.rint(blocks * factor) * (largest / np.float32(127)).astype(np.float64)).reshape(
        x.shape
    )


def check(
    kernels: Kernels,
    type_: GGMLQuantizationType,
    rows: NDArray[np.uint8],
    x: NDArray[np.float32],
) -> None:
    weights, multiplied = values(type_, rows), as_multiplied(type_, x)
    result = kernels.matmul(type_, rows, x)
    # Scales and minima may cancel each other out in a row, but then do not in others.
    largest = np.abs(weights).max()
    magnitude = np.abs(multiplied) @ np.abs(weights).T + largest * np.abs(multiplied).sum(
        -1, keepdims=True
    )
    assert np.all(np.abs(result - multiplied @ weights.T) <= ROUNDING * magnitude + 1e-37)


@every_type
@pytest.mark.parametrize("tokens", [*range(1, 10), 64, 129])
def test_every_number_of_tokens(kernels: Kernels, type_: GGMLQuantizationType, tokens: int) -> None:
    check(kernels, type_, random_rows(type_, 34, 512, 1e-2, seed=1), activations(tokens, 512, 2))


@every_type
@pytest.mark.parametrize("tokens", [1, 3])
def test_every_number_of_rows(kernels: Kernels, type_: GGMLQuantizationType, tokens: int) -> None:
    x = activations(tokens, 256, 3)
    for rows in (*range(1, 18), 31, 33, 65):
        check(kernels, type_, random_rows(type_, rows, 256, 1e-2, seed=rows), x)


@every_type
@pytest.mark.parametrize("tokens", [1, 2])
def test_every_number_of_blocks(kernels: Kernels, type_: GGMLQuantizationType, tokens: int) -> None:
    step = max(block_columns(type_), 32)
    for columns in range(step, 18 * step, step):
        x = activations(tokens, columns, columns)
        check(kernels, type_, random_rows(type_, 5, columns, 1e-2, seed=5), x)


@pytest.mark.parametrize("type_", FLOATS, ids=lambda type_: type_.name)
@pytest.mark.parametrize("tokens", [1, 2])
def test_floats_of_every_length(kernels: Kernels, type_: GGMLQuantizationType, tokens: int) -> None:
    random = np.random.default_rng(6)
    for columns in range(1, 40):
        x = random.standard_normal((tokens, columns)).astype(np.float32)
        check(kernels, type_, random_rows(type_, 5, columns, 1.0, seed=columns), x)


@every_type
@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
@pytest.mark.parametrize("tokens", [1, 5])
def test_extreme_scales(
    kernels: Kernels, type_: GGMLQuantizationType, scale: float, tokens: int
) -> None:
    check(kernels, type_, random_rows(type_, 20, 512, scale, seed=7), activations(tokens, 512, 8))


@every_type
@pytest.mark.parametrize("size", [1e-30, 1e-15, 1e15, 1e30])
@pytest.mark.parametrize("tokens", [1, 2])
def test_activations_of_every_size(
    kernels: Kernels, type_: GGMLQuantizationType, size: float, tokens: int
) -> None:
    x = activations(tokens, 256, 17) * np.float32(size)
    check(kernels, type_, random_rows(type_, 5, 256, 1e-2, seed=18), x)


@every_quantised
@pytest.mark.parametrize("tokens", [1, 2])
def test_every_byte_against_the_largest_activations(
    kernels: Kernels, type_: GGMLQuantizationType, tokens: int
) -> None:
    """Sums in 16 bits are at their limits here: all weights alike, all activations ±127."""
    rows = np.concatenate([filled_rows(type_, byte, 256, 0.5) for byte in range(256)])
    random = np.random.default_rng(9)
    for signs in (np.ones(256), -np.ones(256), random.choice([-1, 1], 256)):
        check(kernels, type_, rows, np.tile(signs.astype(np.float32), (tokens, 1)))


@every_type
@pytest.mark.parametrize("tokens", [1, 4])
def test_shares_of_rows_give_the_same(
    kernels: Kernels, type_: GGMLQuantizationType, tokens: int
) -> None:
    rows, x = random_rows(type_, 75, 256, 1e-2, seed=10), activations(tokens, 256, 11)
    whole = kernels.matmul(type_, rows, x)
    for first, count in ((0, 16), (16, 48), (48, 27), (64, 11), (32, 0)):
        part = kernels.matmul(type_, rows, x, first, count)
        asked = slice(first, first + count)
        assert part[:, asked].tobytes() == whole[:, asked].tobytes()
        part[:, asked] = np.nan
        assert np.isnan(part).all()  # nothing else is written


@every_type
@pytest.mark.parametrize("columns", [256, 288])
def test_tokens_do_not_depend_on_their_neighbours(
    kernels: Kernels, type_: GGMLQuantizationType, columns: int
) -> None:
    columns -= columns % block_columns(type_)
    rows, x = random_rows(type_, 16, columns, 1e-2, seed=12), activations(131, columns, 13)
    together = kernels.matmul(type_, rows, x)
    assert kernels.matmul(type_, rows, x[:7]).tobytes() == together[:7].tobytes()
    for token in (0, 130):  # alone there is another way to compute it
        alone = kernels.matmul(type_, rows, x[token : token + 1])
        assert alone.tobytes() == together[token : token + 1].tobytes()


@every_type
def test_both_builds_agree(both: list[Kernels], type_: GGMLQuantizationType) -> None:
    for tokens, seed in product((1, 3), range(3)):
        rows, x = random_rows(type_, 9, 512, 1e-2, seed), activations(tokens, 512, seed)
        relaxed, plain = (kernels.matmul(type_, rows, x) for kernels in both)
        magnitude = np.abs(as_multiplied(type_, x)) @ np.abs(values(type_, rows)).T
        assert np.all(np.abs(relaxed - plain) <= ROUNDING * magnitude + 1e-37)


@every_type
@pytest.mark.parametrize("tokens", [1, 2])
def test_any_bits_do_not_trap(kernels: Kernels, type_: GGMLQuantizationType, tokens: int) -> None:
    random = np.random.default_rng(14)
    rows = random_rows(type_, 17, 256, 1.0, seed=15)
    rows[:] = random.integers(0, 256, rows.shape, np.uint8)
    bits = random.integers(0, 1 << 32, (tokens, 256), np.uint32)
    x = np.concatenate([bits[:, :128].view(np.float32), activations(tokens, 128, 16)], axis=1)
    x[0, 128], x[0, 160], x[0, 192] = np.nan, np.inf, -np.inf
    kernels.matmul(type_, rows, x)
