"""A model's bytes for a caller who may write: mapped anew for them, copy-on-write."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from ..gguf import Source, TensorInfo
from . import platform
from .runtime import Memory64Runtime


class PrivateRun(NamedTuple):
    """Neighbouring tensors as one writable view."""

    offset: int
    """Flat offset of the first byte."""
    data: memoryview


def private_runs(runtime: Memory64Runtime, tensors: Iterable[TensorInfo]) -> list[PrivateRun]:
    """The bytes of ``tensors``, a view for each run without a gap: a layer is mostly one.

    Nothing is copied where the file can be mapped. The views are true for as long as they
    live, whatever happens to the runtime; what is written into one is seen in it alone.

    Raises:
        SourceChangedError: the file was changed since it was placed.
    """
    runtime.check()
    return [
        PrivateRun(runtime.span(run[0]).offset, _view(run[0].source, run[0], run[-1]))
        for run in _runs(sorted(tensors, key=lambda tensor: runtime.span(tensor).offset))
    ]


def _runs(tensors: list[TensorInfo]) -> Iterator[list[TensorInfo]]:
    run: list[TensorInfo] = []
    for tensor in tensors:
        if run and not _follows(run[-1], tensor):
            yield run
            run = []
        run.append(tensor)
    if run:
        yield run


def _follows(before: TensorInfo, after: TensorInfo) -> bool:
    # Within a page of each other in the file, two tensors of one layer lie in one extent,
    # so that their distance in the flat space is the same.
    gap = after.file_offset - before.file_end
    return before.source is after.source and 0 <= gap < platform.OS_PAGE_BYTES


def _view(source: Source, first: TensorInfo, last: TensorInfo) -> memoryview:
    size = last.file_end - first.file_offset
    fd = source.fileno()
    if fd is not None:
        with suppress(OSError, ValueError):  # cannot be mapped, or has become shorter
            return platform.private_view(fd, first.file_offset, size)
    copy = memoryview(bytearray(size))
    source.read_into(first.file_offset, copy)
    return copy
