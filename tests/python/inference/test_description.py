"""What the engine is told of a model: where each tensor is, and what each layer sees."""

from dataclasses import replace
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType

from memory64.gguf import GGUFDirectory, TensorInfo, open_gguf
from memory64.inference.architecture import dimensions
from memory64.inference.description import Layer, Matrix, Model, describe
from models.small import SMALL, f32

BASE = 1 << 38

MATRICES = {
    "query": "attn_q",
    "key": "attn_k",
    "value": "attn_v",
    "output": "attn_output",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}
VECTORS = {
    "attention_norm": "attn_norm.weight",
    "query_norm": "attn_q_norm.weight",
    "key_norm": "attn_k_norm.weight",
    "post_attention_norm": "post_attention_norm.weight",
    "feed_forward_norm": "ffn_norm.weight",
    "post_feed_forward_norm": "post_ffw_norm.weight",
    "query_bias": "attn_q.bias",
    "key_bias": "attn_k.bias",
    "value_bias": "attn_v.bias",
}


def address_of(info: TensorInfo) -> int:
    return BASE + info.file_offset


def described(
    kind: str, folder: Path, quant_type: GGMLQuantizationType
) -> tuple[GGUFDirectory, Model, list[Layer]]:
    gguf = open_gguf(SMALL[kind].write(folder / "model.gguf", quant_type))
    return gguf, *describe(gguf, dimensions(gguf), address_of)


def is_of(matrix: Matrix, info: TensorInfo) -> bool:
    rows, cols = info.shape
    return (matrix.data, matrix.row_bytes, matrix.type, matrix.rows, matrix.cols) == (
        address_of(info),
        info.nbytes // rows,
        info.quant_type,
        rows,
        cols,
    )


@pytest.mark.parametrize("quant_type", [GGMLQuantizationType.F32, GGMLQuantizationType.Q4_K])
@pytest.mark.parametrize("kind", SMALL)
def test_every_tensor_is_there(kind: str, quant_type: GGMLQuantizationType, tmp_path: Path) -> None:
    gguf, model, layers = described(kind, tmp_path, quant_type)
    assert len(layers) == gguf.layer_count
    for layer_id, layer in enumerate(layers):
        for field, key in MATRICES.items():
            assert is_of(getattr(layer, field), gguf.tensors[f"blk.{layer_id}.{key}.weight"])
        for field, key in VECTORS.items():
            info = gguf.tensors.get(f"blk.{layer_id}.{key}")
            assert getattr(layer, field) == (address_of(info) if info else 0)
    assert is_of(model.embedding, gguf.tensors["token_embd.weight"])
    head = gguf.tensors.get("output.weight", gguf.tensors["token_embd.weight"])
    assert is_of(model.output, head)
    assert model.output_norm == address_of(gguf.tensors["output_norm.weight"])


def test_layers_with_a_window_have_angles_of_their_own(tmp_path: Path) -> None:
    _, _, layers = described("gemma3", tmp_path, GGMLQuantizationType.Q8_0)
    seen = [(layer.window, layer.angles) for layer in layers]
    assert seen == [(64, 1)] * 5 + [(0, 0)] + [(64, 1)]


def test_scales(tmp_path: Path) -> None:
    _, llama, _ = described("llama", tmp_path, GGMLQuantizationType.Q8_0)
    _, gemma, _ = described("gemma3", tmp_path, GGMLQuantizationType.Q8_0)
    assert (llama.embedding_scale, gemma.embedding_scale) == (1, 16)
    assert (llama.attention_scale, gemma.attention_scale) == (0.125, 0.125)
    assert (llama.attention_cap, gemma.attention_cap) == (0, 0)
    assert (llama.logits_cap, gemma.logits_cap) == (0, 0)


def test_soft_capping(tmp_path: Path) -> None:
    caps = {"attn_logit_softcapping": f32(50), "final_logit_softcapping": f32(30)}
    gemma = replace(SMALL["gemma3"], numbers=caps)
    gguf = open_gguf(gemma.write(tmp_path / "model.gguf", GGMLQuantizationType.Q8_0))
    model, _ = describe(gguf, dimensions(gguf), address_of)
    assert (model.attention_cap, model.logits_cap) == (50, 30)
