"""What is told of a generation while it goes on."""

from itertools import pairwise
from pathlib import Path

import pytest

from memory64 import load_model
from memory64.inference import LiveStats, live_stats

MIB = 1 << 20
PROMPT = "The capital of France is"


@pytest.fixture
def at_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_stats, "EVERY_SECONDS", 0.0)


@pytest.mark.usefixtures("at_each_look")
def test_a_generation_that_streams(smollm2: Path) -> None:
    told: list[LiveStats] = []
    with load_model(smollm2, memory64=True, capacity_bytes=64 * MIB) as model:
        generation = model.generate(PROMPT, temperature=0, max_tokens=5, on_stats=told.append)
        assert told == []
        pieces = list(generation)
        stream = model.stream_stats()
        assert stream is not None
    assert [each.tokens for each in told] == [1, 2, 3, 4, 5, 5]
    assert len(pieces) == 5
    last = told[-1].stream
    assert last is not None
    assert 0 < last.streamed_bytes == stream.streamed_bytes
    assert last.kept_bytes == stream.kept_bytes
    for earlier, later in pairwise(told):
        assert earlier.stream and later.stream
        assert earlier.stream.read_bytes <= later.stream.read_bytes
        assert 0 <= earlier.stall_seconds <= later.stall_seconds
    assert told[1].read_bytes_per_second > 0
    assert told[1].tokens_per_second > 0
    assert told[-1].tokens_per_second == 0.0


def test_the_end_is_told_of_though_no_second_was_over(smollm2: Path) -> None:
    told: list[LiveStats] = []
    with pytest.MonkeyPatch.context() as patch, load_model(smollm2) as model:
        patch.setattr(live_stats, "EVERY_SECONDS", 10.0**9)
        with model.session(64) as session:
            messages = [{"role": "user", "content": "Hello"}]
            generation = session.chat(messages, max_tokens=3, on_stats=told.append)
            list(generation)
            assert next(generation, None) is None
    assert [each.tokens for each in told] == [3]


@pytest.mark.usefixtures("at_each_look")
def test_of_copies_nothing_streams(smollm2: Path) -> None:
    told: list[LiveStats] = []
    with load_model(smollm2.read_bytes()) as model:
        list(model.generate(PROMPT, max_tokens=2, on_stats=told.append))
        assert model.stream_stats() is None
    assert [(each.stream, each.read_bytes_per_second) for each in told] == [(None, 0.0)] * 3


@pytest.mark.usefixtures("at_each_look")
def test_a_batch_tells_of_all_its_texts(smollm2: Path) -> None:
    told: list[LiveStats] = []
    with load_model(smollm2) as model:
        batch = model.generate_batch([PROMPT, "Once"], max_tokens=3, on_stats=told.append)
        assert told == []
        batch.texts()
        assert batch.step() == []
        assert told[-1].stream == model.stream_stats()
    assert [each.tokens for each in told] == [2, 4, 6, 6]


def test_what_was_stopped_tells_nothing_more(smollm2: Path) -> None:
    told: list[LiveStats] = []
    with load_model(smollm2) as model:
        for generation in (
            model.generate(PROMPT, on_stats=told.append),
            model.generate_batch([PROMPT], on_stats=told.append),
        ):
            next(generation)
            generation.close()
            assert next(generation, None) is None
    assert told == []


def test_it_needs_a_function(smollm2: Path) -> None:
    with load_model(smollm2) as model, pytest.raises(TypeError, match="on_stats needs"):
        model.generate(PROMPT, on_stats=1)  # type: ignore[arg-type]
