"""Tokens that a model has seen, with the keys and values it keeps of them."""

from collections.abc import Iterator, Sequence
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from ..errors import CapacityError, OutOfBoundsError
from ..memory import Cancelled, never
from ..streaming import StreamStats
from .engine import Engine, Piece, Wanted
from .places import BATCH_TOKENS


class TokenSequence:
    """The tokens of one sequence, in a cache of fixed capacity.

    Not safe to use from several threads at once: ``Session`` lets them take turns.

    Attributes:
        tokens: what was seen so far.
        capacity: how many it has room for.
    """

    def __init__(self, engine: Engine, capacity: int) -> None:
        """Take the cache's address space; its memory is taken as tokens come.

        Raises:
            CapacityError: there is no room for the cache.
        """
        self.tokens: list[int] = []
        self.capacity = capacity
        self._engine = engine
        self._cache = engine.new_cache(capacity)

    @property
    def nbytes(self) -> int:
        """What the cache takes once it is full."""
        return self._cache.nbytes

    @property
    def room(self) -> int:
        """How many more tokens fit."""
        return self.capacity - len(self.tokens)

    def keep_common(self, tokens: Sequence[int]) -> int:
        """Forget what is not the beginning of ``tokens``, the last of which is always left over.

        Returns:
            How many of ``tokens`` have been seen.
        """
        common = 0
        for ours, theirs in zip(self.tokens, tokens[:-1], strict=False):
            if ours != theirs:
                break
            common += 1
        del self.tokens[common:]
        return common

    def see(self, tokens: Sequence[int], *, cancelled: Cancelled = never) -> NDArray[np.float32]:
        """Append tokens; the logits of what may follow the last one.

        Returns:
            float32 of shape [vocabulary].

        Raises:
            CapacityError: they do not fit; nothing was appended.
            OutOfBoundsError: there is no such token.
            CancelledError: ``cancelled`` became true; some of them may have been appended.
        """
        self._check(tokens)
        for start in range(0, len(tokens), BATCH_TOKENS):
            part = tokens[start : start + BATCH_TOKENS]
            is_last = start + len(part) == len(tokens)
            wanted = Wanted.LOGITS if is_last else Wanted.NOTHING
            rows = self._append(part, wanted, len(part) - 1, cancelled)
        logits: NDArray[np.float32] = rows[0]
        return logits

    def see_each(
        self, tokens: Sequence[int], wanted: Wanted, *, cancelled: Cancelled = never
    ) -> Iterator[NDArray[np.float32]]:
        """Append tokens; what is wanted of each of them, some rows at a time.

        Raises:
            CapacityError, OutOfBoundsError, CancelledError: as for ``see``.
        """
        self._check(tokens)
        step = self._engine.logits_rows if wanted is Wanted.LOGITS else BATCH_TOKENS
        for start in range(0, len(tokens), step):
            yield self._append(tokens[start : start + step], wanted, 0, cancelled)

    def piece(self, tokens: Sequence[int], after: int = 0) -> Piece:
        """Tokens as a part of a batch: behind those seen so far and ``after`` others."""
        return Piece(self._cache, len(self.tokens) + after, tokens)

    def kept(self, count: int) -> NDArray[np.uint16]:
        """The keys and values of the first ``count`` positions, to be read or written.

        Returns:
            The bits of half floats, of shape [layers, 2, kv_heads, count, head_dim].
        """
        found = self._engine.dimensions
        shape = (found.layer_count, 2, found.kv_heads, self.capacity, found.head_dim)
        size = np.prod(shape)
        everything = np.frombuffer(self._cache.pages.memory, np.uint16, int(size)).reshape(shape)
        return everything[:, :, :, :count]

    def stream_stats(self) -> StreamStats | None:
        """How the model's weights went through memory so far; None where they are copies."""
        return self._engine.weights.stats()

    def close(self) -> None:
        """Give the cache back, once."""
        self._engine.end_cache(self._cache)

    def _append(
        self, tokens: Sequence[int], wanted: Wanted, wanted_from: int, cancelled: Cancelled
    ) -> NDArray[np.float32]:
        piece = self.piece(tokens)
        rows = self._engine.compute([piece], wanted, wanted_from, cancelled=cancelled)
        self.tokens += tokens
        return rows

    def _check(self, tokens: Sequence[int]) -> None:
        vocabulary = self._engine.dimensions.vocabulary
        check_tokens(tokens, vocabulary, self.capacity, len(self.tokens))


def check_tokens(tokens: Sequence[int], vocabulary: int, capacity: int, held: int = 0) -> None:
    """Raise where a sequence cannot take ``tokens``.

    Args:
        tokens: to be appended.
        vocabulary: how many different ones there are.
        capacity: of the sequence.
        held: how many it holds already.

    Raises:
        CapacityError, OutOfBoundsError, ValueError: as for ``TokenSequence.see``.
    """
    if not tokens:
        raise ValueError("there needs to be a token at least")
    for token in tokens:
        if not isinstance(token, Integral):
            raise ValueError(f"tokens are whole numbers, found {token!r}")
        if not 0 <= token < vocabulary:
            raise OutOfBoundsError(f"tokens are 0 to {vocabulary - 1}, found {token}")
    if len(tokens) > capacity - held:
        raise CapacityError(
            f"the session has room for {capacity} tokens and holds {held}; "
            f"{len(tokens)} more do not fit: take a longer context_length"
        )
