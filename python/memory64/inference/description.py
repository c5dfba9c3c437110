"""The structs that the engine's C code reads, laid out as its headers say.

``guest/engine/{matmul,model,batch,crew,transformer}.h``; pointers are addresses in the
engine's memory, 0 for none. The engine tells the sizes of its own, which are compared.
"""

import ctypes
from collections.abc import Callable

from ..errors import GGUFFormatError, UnsupportedQuantTypeError
from ..gguf import GGMLQuantizationType, GGUFDirectory, TensorInfo
from ..gguf.cursor import excerpt
from ..kernels import KERNEL_TYPES
from .architecture import Dimensions

Q = GGMLQuantizationType

ROPE_FACTORS = "rope_freqs.weight"
"""Not for the engine: it is given the angles."""

ANGLE_TABLES = 2
MAX_RUN = 16

u32, u64, f32 = ctypes.c_uint32, ctypes.c_uint64, ctypes.c_float


class Matrix(ctypes.Structure):
    """A tensor of two dimensions, as it lies in the file."""

    _fields_ = [
        *((name, u64) for name in ("data", "row_bytes")),
        *((name, u32) for name in ("type", "rows", "cols", "padding")),
    ]


class Layer(ctypes.Structure):
    """The tensors of a layer, and what it sees."""

    _fields_ = [
        *((name, Matrix) for name in ("query", "key", "value", "output", "gate", "up", "down")),
        *((f"{name}_norm", u64) for name in ("attention", "query", "key", "post_attention")),
        *((f"{name}_norm", u64) for name in ("feed_forward", "post_feed_forward")),
        *((f"{name}_bias", u64) for name in ("query", "key", "value")),
        ("window", u32),
        ("angles", u32),
    ]


class Model(ctypes.Structure):
    """Dimensions and the tensors of no layer; the layers follow."""

    _fields_ = [
        *((name, u32) for name in ("dim", "layer_count", "heads", "kv_heads", "head_dim")),
        *((name, u32) for name in ("feed_forward_dim", "rope_dims", "rope_style", "gating")),
        *((name, f32) for name in ("norm_epsilon", "attention_scale", "embedding_scale")),
        *((name, f32) for name in ("attention_cap", "logits_cap")),
        ("embedding", Matrix),
        ("output", Matrix),
        ("output_norm", u64),
    ]


class Run(ctypes.Structure):
    """Tokens of a batch that follow one another in one sequence."""

    _fields_ = [
        *((name, u32) for name in ("first", "count", "position", "capacity")),
        ("cache", u64),
    ]


class Batch(ctypes.Structure):
    """What is computed at once."""

    _fields_ = [
        *((name, u32) for name in ("token_count", "run_count", "wanted", "wanted_from")),
        ("tokens", u64),
        ("runs", u64),
        ("angles", u64 * ANGLE_TABLES),
    ]


class Scratch(ctypes.Structure):
    """Where the engine keeps what it computes."""

    _fields_ = [
        (name, u64)
        for name in (
            *("stream", "normed", "queries", "keys", "values", "attended"),
            *("gate", "up", "projected", "logits", "eight_bit"),
        )
    ]


class Crew(ctypes.Structure):
    """What the threads share to work together: each number in a cache line of its own."""

    _fields_ = [
        field
        for name in ("threads", "abandoned", "arrived", "generation", "next_task", "step", "ready")
        for field in ((name, u32), (f"_behind_{name}", ctypes.c_uint8 * 60))
    ]


class Engine(ctypes.Structure):
    """Everything, for one call."""

    _fields_ = [(name, u64) for name in ("model", "batch", "scratch", "crew")]


STRUCTS = (Matrix, Layer, Model, Run, Batch, Scratch, Crew, Engine)
"""In the order in which the engine tells their sizes."""


def describe(
    gguf: GGUFDirectory, found: Dimensions, address_of: Callable[[TensorInfo], int]
) -> tuple[Model, list[Layer]]:
    """The description of a model whose tensors lie at ``address_of`` each.

    Raises:
        GGUFFormatError: a tensor is missing or has another shape than the dimensions say, or
            there is one that would be left out.
        UnsupportedQuantTypeError: a tensor is of a type that is not computed with.
    """
    find = _Finder(gguf, address_of)
    architecture = found.architecture
    embedding = find.matrix("token_embd.weight", found.vocabulary, found.dim)
    tied = "output.weight" not in gguf.tensors
    model = Model(
        dim=found.dim,
        layer_count=found.layer_count,
        heads=found.heads,
        kv_heads=found.kv_heads,
        head_dim=found.head_dim,
        feed_forward_dim=found.feed_forward_dim,
        rope_dims=found.rope_dims,
        rope_style=architecture.rope_style,
        gating=architecture.gating,
        norm_epsilon=found.norm_epsilon,
        attention_scale=found.attention_scale,
        embedding_scale=found.dim**0.5 if architecture.scaled_embedding else 1.0,
        attention_cap=found.attention_cap,
        logits_cap=found.logits_cap,
        embedding=embedding,
        output=embedding if tied else find.matrix("output.weight", found.vocabulary, found.dim),
        output_norm=find.vector("output_norm.weight", found.dim),
    )
    layers = [_layer(find, found, layer_id) for layer_id in range(found.layer_count)]
    find.require_all_found()
    return model, layers


def _layer(find: "_Finder", found: Dimensions, layer_id: int) -> Layer:
    architecture = found.architecture
    dim, kv_dim, inner = found.dim, found.kv_dim, found.feed_forward_dim
    heads_dim = found.heads * found.head_dim

    def matrix(key: str, rows: int, cols: int) -> Matrix:
        return find.matrix(f"blk.{layer_id}.{key}.weight", rows, cols)

    def vector(key: str, size: int, there: bool = True) -> int:
        return find.vector(f"blk.{layer_id}.{key}", size) if there else 0

    return Layer(
        query=matrix("attn_q", heads_dim, dim),
        key=matrix("attn_k", kv_dim, dim),
        value=matrix("attn_v", kv_dim, dim),
        output=matrix("attn_output", dim, heads_dim),
        gate=matrix("ffn_gate", inner, dim),
        up=matrix("ffn_up", inner, dim),
        down=matrix("ffn_down", dim, inner),
        attention_norm=vector("attn_norm.weight", dim),
        query_norm=vector("attn_q_norm.weight", found.head_dim, architecture.head_norms),
        key_norm=vector("attn_k_norm.weight", found.head_dim, architecture.head_norms),
        post_attention_norm=vector("post_attention_norm.weight", dim, architecture.post_norms),
        feed_forward_norm=vector("ffn_norm.weight", dim),
        post_feed_forward_norm=vector("post_ffw_norm.weight", dim, architecture.post_norms),
        query_bias=vector("attn_q.bias", heads_dim, architecture.biases),
        key_bias=vector("attn_k.bias", kv_dim, architecture.biases),
        value_bias=vector("attn_v.bias", kv_dim, architecture.biases),
        window=found.window if found.is_local(layer_id) else 0,
        angles=found.is_local(layer_id),
    )


class _Finder:
    """Tensors by name, checked before anything is computed with them."""

    def __init__(self, gguf: GGUFDirectory, address_of: Callable[[TensorInfo], int]) -> None:
        self._gguf = gguf
        self._address_of = address_of
        self._found = {ROPE_FACTORS}

    def matrix(self, name: str, rows: int, cols: int) -> Matrix:
        """A matrix of that shape."""
        info = self._tensor(name, (rows, cols))
        if info.quant_type not in KERNEL_TYPES:
            raise UnsupportedQuantTypeError(
                f"{self._gguf.name}: {name!r} is of type {info.quant_type.name}, which the "
                "engine does not compute with"
            )
        return Matrix(
            data=self._address_of(info),
            row_bytes=info.nbytes // rows,
            type=info.quant_type,
            rows=rows,
            cols=cols,
        )

    def vector(self, name: str, size: int) -> int:
        """The address of a vector of that length."""
        info = self._tensor(name, (size,))
        if info.quant_type is not Q.F32:
            raise UnsupportedQuantTypeError(
                f"{self._gguf.name}: {name!r} is of type {info.quant_type.name}, needed is F32"
            )
        return self._address_of(info)

    def require_all_found(self) -> None:
        """Raise where the file has a tensor more: the model is another than we know."""
        for name in self._gguf.tensors:
            if name not in self._found:
                raise GGUFFormatError(
                    f"{self._gguf.name}: there is a tensor {excerpt(name)}, which a model of "
                    f"architecture {self._gguf.architecture!r} has no use for"
                )

    def _tensor(self, name: str, shape: tuple[int, ...]) -> TensorInfo:
        info = self._gguf.tensors.get(name)
        if info is None:
            raise GGUFFormatError(
                f"{self._gguf.name}: there is no tensor {name!r}, which a model of architecture "
                f"{self._gguf.architecture!r} needs"
            )
        if info.shape != shape:
            raise GGUFFormatError(
                f"{self._gguf.name}: {name!r} has shape {info.shape}, its other numbers say {shape}"
            )
        self._found.add(name)
        return info
