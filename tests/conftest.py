"""Models for every suite. Large ones are fetched or generated once into an ignored cache."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from models import fetch, generate

# Not among the compiled modules of whoever runs the tests.
os.environ.setdefault("MEMORY64_CACHE", str(Path(__file__).parents[1] / ".cache" / "guests"))

# No test is about time. A fixture is there once for all examples, which is what they are meant for.
settings.register_profile(
    "memory64",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("memory64")


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
