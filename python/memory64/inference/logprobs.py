"""How probable the model found the token that was picked, and which others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .top_tokens import top_tokens


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """What the model said of a token in its place, before temperature and the like.

    Attributes:
        token: the token.
        logprob: the natural logarithm of its probability.
        top: the most probable tokens for that place, the most probable first.
    """

    token: int
    logprob: float
    top: tuple["TokenLogprob", ...] = ()


def token_logprob(logits: NDArray[np.float32], token: int, count: int) -> TokenLogprob:
    """The probability of ``token``, and those of the ``count`` most probable tokens."""
    highest = logits.max()
    total = float(highest) + float(np.log(np.exp(logits - highest).sum(dtype=np.float64)))
    tokens = top_tokens(logits, count) if count else ()
    top = tuple(TokenLogprob(int(at), float(logits[at]) - total) for at in tokens)
    return TokenLogprob(token, float(logits[token]) - total, top)
