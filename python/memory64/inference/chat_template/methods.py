"""What templates may call on texts, dictionaries and lists, and what it costs.

Everything that is not here is refused: some of Python's methods make much of little.
"""

from collections.abc import Callable
from typing import Any

from .meter import CHARACTERS, meter

Cost = Callable[..., None]


def _whole(owner: Any, *given: Any) -> None:
    meter().spend_on(owner, given)


def _given(owner: Any, *given: Any) -> None:
    meter().spend_on(given)


def _length(owner: Any, *given: Any) -> None:
    meter().spend(1 + len(owner))


def _each_of_each(owner: str, characters: str | None = None) -> None:
    meter().spend_on(owner, times=1 + len(characters or ""))


def replacing(owner: str, old: str, new: str, count: int = -1) -> None:
    """Count a replacement: of the text, and what it may become."""
    meter().spend_on(owner, old, new)
    meter().spend(owner.count(old) * len(new) // CHARACTERS)


def joining(separator: str, parts: Any) -> None:
    """Count a list of texts, with the separator as often as it will stand there."""
    meter().spend_on(parts)
    meter().spend_on(separator, times=len(parts))


_TEXTS: dict[str, Cost] = {
    **dict.fromkeys(("lower", "upper", "capitalize", "title", "casefold", "swapcase"), _whole),
    **dict.fromkeys(("startswith", "endswith", "removeprefix", "removesuffix"), _whole),
    **dict.fromkeys(("find", "rfind", "index", "rindex", "count"), _whole),
    **dict.fromkeys(("split", "rsplit", "splitlines", "partition", "rpartition"), _whole),
    **dict.fromkeys(("isalpha", "isalnum", "isdigit", "isdecimal", "isnumeric"), _whole),
    **dict.fromkeys(("isspace", "islower", "isupper", "istitle", "isascii"), _whole),
    **dict.fromkeys(("strip", "lstrip", "rstrip"), _each_of_each),
    "replace": replacing,
    "join": joining,
}
_DICTIONARIES: dict[str, Cost] = {
    "get": _given,
    **dict.fromkeys(("items", "keys", "values"), _length),
}
_LISTS: dict[str, Cost] = dict.fromkeys(("index", "count"), _whole)

METHODS: dict[type, dict[str, Cost]] = {str: _TEXTS, dict: _DICTIONARIES, list: _LISTS}
"""What counts a call of a method, by the type that it belongs to and its name."""
