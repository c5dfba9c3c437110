"""Angles by which rotary position embedding turns queries and keys.

Formulas: Su et al., arXiv:2104.09864; YaRN: Peng et al., arXiv:2309.00071, in ggml's form
(``rope_yarn`` in ggml-cpu/ops.cpp); the factors of Llama 3 stand in the file.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import GGUFFormatError
from ..gguf import GGUFDirectory
from ..gguf.cursor import excerpt
from .architecture import Dimensions

LEAST, MOST = 1e-6, 1e9
"""What numbers that scale may be: many times beyond what models have."""


@dataclass(frozen=True, slots=True)
class Rope:
    """The frequency of each pair of elements, and what the result is multiplied by."""

    frequencies: NDArray[np.float64]
    magnitude: float = 1.0

    def angles(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Cosine and sine for each position and pair: float32 of shape [positions, pairs, 2]."""
        turns = positions[:, None] * self.frequencies
        both = np.stack([np.cos(turns), np.sin(turns)], axis=-1)
        return np.asarray(both * self.magnitude, np.float32)


def global_rope(
    gguf: GGUFDirectory, found: Dimensions, factors: NDArray[np.float32] | None
) -> Rope:
    """The angles of layers that see all positions.

    Args:
        gguf: for the metadata below ``ARCHITECTURE.rope.scaling``.
        found: the model's dimensions.
        factors: the tensor ``rope_freqs.weight``, which divides the frequencies.

    Raises:
        GGUFFormatError: a kind of scaling that is not known, or numbers that make no sense.
    """
    plain = _frequencies(found.rope_dims, found.rope_base)
    if factors is not None:
        if factors.shape != plain.shape or not np.all((factors > 0) & np.isfinite(factors)):
            raise GGUFFormatError(
                f"{gguf.name}: 'rope_freqs.weight' needs to be {plain.size} numbers above 0"
            )
        plain = plain / factors
    scaling = _Scaling.read(gguf, found.context_length)
    if scaling.kind == "yarn":
        return _yarn(plain, scaling, found)
    stretch = scaling.factor if scaling.kind == "linear" else 1.0
    return Rope(plain / stretch, scaling.attention_factor)


def local_rope(found: Dimensions) -> Rope:
    """The angles of layers that see a window, which are never scaled."""
    return Rope(_frequencies(found.rope_dims, found.architecture.local_rope_base))


def _frequencies(dims: int, base: float) -> NDArray[np.float64]:
    return np.asarray(base ** (-np.arange(0, dims, 2) / dims))


@dataclass(frozen=True, slots=True)
class _Scaling:
    kind: str
    factor: float
    attention_factor: float
    original_context: int
    fast: float
    slow: float

    @classmethod
    def read(cls, gguf: GGUFDirectory, context_length: int) -> "_Scaling":
        def number(key: str, default: float) -> float:
            value = gguf.metadata.scalar(f"{gguf.architecture}.rope.{key}", default)
            if type(value) in (int, float) and LEAST <= value <= MOST:
                return float(value)
            raise GGUFFormatError(
                f"{gguf.name}: {gguf.architecture}.rope.{key} is {excerpt(value)}"
            )

        # As llama.cpp has it, where a factor stands alone.
        kind = gguf.metadata.scalar(f"{gguf.architecture}.rope.scaling.type", "linear")
        if kind not in ("none", "linear", "yarn"):
            raise GGUFFormatError(
                f"{gguf.name}: {gguf.architecture}.rope.scaling.type is {excerpt(kind)}, "
                "known are 'none', 'linear' and 'yarn'"
            )
        return cls(
            kind=kind,
            factor=number("scaling.factor", 1.0),
            attention_factor=number("scaling.attn_factor", 1.0),
            original_context=math.ceil(number("scaling.original_context_length", context_length)),
            fast=number("scaling.yarn_beta_fast", 32.0),
            slow=number("scaling.yarn_beta_slow", 1.0),
        )


def _yarn(plain: NDArray[np.float64], scaling: _Scaling, found: Dimensions) -> Rope:
    """Frequencies that turn often within the original context stay, slow ones are stretched."""

    def pair_turning(times: float) -> float:
        ratio = scaling.original_context / (times * 2 * math.pi)
        return found.rope_dims * math.log(ratio) / (2 * math.log(found.rope_base))

    low = max(0.0, math.floor(pair_turning(scaling.fast)))
    high = min(found.rope_dims - 1.0, math.ceil(pair_turning(scaling.slow)))
    pairs = np.arange(found.rope_dims // 2)
    kept = 1 - np.clip((pairs - low) / max(0.001, high - low), 0, 1)
    mixed = plain / scaling.factor * (1 - kept) + plain * kept
    magnitude = scaling.attention_factor * (1 + 0.1 * math.log(scaling.factor))
    return Rope(mixed, magnitude)
