"""Several prompts at once: what each of them would give alone, with the weights read once."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memory64 import (
    CancelledError,
    CapacityError,
    ClosedError,
    Memory64Model,
    OutOfBoundsError,
    load_model,
)
from memory64.inference import Session
from memory64.inference.engine import Engine
from memory64.inference.sequence import TokenSequence
from memory64.inference.together import Share, see_together, share_out
from memory64.streaming import StreamStats
from models.small import VOCABULARY
from tests.oracles.fixture import generated_models

from .teacher import engine_of, logits_of

MIB = 1 << 20
MODELS = generated_models()
RANDOM = np.random.default_rng(9)
PROMPTS = [RANDOM.integers(3, VOCABULARY, size).tolist() for size in (5, 300, 1, 40, 130, 2)]
TEXTS = ["The capital of France is", "Once upon a time", "def fib(n):", "Water boils at"]


@pytest.fixture(scope="module", params=["llama.F32", "gemma3.F32", "qwen3.Q4_K"])
def small(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Memory64Model]:
    """Of floats and of blocks, and fast."""
    path = MODELS[request.param](tmp_path_factory.mktemp("models"))
    with load_model(path, memory64=True) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def model(smollm2: Path) -> Iterator[Memory64Model]:
    with load_model(smollm2, memory64=True) as loaded:
        yield loaded


def alone(model: Memory64Model, prompt: list[int], **options: float) -> str:
    return "".join(model.generate(prompt, max_tokens=20, **options))  # type: ignore[arg-type]


# ── the same as alone ──


def test_each_text_is_what_it_is_alone(small: Memory64Model) -> None:
    batch = small.generate_batch(PROMPTS, max_tokens=20, temperature=0)
    assert batch.texts() == [alone(small, prompt, temperature=0) for prompt in PROMPTS]
    assert all(batch.texts())


def test_a_seed_is_that_of_the_first_prompt(small: Memory64Model) -> None:
    """The others count on from it; so no text depends on which others there are."""
    seed = (1 << 64) - 3  # after the largest one comes 0
    seeds = [(seed + index) % (1 << 64) for index in range(len(PROMPTS))]
    texts = small.generate_batch(PROMPTS, max_tokens=20, seed=seed).texts()
    assert texts == [
        alone(small, prompt, seed=each) for prompt, each in zip(PROMPTS, seeds, strict=True)
    ]
    assert small.generate_batch(PROMPTS[:2], max_tokens=20, seed=seed).texts() == texts[:2]


def test_the_same_prompt_has_several_answers(model: Memory64Model) -> None:
    def texts() -> list[str]:
        batch = model.generate_batch(TEXTS[:1] * 4, max_tokens=20, temperature=1.5, seed=1)
        return batch.texts()

    assert texts() == texts()
    assert len(set(texts())) == 4


@pytest.mark.parametrize("kind", ["llama.F32", "llama.Q8_0", "qwen3.Q4_K"])
def test_logits_of_sequences_in_step(tmp_path: Path, kind: str) -> None:
    """Prompts of any length, then a token of each: what each sequence has alone."""
    with engine_of(MODELS[kind](tmp_path)) as engine:
        answers = [RANDOM.integers(3, VOCABULARY, 12).tolist() for _ in PROMPTS]
        rows = in_step(engine, PROMPTS, answers)
        for prompt, answer, ours in zip(PROMPTS, answers, rows, strict=True):
            expected = logits_of(engine, prompt + answer)[len(prompt) - 1 : -1]
            np.testing.assert_array_equal(np.stack(ours), expected)


def in_step(
    engine: Engine, prompts: list[list[int]], answers: list[list[int]]
) -> list[list[np.ndarray]]:
    """The logits before each token of the answers."""
    sequences = [TokenSequence(engine, 400) for _ in prompts]
    unseen = [list(prompt) for prompt in prompts]
    rows: list[list[np.ndarray]] = [[] for _ in prompts]
    while live := [at for at, left in enumerate(unseen) if left]:
        counts = share_out([len(unseen[at]) for at in live])
        taken = [at for at, count in zip(live, counts, strict=True) if count]
        shares = [
            Share(sequences[at], unseen[at][:count], count == len(unseen[at]))
            for at, count in zip(live, counts, strict=True)
            if count
        ]
        logits = iter(see_together(engine, shares))
        for at, share in zip(taken, shares, strict=True):
            del unseen[at][: len(share.tokens)]
            if share.wanted:
                rows[at].append(next(logits))
                unseen[at] = answers[at][len(rows[at]) - 1 : len(rows[at])]
                if len(rows[at]) == len(answers[at]):
                    unseen[at] = []
    for sequence in sequences:
        sequence.close()
    return rows


def test_one_thread_and_several_say_the_same(smollm2: Path) -> None:
    results = []
    for threads in (1, 3):
        with load_model(smollm2, memory64=True, threads=threads) as model:
            batch = model.generate_batch(TEXTS, max_tokens=8, logprobs=1, seed=3)
            results.append((batch.texts(), [result.logprobs for result in batch.results]))
    assert results[0] == results[1]


# ── its room ──


def test_shares_of_a_batch() -> None:
    assert share_out([]) == []
    assert share_out([1, 1, 1]) == [1, 1, 1]
    assert share_out([1000]) == [128]
    assert share_out([500, 1, 20, 1]) == [106, 1, 20, 1]
    assert share_out([100, 100, 1]) == [100, 27, 1]
    assert share_out([1] * 128 + [5]) == [1] * 128 + [0]


def test_weights_are_read_once_for_all(smollm2: Path) -> None:
    def read_in_five_steps(count: int) -> int:
        with load_model(smollm2, memory64=True, capacity_bytes=64 * MIB) as model:
            batch = model.generate_batch([[1]] * count, max_tokens=8, temperature=0)
            batch.step()  # leaves all in memory that stays there
            before = stats_of(model).read_bytes
            for _ in range(5):
                batch.step()
            assert [result.usage.tokens for result in batch.results] == [6] * count
            return stats_of(model).read_bytes - before

    # A step may have read ahead for the next one when the counts were looked at.
    for_one, for_eight = read_in_five_steps(1), read_in_five_steps(8)
    assert for_one > 100 * MIB
    assert for_eight == pytest.approx(for_one, rel=0.05)


def stats_of(model: Memory64Model) -> StreamStats:
    stats = engine_in(model).weights.stats()
    assert stats is not None
    return stats


def engine_in(model: Memory64Model) -> Engine:
    return model._runner._engine


def test_more_prompts_than_places(small: Memory64Model) -> None:
    prompts = [[3 + index, 7, 9] for index in range(150)]
    assert len(prompts) > engine_in(small).logits_rows
    batch = small.generate_batch(prompts, max_tokens=3, temperature=0)
    ended = [index for index, piece in batch if not piece]
    assert sorted(ended) == list(range(150))
    assert {result.finish_reason for result in batch.results} == {"length"}
    for index in (0, 100, 140, 149):
        generation = small.generate(prompts[index], max_tokens=3, temperature=0)
        assert batch.results[index].text == "".join(generation)
    first, last = batch.results[0].usage, batch.results[-1].usage
    assert first.seconds < last.first_token_seconds
    assert batch.memory_bytes == engine_in(small).logits_rows * engine_in(small).cache_bytes(6)


def test_a_large_vocabulary_has_fewer_places(gemma: Path) -> None:
    prompts = [[index] for index in range(5, 25)]
    with load_model(gemma, memory64=True) as model:
        batch = model.generate_batch(prompts, max_tokens=2, temperature=0, logprobs=0)
        batch.step()
        places = engine_in(model).logits_rows
        assert 0 < places < len(prompts)
        heard = [result.usage.seconds > 0 for result in batch.results]
        assert heard == [index < places for index in range(len(prompts))]
        batch.texts()
        for prompt, result in zip(prompts, batch.results, strict=True):
            generation = model.generate(prompt, max_tokens=1, temperature=0, logprobs=0)
            list(generation)
            ours = [each.logprob for each in result.logprobs[:1]]
            assert ours == [each.logprob for each in generation.logprobs]


def test_where_memory_is_short_some_wait(smollm2: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memory64.inference.weights.usable_bytes", lambda: 140 * MIB)
        with load_model(smollm2, memory64=True) as model:
            sessions = fill_with_sessions(model, 40)
            prompts = [[index] * 35 for index in (1, 2, 3)]
            batch = model.generate_batch(prompts, max_tokens=5, temperature=0)
            with pytest.raises(CapacityError, match="no room"):
                batch.step()  # there is none for a single one
            for session in sessions[:2]:
                session.close()
            batch = model.generate_batch(prompts, max_tokens=5, temperature=0)
            assert len(batch.step()) == 2
            assert [result.usage.tokens for result in batch.results] == [1, 1, 0]
            batch.texts()
            assert [result.usage.tokens for result in batch.results] == [5, 5, 5]


def fill_with_sessions(model: Memory64Model, context_length: int) -> list[Session]:
    sessions = []
    while True:
        try:
            sessions.append(model.session(context_length))
        except CapacityError:
            return sessions


# ── ends ──


def test_each_ends_for_itself(model: Memory64Model) -> None:
    expected = model.generate_batch(TEXTS, max_tokens=12, temperature=0).texts()
    stop = expected[1][4:8]
    assert sum(stop in text for text in expected) == 1
    batch = model.generate_batch(TEXTS, max_tokens=12, temperature=0, stop=[stop])
    pieces = list(batch)
    reasons = [result.finish_reason for result in batch.results]
    assert reasons == ["length", "stop", "length", "length"]
    for index, result in enumerate(batch.results):
        mine = [piece for at, piece in pieces if at == index]
        assert mine[-1] == ""
        assert all(mine[:-1])
        assert "".join(mine) == result.text
    assert batch.results[1].text == expected[1][: expected[1].index(stop)]
    others = [text for index, text in enumerate(expected) if index != 1]
    assert [result.text for result in batch.results if result.finish_reason == "length"] == others


def test_a_text_ends_by_itself_while_others_go_on(model: Memory64Model) -> None:
    question = "<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n"
    batch = model.generate_batch([question, "Once upon a time"], max_tokens=60, temperature=0)
    ended = [index for index, piece in batch if not piece]
    assert ended == [0, 1]
    answer, story = batch.results
    assert (answer.finish_reason, story.finish_reason) == ("end", "length")
    assert "4" in answer.text
    assert answer.usage.tokens < story.usage.tokens == 60
    assert 0 < answer.usage.first_token_seconds < answer.usage.seconds < story.usage.seconds
    assert answer.usage.prompt_tokens == len(model.tokenize(question, parse_special=True))


def test_the_context_is_full(small: Memory64Model) -> None:
    full = [5] * 2047
    batch = small.generate_batch([full, [5]], max_tokens=30, temperature=0)
    batch.texts()
    assert [result.usage.tokens for result in batch.results] == [2, 30]
    assert [result.finish_reason for result in batch.results] == ["length", "length"]


def test_logprobs_of_each(model: Memory64Model) -> None:
    batch = model.generate_batch(TEXTS[:2], max_tokens=3, temperature=0, logprobs=2)
    for text, result in zip(batch.texts(), batch.results, strict=True):
        assert model.detokenize([each.token for each in result.logprobs]) == text
        assert all(each.top[0].token == each.token for each in result.logprobs)


def test_steps_and_pieces_are_the_same(model: Memory64Model) -> None:
    whole = list(model.generate_batch(TEXTS, max_tokens=5, temperature=0))
    batch = model.generate_batch(TEXTS, max_tokens=5, temperature=0)
    mixed = [next(batch)]
    while step := batch.step():
        mixed += step
    assert mixed == whole
    assert list(batch) == []


def test_closing_stops_it_and_gives_the_memory_back(model: Memory64Model) -> None:
    weights = engine_in(model).weights
    before = weights._budget.reserved_bytes
    with model.generate_batch(TEXTS, temperature=0) as batch:
        next(batch)
        assert weights._budget.reserved_bytes == before + batch.memory_bytes
    assert weights._budget.reserved_bytes == before
    assert {result.finish_reason for result in batch.results} == {"closed"}
    assert list(batch) == []
    assert batch.step() == []
    dropped = model.generate_batch(TEXTS, temperature=0)
    next(dropped)
    del dropped
    gc.collect()
    assert weights._budget.reserved_bytes == before


def test_what_ended_gives_its_memory_back(small: Memory64Model) -> None:
    weights = engine_in(small).weights
    before = weights._budget.reserved_bytes
    batch = small.generate_batch([[5] * 2048, [5]], max_tokens=9, temperature=0)
    while batch.results[1].finish_reason is None:  # before the other's prompt was seen
        batch.step()
    assert weights._budget.reserved_bytes == before + engine_in(small).cache_bytes(2048)
    batch.texts()
    assert weights._budget.reserved_bytes == before


def test_cancelling(model: Memory64Model) -> None:
    weights = engine_in(model).weights
    before = weights._budget.reserved_bytes
    stopped = False
    batch = model.generate_batch(TEXTS, temperature=0, cancelled=lambda: stopped)
    batch.step()
    stopped = True
    with pytest.raises(CancelledError):
        batch.step()
    assert batch.step() == []
    assert {result.finish_reason for result in batch.results} == {"closed"}
    assert weights._budget.reserved_bytes == before
    assert model.generate_batch(TEXTS[:1], max_tokens=1, temperature=0).texts() == [" Paris"]


def test_an_error_is_the_end_of_those_that_had_not_ended(model: Memory64Model) -> None:
    def ends_then_fails() -> bool:
        if batch.results[0].finish_reason:
            raise ZeroDivisionError
        return False

    prompts = ["<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n", TEXTS[0]]
    batch = model.generate_batch(prompts, temperature=0, max_tokens=60, cancelled=ends_then_fails)
    with pytest.raises(ZeroDivisionError):
        batch.texts()
    assert [result.finish_reason for result in batch.results] == ["end", "error"]
    assert batch.texts() == [result.text for result in batch.results]
    batch.close()
    assert batch.results[1].finish_reason == "error"


# ── what is refused ──


def test_wrong_prompts_and_options(model: Memory64Model) -> None:
    with pytest.raises(OutOfBoundsError, match="prompt 1: tokens are 0 to 49151, found 49152"):
        model.generate_batch([[1], [49152]])
    with pytest.raises(CapacityError, match="prompt 2"):
        model.generate_batch([[1], [1], [1] * 8193])
    with pytest.raises(ValueError, match="prompt 0"):
        model.generate_batch([""])
    for wrong in ("Once upon a time", 5, None):
        with pytest.raises(TypeError, match=f"prompts need to be a list of them, found {wrong!r}"):
            model.generate_batch(wrong)  # type: ignore[arg-type]
    for wrong in (2, None, b"text"):
        with pytest.raises(TypeError, match=f"prompt 1 needs to be .*, found {wrong!r}"):
            model.generate_batch(["", wrong])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="temperature"):
        model.generate_batch(TEXTS, temperature=-1)
    with pytest.raises(ValueError, match="seed"):
        model.generate_batch(TEXTS, seed=-1)
    with pytest.raises(TypeError, match="beams"):
        model.generate_batch(TEXTS, beams=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"beams": 3}, TypeError),
        ({"cancelled": 5}, TypeError),
        ({"on_stats": 5}, TypeError),
        ({"stop": 5}, TypeError),
        ({"logprobs": -1}, ValueError),
        ({"max_tokens": 0}, ValueError),
        ({"seed": "x"}, TypeError),
    ],
)
def test_options_are_checked_whatever_prompts_there_are(
    model: Memory64Model, options: dict[str, Any], error: type[Exception]
) -> None:
    [name] = options
    for prompts in ([], ["Once"]):
        with pytest.raises(error, match=name):
            model.generate_batch(prompts, **options)
    with pytest.raises(error, match=name):
        model.generate("Once", **options)


def test_no_prompts_make_no_pieces(model: Memory64Model) -> None:
    batch = model.generate_batch([])
    assert list(batch) == []
    assert batch.memory_bytes == 0


def test_a_closed_model(tiny: Path) -> None:
    model = load_model(tiny, memory64=True)
    batch = model.generate_batch([[1, 2, 3], [4]], temperature=0)
    next(batch)
    model.close()
    with pytest.raises(ClosedError):
        list(batch)
    with pytest.raises(ClosedError):
        model.generate_batch([[1]])
