"""Several sequences in one pass through the layers, which reads each of them once for all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..memory import Cancelled, never
from .engine import Engine, Wanted
from .places import BATCH_TOKENS
from .sequence import TokenSequence


@dataclass(frozen=True, slots=True)
class Share:
    """What one sequence has of a batch.

    Attributes:
        sequence: that is to see them.
        tokens: at least one.
        wanted: whether the logits of what may follow the last one are.
    """

    sequence: TokenSequence
    tokens: Sequence[int]
    wanted: bool


def share_out(unseen: Sequence[int]) -> list[int]:
    """How many tokens of each sequence go into the next batch.

    Those with the fewest come first: texts go on while long prompts are still being seen.

    Args:
        unseen: how many tokens each has left.
    """
    counts = [0] * len(unseen)
    room = BATCH_TOKENS
    for index in sorted(range(len(unseen)), key=unseen.__getitem__):
        counts[index] = min(unseen[index], room)
        room -= counts[index]
    return counts


def see_together(
    engine: Engine, shares: Sequence[Share], *, cancelled: Cancelled = never
) -> NDArray[np.float32]:
    """Let each sequence see its tokens, ``BATCH_TOKENS`` of them in all at most.

    Returns:
        float32 of shape [shares whose logits are wanted, vocabulary].

    Raises:
        CancelledError: ``cancelled`` became true; nothing was appended.
    """
    wanted = [share for share in shares if share.wanted]
    # The engine gives the logits of tokens that stand together at the end.
    pieces = [
        share.sequence.piece(share.tokens[:-1] if share.wanted else share.tokens)
        for share in shares
    ]
    count = sum(len(piece.tokens) for piece in pieces)
    pieces += [
        share.sequence.piece(share.tokens[-1:], after=len(share.tokens) - 1) for share in wanted
    ]
    what = Wanted.LOGITS if wanted else Wanted.NOTHING
    rows = engine.compute(pieces, what, count, cancelled=cancelled)
    for share in shares:
        share.sequence.tokens += share.tokens
    return rows
