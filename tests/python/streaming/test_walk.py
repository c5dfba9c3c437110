"""Walks: all that steps read is in blocks, each of which knows the steps that read it."""

from hypothesis import given

from memory64.memory import Span
from memory64.streaming import Walk
from tests.python.streaming.walks import steps


@given(steps())
def test_every_byte_is_in_one_block_that_knows_its_step(reads: list[list[Span]]) -> None:
    walk = Walk(reads)
    for step, spans in enumerate(reads):
        for span in spans:
            covered = 0
            for block in walk.blocks:
                start = max(span.offset, block.offset)
                end = min(span.offset + span.size, block.offset + block.size)
                if start < end:
                    covered += end - start
                    assert block.first_step <= step <= block.last_step
            assert covered == span.size


@given(steps())
def test_blocks_are_in_order_apart_and_begin_at_multiples(reads: list[list[Span]]) -> None:
    walk = Walk(reads)
    assert walk.step_count == len(reads)
    assert walk.nbytes == sum(block.size for block in walk.blocks)
    firsts = [block.first_step for block in walk.blocks]
    assert firsts == sorted(firsts)
    places = [block.offset // walk.block_bytes for block in walk.blocks]
    assert len(set(places)) == len(places)
    for place, block in zip(places, walk.blocks, strict=True):
        assert block.offset + block.size <= (place + 1) * walk.block_bytes


@given(steps())
def test_no_block_has_a_step_that_reads_nothing_of_it(reads: list[list[Span]]) -> None:
    for block in Walk(reads).blocks:
        for step in (block.first_step, block.last_step):
            assert any(
                span.offset < block.offset + block.size and block.offset < span.offset + span.size
                for span in reads[step]
            )
