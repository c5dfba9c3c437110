"""Passes: what a step needs is there when it begins, within the budget, and nothing is read twice.

The disk is a table that tells what is in memory; everything else is as in a model that runs:
threads that compute, and one that reads.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Lock, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory64.errors import CapacityError, SourceError
from memory64.memory import Span
from memory64.streaming import Reading, Streamer, Walk, plan_stream
from tests.python.streaming.walks import MIB, walks


class Disk:
    """Knows what is in memory, and the most there has been."""

    def __init__(self) -> None:
        self.there: dict[int, int] = {}
        self.reads: list[int] = []
        self.peak = 0
        self.error: Exception | None = None
        self.stands_still: Event | None = None
        self._lock = Lock()

    def bring_in(self, offset: int, size: int) -> None:
        if self.stands_still:
            self.stands_still.wait()
        if self.error:
            raise self.error
        with self._lock:
            self.there[offset] = size
            self.reads.append(offset)
            self.peak = max(self.peak, sum(self.there.values()))

    def drop(self, offset: int, size: int) -> None:
        with self._lock:
            self.there.pop(offset, None)


class Computer:
    """Passes through a walk, one thread computing."""

    def __init__(self, streamer: Streamer, walk: Walk, disk: Disk) -> None:
        self.streamer, self.walk, self.disk = streamer, walk, disk
        self.step = self.ready = 0
        self.missed = 0

    def set_ready(self, count: int) -> None:
        self.ready = count

    @contextmanager
    def reading(self, steps: int | None = None) -> Iterator[Reading]:
        self.step = 0
        reading = self.streamer.begin(
            steps or self.walk.step_count, lambda: self.step, self.set_ready
        )
        thread = Thread(target=reading.run)
        thread.start()
        try:
            yield reading
        finally:
            reading.stop()
            thread.join()

    def compute(self, steps: int | None = None) -> None:
        steps = steps or self.walk.step_count
        with self.reading(steps) as reading:
            for step in range(steps):
                self.step = step
                assert self.ready > step or reading.wait_for(step)
                self.missed += sum(
                    block.offset not in self.disk.there
                    for block in self.walk.blocks
                    if block.first_step <= step <= block.last_step
                )
        assert reading.error is None


def least(walk: Walk) -> int:
    """A budget with which every walk can be walked through."""
    return max(
        sum(b.size for b in walk.blocks if b.first_step <= step <= b.last_step)
        for step in range(walk.step_count)
    ) + sum(b.size for b in walk.blocks if b.last_step - b.first_step >= 8)


@settings(max_examples=40, deadline=None)
@given(walks, st.floats(0, 1.2), st.integers(1, 4))
def test_steps_find_their_blocks_within_the_budget(walk: Walk, share: float, passes: int) -> None:
    disk = Disk()
    low = least(walk)
    budget = low + int(max(0, walk.nbytes - low) * share)
    computer = Computer(Streamer(walk, disk, budget), walk, disk)
    for _ in range(passes):
        computer.compute()
    assert computer.missed == 0
    assert disk.peak <= budget


def even_walk(count: int = 40) -> Walk:
    return Walk([[Span(12 * MIB * step, 12 * MIB)] for step in range(count)])


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_pass_reads_no_more_than_an_optimal_cache_would(share: float) -> None:
    walk, disk = even_walk(), Disk()
    budget = int(walk.nbytes * share)
    streamer = Streamer(walk, disk, budget)
    computer = Computer(streamer, walk, disk)
    computer.compute()
    assert len(disk.reads) >= len(walk.blocks)
    passes = 5
    before = len(disk.reads)
    for _ in range(passes):
        computer.compute()
    read = (len(disk.reads) - before) / passes
    streamed = streamer.plan.kept.count(False)
    # On a circular walk, Belady's optimum with room for `budget` misses what it has no room for.
    optimum = (walk.nbytes - budget) / walk.block_bytes
    ahead = streamer.plan.window_bytes / walk.block_bytes
    assert optimum <= streamed <= optimum + ahead + 1
    # What is read ahead at the end of a pass belongs to the one after it.
    assert optimum - ahead / passes <= read <= streamed + ahead / passes


def test_what_fits_is_read_once_and_then_nobody_reads() -> None:
    walk, disk = even_walk(10), Disk()
    streamer = Streamer(walk, disk, walk.nbytes)
    computer = Computer(streamer, walk, disk)
    computer.compute()
    assert streamer.everything_is_there
    assert sorted(disk.reads) == [block.offset for block in walk.blocks]


def test_a_pass_without_the_last_steps_reads_nothing_of_them() -> None:
    walk, disk = even_walk(10), Disk()
    computer = Computer(Streamer(walk, disk, walk.nbytes), walk, disk)
    computer.compute(steps=7)
    assert max(disk.reads) < walk.blocks[-1].offset
    computer.compute()
    assert computer.missed == 0


def test_a_pass_begins_anew_after_one_that_was_stopped() -> None:
    walk, disk = even_walk(), Disk()
    budget = walk.nbytes // 3
    computer = Computer(Streamer(walk, disk, budget), walk, disk)
    for until in (3, 17, 39):
        with computer.reading() as reading:
            for step in range(until):
                computer.step = step
                assert reading.wait_for(step)
        computer.compute()
    assert computer.missed == 0
    assert disk.peak <= budget


def test_whoever_waits_is_told_that_the_pass_was_stopped() -> None:
    walk, disk = even_walk(), Disk()
    disk.stands_still = Event()
    computer = Computer(Streamer(walk, disk, walk.nbytes // 2), walk, disk)
    with ThreadPoolExecutor(2) as pool, computer.reading() as reading:
        waiting = [pool.submit(reading.wait_for, 0) for _ in range(2)]
        reading.stop()
        # The disk still stands still: nobody waits for it but the thread that reads.
        assert [each.result(timeout=10) for each in waiting] == [False, False]
        disk.stands_still.set()
    disk.stands_still = None
    computer.compute()
    assert computer.missed == 0


def test_a_failing_disk_is_told_and_the_next_pass_tries_again() -> None:
    walk, disk = even_walk(), Disk()
    computer = Computer(Streamer(walk, disk, walk.nbytes // 2), walk, disk)
    disk.error = SourceError("the disk is gone")
    with computer.reading() as reading:
        assert not reading.wait_for(0)
    assert reading.error is disk.error
    disk.error = None
    computer.compute()
    assert computer.missed == 0


@pytest.mark.parametrize("shares", [(0.9, 0.3, 0.9), (0.3, 1.0, 0.5)])
def test_a_budget_that_changes_holds(shares: tuple[float, ...]) -> None:
    walk, disk = even_walk(), Disk()
    streamer = Streamer(walk, disk, walk.nbytes // 2)
    computer = Computer(streamer, walk, disk)
    for share in shares:
        budget = int(walk.nbytes * share)
        streamer.set_budget(budget)
        assert sum(disk.there.values()) <= budget
        disk.peak = 0
        for _ in range(3):
            computer.compute()
        assert disk.peak <= budget
        assert streamer.plan == plan_stream(walk, budget)
    assert computer.missed == 0


@pytest.mark.parametrize("error", [None, SourceError("the disk is gone")])
def test_a_budget_that_shrinks_during_a_pass(error: Exception | None) -> None:
    walk, disk = even_walk(), Disk()
    budget = 2 * least(walk)
    streamer = Streamer(walk, disk, walk.nbytes)
    computer = Computer(streamer, walk, disk)
    reads, goes_on = Event(), Event()
    bring_in = disk.bring_in

    def stand_still(offset: int, size: int) -> None:
        computer.step = offset // (12 * MIB)
        if offset == walk.blocks[-3].offset:
            reads.set()
            goes_on.wait()
        bring_in(offset, size)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as pool:
        patch.setattr(disk, "bring_in", stand_still)
        with computer.reading() as reading:
            reads.wait()
            streamer.set_budget(budget)
            disk.error = error
            computer.step = walk.step_count - 1
            waiting = pool.submit(reading.wait_for, computer.step)
            goes_on.set()
            assert waiting.result(timeout=10) == (error is None)
    assert reading.error is error
    disk.error = None
    assert sum(disk.there.values()) == streamer.stats().resident_bytes <= budget
    computer.compute()
    assert computer.missed == 0


def test_a_block_that_is_given_up_while_it_is_read() -> None:
    walk, disk = even_walk(4), Disk()
    streamer = Streamer(walk, disk, walk.nbytes)
    reads, goes_on = Event(), Event()
    bring_in = disk.bring_in

    def stand_still(offset: int, size: int) -> None:
        reads.set()
        goes_on.wait()
        bring_in(offset, size)

    for disk.error in (None, SourceError("the disk is gone")):
        computer = Computer(streamer, walk, disk)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(disk, "bring_in", stand_still)
            with computer.reading() as reading:
                reads.wait()
                with streamer._book.changed:
                    streamer._book.residents.drop(0)
                reading.stop()
                goes_on.set()
        reads.clear()
        goes_on.clear()
        assert streamer.stats().resident_bytes == sum(disk.there.values()) == 0


def test_a_budget_that_is_too_small_changes_nothing() -> None:
    walk, disk = even_walk(), Disk()
    streamer = Streamer(walk, disk, walk.nbytes // 2)
    plan = streamer.plan
    with pytest.raises(CapacityError):
        streamer.set_budget(1 * MIB)
    assert streamer.plan == plan
    computer = Computer(streamer, walk, disk)
    computer.compute()
    assert computer.missed == 0


def test_the_time_in_which_steps_waited_is_counted() -> None:
    walk, disk = even_walk(6), Disk()
    disk.stands_still = Event()
    streamer = Streamer(walk, disk, walk.nbytes)
    computer = Computer(streamer, walk, disk)
    with ThreadPoolExecutor(1) as pool, computer.reading() as reading:
        waiting = pool.submit(reading.wait_for, 0)
        Event().wait(0.05)
        disk.stands_still.set()
        assert waiting.result()
    assert streamer.stats().stall_seconds >= 0.04
