"""Small models of each architecture that is run: real runtimes load and compute them too.

Their weights are random, of spreads at which a model does something: attention chooses among
positions, and the logits prefer few tokens. So a mistake anywhere shows in the logits.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from math import pi
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFValueType, LlamaFileType

from models.vocabulary import vocabulary
from models.weights import Bytes, Floats, quantized, uniform
from models.writer import TensorSpec, Value, array, text, u32, write

DIM = 256
FEED_FORWARD = 512
HEADS = 4
KV_HEADS = 2
VOCABULARY = 512
CONTEXT = 2048
EPSILON = 1e-5
ROPE_BASE = 10_000.0
ROPE_FACTOR = 8.0
"""By which scaled models see farther than `ROPE_ORIGINAL_CONTEXT`."""
ROPE_ORIGINAL_CONTEXT = 256

# Scores are products of two vectors of this spread in each element, which makes their own 2.
QUERY_SPREAD = KEY_SPREAD = 1.4
LOGITS_SPREAD = 3.0
LEANING = 0.7
"""How much a head of its own has of the embedding. Each token is likely to come again then, and few
others are nearly as likely as the likeliest, between which rounding would decide."""


def f32(value: float) -> Value:
    """A value of the type that GGUF uses for numbers that are not whole."""
    return Value(GGUFValueType.FLOAT32, value)


@dataclass(frozen=True)
class Small:
    """A model by what it has beyond a plain llama."""

    architecture: str = "llama"
    layers: int = 3
    dim: int = DIM
    feed_forward: int = FEED_FORWARD
    heads: int = HEADS
    kv_heads: int = KV_HEADS
    head_dim: int = DIM // HEADS
    vocabulary: int = VOCABULARY
    tied: bool = False
    biases: bool = False
    head_norms: bool = False
    post_norms: bool = False
    embedding_spread: float = 1.0
    rope_factors: bool = False
    numbers: Mapping[str, Value] = field(default_factory=dict)
    """Metadata below the architecture's name."""

    def write(self, path: Path, quant_type: GGMLQuantizationType) -> Path:
        """Write the model to `path`, which is returned, with its matrices in that type."""
        write_small(path, self.entries(path.stem), self.tensors(), quant_type)
        return path

    def entries(self, name: str) -> dict[str, Value]:
        """The metadata of a file, its tokenizer included."""
        words = vocabulary(self.vocabulary)
        dimensions = {
            "block_count": u32(self.layers),
            "context_length": u32(CONTEXT),
            "embedding_length": u32(self.dim),
            "feed_forward_length": u32(self.feed_forward),
            "attention.head_count": u32(self.heads),
            "attention.head_count_kv": u32(self.kv_heads),
            "attention.key_length": u32(self.head_dim),
            "attention.value_length": u32(self.head_dim),
            "attention.layer_norm_rms_epsilon": f32(EPSILON),
            "rope.dimension_count": u32(self.head_dim),
            "rope.freq_base": f32(ROPE_BASE),
            "vocab_size": u32(self.vocabulary),
            **self.numbers,
        }
        return {
            "general.architecture": text(self.architecture),
            "general.type": text("model"),
            "general.name": text(name),
            "general.file_type": u32(LlamaFileType.GUESSED),
            "general.quantization_version": u32(2),
            **{f"{self.architecture}.{key}": value for key, value in dimensions.items()},
            "tokenizer.ggml.model": text("llama"),
            "tokenizer.ggml.tokens": array(GGUFValueType.STRING, words.tokens),
            "tokenizer.ggml.scores": array(GGUFValueType.FLOAT32, words.scores),
            "tokenizer.ggml.token_type": array(GGUFValueType.INT32, words.types),
            "tokenizer.ggml.add_bos_token": Value(GGUFValueType.BOOL, True),
            "tokenizer.ggml.unknown_token_id": u32(0),
            "tokenizer.ggml.bos_token_id": u32(1),
            "tokenizer.ggml.eos_token_id": u32(2),
        }

    def tensors(self) -> dict[str, Floats]:
        """The values of all tensors by name."""
        layers = (self._layer(f"blk.{layer}") for layer in range(self.layers))
        return dict(chain(self._outer(), *layers))

    def _outer(self) -> Iterator[tuple[str, Floats]]:
        embedding = _matrix(
            "token_embd.weight", self.vocabulary, self.dim, self.embedding_spread * self.dim**0.5
        )
        yield embedding
        if self.tied:
            head_spread = self.embedding_spread * self.dim**0.5
            yield _vector("output_norm.weight", self.dim, mean=LOGITS_SPREAD / head_spread)
        else:
            yield _vector("output_norm.weight", self.dim, mean=1.0)
            _, own = _matrix("output.weight", self.vocabulary, self.dim, LOGITS_SPREAD)
            leaning = LEANING * LOGITS_SPREAD / (self.embedding_spread * self.dim**0.5)
            yield "output.weight", own + np.float32(leaning) * embedding[1]
        if self.rope_factors:
            yield "rope_freqs.weight", llama_3_factors(self.head_dim)

    def _layer(self, layer: str) -> Iterator[tuple[str, Floats]]:
        heads_dim, kv_dim = self.heads * self.head_dim, self.kv_heads * self.head_dim
        yield _vector(f"{layer}.attn_norm.weight", self.dim, mean=1.0)
        yield _matrix(f"{layer}.attn_q.weight", heads_dim, self.dim, QUERY_SPREAD)
        yield _matrix(f"{layer}.attn_k.weight", kv_dim, self.dim, KEY_SPREAD)
        yield _matrix(f"{layer}.attn_v.weight", kv_dim, self.dim, 1.0)
        yield _matrix(f"{layer}.attn_output.weight", self.dim, heads_dim, 1.5)
        if self.biases:
            yield _vector(f"{layer}.attn_q.bias", heads_dim)
            yield _vector(f"{layer}.attn_k.bias", kv_dim)
            yield _vector(f"{layer}.attn_v.bias", kv_dim)
        if self.head_norms:
            yield _vector(f"{layer}.attn_q_norm.weight", self.head_dim, mean=QUERY_SPREAD)
            yield _vector(f"{layer}.attn_k_norm.weight", self.head_dim, mean=KEY_SPREAD)
        if self.post_norms:
            yield _vector(f"{layer}.post_attention_norm.weight", self.dim, mean=1.0)
            yield _vector(f"{layer}.post_ffw_norm.weight", self.dim, mean=1.0)
        yield _vector(f"{layer}.ffn_norm.weight", self.dim, mean=1.0)
        yield _matrix(f"{layer}.ffn_gate.weight", self.feed_forward, self.dim, 1.0)
        yield _matrix(f"{layer}.ffn_up.weight", self.feed_forward, self.dim, 1.0)
        yield _matrix(f"{layer}.ffn_down.weight", self.dim, self.feed_forward, 1.5)


def write_small(
    path: Path,
    entries: Mapping[str, Value],
    tensors: Mapping[str, Floats],
    quant_type: GGMLQuantizationType,
) -> None:
    """Write a file of those tensors: vectors in F32, matrices in the type that is given."""

    def data(spec: TensorSpec) -> Iterator[Bytes]:
        yield quantized(tensors[spec.name], spec.quant_type)

    specs = [
        TensorSpec(name, values.shape, quant_type if values.ndim > 1 else GGMLQuantizationType.F32)
        for name, values in tensors.items()
    ]
    write(path, entries, specs, data)


def llama_3_factors(dims: int) -> Floats:
    """What Llama 3 divides frequencies by: slow ones by the factor, fast ones by 1.

    As transformers' rope type `llama3` with low_freq_factor 1 and high_freq_factor 4.
    """
    frequencies = ROPE_BASE ** (-np.arange(0, dims, 2) / dims)
    turns = ROPE_ORIGINAL_CONTEXT * frequencies / (2 * pi)
    kept = np.clip((turns - 1.0) / (4.0 - 1.0), 0, 1)
    return (1 / (kept + (1 - kept) / ROPE_FACTOR)).astype(np.float32)


def _matrix(name: str, rows: int, cols: int, spread: float) -> tuple[str, Floats]:
    """Its products with vectors of spread 1 have that spread."""
    return name, uniform((rows, cols), spread / cols**0.5, name)


def _vector(name: str, size: int, mean: float = 0.0) -> tuple[str, Floats]:
    spread = 0.2 * mean or 0.5
    return name, np.float32(mean) + uniform((size,), spread, name)


def _scaling(kind: str) -> dict[str, Value]:
    return {
        "rope.scaling.type": text(kind),
        "rope.scaling.factor": f32(ROPE_FACTOR),
        "rope.scaling.original_context_length": u32(ROPE_ORIGINAL_CONTEXT),
    }


SMALL = {
    "llama": Small(),
    "llama-linear": Small(numbers=_scaling("linear")),
    "llama-yarn": Small(numbers=_scaling("yarn")),
    "llama-3": Small(rope_factors=True, tied=True, embedding_spread=0.25),
    "qwen2": Small("qwen2", biases=True),
    "qwen3": Small("qwen3", head_dim=128, head_norms=True),
    "gemma3": Small(
        "gemma3",
        layers=7,  # the sixth of six sees everything
        tied=True,
        head_norms=True,
        post_norms=True,
        embedding_spread=1 / DIM**0.5,  # it is multiplied by the root
        numbers={"attention.sliding_window": u32(64), "rope.freq_base": f32(1e6)},
    ),
}
