"""What of a walk stays in memory when not all of it fits.

A circular walk gains the same from any bytes that stay, so the choice is free for two other
ends: that the disk has something to read during every step, and that as little as can be has to
be in memory only because it is about to be used. Both are met by streaming the same number of
bytes in each step, and all of a step that has fewer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from ..errors import CapacityError
from .walk import Walk

SLACK_BLOCKS = 2
"""What is read while a step ends and the next begins."""
LASTING_STEPS = 8
"""A block that is needed for longer than this stays: streamed, it would only take room."""


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What stays and what streams.

    Attributes:
        kept: for each block of the walk, whether it stays.
        kept_bytes: of the blocks that stay.
        streamed_bytes: what each pass reads from the disk.
        window_bytes: what of that is in memory at once, so that the next step's bytes are read
            while one is computed.
    """

    kept: tuple[bool, ...]
    kept_bytes: int
    streamed_bytes: int
    window_bytes: int

    @property
    def resident_bytes(self) -> int:
        """The most that is in memory at once."""
        return self.kept_bytes + self.window_bytes


def plan_stream(walk: Walk, budget_bytes: int) -> StreamPlan:
    """Keep as much as the budget lets, beside the window.

    Raises:
        CapacityError: the budget has no room for the largest step.
    """
    room = budget_bytes
    while room > 0:
        plan = _keeping(walk, room)
        excess = plan.resident_bytes - budget_bytes
        if excess <= 0:
            return plan
        room -= max(excess, walk.block_bytes)
    plan = _keeping(walk, 0)
    needed = plan.kept_bytes + max(_live(walk, plan.kept, ahead=0))
    if needed > budget_bytes:
        raise CapacityError(
            f"running the model needs {needed} bytes of weights in memory at once, "
            f"{budget_bytes} may be used"
        )
    return plan


def _keeping(walk: Walk, room: int) -> StreamPlan:
    """The plan that keeps about ``room`` bytes."""
    streamed = _streamed(walk, walk.nbytes - room)
    kept = tuple(not each for each in streamed)
    window = max(_live(walk, kept, ahead=1), default=0)
    kept_bytes = sum(b.size for b, stays in zip(walk.blocks, kept, strict=True) if stays)
    return StreamPlan(
        kept=kept,
        kept_bytes=kept_bytes,
        streamed_bytes=walk.nbytes - kept_bytes,
        window_bytes=window + SLACK_BLOCKS * walk.block_bytes if window else 0,
    )


def _streamed(walk: Walk, wanted_bytes: int) -> list[bool]:
    """Which blocks stream, so that at least so many bytes do, where there are so many."""
    passing = [b.last_step - b.first_step < LASTING_STEPS for b in walk.blocks]
    steps: list[list[int]] = [[] for _ in range(walk.step_count)]
    for index, block in enumerate(walk.blocks):
        if passing[index]:
            steps[block.first_step].append(index)
    sizes = [sum(walk.blocks[index].size for index in step) for step in steps]
    share = _share(sizes, wanted_bytes)
    streamed = [False] * len(walk.blocks)
    owed = 0.0  # a share is seldom a whole number of blocks: what one step lacks, a later one does
    for step, size in zip(steps, sizes, strict=True):
        owed += min(share, size)
        for index in step:
            if owed <= 0:
                break
            streamed[index] = True
            owed -= walk.blocks[index].size
    return streamed


def _share(sizes: Sequence[int], wanted: int) -> float:
    """The number for which the sum of ``min(number, size)`` is ``wanted``."""
    left, count = float(max(wanted, 0)), len(sizes)
    for size in sorted(sizes):
        if size * count >= left:
            return left / count
        left -= size
        count -= 1
    return float(max(sizes, default=0))


def _live(walk: Walk, kept: Sequence[bool], *, ahead: int) -> list[int]:
    """Streamed bytes in memory during each step, where each is there so many steps early."""
    count = walk.step_count
    changes = [0] * (count + 1)
    for block, stays in zip(walk.blocks, kept, strict=True):
        if stays:
            continue
        first = block.first_step - ahead
        changes[max(first, 0)] += block.size
        changes[block.last_step + 1] -= block.size
        for step in range(first, 0):  # early for the first step is late in the pass before
            changes[step + count] += block.size
            changes[step + count + 1] -= block.size
    return list(accumulate(changes[:-1]))
