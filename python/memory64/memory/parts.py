"""The parts of a model that are placed each as a whole, and the file pages under them."""

import re
from collections.abc import Iterable, Iterator

from ..gguf import GGUFDirectory, Source, TensorInfo, align_up
from .platform import HUGE_PAGE_BYTES, OS_PAGE_BYTES

Part = int | str
"""A layer's number, ``"embeddings"`` or ``"head"``."""

_HEAD_TENSOR = re.compile(r"output(_norm)?\..+")


def parts(gguf: GGUFDirectory) -> dict[Part, list[TensorInfo]]:
    """The tensors of each part, in directory order."""
    found: dict[Part, list[TensorInfo]] = {}
    for tensor in gguf.tensors.values():
        found.setdefault(_part_of(tensor), []).append(tensor)
    return found


def page_runs(tensors: Iterable[TensorInfo]) -> Iterator[tuple[Source, int, int]]:
    """The file pages under ``tensors`` as runs: source, offset in the file, size.

    A gap smaller than a huge page belongs to the run: two runs would cost more room.
    """
    source: Source | None = None
    start = end = 0
    for tensor in sorted(tensors, key=lambda tensor: (tensor.source.name, tensor.file_offset)):
        first = tensor.file_offset // OS_PAGE_BYTES * OS_PAGE_BYTES
        if tensor.source is not source or first > end + HUGE_PAGE_BYTES:
            if source:
                yield source, start, end - start
            source, start = tensor.source, first
        end = align_up(tensor.file_end, OS_PAGE_BYTES)
    if source:
        yield source, start, end - start


def room_for(tensors: Iterable[TensorInfo]) -> int:
    """Bytes of a region that a part takes at most, wherever in the region it comes to lie."""
    return sum(HUGE_PAGE_BYTES + size for _, _, size in page_runs(tensors))


def _part_of(tensor: TensorInfo) -> Part:
    if tensor.layer_id is not None:
        return tensor.layer_id
    return "head" if _HEAD_TENSOR.fullmatch(tensor.name) else "embeddings"
