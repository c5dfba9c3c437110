"""Text from a real model: pieces, limits, stops, usage."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memory64 import (
    CancelledError,
    CapacityError,
    ChatTemplateError,
    ClosedError,
    Memory64Model,
    TokenizerError,
    load_model,
)
from models import generate

PROMPT = "The capital of France is"
QUESTION = [{"role": "user", "content": "What is 2+2?"}]


@pytest.fixture(scope="module")
def model(smollm2: Path) -> Iterator[Memory64Model]:
    with load_model(smollm2, memory64=True) as loaded:
        yield loaded


def test_it_knows_the_capital_of_france(model: Memory64Model) -> None:
    generation = model.generate(PROMPT, max_tokens=8, temperature=0)
    pieces = list(generation)
    assert "Paris" in "".join(pieces)
    assert all(pieces)
    usage = generation.usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.tokens) == (5, 0, 8)
    assert generation.finish_reason == "length"
    assert 0 < usage.first_token_seconds < usage.seconds
    assert usage.tokens_per_second > 0


def test_it_answers_and_ends_by_itself(model: Memory64Model) -> None:
    generation = model.chat(QUESTION, max_tokens=60, temperature=0)
    answer = "".join(generation)
    assert "4" in answer
    assert "<|im_end|>" not in answer
    assert generation.finish_reason == "end"


def test_a_conversation_goes_on(model: Memory64Model) -> None:
    with model.session(512) as session:
        answer = "".join(session.chat(QUESTION, max_tokens=60, temperature=0))
        messages = [
            *QUESTION,
            {"role": "assistant", "content": answer},
            {"role": "user", "content": "Name three colors."},
        ]
        generation = session.chat(messages, max_tokens=40, temperature=0)
        assert "".join(generation)
        # What was said before, up to where the first answer ended.
        usage = generation.usage
        assert usage.prompt_tokens - usage.cached_tokens < usage.cached_tokens


def test_a_stop_string_ends_it_and_is_not_given_out(model: Memory64Model) -> None:
    whole = "".join(model.generate(PROMPT, max_tokens=30, temperature=0))
    stop = whole[9:13]
    generation = model.generate(PROMPT, max_tokens=30, temperature=0, stop=["€", stop])
    assert "".join(generation) == whole[: whole.index(stop)]
    assert generation.finish_reason == "stop"


def test_the_same_seed_gives_the_same_text(model: Memory64Model) -> None:
    def text(seed: int) -> str:
        return "".join(model.generate(PROMPT, max_tokens=20, temperature=1.5, top_p=1, seed=seed))

    assert text(1) == text(1)
    assert len({text(seed) for seed in range(4)}) > 1


def test_tokens_are_a_prompt_as_well(model: Memory64Model) -> None:
    tokens = model.tokenize(PROMPT)
    from_tokens = "".join(model.generate(tokens, max_tokens=5, temperature=0))
    assert from_tokens == "".join(model.generate(PROMPT, max_tokens=5, temperature=0))
    assert model.detokenize(tokens) == PROMPT


def test_logprobs_are_those_of_the_logits(model: Memory64Model) -> None:
    generation = model.generate(PROMPT, max_tokens=3, temperature=0, logprobs=2)
    list(generation)
    assert len(generation.logprobs) == 3
    with model.session(64) as session:
        logits = session.logits(model.tokenize(PROMPT))[-1].astype(np.float64)
    first = generation.logprobs[0]
    expected = logits[first.token] - np.log(np.exp(logits).sum())
    assert first.logprob == pytest.approx(expected, abs=0.05)
    assert first.top[0].token == first.token
    assert first.top[0].logprob >= first.top[1].logprob


def test_closing_stops_it(model: Memory64Model) -> None:
    with model.generate(PROMPT, temperature=0) as generation:
        next(generation)
    assert generation.finish_reason == "closed"
    assert list(generation) == []
    assert generation.usage.tokens <= 3


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (ZeroDivisionError, "error"),
        (CancelledError, "closed"),
        (KeyboardInterrupt, "closed"),
    ],
)
def test_what_is_raised_ends_it(
    model: Memory64Model, raised: type[BaseException], reason: str
) -> None:
    def cancelled() -> bool:
        raise raised

    generation = model.generate(PROMPT, cancelled=cancelled)
    assert generation.finish_reason is None
    with pytest.raises(raised):
        list(generation)
    assert generation.finish_reason == reason
    assert list(generation) == []
    generation.close()
    assert generation.finish_reason == reason


def test_wrong_options(model: Memory64Model) -> None:
    with pytest.raises(ValueError, match="temperature"):
        model.generate(PROMPT, temperature=-1)
    with pytest.raises(ValueError, match="max_tokens"):
        model.generate(PROMPT, max_tokens=0)
    for wrong in (5, None, b"text"):
        with pytest.raises(TypeError, match=f"prompt needs to be .*, found {wrong!r}"):
            model.generate(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"text needs to be .*, found 5"):
        model.embed(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="beams"):
        model.generate(PROMPT, beams=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="pooling"):
        model.embed(PROMPT, pooling="max")  # type: ignore[arg-type]


def test_alike_texts_have_alike_embeddings(model: Memory64Model) -> None:
    def similarity(one: str, other: str) -> float:
        a, b = model.embed(one), model.embed(other)
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    cat = "A cat is sleeping on the sofa."
    alike = similarity(cat, "The kitten naps on the couch.")
    assert alike > similarity(cat, "Interest rates rose by half a percent.")
    assert model.embed(cat).shape == (576,)
    assert not np.array_equal(model.embed(cat), model.embed(cat, pooling="last"))


def test_a_base_model_says_that_it_does_not_chat(gemma: Path) -> None:
    with load_model(gemma, memory64=True) as base, pytest.raises(ChatTemplateError):
        base.chat(QUESTION)


def test_a_model_without_a_tokenizer_still_takes_tokens(tmp_path: Path) -> None:
    silent = generate.tiny(
        tmp_path / "silent.gguf", metadata={"tokenizer.ggml.model": generate.text("none")}
    )
    with load_model(silent) as model:
        with pytest.raises(TokenizerError):
            model.generate("Hello")
        with model.session(8) as session:
            assert session.logits([1, 2]).shape == (2, 320)


@pytest.mark.parametrize("wrong", [1.5, "a", None])
def test_tokens_are_whole_numbers(tiny: Path, wrong: Any) -> None:
    with load_model(tiny, memory64=True) as model, model.session(8) as session:
        for call in (session.logits, model.embed, lambda tokens: list(model.generate(tokens))):
            with pytest.raises(ValueError, match=f"whole numbers, found {wrong!r}"):
                call([1, wrong])


def test_no_more_is_embedded_than_the_model_was_made_for(tiny: Path) -> None:
    with load_model(tiny, memory64=True) as model:
        length = model.metadata["llama.context_length"]
        with pytest.raises(CapacityError, match=f"{length + 1} more do not fit"):
            model.embed([1] * (length + 1))


@pytest.mark.parametrize("wrong", [-1, "5"])
def test_the_most_tokens_are_a_whole_number(tiny: Path, wrong: Any) -> None:
    with load_model(tiny, memory64=True) as model:
        for call in (
            lambda: model.generate([1], max_tokens=wrong),
            lambda: model.generate_batch([[1]], max_tokens=wrong),
        ):
            with pytest.raises(ValueError, match=f"max_tokens needs .*found {wrong!r}"):
                call()


def test_a_closed_model_generates_nothing(tiny: Path) -> None:
    model = load_model(tiny, memory64=True)
    generation = model.generate([1, 2, 3], temperature=0)
    next(generation)
    model.close()
    with pytest.raises(ClosedError):
        list(generation)
    with pytest.raises(ClosedError):
        model.generate([1])


def test_one_thread_and_several_say_the_same(smollm2: Path, model: Memory64Model) -> None:
    with (
        load_model(smollm2, memory64=True, threads=3) as other,
        load_model(smollm2, memory64=False, threads=1) as standard,
    ):
        texts = {
            "".join(each.generate(PROMPT, max_tokens=20, temperature=0))
            for each in (model, other, standard)
        }
    assert len(texts) == 1
    for threads in (0, -1, 65, 1.5, True):
        with pytest.raises(ValueError, match="threads"):
            load_model(smollm2, threads=threads)  # type: ignore[arg-type]
