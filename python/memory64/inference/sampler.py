"""The next token, picked from what the model computed."""

from collections.abc import Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from ..errors import LogitsError
from .sampling import Sampling
from .top_tokens import top_tokens

SMALLEST = np.finfo(np.float32).tiny
FEW = 1024


class Sampler:
    """Picks tokens, one after the other, for one text."""

    def __init__(self, sampling: Sampling) -> None:
        """Begin with the seed of ``sampling``."""
        self.sampling = sampling
        self._random = np.random.default_rng(sampling.seed)

    def pick(self, logits: NDArray[np.float32], recent: Sequence[int]) -> int:
        """The next token; of equally probable ones the lowest, where it is the most probable.

        Args:
            logits: of each token of the vocabulary; they are not changed.
            recent: the tokens of the text so far, for the penalty.

        Raises:
            LogitsError: a logit is not a number, or is infinite.
        """
        logits = self._penalized(logits, recent)
        best = int(logits.argmax())  # of the first that is not a number, if there is one
        highest = float(logits[best])
        if not isfinite(highest):
            raise LogitsError(f"the logit of token {best} is {highest}")
        temperature = np.float32(self.sampling.temperature)
        if temperature < SMALLEST:
            return best
        tokens = self._candidates(logits, highest)
        with np.errstate(over="ignore"):  # a low temperature makes the others infinitely worse
            powers = (logits[tokens] - np.float32(highest)) / temperature
        bounds = np.exp(powers).cumsum(dtype=np.float64)
        at = bounds.searchsorted(self._random.random() * bounds[-1], side="right")
        return int(tokens[min(int(at), tokens.size - 1)])  # the product may have been rounded up

    def _penalized(self, logits: NDArray[np.float32], recent: Sequence[int]) -> NDArray[np.float32]:
        penalty, last_n = self.sampling.repeat_penalty, self.sampling.repeat_last_n
        if penalty == 1 or last_n == 0:
            return logits
        tokens = list(set(recent if last_n < 0 else recent[-last_n:]))
        values = logits[tokens]
        penalized = logits.copy()
        penalized[tokens] = np.where(values > 0, values / penalty, values * penalty)
        return penalized

    def _candidates(self, logits: NDArray[np.float32], highest: float) -> NDArray[np.intp]:
        """The tokens that ``top_k``, ``top_p`` and ``min_p`` leave."""
        top_k, top_p, min_p = self.sampling.top_k, self.sampling.top_p, self.sampling.min_p
        if 0 < top_k < logits.size:
            tokens = top_tokens(logits, top_k)
            weights = _weights(logits[tokens], highest)
            if top_p < 1:
                count = _nucleus(weights, top_p, weights.sum(dtype=np.float64))
                tokens, weights = tokens[:count], weights[:count]
        elif top_p < 1:
            tokens = _nucleus_of_all(logits, highest, top_p)
            weights = _weights(logits[tokens], highest)
        else:
            tokens = np.arange(logits.size)
            weights = _weights(logits, highest)
        return tokens[weights >= min_p]


def _nucleus_of_all(logits: NDArray[np.float32], highest: float, top_p: float) -> NDArray[np.intp]:
    """The most probable tokens that make up ``top_p``: mostly few, so few are sorted first."""
    total = _weights(logits, highest).sum(dtype=np.float64)
    sorted_count = FEW
    while True:
        tokens = top_tokens(logits, sorted_count)
        count = _nucleus(_weights(logits[tokens], highest), top_p, total)
        if count <= tokens.size or tokens.size == logits.size:
            return tokens[:count]
        sorted_count *= 32


def _nucleus(weights: NDArray[np.float32], top_p: float, total: np.float64) -> int:
    """How many of the ``weights`` make up ``top_p`` of the ``total``; one more if all do not."""
    return int(weights.cumsum(dtype=np.float64).searchsorted(top_p * total)) + 1


def _weights(logits: NDArray[np.float32], highest: float) -> NDArray[np.float32]:
    """Probabilities, but for a factor: that of the most probable token is 1."""
    weights: NDArray[np.float32] = np.exp(logits - np.float32(highest))
    return weights
