"""What a template may do before it is stopped.

Python can only be stopped between two of its steps, and one step may be as long as what it works
on is large. So before each step its work is counted, by the sizes of what takes part: a step that
is too long is not begun, and many short ones come to an end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import Any

from jinja2.utils import Namespace

from ...errors import ChatTemplateError

LEAST_WORK = 3_000_000
"""A second or two at most, and 12 MB of text."""

WORK_FOR_INPUT = 100
"""How often a template may go over each of its messages."""

CHARACTERS = 4
"""That count as one unit of work. An element of a list is one as well."""

_EMPTY: dict[str, object] = {}
_VIEWS = (type(_EMPTY.keys()), type(_EMPTY.values()), type(_EMPTY.items()))


class Meter:
    """Counts down."""

    def __init__(self, work: int) -> None:
        """Allow ``work`` units."""
        self._left = work

    def spend(self, units: int) -> None:
        """Count ``units``, before they are worked.

        Raises:
            ChatTemplateError: they are more than are left.
        """
        if units > self._left:
            raise ChatTemplateError(
                "the chat template works for too long, or makes too much text of the messages"
            )
        self._left -= units

    def spend_on(self, *values: Any, times: int = 1) -> None:
        """Count what it takes to go over ``values`` wholly, as many ``times``.

        Raises:
            ChatTemplateError: it is more than is left.
        """
        self.spend(times * _size(values, self._left))


def _size(values: Any, most: float) -> int:
    """Units in ``values``; something above ``most`` if there are more.

    What is in several places is in each of them: a list of twice the same list, and so on, is
    soon longer than any memory when it is written out.
    """
    units = 0
    unseen = [values]
    while unseen:
        value = unseen.pop()
        units += _own_size(value)
        if units > most:
            break
        if isinstance(value, dict):
            unseen += value.keys()
            unseen += value.values()
        elif isinstance(value, (list, tuple, *_VIEWS)):
            unseen += value
        elif isinstance(value, Namespace):
            unseen.append(value._Namespace__attrs)
    return units


def _own_size(value: Any) -> int:
    if isinstance(value, str):
        return 1 + len(value) // CHARACTERS
    if isinstance(value, int):
        return 1 + value.bit_length() // 64
    if isinstance(value, (dict, list, tuple, *_VIEWS)):
        return 1 + len(value)
    return 1


_meter: ContextVar[Meter] = ContextVar("meter")


def meter() -> Meter:
    """That of the template which this thread works on."""
    return _meter.get()


@contextmanager
def metered(given: Any) -> Iterator[None]:
    """Allow what a template needs that is applied to ``given``, which is a tree."""
    outer = _meter.set(Meter(LEAST_WORK + WORK_FOR_INPUT * _size(given, inf)))
    try:
        yield
    finally:
        _meter.reset(outer)
