"""From a file's quant blocks to float32, by the ``gguf`` package's reference code."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..errors import CancelledError, CapacityError, UnsupportedQuantTypeError
from .quant_type import GGMLQuantizationType

CHUNK_VALUES = 1 << 18
"""Values made between two looks at whether they are still wanted: about a millisecond of work,
in memory that a core has near."""


def dequantize(
    data: NDArray[np.uint8],
    type_: GGMLQuantizationType,
    shape: tuple[int, ...],
    name: str,
    cancelled: Callable[[], bool] = lambda: False,
) -> NDArray[np.float32]:
    """The values of ``data``, a tensor's bytes, as a new array.

    Args:
        data: all blocks of the tensor, one-dimensional.
        type_: what the blocks are.
        shape: of the result, rows first.
        name: of the tensor, for the error.
        cancelled: asked every few milliseconds; True stops the work.

    Raises:
        UnsupportedQuantTypeError: the ``gguf`` package cannot dequantise ``type_``.
        CapacityError: there is no memory for the values.
        CancelledError: ``cancelled`` became true.
    """
    # Imported here, as it takes tens of milliseconds, and most programs have no need of it.
    from gguf import GGMLQuantizationType as PackageType
    from gguf import quants

    count = math.prod(shape)
    chunk_bytes = CHUNK_VALUES // type_.block_length * type_.block_bytes
    try:
        values = np.empty(count, np.float32)
        for chunk, start in enumerate(range(0, data.size, chunk_bytes)):
            if cancelled():
                raise CancelledError(f"dequantising stopped at byte {start} of {data.size}")
            blocks = data[start : start + chunk_bytes]
            done = chunk * CHUNK_VALUES
            values[done : done + CHUNK_VALUES] = quants.dequantize(blocks, PackageType(type_))
    except NotImplementedError:
        raise UnsupportedQuantTypeError(
            f"tensor {name!r} is stored as {type_.name}, which cannot be dequantised"
        ) from None
    except MemoryError as error:
        raise CapacityError(
            f"tensor {name!r} needs {count * 4} bytes as float32: {error}"
        ) from error
    return values.reshape(shape)
