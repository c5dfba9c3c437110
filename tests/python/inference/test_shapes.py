"""Models of dimensions that are multiples of hardly anything, against the reference."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize

from models.small import Small, f32
from models.writer import u32

from . import reference
from .teacher import engine_of, logits_of

Q = GGMLQuantizationType

SHAPES = {
    "smallest": (Small(dim=4, feed_forward=4, heads=1, kv_heads=1, head_dim=8, vocabulary=259), 2),
    "odd": (Small(dim=36, feed_forward=20, heads=3, kv_heads=1, head_dim=8, vocabulary=301), 8),
    "few turned": (
        Small(dim=132, feed_forward=68, heads=6, kv_heads=3, head_dim=40, vocabulary=999),
        10,
    ),
    "wide middle": (
        Small(dim=64, feed_forward=2052, heads=7, kv_heads=7, head_dim=16, vocabulary=515),
        16,
    ),
    "largest heads": (
        Small(dim=1028, feed_forward=4, heads=2, kv_heads=1, head_dim=512, vocabulary=261),
        512,
    ),
}

ROUNDING = 0.03
"""Of logits that spread by 3: that of half floats in the cache."""


CAPS = {
    "of scores": {"attn_logit_softcapping": f32(1.5)},
    "of logits": {"final_logit_softcapping": f32(4.0)},
    "of both": {"attn_logit_softcapping": f32(0.5), "final_logit_softcapping": f32(3.0)},
    "far away": {"attn_logit_softcapping": f32(1000.0), "final_logit_softcapping": f32(1000.0)},
}
"""Near what scores and logits are, but for the last."""


@pytest.mark.parametrize("quant_type", [Q.F32, Q.F16, Q.BF16])
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(shape: str, quant_type: Q, tmp_path: Path) -> None:
    check(*SHAPES[shape], quant_type, tmp_path)


@pytest.mark.parametrize("caps", CAPS)
@pytest.mark.parametrize("shape", ["smallest", "odd"])
def test_soft_capping(shape: str, caps: str, tmp_path: Path) -> None:
    model, rope_dims = SHAPES[shape]
    check(replace(model, numbers=CAPS[caps]), rope_dims, Q.F32, tmp_path)


def check(model: Small, rope_dims: int, quant_type: Q, folder: Path) -> None:
    """Compute as many tokens at once as can be, and one at a time."""
    numbers = {**model.numbers, "rope.dimension_count": u32(rope_dims)}
    model = replace(model, layers=2, numbers=numbers)
    path = model.write(folder / "model.gguf", quant_type)
    weights = {
        name: dequantize(quantize(values, quant_type), quant_type) if values.ndim > 1 else values
        for name, values in model.tensors().items()
    }
    tokens = np.random.default_rng(7).integers(0, model.vocabulary, 150).tolist()
    expected = reference.logits(
        model, tokens, {name: each.astype(np.float64) for name, each in weights.items()}, rope_dims
    )
    with engine_of(path) as engine:
        assert np.abs(logits_of(engine, tokens) - expected).max() < ROUNDING
        assert np.abs(logits_of(engine, tokens[:20], 1) - expected[:20]).max() < ROUNDING
