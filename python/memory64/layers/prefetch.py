"""Walking over layers, while those that come next are already being read."""

import math
from collections.abc import Sequence
from typing import Protocol

from ..closeable import Closeable
from ..gguf import LayerWeights
from ..memory import Cancelled, never

READERS = 2
"""Reading pages into a mapping, two threads get up to twice the bytes that one gets from a disk
that takes several requests at a time; a third adds little."""


class Walkable(Protocol):
    """What can be walked over: the manager."""

    def load_layer(self, layer_id: int, *, cancelled: Cancelled = never) -> LayerWeights:
        """The layer's tensors, resident."""
        ...

    def is_lacking(self, layer_id: int) -> bool:
        """Whether the layer is neither resident nor being loaded."""
        ...

    def load_ahead(self, walk: "LayerWalk") -> None:
        """Let other threads load what is near on the walk, in its order, while there is room."""
        ...


class LayerWalk(Closeable):
    """The layers from the first to the last, for one thread at a time.

    Any thread may look what is ``near``.
    """

    def __init__(
        self,
        layers: Walkable,
        sizes: Sequence[int],
        depth_bytes: int,
    ) -> None:
        """Begin before the first layer.

        Args:
            layers: what is walked over.
            sizes: bytes of each layer.
            depth_bytes: of the layers after the one in hand that may be read ahead.
        """
        self._layers = layers
        self._sizes = sizes
        self._depth_bytes = depth_bytes
        self._next = 0
        self.near = range(0)
        """The layer in hand, or asked for, and those after it that may be read ahead."""

    def steps_to(self, layer_id: int) -> float:
        """How soon the layer's turn comes, if it is near; infinity otherwise."""
        near = self.near
        return layer_id - near.start if layer_id in near else math.inf

    def next(self, cancelled: Cancelled = never) -> LayerWeights | None:
        """The next layer; None after the last one.

        What fails while it is read ahead fails again here, where somebody wants it. The layer's
        turn comes again then, as it does after a cancellation.

        Raises:
            As ``get_layer``.
        """
        if self._next == len(self._sizes):
            self.close()
            return None
        self.near = range(self._next, self._end_of_depth())
        # Of what is not even on its way, the layer somebody waits for has the disk for itself.
        is_lacking = self._layers.is_lacking(self._next)
        if not is_lacking:
            self._layers.load_ahead(self)
        layer = self._layers.load_layer(self._next, cancelled=cancelled)
        if is_lacking:
            self._layers.load_ahead(self)
        self._next += 1
        return layer

    def close(self) -> None:
        """End; what is being read ahead is given up."""
        self.near = range(0)
        self._next = len(self._sizes)

    def _end_of_depth(self) -> int:
        """One past the last layer that lies wholly in the depth."""
        end, left = self._next + 1, self._depth_bytes
        while end < len(self._sizes) and self._sizes[end] <= left:
            left -= self._sizes[end]
            end += 1
        return end
