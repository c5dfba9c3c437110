"""The table of attacks: each with the error it has to end in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from memory64 import Memory64Error

from .builder import GGUF
from .process import Answer, Child

MAX_PEAK_BYTES = 100_000_000

MAX_MESSAGE_CHARACTERS = 1000
"""Besides the path: what a message shows of a file is an excerpt, not the file."""

Function = Callable[..., Any]


@dataclass(frozen=True)
class Attack:
    """What is to be loaded, and how it is refused: error class, fragments of the message."""

    prepare: Function
    """Makes the attack in a folder; returns the path to load."""
    error: type[Memory64Error]
    fragments: tuple[str, ...]

    def check(self, child: Child, folder: Path) -> None:
        path = str(self.prepare(folder=folder))
        answer = child.ask("open", path=path, enabled=True)
        check_refusal(answer, self.error, *self.fragments)
        assert answer.message.replace(path, "").isprintable()


class Attacks:
    """The attacks of one test module, collected by its decorators."""

    def __init__(self) -> None:
        self._cases: list[Any] = []

    def refused(
        self, error: type[Memory64Error], *fragments: str, each: Sequence[Any] = ()
    ) -> Callable[[Function], Function]:
        """Enter a function that gives a file's content, once for every value of `each`.

        The `fragments` must be in the message; `{0}` in them stands for the value.
        """

        def prepare(make: Function, *values: Any, folder: Path) -> Path:
            return written(make(*values), folder)

        return self._enter(prepare, error, fragments, each)

    def refused_path(
        self, error: type[Memory64Error], *fragments: str, each: Sequence[Any] = ()
    ) -> Callable[[Function], Function]:
        """As `refused`, for a function that is given a folder and returns the path to load."""

        def prepare(make: Function, *values: Any, folder: Path) -> Path:
            path: Path = make(folder, *values)
            return path

        return self._enter(prepare, error, fragments, each)

    @property
    def each(self) -> pytest.MarkDecorator:
        """Parametrises a test by all attacks entered so far, as `attack`."""
        return pytest.mark.parametrize("attack", self._cases)

    def _enter(
        self,
        prepare: Function,
        error: type[Memory64Error],
        fragments: Sequence[str],
        each: Sequence[Any],
    ) -> Callable[[Function], Function]:
        def enter(make: Function) -> Function:
            for values in [(value,) for value in each] if each else [()]:
                case = "-".join([make.__name__, *(ascii(value)[:40] for value in values)])
                attack = Attack(
                    partial(prepare, make, *values),
                    error,
                    tuple(fragment.format(*values) for fragment in fragments),
                )
                self._cases.append(pytest.param(attack, id=case))
            return make

        return enter


def written(content: GGUF | bytes, folder: Path, name: str = "hostile.gguf") -> Path:
    """The path of a new file with that content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, GGUF) else content)
    return path


def check_refusal(answer: Answer, error: type[Memory64Error], *fragments: str) -> None:
    """Right class, code and message; little memory; nothing left open."""
    assert answer.error == error.__name__, answer.traceback or "was not refused"
    assert answer.code == error.code
    for fragment in fragments:
        assert fragment in answer.message
    assert len(answer.message) <= MAX_MESSAGE_CHARACTERS
    assert answer.files_left_open == 0
    check_memory(answer)


def check_success(answer: Answer) -> Any:
    """No error, little memory; the value."""
    assert answer.error is None, answer.traceback
    check_memory(answer)
    return answer.value


def check_memory(answer: Answer) -> None:
    assert answer.peak_bytes < MAX_PEAK_BYTES, f"took {answer.peak_bytes} bytes"
