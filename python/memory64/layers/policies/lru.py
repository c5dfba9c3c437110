"""What was used longest ago goes first."""

from collections import OrderedDict
from collections.abc import Iterator


class LRU:
    """Least recently used first: right where what was used will soon be used again.

    On a walk over more layers than there is room for, from the first to the last and over
    again, it never hits.
    """

    def __init__(self) -> None:
        """Begin with no layer."""
        self._order: OrderedDict[int, None] = OrderedDict()

    def used(self, layer_id: int) -> None:
        """The layer is the most recently used one."""
        if layer_id in self._order:
            self._order.move_to_end(layer_id)

    def admitted(self, layer_id: int) -> None:
        """The layer is the most recently used one."""
        self._order[layer_id] = None

    def removed(self, layer_id: int) -> None:
        """Forget the layer."""
        del self._order[layer_id]

    def victims(self) -> Iterator[int]:
        """The layers from the least to the most recently used."""
        return iter(self._order)
