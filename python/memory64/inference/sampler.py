"""The next token, picked from what the model computed."""

from collections.abc import Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from ..errors import LogitsError
from .sampling import Sampling

SMALLEST = np.finfo(np.float32).tiny


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
        values = self._candidates(logits, highest)
        with np.errstate(over="ignore"):  # a low temperature makes the others infinitely worse
            powers = (values - np.float32(highest)) / temperature
        bounds = np.exp(powers).cumsum(dtype=np.float64)
        at = int(bounds.searchsorted(self._random.random() * bounds[-1], side="right"))
        at = min(at, values.size - 1)  # the product may have been rounded up
        # Which token that is: with equal logits, the lower one comes first.
        rank = at - np.count_nonzero(values > values[at])
        return int(np.flatnonzero(logits == values[at])[rank])

    def _penalized(self, logits: NDArray[np.float32], recent: Sequence[int]) -> NDArray[np.float32]:
        penalty, last_n = self.sampling.repeat_penalty, self.sampling.repeat_last_n
        if penalty == 1 or last_n == 0:
            return logits
        tokens = list(set(recent if last_n < 0 else recent[-last_n:]))
        values = logits[tokens]
        penalized = logits.copy()
        penalized[tokens] = np.where(values > 0, values / penalty, values * penalty)
        return penalized

    def _candidates(self, logits: NDArray[np.float32], highest: float) -> NDArray[np.float32]:
        """The logits that ``top_k``, ``top_p`` and ``min_p`` leave, the highest first.

        Only those are sorted that may stay, and without their tokens, which makes it fast.
        """
        top_k, top_p, min_p = self.sampling.top_k, self.sampling.top_p, self.sampling.min_p
        values = np.partition(logits, -top_k)[-top_k:] if 0 < top_k < logits.size else logits
        weights = _weights(values, highest)
        total = float(weights.sum(dtype=np.float64))
        # All below this together are less than what top_p leaves out.
        negligible = (1 - top_p) * total / values.size
        values = np.sort(values[weights >= max(min_p, negligible)])[::-1]
        if top_p == 1:
            return values
        bounds = _weights(values, highest).cumsum(dtype=np.float64)
        return values[: int(bounds.searchsorted(top_p * total)) + 1]


def _weights(logits: NDArray[np.float32], highest: float) -> NDArray[np.float32]:
    """Probabilities, but for a factor: that of the most probable token is 1."""
    weights: NDArray[np.float32] = np.exp(logits - np.float32(highest))
    return weights
