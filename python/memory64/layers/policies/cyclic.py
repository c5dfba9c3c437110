"""What was just used goes first."""

from collections import OrderedDict
from collections.abc import Iterator


class Cyclic:
    """Most recently used first: the best there is on a walk that goes round and round.

    On such a walk, in whichever order it takes the layers, the one just used is needed again
    last of all, and the one used longest ago comes next. With room for C of L layers C - 1 of
    L - 1 requests hit, and no policy can have more.
    """

    def __init__(self) -> None:
        """Begin with no layer."""
        self._uses: OrderedDict[int, None] = OrderedDict()
        """The last use of each layer, cached or not."""
        self._cached: dict[int, None] = {}

    def used(self, layer_id: int) -> None:
        """The layer is the most recently used one."""
        self._uses[layer_id] = None
        self._uses.move_to_end(layer_id)

    def admitted(self, layer_id: int) -> None:
        """When it was used last says when it will be used next."""
        self._cached[layer_id] = None

    def removed(self, layer_id: int) -> None:
        """Its last use still counts."""
        del self._cached[layer_id]

    def victims(self) -> Iterator[int]:
        """The layers from the most to the least recently used, then those not used yet."""
        yield from (layer_id for layer_id in reversed(self._uses) if layer_id in self._cached)
        yield from (layer_id for layer_id in reversed(self._cached) if layer_id not in self._uses)
