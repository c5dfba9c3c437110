"""A runtime whose loads and evictions are seen."""

from collections import Counter
from collections.abc import Callable, Iterable

from memory64 import Memory64Runtime, MemoryLayout
from memory64.memory import Span

WAIT_SECONDS = 60


class WatchedRuntime(Memory64Runtime):
    """Counts loads and evictions by their first byte, and pauses in a load."""

    def __init__(self) -> None:
        super().__init__(MemoryLayout.single(1))
        self.loads: Counter[int] = Counter()
        self.evicted: list[int] = []
        self.pause: Callable[[], object] = lambda: None

    def load(self, spans: Iterable[Span], **options: Callable[[], bool]) -> None:
        spans = list(spans)
        self.loads[spans[0].offset] += 1
        self.pause()
        super().load(spans, **options)

    def evict(self, spans: Iterable[Span], **options: bool) -> None:
        spans = list(spans)
        self.evicted.append(spans[0].offset)
        super().evict(spans, **options)
