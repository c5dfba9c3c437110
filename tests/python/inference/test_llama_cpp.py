"""Texts are cut into the tokens that llama.cpp cuts them into."""

from collections.abc import Mapping
from typing import Any

import pytest

from memory64.inference.tokenizer import Tokenizer
from tests.oracles.tokens import MODELS, PRE_TOKENIZERS, TEXTS, kept


@pytest.mark.parametrize("name", MODELS)
def test_of_a_model(name: str, request: pytest.FixtureRequest) -> None:
    compare(name, request.getfixturevalue(f"{name}_tokenizer"))


@pytest.mark.parametrize("name", PRE_TOKENIZERS)
def test_of_a_pre_tokenizer(name: str, smollm2_metadata: Mapping[str, Any]) -> None:
    metadata = dict(smollm2_metadata) | {"tokenizer.ggml.pre": name}
    compare(name, Tokenizer.from_metadata(metadata))


def test_there_are_thousands() -> None:
    assert len(kept()["texts"]) == TEXTS
    assert {len(kept()["tokens"][name]) for name in ("smollm2", "gemma")} == {TEXTS}


def compare(name: str, tokenizer: Tokenizer) -> None:
    for text, (typed, made) in zip(kept()["texts"], kept()["tokens"][name], strict=False):
        assert tokenizer.tokenize(text) == typed, text
        assert tokenizer.tokenize(text, parse_special=True) == (made or typed), text
