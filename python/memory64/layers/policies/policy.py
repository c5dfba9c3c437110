"""What every policy is."""

from collections.abc import Iterator
from typing import Protocol


class Policy(Protocol):
    """Knows the cached layers and the requests, and in which order the layers may go.

    Only told what happens, under the cache's lock; it never loads or drops by itself.
    """

    def used(self, layer_id: int) -> None:
        """The layer is asked for, whether it is cached or not."""
        ...

    def admitted(self, layer_id: int) -> None:
        """The layer is cached from now on, as it was asked for or will be."""
        ...

    def removed(self, layer_id: int) -> None:
        """The layer is cached no more."""
        ...

    def victims(self) -> Iterator[int]:
        """The cached layers, those to drop first before the others, as room is needed now."""
        ...
