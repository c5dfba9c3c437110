"""Values on all cores: in parts, cancelled, without kernels."""

import importlib
import multiprocessing

import numpy as np
import pytest
from gguf import GGMLQuantizationType as PackageType
from gguf import quants
from numpy.typing import NDArray

from memory64 import CancelledError, GGMLQuantizationType, GuestError
from memory64.kernels import KERNEL_TYPES, dequantize

module = importlib.import_module("memory64.kernels.dequantize")

Q = GGMLQuantizationType


def blocks_of(type_: GGMLQuantizationType, count: int) -> NDArray[np.uint8]:
    """Random bits."""
    size = count // type_.block_length * type_.block_bytes
    return np.random.default_rng(type_).integers(0, 256, size, np.uint8)


@pytest.mark.parametrize("type_", sorted(KERNEL_TYPES), ids=lambda type_: type_.name)
def test_several_parts_are_as_the_package_says(type_: GGMLQuantizationType) -> None:
    count = 2 * module.CHUNK_VALUES + 256 * 3
    data = blocks_of(type_, count)
    values = dequantize(data, type_, (3 + 2 * module.CHUNK_VALUES // 256, 256), "t")
    with np.errstate(all="ignore"):
        expected = quants.dequantize(data, PackageType(type_)).reshape(-1, 256)
    assert np.array_equal(values, expected, equal_nan=True)


def test_cancelling_ends_it() -> None:
    data = blocks_of(Q.Q4_K, 8 * module.CHUNK_VALUES)
    asked = iter(range(100))
    with pytest.raises(CancelledError, match="part 2 of 8"):
        dequantize(data, Q.Q4_K, (8 * module.CHUNK_VALUES,), "t", lambda: next(asked) == 2)


def test_without_kernels_the_package_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise GuestError("not compiled")

    data = blocks_of(Q.Q8_0, 320)
    expected = dequantize(data, Q.Q8_0, (320,), "t")
    monkeypatch.setattr(module, "kernels", missing)
    module._are_there.cache_clear()
    try:
        assert np.array_equal(dequantize(data, Q.Q8_0, (320,), "t"), expected, equal_nan=True)
    finally:
        module._are_there.cache_clear()


def sum_of_values() -> float:
    return float(dequantize(np.ones(34, np.uint8), Q.Q8_0, (32,), "t").sum())


def test_after_a_fork() -> None:
    here = sum_of_values()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(sum_of_values).get(30) == here
