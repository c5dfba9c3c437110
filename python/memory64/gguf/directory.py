"""What a whole model consists of: its metadata, its tensors, and whose layer each is."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from types import MappingProxyType
from typing import Any, Self

from ..errors import GGUFFormatError, OutOfBoundsError, TensorNotFoundError
from .cursor import excerpt
from .header import Header, TensorInfo, scan_header
from .metadata import Metadata
from .shards import scan_files
from .source import BytesSource, Source

_ARCHITECTURE = re.compile(r"[A-Za-z0-9._-]{1,64}")


class GGUFDirectory:
    """The scanned headers of a model, one file or all parts of a split, as one directory.

    Attributes:
        metadata: of the first file, which carries it for all parts.
        tensors: ``TensorInfo`` by whole name, in directory order, parts one after another.
        layers: for each layer 0 … ``layer_count`` - 1 its tensors, in directory order.
        alignment: bytes, ``general.alignment``.
    """

    def __init__(self, headers: Iterable[Header]) -> None:
        """Join ``headers``, in the order of the parts.

        Raises:
            GGUFFormatError: a key that every model has is missing, a tensor appears twice,
                or the layers are not 0 … ``block_count`` - 1.
        """
        self.headers = tuple(headers)
        first = self.headers[0]
        self.name = first.source.name
        self.metadata: Metadata = first.metadata
        self.alignment = first.alignment
        self.architecture: str = self._required("general.architecture", str)
        if not _ARCHITECTURE.fullmatch(self.architecture):
            raise GGUFFormatError(
                f"{self.name}: general.architecture is {excerpt(self.architecture)}, not a name "
                "of at most 64 letters, digits, '-', '_' and '.'"
            )
        self.layer_count: int = self._required(f"{self.architecture}.block_count", int)
        self.tensors = MappingProxyType(self._joined())
        self.layers = self._by_layer()

    @property
    def sources(self) -> tuple[Source, ...]:
        """The opened files, in the order of the parts."""
        return tuple(header.source for header in self.headers)

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(source.size for source in self.sources)

    def tensor(self, name: str) -> TensorInfo:
        """The tensor of that whole name, or ``TensorNotFoundError``."""
        try:
            return self.tensors[name]
        except KeyError:
            raise TensorNotFoundError(
                f"{self.name}: no tensor {name!r} among its {len(self.tensors)}"
            ) from None

    def layer(self, layer_id: int) -> tuple[TensorInfo, ...]:
        """The tensors of a layer, or ``OutOfBoundsError``."""
        try:
            if 0 <= layer_id < self.layer_count:
                return self.layers[layer_id]
        except TypeError:
            raise TypeError(f"a layer is asked for by its number, found {layer_id!r}") from None
        raise OutOfBoundsError(
            f"{self.name}: no layer {layer_id}, layers are 0 to {self.layer_count - 1}"
        )

    def layer_bytes(self, layer_id: int) -> int:
        """Bytes of a layer's tensors."""
        return sum(tensor.nbytes for tensor in self.layer(layer_id))

    def with_layers(self, layer_ids: Sequence[int]) -> Self:
        """A smaller model out of the same files: these layers, numbered anew, and no others."""
        numbers = {old: new for new, old in enumerate(layer_ids)}
        smaller = copy(self)
        smaller.layer_count = len(numbers)
        smaller.tensors = MappingProxyType(
            {
                info.name: info
                for info in (_renumbered(each, numbers) for each in self.tensors.values())
                if info is not None
            }
        )
        smaller.layers = smaller._by_layer()
        return smaller

    def check(self) -> None:
        """Raise ``SourceChangedError`` where a file is no longer the one scanned."""
        for header in self.headers:
            header.source.check()

    def close(self) -> None:
        """Close all files."""
        for header in self.headers:
            header.source.close()

    def _required(self, key: str, type_: type) -> Any:
        value = self.metadata.scalar(key)
        if type(value) is type_:
            return value
        problem = "is missing" if value is None else f"is {excerpt(value)}, not {type_.__name__}"
        raise GGUFFormatError(f"{self.name}: metadata {key!r} {problem}")

    def _joined(self) -> dict[str, TensorInfo]:
        tensors: dict[str, TensorInfo] = {}
        for header in self.headers:
            for tensor in header.tensors:
                if tensor.name in tensors:
                    raise GGUFFormatError(
                        f"{self.name}: tensor {tensor.name!r} is in two parts of the split"
                    )
                tensors[tensor.name] = tensor
        return tensors

    def _by_layer(self) -> tuple[tuple[TensorInfo, ...], ...]:
        layers: dict[int, list[TensorInfo]] = {}
        for tensor in self.tensors.values():
            if tensor.layer_id is not None:
                layers.setdefault(tensor.layer_id, []).append(tensor)
        # Compared before anything of that length is made: block_count may be any number.
        if len(layers) != self.layer_count or any(number >= self.layer_count for number in layers):
            raise GGUFFormatError(
                f"{self.name}: {self.architecture}.block_count says {self.layer_count} layers, "
                f"the tensors are of {_numbers(layers)}"
            )
        return tuple(tuple(layers[number]) for number in range(self.layer_count))


def open_gguf(source: str | os.PathLike[str] | bytes | bytearray | memoryview) -> GGUFDirectory:
    """Scan a file, all parts of a split one, or a file the caller holds in memory.

    Raises:
        SourceError, GGUFFormatError, UnsupportedQuantTypeError: see ``scan_files``.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return GGUFDirectory([scan_header(BytesSource(source))])
    headers = scan_files(source)
    try:
        return GGUFDirectory(headers)
    except BaseException:
        for header in headers:
            header.source.close()
        raise


def _renumbered(info: TensorInfo, numbers: Mapping[int, int]) -> TensorInfo | None:
    if info.layer_id is None:
        return info
    number = numbers.get(info.layer_id)
    if number is None:
        return None
    return info._replace(name=f"blk.{number}.{info.key}", layer_id=number)


def _numbers(layers: Iterable[int]) -> str:
    numbers = sorted(layers)
    if not numbers:
        return "no layer"
    return f"{len(numbers)} layers, {numbers[0]} to {numbers[-1]}"
