"""A layer as one run of bytes, the way guests receive it."""

from collections.abc import Sequence
from typing import NamedTuple

from ..gguf import align_up


class Span(NamedTuple):
    """Bytes in the flat space."""

    offset: int
    size: int


class Run(NamedTuple):
    """Neighbouring spans of an image."""

    position: int
    """In the image."""
    span: Span
    """From the first one's beginning to the last one's end, what lies between them included."""


class LayerImage:
    """The spans of a layer one after another, each at a multiple of ``alignment``.

    Attributes:
        spans: in their order.
        positions: where each span begins in the image.
        gaps: positions between which the image is zero: first, and one past the last.
        runs: what lies in the flat space as it does in the image: a layer is mostly one run.
        nbytes: size of the image.
    """

    def __init__(self, spans: Sequence[Span], alignment: int) -> None:
        """Lay ``spans`` out in their order."""
        self.spans = tuple(spans)
        positions: list[int] = []
        gaps: list[tuple[int, int]] = []
        runs: list[Run] = []
        end = 0
        for span in self.spans:
            start = align_up(end, alignment)
            if start > end:
                gaps.append((end, start))
            end = start + span.size
            if runs and span.offset - runs[-1].span.offset == start - runs[-1].position:
                run = runs.pop()
                runs.append(Run(run.position, Span(run.span.offset, end - run.position)))
            else:
                runs.append(Run(start, span))
            positions.append(start)
        self.positions = tuple(positions)
        self.gaps = tuple(gaps)
        self.runs = tuple(runs)
        self.nbytes = end
