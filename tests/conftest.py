"""Models for every suite. Large ones are fetched or generated once into an ignored cache."""

from pathlib import Path

import pytest

from models import fetch, generate


@pytest.fixture(scope="session")
def smollm2() -> Path:
    return fetch.smollm2()


@pytest.fixture(scope="session")
def gemma() -> Path:
    return fetch.gemma()


@pytest.fixture(scope="session")
def beyond_4gib() -> Path:
    return generate.beyond_4gib()


@pytest.fixture(scope="session")
def llama_70b_sparse() -> Path:
    return generate.llama_70b_sparse()


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return generate.tiny(tmp_path / "tiny.gguf")
