"""Plans: never more in memory than the budget, and as much of it kept as can be."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from memory64.errors import CapacityError
from memory64.memory import Span
from memory64.streaming import StreamPlan, Walk, plan_stream
from tests.python.streaming.walks import MIB, walks


def in_memory(walk: Walk, plan: StreamPlan, step: int, *, with_next: bool) -> int:
    """Bytes that have to be there at once, counted block by block."""
    steps = {step, (step + 1) % walk.step_count} if with_next else {step}
    return plan.kept_bytes + sum(
        block.size
        for block, stays in zip(walk.blocks, plan.kept, strict=True)
        if not stays and any(block.first_step <= each <= block.last_step for each in steps)
    )


@given(walks, st.integers(1, 400 * MIB))
def test_a_plan_stays_within_its_budget(walk: Walk, budget: int) -> None:
    try:
        plan = plan_stream(walk, budget)
    except CapacityError:
        assume(False)
    assert plan.kept_bytes + plan.streamed_bytes == walk.nbytes
    for step in range(walk.step_count):
        assert in_memory(walk, plan, step, with_next=False) <= budget
    if plan.resident_bytes <= budget:
        for step in range(walk.step_count):
            assert in_memory(walk, plan, step, with_next=True) <= plan.resident_bytes


@given(walks, st.integers(0, 50 * MIB))
def test_what_fits_stays(walk: Walk, more: int) -> None:
    plan = plan_stream(walk, walk.nbytes + more)
    assert all(plan.kept)
    assert plan.streamed_bytes == plan.window_bytes == 0


@given(walks)
def test_only_what_cannot_be_is_refused(walk: Walk) -> None:
    largest = max(
        sum(b.size for b in walk.blocks if b.first_step <= step <= b.last_step)
        for step in range(walk.step_count)
    )
    lasting = sum(b.size for b in walk.blocks if b.last_step - b.first_step >= 8)
    plan_stream(walk, largest + lasting)
    if lasting == 0:
        with pytest.raises(CapacityError, match=f"needs {largest} bytes.* {largest - 1} may"):
            plan_stream(walk, largest - 1)


def layers(count: int) -> Walk:
    """Like a model of 7 billion weights: 28, 9, 50 and 37 MB to a layer, and a head of 107."""
    steps, at = [], 0
    for size in [28, 9, 50, 37] * count + [107]:
        steps.append([Span(at, size * MIB)])
        at += size * MIB
    return Walk(steps)


@pytest.mark.parametrize("share", [0.2, 0.3, 0.5, 0.7, 0.9, 0.98])
def test_little_is_in_memory_only_because_it_streams(share: float) -> None:
    walk = layers(32)
    budget = int(walk.nbytes * share)
    plan = plan_stream(walk, budget)
    unused = budget - plan.resident_bytes
    assert unused < 4 * walk.block_bytes
    # Two steps' share of what streams, rounded up to blocks.
    even = plan.streamed_bytes / walk.step_count
    assert plan.window_bytes <= 2 * 1.5 * even + 6 * walk.block_bytes


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_every_part_of_the_walk_streams_its_share(share: float) -> None:
    walk = layers(32)
    plan = plan_stream(walk, int(walk.nbytes * share))
    half = walk.step_count // 2
    first = sum(
        block.size
        for block, stays in zip(walk.blocks, plan.kept, strict=True)
        if not stays and block.first_step < half
    )
    assert 0.45 < first / plan.streamed_bytes < 0.55
