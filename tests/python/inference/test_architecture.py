"""What the dimensions of a model are. What is refused, tests/hostile/test_inference.py has."""

from dataclasses import replace
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType

from memory64.gguf import GGUFDirectory, open_gguf
from memory64.inference.architecture import ARCHITECTURES, Dimensions, dimensions
from models.small import (
    CONTEXT,
    DIM,
    EPSILON,
    FEED_FORWARD,
    HEADS,
    KV_HEADS,
    ROPE_BASE,
    SMALL,
    VOCABULARY,
    write_small,
)


def opened(kind: str, folder: Path, *missing: str) -> GGUFDirectory:
    """A model without those numbers."""
    model, path = SMALL[kind], folder / "model.gguf"
    entries = model.entries(kind)
    for key in missing:
        del entries[f"{model.architecture}.{key}"]
    write_small(path, entries, model.tensors(), GGMLQuantizationType.Q8_0)
    return open_gguf(path)


def found_in(kind: str, folder: Path, *missing: str) -> Dimensions:
    return dimensions(opened(kind, folder, *missing))


@pytest.mark.parametrize("kind", SMALL)
def test_dimensions(kind: str, tmp_path: Path) -> None:
    model = SMALL[kind]
    assert found_in(kind, tmp_path) == Dimensions(
        architecture=ARCHITECTURES[model.architecture],
        dim=DIM,
        layer_count=model.layers,
        heads=HEADS,
        kv_heads=KV_HEADS,
        head_dim=model.head_dim,
        feed_forward_dim=FEED_FORWARD,
        vocabulary=VOCABULARY,
        context_length=CONTEXT,
        rope_dims=model.head_dim,
        rope_base=1e6 if kind == "gemma3" else ROPE_BASE,
        norm_epsilon=pytest.approx(EPSILON),
        window=64 if kind == "gemma3" else 0,
        attention_cap=0,
        logits_cap=0,
    )


def test_what_a_file_need_not_say(tmp_path: Path) -> None:
    found = found_in(
        "llama",
        tmp_path,
        "attention.head_count_kv",
        "attention.key_length",
        "attention.value_length",
        "rope.dimension_count",
        "rope.freq_base",
    )
    assert found.kv_heads == HEADS
    assert found.head_dim == found.rope_dims == DIM // HEADS
    assert found.rope_base == 10_000.0


def test_every_sixth_layer_sees_everything(tmp_path: Path) -> None:
    found = found_in("gemma3", tmp_path)
    assert [layer for layer in range(18) if not found.is_local(layer)] == [5, 11, 17]


def test_layers_without_a_window_see_everything(tmp_path: Path) -> None:
    found = found_in("gemma3", tmp_path, "attention.sliding_window")
    assert not any(found.is_local(layer) for layer in range(18))


def test_scale_of_scores(tmp_path: Path) -> None:
    found = found_in("gemma3", tmp_path)
    assert found.attention_scale == 64**-0.5
    # Gemma 3 27B alone has another, and is told by the count of its layers.
    large = replace(found, layer_count=62, dim=5376, heads=32, kv_heads=16, head_dim=128)
    assert large.attention_scale == 168**-0.5


def test_width_of_keys(tmp_path: Path) -> None:
    assert found_in("qwen3", tmp_path).kv_dim == KV_HEADS * 128
