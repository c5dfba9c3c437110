"""A tensor's bytes, and the tensors of one layer."""

from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import TensorNotFoundError
from .dequantize import dequantize
from .header import TensorInfo, split_layer_name
from .quant_type import GGMLQuantizationType

Dequantize = Callable[
    [NDArray[np.uint8], GGMLQuantizationType, tuple[int, ...], str], NDArray[np.float32]
]
"""From a tensor's bytes, type, shape and name to its values."""


class Tensor:
    """One tensor: what it is, and the file's own bytes of it.

    Attributes:
        name: whole, ``blk.0.attn_q.weight``.
        shape: rows first, as in numpy.
        quant_type: how the bytes encode the values.
        nbytes: of the encoded data.
        offset: in the flat space over all regions.
    """

    __slots__ = ("_dequantize", "_info", "_read", "offset")

    def __init__(
        self,
        info: TensorInfo,
        offset: int,
        read: Callable[[], NDArray[np.uint8]],
        dequantize: Dequantize = dequantize,
    ) -> None:
        """Describe the tensor ``info`` at ``offset``; ``read`` gives its bytes."""
        self._info = info
        self.offset = offset
        self._read = read
        self._dequantize = dequantize

    @property
    def name(self) -> str:
        """The whole name, as in the file."""
        return self._info.name

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first, as in numpy."""
        return self._info.shape

    @property
    def quant_type(self) -> GGMLQuantizationType:
        """How the bytes encode the values."""
        return self._info.quant_type

    @property
    def nbytes(self) -> int:
        """Size of ``data`` in bytes."""
        return self._info.nbytes

    @property
    def data(self) -> NDArray[np.uint8]:
        """The file's blocks, not copied: uint8, one-dimensional, read-only.

        The array stays true after its layer is evicted and after the model is closed.

        Raises:
            SourceChangedError: the file was changed since it was loaded.
            ClosedError: the model is closed.
            CapacityError: where files cannot be mapped, no room is left for its layer.
        """
        return self._read()

    def dequantize(self) -> NDArray[np.float32]:
        """The values as a new float32 array of ``shape``.

        Raises:
            UnsupportedQuantTypeError: there is no dequantisation for ``quant_type``.
        """
        return self._dequantize(self.data, self.quant_type, self.shape, self.name)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """The dequantised values, so that numpy functions take a tensor as it is."""
        if copy is False:
            raise ValueError("a tensor becomes an array by dequantising it, which copies")
        return self.dequantize().astype(dtype or np.float32, copy=False)

    def __repr__(self) -> str:
        """Name, type and shape."""
        return f"Tensor({self.name!r}, {self.quant_type.name}, shape={self.shape})"


class Pins(Protocol):
    """Who keeps layers from being evicted."""

    def pin(self, layer_id: int) -> None:
        """Make the layer resident, and keep it so until unpinned as often as pinned."""
        ...

    def unpin(self, layer_id: int) -> None:
        """Take one pin back."""
        ...


class LayerWeights(Mapping[str, Tensor]):
    """The tensors of one layer by name without ``blk.N.``, in directory order.

    Used as a context manager it stays resident until the block is left::

        with model.get_layer(3) as layer:
            q = layer["attn_q.weight"].dequantize()
    """

    __slots__ = ("__weakref__", "_pins", "_tensors", "layer_id", "nbytes")

    def __init__(self, layer_id: int, tensors: Mapping[str, Tensor], pins: Pins) -> None:
        """Hold the ``tensors`` of layer ``layer_id``, kept resident through ``pins``."""
        self.layer_id = layer_id
        self._tensors = tensors
        self._pins = pins
        self.nbytes = sum(tensor.nbytes for tensor in tensors.values())

    def __getitem__(self, name: str) -> Tensor:
        """The tensor of that name, with or without the prefix ``blk.N.`` of this layer.

        Raises:
            TensorNotFoundError: the layer has none of that name.
        """
        layer_id, key = split_layer_name(name)
        if (layer_id is None or layer_id == self.layer_id) and key in self._tensors:
            return self._tensors[key]
        raise TensorNotFoundError(
            f"layer {self.layer_id} has no tensor {name!r}; it has: {', '.join(self._tensors)}"
        )

    def __iter__(self) -> Iterator[str]:
        """The names, in directory order."""
        return iter(self._tensors)

    def __len__(self) -> int:
        """Count of tensors."""
        return len(self._tensors)

    def __enter__(self) -> Self:
        """Pin the layer."""
        self._pins.pin(self.layer_id)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Unpin the layer."""
        self._pins.unpin(self.layer_id)

    def __repr__(self) -> str:
        """Number, count of tensors and size."""
        return f"LayerWeights({self.layer_id}, {len(self)} tensors, {self.nbytes} bytes)"
