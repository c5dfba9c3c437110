"""How the next token is picked, as the caller wants it."""

from dataclasses import dataclass
from math import inf

MAX_SEED = (1 << 64) - 1
SMALLEST_PENALTY = 0.01
"""Far below any of use; at 0 a penalty would be a division by it."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """The settings of a sampler; the defaults are llama.cpp's.

    In this order: the penalty, then the ``top_k`` most probable tokens stay, of those the most
    probable that make up ``top_p``, of those the ones with at least ``min_p`` of the first one's
    probability; then the temperature.

    Attributes:
        temperature: 0 always picks the most probable token; below 1 makes probable ones more
            probable, above 1 less.
        top_k: 0 for all.
        top_p: 1 for all.
        min_p: 0 for all.
        repeat_penalty: makes tokens that occurred less probable; 1 for no penalty.
        repeat_last_n: in how many tokens before they are looked for; 0 for none, -1 for all.
        seed: the same seed picks the same tokens; None for another one every time.
    """

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    seed: int | None = None

    def __post_init__(self) -> None:
        """Check them.

        Raises:
            TypeError: a value is not a number, or not a whole one.
            ValueError: a value is outside of its range.
        """
        _check("temperature", self.temperature, 0, inf)
        _check_whole("top_k", self.top_k, 0, inf)
        _check("top_p", self.top_p, 0, 1)
        _check("min_p", self.min_p, 0, 1)
        _check("repeat_penalty", self.repeat_penalty, SMALLEST_PENALTY, inf)
        _check_whole("repeat_last_n", self.repeat_last_n, -1, inf)
        if self.seed is not None:
            _check_whole("seed", self.seed, 0, MAX_SEED)


def _check_whole(name: str, value: object, least: float, most: float) -> None:
    if not isinstance(value, int):
        raise TypeError(f"{name} needs to be a whole number, found {value!r}")
    _check(name, value, least, most)


def _check(name: str, value: object, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} needs to be a number, found {value!r}")
    if not least <= value <= most or value == inf:
        span = f"from {least} to {most}" if most < inf else f"at least {least}"
        raise ValueError(f"{name} needs to be {span}, found {value!r}")
