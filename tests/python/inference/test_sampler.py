"""Tokens are picked as often as their settings say, against a plain computation of the odds."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from memory64 import LogitsError
from memory64.inference.logprobs import token_logprob
from memory64.inference.sampler import Sampler
from memory64.inference.sampling import Sampling
from memory64.inference.top_tokens import top_tokens

PICKS = 5_000


def logits_of(count: int, scale: float = 2.0, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, scale, count).astype(np.float32)


def expected_odds(logits: NDArray[np.float32], sampling: Sampling) -> NDArray[np.float64]:
    """What llama.cpp's samplers do, one after the other, on everything sorted."""
    order = np.argsort(-logits, kind="stable")
    values = logits[order].astype(np.float64)
    if sampling.top_k:
        values = values[: sampling.top_k]
    odds = np.exp(values - values[0]) / np.exp(values - values[0]).sum()
    count = int((odds.cumsum() < sampling.top_p).sum()) + 1 if sampling.top_p < 1 else len(values)
    values, odds = values[:count], odds[:count]
    values = values[odds >= sampling.min_p * odds[0]]
    weights = np.exp((values - values[0]) / sampling.temperature)
    spread = np.zeros(logits.size)
    spread[order[: len(weights)]] = weights / weights.sum()
    return spread


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"top_k": 0, "min_p": 0.0, "top_p": 1.0, "temperature": 1.0},
        {"top_k": 0, "min_p": 0.0, "top_p": 0.7},
        {"top_k": 0, "min_p": 0.1, "top_p": 1.0},
        {"top_k": 5, "min_p": 0.0, "top_p": 1.0, "temperature": 3.0},
        {"top_k": 3000, "min_p": 0.0, "top_p": 0.999, "temperature": 2.0},
        {"top_k": 0, "min_p": 0.0, "top_p": 0.999, "temperature": 2.0},
        {"top_p": 0.0},
        {"temperature": 0.1},
    ],
    ids=str,
)
def test_odds(settings: dict[str, Any]) -> None:
    # More tokens of the nucleus than are sorted at first.
    logits = logits_of(5000, scale=1.0 if settings.get("top_p") == 0.999 else 3.0)
    sampling = Sampling(seed=1, **settings)
    expected = expected_odds(logits, sampling)
    sampler = Sampler(sampling)
    counts = Counter(sampler.pick(logits, []) for _ in range(PICKS))
    found = np.zeros(logits.size)
    found[list(counts)] = np.array(list(counts.values())) / PICKS
    assert np.all(expected[found > 0] > 0)
    # Six standard deviations, and room for what is expected less often than once.
    assert np.all(np.abs(found - expected) <= 6 * np.sqrt(expected / PICKS) + 6 / PICKS)


def test_the_nucleus_may_be_most_of_the_vocabulary() -> None:
    sampler = Sampler(Sampling(top_k=0, top_p=0.9, min_p=0, temperature=1, seed=0))
    picks = [sampler.pick(np.zeros(40_000, np.float32), []) for _ in range(200)]
    assert 30_000 < max(picks) < 36_000


def test_the_same_seed_picks_the_same_tokens() -> None:
    logits = logits_of(1000)

    def picks(seed: int | None) -> list[int]:
        sampler = Sampler(Sampling(seed=seed))
        return [sampler.pick(logits, []) for _ in range(50)]

    assert picks(7) == picks(7)
    assert picks(7) != picks(8)
    assert picks(None) != picks(None)


def test_greedy_picks_the_first_of_the_best() -> None:
    logits = np.array([1, 3, 2, 3], np.float32)
    for temperature in (0, 0.0, 1e-300):
        assert Sampler(Sampling(temperature=temperature)).pick(logits, []) == 1


def test_a_very_low_temperature_picks_the_best() -> None:
    logits = np.array([-1e38, 3, 2, 1e38], np.float32)
    assert Sampler(Sampling(temperature=1e-30, top_p=1, min_p=0, seed=0)).pick(logits, []) == 3


def test_tokens_that_are_ruled_out_are_never_picked() -> None:
    logits = np.full(50, -np.inf, np.float32)
    logits[[3, 9]] = 0
    sampler = Sampler(Sampling(top_k=0, top_p=1, min_p=0, temperature=5, seed=0))
    assert {sampler.pick(logits, []) for _ in range(200)} == {3, 9}


def picked_from_sorted(logits: NDArray[np.float32], sampling: Sampling) -> int:
    """What is picked where the whole vocabulary is sorted."""
    order = np.argsort(-logits, kind="stable")[: sampling.top_k or logits.size]
    values = logits[order] - logits.max()
    odds = np.exp(values)
    if sampling.top_p < 1:
        bounds = odds.cumsum(dtype=np.float64)
        count = int(bounds.searchsorted(sampling.top_p * bounds[-1])) + 1
        values, odds = values[:count], odds[:count]
    values = values[odds >= sampling.min_p]
    bounds = np.exp(values / np.float32(sampling.temperature)).cumsum(dtype=np.float64)
    chance = np.random.default_rng(sampling.seed).random()
    return int(order[bounds.searchsorted(chance * bounds[-1], side="right")])


shares = st.sampled_from([0.0, 0.01, 0.3, 0.5, 0.9, 0.999, 1.0])


@given(
    values=st.lists(st.integers(-6, 6), min_size=1, max_size=200),
    step=st.sampled_from([0.0, 0.3, 1.0, 2.0]),
    top_k=st.sampled_from([0, 1, 5, 40, 1000]),
    top_p=shares,
    min_p=shares,
    temperature=st.sampled_from([0.1, 0.8, 3.0]),
    seed=st.integers(0, 1000),
)
def test_picks_as_from_a_sorted_vocabulary(
    values: list[int], step: float, seed: int, **given: Any
) -> None:
    logits = np.array(values, np.float32) * np.float32(step)
    sampling = Sampling(seed=seed, **given)
    assert Sampler(sampling).pick(logits, []) == picked_from_sorted(logits, sampling)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("top_p", [0.5, 0.95, 0.9999, 1.0])
def test_picks_as_from_a_large_sorted_vocabulary(top_p: float, seed: int) -> None:
    logits = logits_of(262_144, scale=seed / 4, seed=seed)
    sampling = Sampling(top_k=0, top_p=top_p, min_p=0.05 * (seed % 2), seed=seed)
    assert Sampler(sampling).pick(logits, []) == picked_from_sorted(logits, sampling)


@pytest.mark.parametrize("temperature", [0, 0.8])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_logits_that_are_no_numbers(temperature: float, wrong: float) -> None:
    logits = logits_of(100)
    logits[17] = wrong
    with pytest.raises(LogitsError, match=f"token 17 is {wrong}"):
        Sampler(Sampling(temperature=temperature)).pick(logits, [])
    with pytest.raises(LogitsError, match="token 0 is -inf"):
        Sampler(Sampling(temperature=temperature)).pick(np.full(9, -np.inf, np.float32), [])


def test_the_penalty_for_repetition() -> None:
    logits = np.array([2.0, 1.9, -1.0, 1.5], np.float32)
    before = logits.copy()

    def best(recent: list[int], **settings: Any) -> int:
        return Sampler(Sampling(temperature=0, **settings)).pick(logits, recent)

    assert best([0], repeat_penalty=1.0) == 0
    assert best([0], repeat_penalty=1.1) == 1
    assert best([0, 0, 0], repeat_penalty=1.04) == 0  # once, however often it occurred
    assert best([0, 1], repeat_penalty=2.0) == 3
    assert best([0, 2], repeat_penalty=2.0, repeat_last_n=1) == 0
    assert best([0, 2], repeat_penalty=2.0, repeat_last_n=0) == 0
    assert best([0, *[2] * 100], repeat_penalty=2.0) == 0
    assert best([0, *[2] * 100], repeat_penalty=2.0, repeat_last_n=-1) == 1
    assert np.array_equal(logits, before)
    falling = np.array([-1.0, -1.5], np.float32)
    assert Sampler(Sampling(temperature=0, repeat_penalty=2.0)).pick(falling, [0]) == 1


@settings(deadline=None)
@given(values=st.lists(st.integers(-3, 3), min_size=1, max_size=60), count=st.integers(1, 70))
def test_top_tokens(values: list[int], count: int) -> None:
    expected = sorted(range(len(values)), key=lambda token: (-values[token], token))[:count]
    assert top_tokens(np.array(values, np.float32), count).tolist() == expected


def test_log_probabilities() -> None:
    logits = logits_of(5000, scale=30)
    exact = logits.astype(np.float64) - logits.max()
    exact -= np.log(np.exp(exact).sum())
    found = token_logprob(logits, 123, 4)
    assert found.token == 123
    assert found.logprob == pytest.approx(exact[123], abs=1e-4)
    assert [top.token for top in found.top] == np.argsort(-exact)[:4].tolist()
    assert [top.logprob for top in found.top] == pytest.approx(np.sort(-exact)[:4] * -1, abs=1e-4)
    assert token_logprob(logits, 123, 0).top == ()
