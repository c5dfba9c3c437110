"""What to expect with so much memory."""

from dataclasses import dataclass

from ..streaming import StreamPlan
from .rates import Rate


@dataclass(frozen=True, slots=True)
class Outlook:
    """What running a model is like with so much memory.

    Attributes:
        memory_bytes: that the process has.
        kept_bytes: weights that stay in it.
        streamed_bytes: weights that are read from the disk for each token.
        tokens_per_second: expected; None where a rate is not known that it depends on.
    """

    memory_bytes: int
    kept_bytes: int
    streamed_bytes: int
    tokens_per_second: float | None


def outlook(
    memory_bytes: int, plan: StreamPlan, compute: Rate | None, disk: Rate | None
) -> Outlook:
    """Reading and computing go on side by side: the slower one says how long a token takes."""
    kept, streamed = plan.kept_bytes, plan.streamed_bytes
    speed = None
    if compute and (disk or not streamed):
        seconds = (kept + streamed) / compute.bytes_per_second
        if disk:
            seconds = max(seconds, streamed / disk.bytes_per_second)
        speed = 1 / seconds
    return Outlook(memory_bytes, kept, streamed, speed)
