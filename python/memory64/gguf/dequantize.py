"""From a file's quant blocks to float32, by the ``gguf`` package's reference code."""

import math
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, quants
from numpy.typing import NDArray

from ..errors import CapacityError, UnsupportedQuantTypeError


def dequantize(
    data: NDArray[np.uint8], type_: GGMLQuantizationType, shape: tuple[int, ...], name: str
) -> NDArray[np.float32]:
    """The values of ``data``, a tensor's bytes, as a new array.

    Args:
        data: all blocks of the tensor, one-dimensional.
        type_: what the blocks are.
        shape: of the result, rows first.
        name: of the tensor, for the error.

    Raises:
        UnsupportedQuantTypeError: the ``gguf`` package cannot dequantise ``type_``.
        CapacityError: there is no memory for the values.
    """
    rows = data.reshape(-1, data.size // math.prod(shape[:-1]))
    try:
        values: NDArray[Any] = quants.dequantize(rows, type_)
    except NotImplementedError:
        raise UnsupportedQuantTypeError(
            f"tensor {name!r} is stored as {type_.name}, which cannot be dequantised"
        ) from None
    except MemoryError as error:
        raise CapacityError(
            f"tensor {name!r} needs {math.prod(shape) * 4} bytes as float32: {error}"
        ) from error
    values = values.reshape(shape)
    # float32 comes back as a view of the file's own bytes; the caller gets its own.
    return values.copy() if np.may_share_memory(values, data) else values
