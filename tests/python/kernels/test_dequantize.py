"""Values on all cores: in parts, whoever makes them, cancelled, without kernels."""

import importlib
import multiprocessing
from threading import Thread, get_ident

import numpy as np
import pytest
from gguf import GGMLQuantizationType as PackageType
from gguf import quants
from numpy.typing import NDArray

from memory64 import (
    CancelledError,
    CapacityError,
    GGMLQuantizationType,
    GuestError,
    UnsupportedQuantTypeError,
)
from memory64.kernels import KERNEL_TYPES, dequantize
from memory64.kernels.worker import PART_VALUES, Worker

module = importlib.import_module("memory64.kernels.dequantize")

Q = GGMLQuantizationType

every_type = pytest.mark.parametrize("type_", sorted(KERNEL_TYPES), ids=lambda type_: type_.name)


def blocks_of(type_: GGMLQuantizationType, count: int) -> NDArray[np.uint8]:
    """Random bits."""
    size = count // type_.block_length * type_.block_bytes
    return np.random.default_rng(type_).integers(0, 256, size, np.uint8)


def check(type_: GGMLQuantizationType, count: int) -> None:
    data = blocks_of(type_, count)
    values = dequantize(data, type_, (count,), "t")
    with np.errstate(all="ignore"):
        expected = quants.dequantize(data, PackageType(type_))
    assert values.dtype == np.float32
    assert np.array_equal(np.isnan(values), np.isnan(expected))
    number = ~np.isnan(expected)
    assert values[number].tobytes() == expected[number].tobytes()


@every_type
@pytest.mark.parametrize("threads", [1, 3])
def test_several_parts_are_as_the_package_says(
    type_: GGMLQuantizationType, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "usable_cores", lambda: threads)
    check(type_, 3 * PART_VALUES + 3 * 256)


@every_type
@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_any_number_of_blocks(type_: GGMLQuantizationType, blocks: int) -> None:
    check(type_, blocks * type_.block_length)


@every_type
def test_none(type_: GGMLQuantizationType) -> None:
    assert dequantize(np.empty(0, np.uint8), type_, (0, 256), "t").shape == (0, 256)


@pytest.mark.parametrize("type_", [Q.F32, Q.F16, Q.BF16, Q.Q8_0], ids=lambda type_: type_.name)
@pytest.mark.parametrize("blocks", [-1, 0, 1])
def test_around_a_whole_part(type_: GGMLQuantizationType, blocks: int) -> None:
    check(type_, PART_VALUES + blocks * type_.block_length)


def test_arrays_are_their_callers_own() -> None:
    data = blocks_of(Q.Q4_0, 2 * PART_VALUES)
    data[0:2] = 0  # a scale of zero, not NaN
    first, second = (dequantize(data, Q.Q4_0, (2, PART_VALUES), "t") for _ in range(2))
    first[:] = 7
    third = dequantize(data, Q.Q4_0, (2, PART_VALUES), "t")
    assert (first == 7).all()
    assert np.array_equal(second, third, equal_nan=True)
    del second, third
    assert (first == 7).all()


def test_a_system_that_moves_no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module(Worker.__module__), "move_pages", never_moved)
    check(Q.Q4_K, 2 * PART_VALUES)


def never_moved(*_: int) -> bool:
    return False


def test_a_system_without_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(module, "usable_cores", lambda: 3)
    monkeypatch.setattr(Thread, "start", refuse)
    check(Q.Q4_K, 3 * PART_VALUES)


def test_cancelling_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "usable_cores", lambda: 1)
    asked = iter(range(100))
    data = blocks_of(Q.Q4_K, 4 * PART_VALUES)
    with pytest.raises(CancelledError, match="dequantising"):
        dequantize(data, Q.Q4_K, (4 * PART_VALUES,), "t", lambda: next(asked) == 2)


@pytest.mark.parametrize("threads", [1, 3])
def test_cancelled_before_it_begins(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "usable_cores", lambda: threads)
    with pytest.raises(CancelledError):
        dequantize(blocks_of(Q.Q8_0, 320), Q.Q8_0, (320,), "t", lambda: True)


@pytest.mark.parametrize("here", [True, False], ids=["on the caller's thread", "on another"])
def test_once_it_has_failed_nobody_writes_any_more(
    here: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = get_ident()
    at_work: list[int] = []
    make = Worker.make

    def fail_or_make(self: Worker, *part: object) -> None:
        at_work.append(get_ident())
        try:
            if (get_ident() == caller) == here:
                raise MemoryError("no memory")
            make(self, *part)
        finally:
            at_work.remove(get_ident())

    monkeypatch.setattr(module, "usable_cores", lambda: 3)
    monkeypatch.setattr(Worker, "make", fail_or_make)
    count = 12 * PART_VALUES
    with pytest.raises(MemoryError, match="no memory"):
        dequantize(blocks_of(Q.Q8_0, count), Q.Q8_0, (count,), "t")
    assert at_work == []


def test_more_than_there_is() -> None:
    with pytest.raises(CapacityError, match=f"'t' needs {4 << 50} bytes"):
        dequantize(np.empty(0, np.uint8), Q.F32, (1 << 50,), "t")


def test_a_type_that_nobody_knows() -> None:
    with pytest.raises(UnsupportedQuantTypeError, match="Q8_K"):
        dequantize(blocks_of(Q.Q8_K, 256), Q.Q8_K, (256,), "t")


def test_without_kernels_the_package_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise GuestError("not compiled")

    monkeypatch.setattr(module, "kernels", missing)
    monkeypatch.setattr(Worker, "make", missing)
    module._are_there.cache_clear()
    try:
        check(Q.Q8_0, 320)
    finally:
        module._are_there.cache_clear()


def sum_of_values() -> float:
    return float(dequantize(np.ones(34, np.uint8), Q.Q8_0, (32,), "t").sum())


def test_after_a_fork() -> None:
    here = sum_of_values()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(sum_of_values).get(30) == here
