"""A model, and guests over it that are closed at the end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from memory64 import Memory64Model, load_model
from memory64.guest import Guest

MakeGuest = Callable[..., Guest]


@pytest.fixture
def model(tiny: Path) -> Iterator[Memory64Model]:
    with load_model(tiny, memory64=True) as opened:
        yield opened


@pytest.fixture
def guest(model: Memory64Model) -> Iterator[MakeGuest]:
    """Makes a guest from text in WAT, or from any other source."""
    with ExitStack() as made:

        def make(module: Any, **options: Any) -> Guest:
            source = module.encode() if isinstance(module, str) else module
            return made.enter_context(Guest(source, model, **options))

        yield make
