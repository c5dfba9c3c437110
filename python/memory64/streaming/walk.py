"""What a pass through a model reads, step by step, cut into blocks that come and go whole."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..memory import Span

LARGEST_BLOCK = 4 << 20
"""One read from the disk: what is larger is not faster."""
SMALLEST_BLOCK = 64 << 10
BLOCKS_OF_A_STEP = 4
"""In the mean, at least. Fewer would be needed by several steps, and stay for all of them."""


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring bytes, needed from one step of a pass to another.

    Attributes:
        offset: flat.
        size: bytes, at most ``Walk.block_bytes``.
        first_step: the first one that reads some of it.
        last_step: the last one that does.
    """

    offset: int
    size: int
    first_step: int
    last_step: int


class Walk:
    """The blocks in the order in which a pass needs them.

    Attributes:
        blocks: by their first steps, then by their offsets; none overlaps another.
        step_count: steps of a pass.
        nbytes: of all blocks.
        block_bytes: blocks begin at multiples of this in the flat space.
    """

    def __init__(self, steps: Sequence[Sequence[Span]]) -> None:
        """Cut up what each step reads: the spans of the tensors."""
        total = sum(span.size for spans in steps for span in spans)
        self.block_bytes = _block_bytes(total // max(1, len(steps) * BLOCKS_OF_A_STEP))
        found: dict[int, Block] = {}
        for step, spans in enumerate(steps):
            for span in spans:
                for index, start, end in _pieces(span, self.block_bytes):
                    found[index] = _joined(found.get(index), start, end, step)
        order = sorted(found.values(), key=lambda block: (block.first_step, block.offset))
        self.blocks = tuple(order)
        self.step_count = len(steps)
        self.nbytes = sum(block.size for block in order)


def _block_bytes(wanted: int) -> int:
    """The power of two below ``wanted``, within bounds."""
    power = 1 << max(wanted.bit_length() - 1, 0)
    return min(max(power, SMALLEST_BLOCK), LARGEST_BLOCK)


def _pieces(span: Span, size: int) -> list[tuple[int, int, int]]:
    """The blocks a span has a part in, with the part's bounds."""
    end = span.offset + span.size
    indices = range(span.offset // size, -(-end // size))
    return [(i, max(span.offset, i * size), min(end, (i + 1) * size)) for i in indices]


def _joined(block: Block | None, start: int, end: int, step: int) -> Block:
    if block is None:
        return Block(start, end - start, step, step)
    first = min(block.offset, start)
    last = max(block.offset + block.size, end)
    return Block(first, last - first, block.first_step, step)
