"""One warm child process for all tests of a run, and a fresh one for those that spoil it."""

from collections.abc import Iterator

import pytest

from .process import Child


@pytest.fixture(scope="session")
def warm_child() -> Iterator[Child]:
    child = Child()
    yield child
    child.stop()


@pytest.fixture
def child(warm_child: Child) -> Iterator[Child]:
    """The shared process, no model open before or after."""
    yield warm_child
    if warm_child.alive:
        warm_child.ask("close")


@pytest.fixture
def own_child() -> Iterator[Child]:
    """A process of the test's own."""
    child = Child()
    yield child
    child.stop()
