"""A layer as one run of bytes, the way guests receive it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..gguf import align_up


class Span(NamedTuple):
    """Bytes in the flat space."""

    offset: int
    size: int


class LayerImage:
    """The spans of a layer one after another, each at a multiple of ``alignment``."""

    def __init__(self, spans: Sequence[Span], alignment: int) -> None:
        """Lay ``spans`` out in their order."""
        self.spans = tuple(spans)
        positions = []
        end = 0
        for span in self.spans:
            start = align_up(end, alignment)
            positions.append(start)
            end = start + span.size
        self.positions = tuple(positions)
        self.nbytes = end

    def placed(self) -> Iterator[tuple[int, Span]]:
        """Each span with its position in the image."""
        return zip(self.positions, self.spans, strict=True)
