"""What tells one architecture from another, and the dimensions of one model.

Names of metadata and tensors as in the GGUF specification; what they mean, as llama.cpp
computes it (``llama-model.cpp``), since that is what the files are made for.
"""

from dataclasses import dataclass
from enum import IntEnum

from ..errors import GGUFFormatError, UnsupportedArchitectureError
from ..gguf import GGUFDirectory
from ..gguf.cursor import excerpt


class RopeStyle(IntEnum):
    """Which elements of a head are turned together."""

    ADJACENT = 0
    APART = 1


class Gating(IntEnum):
    """The activation in the feed-forward network."""

    SILU = 0
    GELU = 1


@dataclass(frozen=True, slots=True)
class Architecture:
    """A decoder-only transformer, by what it has beyond the common parts.

    Attributes:
        rope_style: which elements of a head are turned together.
        gating: the activation between the feed-forward matrices.
        biases: queries, keys and values have them.
        head_norms: each head's query and key is normed.
        post_norms: what a half of a layer adds to the stream is normed.
        scaled_embedding: embeddings are multiplied by the root of their length.
        global_every: every so many layers one sees all positions, the others a window; 0
            where all layers are alike.
        local_rope_base: of the layers with a window.
        layers_of_wide_scale: the model with that many scales scores by the root of ``dim /
            heads``, where all others take that of ``head_dim``.
    """

    rope_style: RopeStyle = RopeStyle.APART
    gating: Gating = Gating.SILU
    biases: bool = False
    head_norms: bool = False
    post_norms: bool = False
    scaled_embedding: bool = False
    global_every: int = 0
    local_rope_base: float = 10_000.0
    layers_of_wide_scale: int = 0


ARCHITECTURES = {
    "llama": Architecture(rope_style=RopeStyle.ADJACENT),
    "qwen2": Architecture(biases=True),
    "qwen3": Architecture(head_norms=True),
    "gemma3": Architecture(
        gating=Gating.GELU,
        head_norms=True,
        post_norms=True,
        scaled_embedding=True,
        global_every=6,
        layers_of_wide_scale=62,  # the one of 27 billion parameters
    ),
}

MAX_HEAD_DIM = 512
MAX_CONTEXT = 1 << 24
MAX_WIDTH = (1 << 31) - 1
MIN_ROPE_BASE, MAX_ROPE_BASE = 2.0, 1e12
"""Several times beyond what models have; the frequencies are then numbers."""
MAX_CAP = 1000.0
"""Gemma 2, of which soft-capping is, has 50 and 30. A larger one would cost digits."""


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The numbers of one model.

    Attributes:
        window: how many positions a local layer sees, 0 for all.
        attention_cap: scores of attention stay below it, 0 for no soft-capping.
        logits_cap: so do logits.
    """

    architecture: Architecture
    dim: int
    layer_count: int
    heads: int
    kv_heads: int
    head_dim: int
    feed_forward_dim: int
    vocabulary: int
    context_length: int
    rope_dims: int
    rope_base: float
    norm_epsilon: float
    window: int
    attention_cap: float
    logits_cap: float

    def is_local(self, layer_id: int) -> bool:
        """Whether the layer sees a window only."""
        every = self.architecture.global_every
        return bool(self.window and every and (layer_id + 1) % every)

    @property
    def attention_scale(self) -> float:
        """What scores are multiplied by."""
        wide = self.layer_count == self.architecture.layers_of_wide_scale
        return float((self.dim // self.heads if wide else self.head_dim) ** -0.5)

    @property
    def kv_dim(self) -> int:
        """Elements of a position's keys in one layer, and of its values."""
        return self.kv_heads * self.head_dim


def dimensions(gguf: GGUFDirectory) -> Dimensions:
    """Read and check the dimensions of a model.

    Raises:
        UnsupportedArchitectureError: it is none of ``ARCHITECTURES``.
        GGUFFormatError: a number is missing, of the wrong kind, or contradicts another.
    """
    name = gguf.architecture
    architecture = ARCHITECTURES.get(name)
    if architecture is None:
        known = ", ".join(ARCHITECTURES)
        raise UnsupportedArchitectureError(
            f"{gguf.name}: architecture {name!r} cannot be run, only {known}"
        )
    read = _Reader(gguf)
    dim = read.count("embedding_length")
    heads = read.count("attention.head_count")
    read.require(dim % 4 == 0, f"embedding_length {dim} is no multiple of 4")
    head_dim = read.count("attention.key_length", dim // heads)
    found = Dimensions(
        architecture=architecture,
        dim=dim,
        layer_count=gguf.layer_count,
        heads=heads,
        kv_heads=read.count("attention.head_count_kv", heads),
        head_dim=head_dim,
        feed_forward_dim=read.count("feed_forward_length"),
        vocabulary=_vocabulary(gguf),
        context_length=read.count("context_length"),
        rope_dims=read.count("rope.dimension_count", head_dim),
        rope_base=read.number("rope.freq_base", MIN_ROPE_BASE, MAX_ROPE_BASE, 10_000.0),
        norm_epsilon=read.number("attention.layer_norm_rms_epsilon", 0.0, 1.0),
        window=read.count("attention.sliding_window", 0) if architecture.global_every else 0,
        attention_cap=read.cap("attn_logit_softcapping"),
        logits_cap=read.cap("final_logit_softcapping"),
    )
    _check(found, read)
    return found


def _check(found: Dimensions, read: "_Reader") -> None:
    read.require(
        0 < found.head_dim <= MAX_HEAD_DIM and found.head_dim % 8 == 0,
        f"heads of {found.head_dim} elements; needed is a multiple of 8 up to {MAX_HEAD_DIM}",
    )
    read.require(found.layer_count > 0, "there are no layers")
    read.require(
        found.heads * found.head_dim <= MAX_WIDTH,
        f"{found.heads} heads of {found.head_dim} elements are beyond all reason",
    )
    values = read.count("attention.value_length", found.head_dim)
    read.require(
        values == found.head_dim,
        f"values of {values} elements for keys of {found.head_dim}, which is not supported",
    )
    read.require(
        found.heads % found.kv_heads == 0,
        f"{found.heads} heads cannot share {found.kv_heads} heads of keys and values",
    )
    read.require(
        found.rope_dims <= found.head_dim and found.rope_dims % 2 == 0,
        f"rope.dimension_count {found.rope_dims} of heads of {found.head_dim} elements",
    )
    read.require(
        found.feed_forward_dim % 4 == 0,
        f"feed_forward_length {found.feed_forward_dim} is no multiple of 4",
    )
    read.require(found.context_length <= MAX_CONTEXT, "context_length is beyond all reason")


def _vocabulary(gguf: GGUFDirectory) -> int:
    embedding = gguf.tensors.get("token_embd.weight")
    if embedding is None or len(embedding.shape) != 2:
        raise GGUFFormatError(f"{gguf.name}: there is no matrix 'token_embd.weight'")
    vocabulary: int = embedding.shape[0]
    if vocabulary > MAX_WIDTH:
        raise GGUFFormatError(f"{gguf.name}: a vocabulary of {vocabulary} is beyond all reason")
    return vocabulary


class _Reader:
    """Numbers of the metadata below the architecture's name."""

    def __init__(self, gguf: GGUFDirectory) -> None:
        self._gguf = gguf

    def count(self, key: str, default: int | None = None) -> int:
        """A whole number from 1 to 2^31 - 1, or ``default`` where there is none."""
        value = self._gguf.metadata.scalar(self._key(key))
        if value is None and default is not None:
            return default
        self.require(type(value) is int and 0 < value <= MAX_WIDTH, self._wrong(key, value))
        return int(value)

    def number(self, key: str, above: float, most: float, default: float | None = None) -> float:
        """A number above ``above`` and up to ``most``, or ``default`` where there is none."""
        value = self._gguf.metadata.scalar(self._key(key), default)
        self.require(type(value) in (int, float) and above < value <= most, self._wrong(key, value))
        return float(value)

    def cap(self, key: str) -> float:
        """A number from 0 to ``MAX_CAP``, or 0 where there is none."""
        value = self._gguf.metadata.scalar(self._key(key), 0)
        self.require(type(value) in (int, float) and 0 <= value <= MAX_CAP, self._wrong(key, value))
        return float(value)

    def require(self, holds: bool, problem: str) -> None:
        """Raise where something about the model does not hold."""
        if not holds:
            raise GGUFFormatError(f"{self._gguf.name}: {problem}")

    def _wrong(self, key: str, value: object) -> str:
        return f"{self._key(key)} is {'missing' if value is None else excerpt(value)}"

    def _key(self, key: str) -> str:
        return f"{self._gguf.architecture}.{key}"
