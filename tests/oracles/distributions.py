"""What an oracle says of the next token at each position, kept small: the likeliest tokens.

The Kullback-Leibler divergence of another opinion from it is taken over its likeliest tokens, and
all others together as one more: hardly less than over all tokens, and never more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

LEAST_REST = 1e-12
"""What is left to all others may be rounded to nothing, or less."""


@dataclass(frozen=True)
class Distributions:
    """Row i is about the token that follows token i."""

    likeliest: npt.NDArray[np.uint32]
    """Numbers of the likeliest tokens, the very likeliest first."""
    logs: npt.NDArray[np.float16]
    """Logarithms of their probabilities, and in the last column of all others' together."""
    surprise: Floats
    """Minus the logarithm of the probability of the token that does follow."""

    @classmethod
    def of(cls, logits: Floats, tokens: Sequence[int], kept: int) -> "Distributions":
        """What the logits after each of `tokens` say; those after the last say nothing."""
        logs = log_softmax(logits[:-1])
        likeliest = np.array([_likeliest(row, kept) for row in logits[:-1]])
        return cls(
            likeliest.astype(np.uint32),
            _with_rest(np.take_along_axis(logs, likeliest, 1)).astype(np.float16),
            surprise(logs, tokens[1:]),
        )

    def rows(self, start: int, stop: int) -> "Distributions":
        """Those positions alone."""
        part = slice(start, stop)
        return Distributions(self.likeliest[part], self.logs[part], self.surprise[part])

    def divergence(self, logs: Floats) -> npt.NDArray[np.float64]:
        """How far another opinion, all its logarithms, is from this one: in nats, by position."""
        ours = _with_rest(np.take_along_axis(logs, self.likeliest.astype(np.intp), 1))
        theirs = np.exp(self.logs.astype(np.float64))
        theirs /= theirs.sum(1, keepdims=True)  # what is kept is rounded
        terms = theirs * (np.log(theirs, out=np.zeros_like(theirs), where=theirs > 0) - ours)
        return np.asarray(terms.sum(1))

    def agreement(self, logs: Floats) -> npt.NDArray[np.bool_]:
        """Whether the likeliest token is the same, by position."""
        return np.asarray(logs.argmax(1) == self.likeliest[:, 0])


def log_softmax(logits: Floats) -> Floats:
    """Logarithms of the probabilities that each row of logits means."""
    shifted = logits - logits.max(1, keepdims=True)
    sums = np.exp(shifted).sum(1, keepdims=True, dtype=np.float64)
    return np.asarray(shifted - np.log(sums).astype(np.float32))


def surprise(logs: Floats, following: Sequence[int]) -> Floats:
    """Minus the logarithm of the probability of each token that follows."""
    return np.asarray(-logs[np.arange(len(following)), following])


def _likeliest(row: Floats, kept: int) -> npt.NDArray[np.intp]:
    chosen = np.argpartition(-row, kept)[:kept]
    return np.asarray(chosen[np.argsort(-row[chosen], kind="stable")])


def _with_rest(logs: Floats) -> npt.NDArray[np.float64]:
    exact = logs.astype(np.float64)
    rest = np.maximum(1 - np.exp(exact).sum(1, keepdims=True), LEAST_REST)
    return np.concatenate([exact, np.log(rest)], axis=1)
