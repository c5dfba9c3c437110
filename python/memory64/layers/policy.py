"""Which layer to drop when room is needed."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Protocol


class Policy(Protocol):
    """Knows the cached layers, and in which order they may go.

    Only told what happens, under the cache's lock; it never loads or drops by itself.
    """

    def admitted(self, layer_id: int) -> None:
        """The layer is cached from now on."""
        ...

    def used(self, layer_id: int) -> None:
        """A cached layer was asked for."""
        ...

    def removed(self, layer_id: int) -> None:
        """The layer is cached no more."""
        ...

    def victims(self) -> Iterator[int]:
        """The cached layers, those to drop first before the others."""
        ...


class LRU:
    """Least recently used first: the documented default for ``get_layer``."""

    def __init__(self) -> None:
        """Begin with no layer."""
        self._order: OrderedDict[int, None] = OrderedDict()

    def admitted(self, layer_id: int) -> None:
        """The layer is the most recently used one."""
        self._order[layer_id] = None

    def used(self, layer_id: int) -> None:
        """The layer is the most recently used one."""
        self._order.move_to_end(layer_id)

    def removed(self, layer_id: int) -> None:
        """Forget the layer."""
        del self._order[layer_id]

    def victims(self) -> Iterator[int]:
        """The layers from the least to the most recently used."""
        return iter(self._order)


POLICIES = {"lru": LRU}
"""By the name under which ``load_model`` takes them."""


def policy_named(name: str) -> type[LRU]:
    """The policy of that name.

    Raises:
        ValueError: there is none.
    """
    try:
        return POLICIES[name]
    except KeyError:
        raise ValueError(f"policy {name!r}: known are {', '.join(POLICIES)}") from None
