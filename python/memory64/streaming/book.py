"""What the passes through a walk share."""

from dataclasses import dataclass, field
from threading import Condition

from .plan import StreamPlan
from .residents import Residents
from .walk import Walk


@dataclass
class Book:
    """Guarded by ``changed``.

    Attributes:
        walk: what is walked through.
        residents: which of its blocks are in memory, at most ``budget_bytes`` of them.
        plan: which of them stay.
        budget_bytes: see there.
        stall_seconds: in which steps waited for their blocks.
        changed: notified when a step may begin, or a pass ends.
    """

    walk: Walk
    residents: Residents
    plan: StreamPlan
    budget_bytes: int
    stall_seconds: float = 0.0
    changed: Condition = field(default_factory=Condition)

    def __post_init__(self) -> None:
        """Order the blocks as they are done with."""
        blocks = self.walk.blocks
        self.by_last_step = sorted(range(len(blocks)), key=lambda index: blocks[index].last_step)
