"""What the caller wants to keep goes last."""

from collections.abc import Iterator, Sequence

from .auto import Auto


class Pinned:
    """Keeps the layers of a list while there is room for them; the others go as with ``Auto``.

    Where even those of the list have to go, the last one goes first.
    """

    def __init__(self, layer_ids: Sequence[int]) -> None:
        """Keep ``layer_ids`` once they were asked for, the first above all."""
        self._rank = {layer_id: rank for rank, layer_id in enumerate(layer_ids)}
        self._kept: set[int] = set()
        self._others = Auto()

    def used(self, layer_id: int) -> None:
        """One of the list stays as long whether it is used or not."""
        if layer_id not in self._rank:
            self._others.used(layer_id)

    def admitted(self, layer_id: int) -> None:
        """Keep it if it is of the list."""
        if layer_id in self._rank:
            self._kept.add(layer_id)
        else:
            self._others.admitted(layer_id)

    def removed(self, layer_id: int) -> None:
        """Forget the layer."""
        if layer_id in self._rank:
            self._kept.remove(layer_id)
        else:
            self._others.removed(layer_id)

    def victims(self) -> Iterator[int]:
        """Those not of the list, then those of the list from its end."""
        yield from self._others.victims()
        yield from sorted(self._kept, key=self._rank.__getitem__, reverse=True)
