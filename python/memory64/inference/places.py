"""Where everything lies in the pages that the engine's threads share."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

from . import description as c
from .architecture import Dimensions
from .workspace import SHARED_AT

BATCH_TOKENS = 128
"""Computed at once at most: weights are read once for all of them."""
LOGITS_BYTES = 16 << 20
"""What the logits of a batch may take, beyond those of one token."""
CACHE_ELEMENT_BYTES = 2
"""Keys and values are half floats."""


class Room:
    """Hands out places one after another."""

    def __init__(self) -> None:
        """Begin at 0."""
        self.size = 0

    def take(self, nbytes: int) -> int:
        """The place of so many bytes, in a cache line of their own."""
        at = self.size
        self.size += -(-nbytes // 64) * 64
        return at


@dataclass(frozen=True, slots=True)
class Places:
    """Offsets in the shared pages."""

    engine: int
    model: int
    batch: int
    crew: int
    scratch: int
    runs: int
    tokens: int
    angles: tuple[int, ...]
    scratch_struct: c.Scratch


def logits_rows(found: Dimensions) -> int:
    """Of how many tokens of a batch there can be logits."""
    return max(1, min(BATCH_TOKENS, LOGITS_BYTES // (4 * found.vocabulary)))


def cache_bytes(found: Dimensions, positions: int) -> int:
    """What the keys and values of so many positions take."""
    return 2 * CACHE_ELEMENT_BYTES * found.layer_count * found.kv_dim * positions


def places_for(
    room: Room, found: Dimensions, activations_bytes: Callable[[int, int], int]
) -> Places:
    """Take places for all that a batch needs; ``activations_bytes`` as the engine's."""
    heads_dim = found.heads * found.head_dim
    widths = {
        "stream": found.dim,
        "normed": found.dim,
        "queries": heads_dim,
        "keys": found.kv_dim,
        "values": found.kv_dim,
        "attended": heads_dim,
        "gate": found.feed_forward_dim,
        "up": found.feed_forward_dim,
        "projected": found.dim,
    }
    sizes = {name: 4 * BATCH_TOKENS * width for name, width in widths.items()}
    sizes["logits"] = 4 * logits_rows(found) * found.vocabulary
    sizes["eight_bit"] = max(
        activations_bytes(BATCH_TOKENS, width)
        for width in (found.dim, heads_dim, found.feed_forward_dim)
    )
    model_bytes = ctypes.sizeof(c.Model) + found.layer_count * ctypes.sizeof(c.Layer)
    return Places(
        engine=room.take(ctypes.sizeof(c.Engine)),
        model=room.take(model_bytes),
        batch=room.take(ctypes.sizeof(c.Batch)),
        crew=room.take(ctypes.sizeof(c.Crew)),
        scratch=room.take(ctypes.sizeof(c.Scratch)),
        runs=room.take(BATCH_TOKENS * ctypes.sizeof(c.Run)),
        tokens=room.take(4 * BATCH_TOKENS),
        angles=tuple(room.take(4 * BATCH_TOKENS * found.rope_dims) for _ in range(c.ANGLE_TABLES)),
        scratch_struct=c.Scratch(
            **{name: SHARED_AT + room.take(size) for name, size in sizes.items()}
        ),
    )
