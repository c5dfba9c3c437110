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
        tokens: made so far; of a batch, those of all its texts.
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
    """Tells about once a second, and at the end, whoever wants to be told."""

    def __init__(
        self,
        tell: Callable[[LiveStats], object] | None,
        stream_stats: Callable[[], StreamStats | None],
    ) -> None:
        """Tell nothing before ``begin``."""
        self._tell = tell
        self._stream_stats = stream_stats
        self._told_at: float | None = None
        self._told_tokens = 0
        self._told_bytes, self._stalled_before = 0, 0.0

    def begin(self) -> None:
        """Count from this moment, the first time."""
        if self._tell and self._told_at is None:
            self._told_at = perf_counter()
            self._told_bytes, self._stalled_before = _counts(self._stream_stats())

    def look(self, tokens: int) -> None:
        """Tell of so many tokens, if it is time."""
        self._look(tokens, EVERY_SECONDS)

    def end(self, tokens: int) -> None:
        """Tell of all the tokens there are, and nothing more."""
        self._look(tokens, 0.0)
        self.stop()

    def stop(self) -> None:
        """Tell nothing more."""
        self._tell = None

    def _look(self, tokens: int, every_seconds: float) -> None:
        if self._tell is None or self._told_at is None:
            return
        now = perf_counter()
        seconds = now - self._told_at
        if seconds < every_seconds:
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
