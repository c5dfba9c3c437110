"""A model's weights while it is run: as many in memory as may be, the others as they are needed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Protocol

from ..errors import CapacityError
from ..gguf import GGUFDirectory
from ..layers import Memory64LayerManager, usable_bytes
from ..memory import HUGE_PAGE_BYTES, Memory64Runtime
from ..streaming import Reading, Streamer, StreamPlan, StreamStats
from .budget import Budget
from .steps import EMBEDDING, output_name, walk_through
from .weight_pages import WeightPages


class Progress(Protocol):
    """How far a pass is, and how far it may go: ``Crew`` of ``description``."""

    step: int
    ready: int


class Weights:
    """What of the weights is in memory, under a budget that keys and values lessen."""

    def __init__(
        self,
        gguf: GGUFDirectory,
        runtime: Memory64Runtime,
        pages: WeightPages,
        manager: Memory64LayerManager,
    ) -> None:
        """Plan; nothing is read.

        Args:
            gguf: the model.
            runtime: where it is placed.
            pages: where the engine reads it.
            manager: of the model's layers, which lends its capacity while not all fits into it.

        Raises:
            CapacityError: the largest step finds no room.
        """
        self.walk = walk_through(gguf, runtime.span)
        self._manager = manager
        self._budget = Budget(usable_bytes(), manager.cache_stats().capacity_bytes)
        self._planning = Lock()
        self._pages = pages
        self._embedding = runtime.span(gguf.tensors[EMBEDDING])
        self._embedding_is_walked = output_name(gguf) == EMBEDDING
        # What is copied into the memories cannot be dropped: it would not come back.
        self._streamer = (
            Streamer(self.walk, pages, self._budget.weights_bytes) if pages.come_back else None
        )
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="memory64-reader")
        self._reading: Reading | None = None
        self._advise()

    @property
    def plan(self) -> StreamPlan | None:
        """What stays and what streams; None where all is copied into memory."""
        return self._streamer.plan if self._streamer else None

    def stats(self) -> StreamStats | None:
        """How the model was walked through so far; None as for ``plan``."""
        return self._streamer.stats() if self._streamer else None

    @property
    def usable_bytes(self) -> int:
        """What the process might use when the model was first run."""
        return self._budget.usable_bytes

    def reserve(self, nbytes: int) -> None:
        """Leave so much of the memory to something else.

        Raises:
            CapacityError: there is not so much beside the largest step.
        """
        with self._planning:
            self._budget.reserved_bytes += nbytes
            try:
                self._plan_anew()
            except CapacityError:
                self._budget.reserved_bytes -= nbytes
                raise

    def give_back(self, nbytes: int) -> None:
        """Take what was reserved for weights again."""
        with self._planning:
            self._budget.reserved_bytes -= nbytes
            self._plan_anew()

    @contextmanager
    def read_for(self, progress: Progress, steps: int) -> Iterator[None]:
        """In the block, the first ``steps`` steps of a pass find their weights.

        Raises:
            SourceError, SourceChangedError: they cannot be read.
        """
        progress.step = 0
        progress.ready = steps
        streamer = self._streamer
        if streamer is None:
            yield
            return
        plan = streamer.plan
        try:
            if streamer.everything_is_there:
                yield
            else:
                with self._reading_for(streamer, progress, steps):
                    yield
        finally:
            if streamer.plan is not plan:
                streamer.drop_strays()

    @contextmanager
    def _reading_for(self, streamer: Streamer, progress: Progress, steps: int) -> Iterator[None]:
        def set_ready(count: int) -> None:
            progress.ready = count

        if streamer.plan.streamed_bytes:
            # Have what layers that were handed out do not need.
            self._manager.lend(self._use_capacity)
        self._reading = reading = streamer.begin(steps, lambda: progress.step, set_ready)
        self._reader.submit(reading.run)
        try:
            yield
        finally:
            reading.stop()  # not waited for: what it reads now is for the next pass
        self._drop_embedding()
        if reading.error:
            raise reading.error

    def wait_for(self, step: int) -> bool:
        """Sleep until the step may begin; False where nothing more is read for this pass."""
        return self._reading is not None and self._reading.wait_for(step)

    def stop(self) -> None:
        """Let nobody wait any more; may be called from any thread."""
        if self._reading:
            self._reading.stop()

    def close(self) -> None:
        """Wait for a read under way."""
        self._reader.shutdown()

    def _use_capacity(self, nbytes: int) -> None:
        with self._planning:
            before, self._budget.capacity_bytes = self._budget.capacity_bytes, nbytes
            try:
                self._plan_anew()
            except CapacityError:
                self._budget.capacity_bytes = before
                raise

    def _plan_anew(self) -> None:
        if self._streamer:
            before = self._streamer.plan
            self._streamer.set_budget(self._budget.weights_bytes)
            if self._streamer.plan is not before:
                self._advise()
        elif self._budget.left_bytes < 0:
            raise CapacityError(
                f"{self._budget.reserved_bytes} bytes are needed, this process may use "
                f"{self._budget.usable_bytes}"
            )

    def _advise(self) -> None:
        """Tell the system what is special while not all fits."""
        if self._streamer and self._streamer.plan.streamed_bytes:
            self._pages.leaves_page_cache = self._budget.left_bytes < self.walk.nbytes
            if self.walk.block_bytes >= HUGE_PAGE_BYTES:
                self._pages.expect_blocks()
            if not self._embedding_is_walked:
                self._pages.expect_rows(self._embedding)

    def _drop_embedding(self) -> None:
        """Give up the rows that tokens were embedded with."""
        if not self._embedding_is_walked and self._streamer and self._streamer.plan.streamed_bytes:
            self._pages.drop(self._embedding.offset, self._embedding.size)
