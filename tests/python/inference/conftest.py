"""Tokenizers of real models, made once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from memory64 import load_model
from memory64.inference.tokenizer import Tokenizer
from models.vocabulary import vocabulary
from tests.oracles.tokens import WORDS


@pytest.fixture(scope="session")
def smollm2_metadata(smollm2: Path) -> Mapping[str, Any]:
    return load_model(smollm2).metadata


@pytest.fixture(scope="session")
def smollm2_tokenizer(smollm2_metadata: Mapping[str, Any]) -> Tokenizer:
    return Tokenizer.from_metadata(smollm2_metadata)


@pytest.fixture(scope="session")
def gemma_tokenizer(gemma: Path) -> Tokenizer:
    return Tokenizer.from_metadata(load_model(gemma).metadata)


@pytest.fixture(scope="session")
def words_metadata() -> dict[str, Any]:
    """A vocabulary of SentencePiece's that says nothing but its tokens, as Llama 2's."""
    made = vocabulary(WORDS)
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": list(made.tokens),
        "tokenizer.ggml.scores": list(made.scores),
        "tokenizer.ggml.token_type": [int(kind) for kind in made.types],
    }


@pytest.fixture(scope="session")
def words_tokenizer(words_metadata: dict[str, Any]) -> Tokenizer:
    return Tokenizer.from_metadata(words_metadata)
