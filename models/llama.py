"""The llama architecture: the metadata and the tensors that a model of a given shape has."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from gguf import GGMLQuantizationType, GGUFValueType, LlamaFileType

from models.vocabulary import vocabulary
from models.writer import TensorSpec, Value, array, text, u32

LayerOrder = Literal["natural", "lexicographic"]

# Chooses the quant type of a matrix from its name without "blk.N." and ".weight".
QuantTypeOf = Callable[[str, int | None], GGMLQuantizationType]


@dataclass(frozen=True)
class Shape:
    """The hyper-parameters that decide the sizes of a model's tensors."""

    layers: int
    dim: int
    ffn: int
    heads: int
    kv_heads: int
    vocab: int

    @property
    def kv_dim(self) -> int:
        """Columns of a layer's keys, and of its values."""
        return self.dim // self.heads * self.kv_heads


LLAMA_2_7B = Shape(layers=32, dim=4096, ffn=11008, heads=32, kv_heads=32, vocab=32000)
LLAMA_2_13B = Shape(layers=40, dim=5120, ffn=13824, heads=40, kv_heads=40, vocab=32000)
LLAMA_2_70B = Shape(layers=80, dim=8192, ffn=28672, heads=64, kv_heads=8, vocab=32000)


def metadata(shape: Shape, name: str, file_type: LlamaFileType) -> dict[str, Value]:
    """What a published llama file says about itself, its tokenizer included."""
    words = vocabulary(shape.vocab)
    return {
        "general.architecture": text("llama"),
        "general.type": text("model"),
        "general.name": text(name),
        "general.file_type": u32(file_type),
        "general.quantization_version": u32(2),
        "llama.block_count": u32(shape.layers),
        "llama.context_length": u32(4096),
        "llama.embedding_length": u32(shape.dim),
        "llama.feed_forward_length": u32(shape.ffn),
        "llama.attention.head_count": u32(shape.heads),
        "llama.attention.head_count_kv": u32(shape.kv_heads),
        "llama.attention.layer_norm_rms_epsilon": Value(GGUFValueType.FLOAT32, 1e-5),
        "llama.rope.dimension_count": u32(shape.dim // shape.heads),
        "llama.rope.freq_base": Value(GGUFValueType.FLOAT32, 10000.0),
        "llama.vocab_size": u32(shape.vocab),
        "tokenizer.ggml.model": text("llama"),
        "tokenizer.ggml.tokens": array(GGUFValueType.STRING, words.tokens),
        "tokenizer.ggml.scores": array(GGUFValueType.FLOAT32, words.scores),
        "tokenizer.ggml.token_type": array(GGUFValueType.INT32, words.types),
        "tokenizer.ggml.add_bos_token": Value(GGUFValueType.BOOL, True),
        "tokenizer.ggml.unknown_token_id": u32(0),
        "tokenizer.ggml.bos_token_id": u32(1),
        "tokenizer.ggml.eos_token_id": u32(2),
    }


def tensors(
    shape: Shape, quant_type_of: QuantTypeOf, *, order: LayerOrder = "natural"
) -> list[TensorSpec]:
    """The directory: the tensors outside the layers, then the layers, each by name.

    Natural order is 0, 1, 2, ...; lexicographic order, in which some published files lie, is 0, 1,
    10, 11, ...
    """
    layers: Iterable[int] = range(shape.layers)
    if order == "lexicographic":
        layers = sorted(layers, key=str)
    outer = {
        "output": (shape.vocab, shape.dim),
        "output_norm": (shape.dim,),
        "token_embd": (shape.vocab, shape.dim),
    }
    directory = [_tensor(name, None, size, quant_type_of) for name, size in outer.items()]
    inner = _layer(shape)
    directory += [
        _tensor(name, layer, size, quant_type_of)
        for layer in layers
        for name, size in inner.items()
    ]
    return directory


def q4_k_m(layers: int) -> QuantTypeOf:
    """llama.cpp's mixture Q4_K_M: Q4_K, and Q6_K where precision is worth most."""
    more_bits = {
        layer
        for layer in range(layers)
        if layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2
    }

    def quant_type_of(name: str, layer: int | None) -> GGMLQuantizationType:
        precious = name == "output" or (name in ("attn_v", "ffn_down") and layer in more_bits)
        return GGMLQuantizationType.Q6_K if precious else GGMLQuantizationType.Q4_K

    return quant_type_of


def _layer(shape: Shape) -> dict[str, tuple[int, ...]]:
    return {
        "attn_k": (shape.kv_dim, shape.dim),
        "attn_norm": (shape.dim,),
        "attn_output": (shape.dim, shape.dim),
        "attn_q": (shape.dim, shape.dim),
        "attn_v": (shape.kv_dim, shape.dim),
        "ffn_down": (shape.dim, shape.ffn),
        "ffn_gate": (shape.ffn, shape.dim),
        "ffn_norm": (shape.dim,),
        "ffn_up": (shape.ffn, shape.dim),
    }


def _tensor(
    name: str, layer: int | None, shape: tuple[int, ...], quant_type_of: QuantTypeOf
) -> TensorSpec:
    whole = f"{name}.weight" if layer is None else f"blk.{layer}.{name}.weight"
    if len(shape) == 1:  # norms are never quantised
        return TensorSpec(whole, shape, GGMLQuantizationType.F32)
    return TensorSpec(whole, shape, quant_type_of(name, layer))
