"""How a caller says which policy."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from .auto import Auto
from .cyclic import Cyclic
from .lru import LRU
from .pinned import Pinned
from .policy import Policy


class Kept(TypedDict):
    """``{"pinned": [0, 1, 2]}``: these layers stay, the others come and go."""

    pinned: Sequence[int]


PolicyChoice = Literal["lru", "cyclic", "auto"] | Kept

NAMED: dict[str, type[Policy]] = {"lru": LRU, "cyclic": Cyclic, "auto": Auto}
"""By the name under which ``load_model`` takes them."""


def check_choice(choice: PolicyChoice) -> None:
    """Raise ValueError unless ``choice`` is one, whatever layers there are."""
    if isinstance(choice, str) and choice in NAMED:
        return
    if isinstance(choice, Mapping) and set(choice) == {"pinned"} and _are_ids(choice["pinned"]):
        return
    known = ", ".join(map(repr, NAMED))
    raise ValueError(f"policy {choice!r}: known are {known} and {{'pinned': [layer, ...]}}")


def make_policy(choice: PolicyChoice) -> Policy:
    """The policy of that choice.

    Raises:
        ValueError: there is none.
    """
    check_choice(choice)
    return NAMED[choice]() if isinstance(choice, str) else Pinned(choice["pinned"])


def _are_ids(layer_ids: object) -> bool:
    return (
        isinstance(layer_ids, Sequence)
        and not isinstance(layer_ids, str | bytes)
        and all(type(layer_id) is int for layer_id in layer_ids)
    )
