"""How a generation goes on, told while it does."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from ..streaming import StreamStats

EVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class LiveStats:
    """A generation under way.

    Attributes:
        tokens: made so far.
        tokens_per_second: since the time before, as is
        read_bytes_per_second: what of the weights was brought into memory.
        stall_seconds: in which computing has waited for weights since the generation began.
        stream: how the weights went through memory so far; None where they are copies.
    """

    tokens: int
    tokens_per_second: float
    read_bytes_per_second: float
    stall_seconds: float
    stream: StreamStats | None


class StatsTeller:
    """Tells about once a second, and at the end."""

    def __init__(
        self, tell: Callable[[LiveStats], object], stream_stats: Callable[[], StreamStats | None]
    ) -> None:
        """Begin at this moment."""
        self._tell = tell
        self._stream_stats = stream_stats
        self._told_at = perf_counter()
        self._told_tokens = 0
        self._told_bytes, self._stalled_before = _counts(stream_stats())

    def look(self, tokens: int, *, ended: bool = False) -> None:
        """Tell of so many tokens, if it is time."""
        now = perf_counter()
        seconds = now - self._told_at
        if seconds < EVERY_SECONDS and not ended:
            return
        stream = self._stream_stats()
        read, stalled = _counts(stream)
        told = LiveStats(
            tokens=tokens,
            tokens_per_second=(tokens - self._told_tokens) / seconds,
            read_bytes_per_second=(read - self._told_bytes) / seconds,
            stall_seconds=stalled - self._stalled_before,
            stream=stream,
        )
        self._told_at, self._told_tokens, self._told_bytes = now, tokens, read
        self._tell(told)


def _counts(stream: StreamStats | None) -> tuple[int, float]:
    return (stream.read_bytes, stream.stall_seconds) if stream else (0, 0.0)
