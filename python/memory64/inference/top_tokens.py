"""The most probable tokens, without sorting a vocabulary."""

import numpy as np
from numpy.typing import NDArray


def top_tokens(logits: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """The ``count`` tokens of the highest logits, the highest first, then the lower token.

    All of them if there are no more; ``count`` is at least 1.
    """
    if count >= logits.size:
        return np.argsort(-logits, kind="stable")
    least = np.partition(logits, -count)[-count]
    above = np.flatnonzero(logits > least)
    last = np.flatnonzero(logits == least)[: count - above.size]
    return np.concatenate((above[np.argsort(-logits[above], kind="stable")], last))
