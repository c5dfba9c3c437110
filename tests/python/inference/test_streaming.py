"""A model that does not fit: the same numbers, whatever of it is in memory."""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from memory64 import (
    CancelledError,
    CapacityError,
    Memory64Model,
    SourceChangedError,
    SourceError,
    load_model,
)
from memory64.inference import description as c
from memory64.inference.engine import Engine, Piece, Wanted
from memory64.inference.weight_pages import WeightPages

from .teacher import engine_of, logits_of

MIB = 1 << 20
TOKENS = np.random.default_rng(7).integers(3, 40_000, 150).tolist()


@pytest.fixture(scope="module")
def expected(smollm2: Path) -> np.ndarray:
    with engine_of(smollm2) as engine:
        return logits_of(engine, TOKENS)


def streamed(engine: Engine) -> int:
    assert engine.weights.plan is not None
    return engine.weights.plan.streamed_bytes


@pytest.mark.parametrize("capacity_mib", [64, 80, 90])
@pytest.mark.parametrize("size", [128, 7])
def test_every_limit_gives_the_same_bits(
    smollm2: Path, expected: np.ndarray, capacity_mib: int, size: int
) -> None:
    capacity = capacity_mib * MIB
    with engine_of(smollm2, capacity_bytes=capacity) as engine:
        assert streamed(engine) > 0
        whole = logits_of(engine, TOKENS, 128)
        assert np.array_equal(whole, expected)
        if size != 128:
            with engine_of(smollm2) as roomy:
                alike = logits_of(roomy, TOKENS, size)
            assert np.array_equal(logits_of(engine, TOKENS, size), alike)
        stats = engine.weights.stats()
        assert stats is not None
        assert stats.peak_bytes <= capacity


def test_a_tied_head_streams_too(gemma: Path) -> None:
    tokens = TOKENS[:20]
    with engine_of(gemma) as engine:
        expected = logits_of(engine, tokens)
    with engine_of(gemma, capacity_bytes=200 * MIB) as engine:
        assert streamed(engine) > 0
        assert np.array_equal(logits_of(engine, tokens), expected)


def test_hidden_states_need_no_head(smollm2: Path) -> None:
    states = []
    for capacity in (None, 64 * MIB):
        with engine_of(smollm2, capacity_bytes=capacity) as engine:
            cache = engine.new_cache(16)
            states.append(engine.compute([Piece(cache, 0, TOKENS[:16])], Wanted.HIDDEN))
            stats = engine.weights.stats()
            assert stats is not None
            assert stats.read_bytes < engine.weights.walk.nbytes
    assert np.array_equal(*states)


def test_sessions_take_room_from_the_weights(smollm2: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memory64.inference.weights.usable_bytes", lambda: 140 * MIB)
        with engine_of(smollm2) as engine:
            before = streamed(engine)
            cache = engine.new_cache(2000)
            during = streamed(engine)
            first = engine.compute([Piece(cache, 0, TOKENS[:9])], Wanted.LOGITS)
            engine.end_cache(cache)
            assert before < during
            assert streamed(engine) == before
            with pytest.raises(CapacityError, match="in memory at once, 0 may be used"):
                engine.new_cache(8192)
            assert streamed(engine) == before
            cache = engine.new_cache(9)
            again = engine.compute([Piece(cache, 0, TOKENS[:9])], Wanted.LOGITS)
            assert np.array_equal(first, again)


def test_four_sessions_at_once(smollm2: Path, expected: np.ndarray) -> None:
    capacity = 64 * MIB
    with load_model(smollm2, memory64=True, capacity_bytes=capacity) as model:
        sessions = [model.session(len(TOKENS)) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            rows = list(pool.map(lambda session: session.logits(TOKENS[:60]), sessions))
        alone = sessions[0]
        alone.clear()
        for each in rows:
            assert np.array_equal(each, alone.logits(TOKENS[:60]))
            alone.clear()


def test_too_little_for_the_largest_step(smollm2: Path) -> None:
    with (
        load_model(smollm2, memory64=True, capacity_bytes=4 * MIB) as model,
        pytest.raises(CapacityError, match="weights in memory at once"),
    ):
        model.generate("Hello")


@pytest.fixture
def copy(smollm2: Path, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "model.gguf"
    shutil.copyfile(smollm2, path)
    yield path
    path.unlink()


def test_a_file_that_becomes_shorter(copy: Path) -> None:
    with engine_of(copy, capacity_bytes=64 * MIB) as engine:
        cache = engine.new_cache(32)
        engine.compute([Piece(cache, 0, TOKENS[:2])])
        os.truncate(copy, 40 * MIB)
        with pytest.raises(SourceChangedError):
            engine.compute([Piece(cache, 2, TOKENS[2:4])])
        with pytest.raises(SourceChangedError):
            engine.compute([Piece(cache, 2, TOKENS[2:4])])


def test_a_disk_that_fails_once(smollm2: Path, expected: np.ndarray) -> None:
    with engine_of(smollm2, capacity_bytes=64 * MIB) as engine:
        cache = engine.new_cache(len(TOKENS))
        engine.compute([Piece(cache, 0, TOKENS[:100])])
        with pytest.MonkeyPatch.context() as patch:

            def fail(self: WeightPages, offset: int, size: int) -> None:
                raise SourceError("the disk is gone")

            patch.setattr(WeightPages, "bring_in", fail)
            with pytest.raises(SourceError, match="the disk is gone"):
                engine.compute([Piece(cache, 100, TOKENS[100:])])
        after = engine.compute([Piece(cache, 100, TOKENS[100:])], Wanted.LOGITS)
        assert after.shape[0] == 50


def test_cancelling_while_the_disk_stands_still(smollm2: Path) -> None:
    reads, goes_on = Event(), Event()
    bring_in = WeightPages.bring_in

    def stand_still(self: WeightPages, offset: int, size: int) -> None:
        reads.set()
        goes_on.wait()
        bring_in(self, offset, size)

    with engine_of(smollm2, capacity_bytes=64 * MIB) as engine:
        cache = engine.new_cache(4)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(WeightPages, "bring_in", stand_still)
            with pytest.raises(CancelledError):  # while the disk still stands still
                engine.compute([Piece(cache, 0, TOKENS[:1])], cancelled=reads.is_set)
            with pytest.raises(CancelledError):  # and the next call behind it too
                engine.compute(
                    [Piece(cache, 0, TOKENS[:1])], cancelled=iter([False, True]).__next__
                )
            goes_on.set()
            rows = engine.compute([Piece(cache, 0, TOKENS[:1])], Wanted.LOGITS)
    assert np.isfinite(rows).all()


def test_a_disk_that_stands_still_ahead_of_the_next_pass(smollm2: Path) -> None:
    bring_in, goes_on = WeightPages.bring_in, Event()
    with engine_of(smollm2, capacity_bytes=64 * MIB) as engine, ThreadPoolExecutor(1) as pool:
        cache = engine.new_cache(2)
        engine.compute([Piece(cache, 0, TOKENS[:1])], Wanted.LOGITS)

        def stand_still(self: WeightPages, offset: int, size: int) -> None:
            reading = engine.weights._reading
            if reading and reading._next == reading._end:
                goes_on.wait()
            bring_in(self, offset, size)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(WeightPages, "bring_in", stand_still)
            piece = Piece(cache, 1, TOKENS[1:2])
            computed = pool.submit(engine.compute, [piece], Wanted.LOGITS)
            try:
                assert np.isfinite(computed.result(timeout=20)).all()
            finally:
                goes_on.set()


def test_cancelling_behind_a_call_that_waits_for_the_disk(smollm2: Path) -> None:
    bring_in, stands_still, goes_on = WeightPages.bring_in, Event(), Event()

    def stand_still(self: WeightPages, offset: int, size: int) -> None:
        stands_still.set()
        goes_on.wait()
        bring_in(self, offset, size)

    with engine_of(smollm2, capacity_bytes=64 * MIB) as engine, ThreadPoolExecutor(2) as pool:
        first, second = (Piece(engine.new_cache(1), 0, TOKENS[:1]) for _ in range(2))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(WeightPages, "bring_in", stand_still)
            computed = pool.submit(engine.compute, [first])
            stands_still.wait()
            cancelled = iter([False, True]).__next__
            behind = pool.submit(engine.compute, [second], cancelled=cancelled)
            try:
                with pytest.raises(CancelledError):
                    behind.result(timeout=20)
                assert not computed.done()
            finally:
                goes_on.set()
        computed.result()


def test_sessions_come_and_go_behind_a_call_that_waits_for_the_disk(smollm2: Path) -> None:
    bring_in, stands_still, goes_on = WeightPages.bring_in, Event(), Event()

    def stand_still(self: WeightPages, offset: int, size: int) -> None:
        stands_still.set()
        goes_on.wait()
        bring_in(self, offset, size)

    with (
        load_model(smollm2, memory64=True, capacity_bytes=64 * MIB) as model,
        model.session(4) as session,
        ThreadPoolExecutor(2) as pool,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(WeightPages, "bring_in", stand_still)
        computed = pool.submit(session.logits, TOKENS[:4])
        stands_still.wait()
        another = pool.submit(lambda: model.session(100).close())
        try:
            another.result(timeout=20)
            assert not computed.done()
        finally:
            goes_on.set()
        assert np.isfinite(computed.result()).all()


def test_sessions_that_come_and_go_during_a_pass_change_no_bit(
    smollm2: Path, expected: np.ndarray
) -> None:
    ended = Event()

    def come_and_go(model: Memory64Model) -> int:
        count = 0
        while not ended.is_set():
            model.session(2000).close()
            count += 1
        return count

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as pool:
        patch.setattr("memory64.inference.weights.usable_bytes", lambda: 140 * MIB)
        with load_model(smollm2, memory64=True) as model, model.session(150) as session:
            others = pool.submit(come_and_go, model)
            try:
                for _ in range(5):
                    assert np.array_equal(session.logits(TOKENS), expected)
                    session.clear()
            finally:
                ended.set()
            assert others.result() > 0


def test_what_was_given_up_during_a_pass_does_not_stay(smollm2: Path) -> None:
    """Though all of it was there when the pass began, and some came back by being touched."""
    with engine_of(smollm2, threads=1) as engine:
        weights, cache = engine.weights, engine.new_cache(2)
        before = file_bytes()
        engine.compute([Piece(cache, 0, TOKENS[:1])], Wanted.LOGITS)
        assert file_bytes() - before > 0.9 * weights.walk.nbytes
        with weights.read_for(c.Crew(), weights.walk.step_count):
            weights._use_capacity(64 * MIB)
            for block in weights.walk.blocks:
                weights._pages.bring_in(block.offset, block.size)
        assert file_bytes() - before < 70 * MIB
        engine.compute([Piece(cache, 1, TOKENS[1:2])], Wanted.LOGITS)


def file_bytes() -> int:
    """What this process has mapped of files, and in memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("RssFile:"))


def test_layers_and_text_share_the_capacity(smollm2: Path, expected: np.ndarray) -> None:
    capacity = 64 * MIB
    with (
        load_model(smollm2, memory64=True, capacity_bytes=capacity) as model,
        model.session(len(TOKENS)) as session,
    ):

        def resident() -> int:
            stats = model.stream_stats()
            assert stats is not None
            return model.cache_stats().resident_bytes + stats.resident_bytes

        rows = []
        for first in range(0, 24, 4):
            rows.append(session.logits(TOKENS[first : first + 4]))
            assert resident() <= capacity
            assert model.cache_stats().resident_bytes == 0
            for layer_id in range(first, first + 4):
                model.get_layer(layer_id)
                assert resident() <= capacity
        with model.get_layer(3), model.get_layer(5):
            rows.append(session.logits(TOKENS[24:28]))
            assert model.cache_stats().cached_layers == 2
            assert resident() <= capacity
        with load_model(smollm2) as roomy, roomy.session(28) as other:
            alike = [other.logits(TOKENS[first : first + 4]) for first in range(0, 28, 4)]
        assert np.array_equal(np.concatenate(rows), np.concatenate(alike))


def test_layers_that_are_held_can_leave_too_little(smollm2: Path) -> None:
    with (
        load_model(smollm2, memory64=True, capacity_bytes=50 * MIB) as model,
        model.session(4) as session,
    ):
        session.logits(TOKENS[:1])
        with ExitStack() as held:
            with pytest.raises(CapacityError, match="at once"):
                for layer_id in range(30):
                    held.enter_context(model.get_layer(layer_id))
            assert model.cache_stats().cached_layers > 5
        session.logits(TOKENS[1:2])


def test_who_says_no_length_gets_what_leaves_room_for_the_weights(smollm2: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, load_model(smollm2, memory64=True) as model:
        patch.setattr("memory64.inference.weights.usable_bytes", lambda: 140 * MIB)
        with model.session() as session:
            assert 0 < session.memory_bytes <= 35 * MIB
            assert session.context_length < 4096
        text = model.generate("Once upon a time", temperature=0, stop=["."])
        assert len("".join(text)) > 10
