"""From a file's quant blocks to float32, on all cores, bit for bit as the ``gguf`` package."""

import math
from contextlib import suppress
from functools import cache
from threading import Event, Thread

import numpy as np
from numpy.typing import NDArray

from ..errors import CancelledError, CapacityError, GuestError
from ..gguf import GGMLQuantizationType
from ..gguf import dequantize as reference
from ..memory import Cancelled, huge_pages, never
from .cores import usable_cores
from .module import kernels
from .types import KERNEL_TYPES
from .worker import PART_VALUES, worker

Part = tuple[NDArray[np.uint8], NDArray[np.float32]]
"""Blocks, and where their values go."""


def dequantize(
    data: NDArray[np.uint8],
    type_: GGMLQuantizationType,
    shape: tuple[int, ...],
    name: str,
    cancelled: Cancelled = never,
) -> NDArray[np.float32]:
    """The values of ``data``, a tensor's bytes, as a new array.

    What the kernels do not know, or everything where they are not compiled, is left to the
    ``gguf`` package, which is slower.

    Args:
        data: all blocks of the tensor, one-dimensional.
        type_: what the blocks are.
        shape: of the result, rows first.
        name: of the tensor, for the error.
        cancelled: asked every few milliseconds; True stops the work.

    Raises:
        UnsupportedQuantTypeError: nobody can dequantise ``type_``.
        CapacityError: there is no memory for the values.
        CancelledError: ``cancelled`` became true.
    """
    if type_ not in KERNEL_TYPES or not _are_there():
        return reference(data, type_, shape, name, cancelled)
    count = math.prod(shape)
    try:
        values = _new_array(count)
    except (MemoryError, OSError) as error:
        raise CapacityError(
            f"tensor {name!r} needs {count * 4} bytes as float32: {error}"
        ) from error
    _Making(type_, _parts(data, type_, values)).run(cancelled)
    return values.reshape(shape)


@cache
def _are_there() -> bool:
    try:
        kernels()
    except GuestError:
        return False
    return True


def _new_array(count: int) -> NDArray[np.float32]:
    if count < PART_VALUES:
        return np.empty(count, np.float32)
    return np.frombuffer(huge_pages(4 * count), np.float32)


def _parts(
    data: NDArray[np.uint8], type_: GGMLQuantizationType, values: NDArray[np.float32]
) -> list[Part]:
    part_bytes = PART_VALUES // type_.block_length * type_.block_bytes
    return [
        (data[start : start + part_bytes], values[first : first + PART_VALUES])
        for start, first in zip(
            range(0, data.size, part_bytes), range(0, values.size, PART_VALUES), strict=True
        )
    ]


class _Making:
    """Parts being made, of which each thread takes the next one that nobody has taken."""

    def __init__(self, type_: GGMLQuantizationType, parts: list[Part]) -> None:
        self._type = type_
        self._count = len(parts)
        self._left = iter(parts)
        self._settled: list[Part] = []
        self._all_settled = Event()
        self._errors: list[BaseException] = []

    def run(self, cancelled: Cancelled) -> None:
        """On this thread, and on others where they are worth having."""
        try:
            if self._count > 1:
                self._call_for_help(min(usable_cores(), self._count) - 1)
            self._work(cancelled)
        finally:
            self._settled.extend(self._left)  # nobody takes another
            self._wait()
        if self._errors:
            raise self._errors[0]

    def _call_for_help(self, count: int) -> None:
        with suppress(RuntimeError):  # there are no more threads to be had
            for _ in range(count):
                Thread(target=self._help, name="memory64-values").start()

    def _help(self) -> None:
        try:
            self._work(never)
        except BaseException as error:
            self._errors.append(error)

    def _work(self, cancelled: Cancelled) -> None:
        with worker() as mine:
            for part in self._left:
                try:
                    if cancelled():
                        raise CancelledError(f"dequantising stopped before all {self._count} parts")
                    mine.make(self._type, *part)
                finally:
                    self._settle(part)

    def _settle(self, part: Part) -> None:
        self._settled.append(part)
        if len(self._settled) == self._count:
            self._all_settled.set()

    def _wait(self) -> None:
        """Until nobody reads blocks or writes values, whatever signals raise meanwhile."""
        interruption = None
        while len(self._settled) < self._count:
            try:
                self._all_settled.wait()
            except BaseException as error:
                interruption = error
        if interruption:
            raise interruption
