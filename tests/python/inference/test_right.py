"""What the engine makes of a text, against what transformers and llama.cpp made of it.

Theirs were asked by tests/oracles/logits.py. Nothing is sampled: each token follows the text's own.
"""

from pathlib import Path

import numpy as np
import pytest

from tests.oracles.distributions import log_softmax, surprise
from tests.oracles.fixture import Fixture, digest, generated_models, published_models

from .teacher import each_batch, engine_of

MAX_DIVERGENCE = 0.01
MIN_AGREEMENT = 0.97
MAX_SURPRISE_APART = 0.02

MAX_EXACT_DIVERGENCE = 5e-6
"""Where weights are multiplied in float32: what is left comes from half floats in the cache."""

MODELS = {**published_models(), **generated_models()}


@pytest.mark.parametrize("name", MODELS)
def test_oracles(name: str, tmp_path: Path) -> None:
    path, fixture = MODELS[name](tmp_path), Fixture.load(name)
    assert digest(path) == fixture.digest, "the oracles were asked about another file"
    assert len(fixture.tokens) > 1000
    divergences: dict[str, list[float]] = {oracle: [] for oracle in fixture.oracles}
    agreements: dict[str, list[bool]] = {oracle: [] for oracle in fixture.oracles}
    surprises: list[float] = []
    with engine_of(path) as engine:
        for start, logits in each_batch(engine, fixture.tokens):
            following = fixture.tokens[start + 1 : start + 1 + len(logits)]
            logs = log_softmax(logits[: len(following)])
            surprises += surprise(logs, following).tolist()
            for oracle, distributions in fixture.oracles.items():
                theirs = distributions.rows(start, start + len(following))
                divergences[oracle] += theirs.divergence(logs).tolist()
                agreements[oracle] += theirs.agreement(logs).tolist()
    at_most = MAX_EXACT_DIVERGENCE if name.endswith(".F32") else MAX_DIVERGENCE
    for oracle, distributions in fixture.oracles.items():
        assert np.mean(divergences[oracle]) <= at_most
        assert np.mean(agreements[oracle]) >= MIN_AGREEMENT
        assert abs(np.mean(surprises) - distributions.surprise.mean()) <= MAX_SURPRISE_APART
