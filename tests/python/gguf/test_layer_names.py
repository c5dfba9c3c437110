"""Which layer a tensor belongs to, by the exact form of its name."""

import pytest

from memory64.gguf.header import split_layer_name


@pytest.mark.parametrize(
    ("name", "layer_id", "key"),
    [
        ("blk.0.attn_q.weight", 0, "attn_q.weight"),
        ("blk.31.attn_output.weight", 31, "attn_output.weight"),
        ("blk.10.ffn_norm.bias", 10, "ffn_norm.bias"),
        ("blk.7.output.weight", 7, "output.weight"),
        ("output.weight", None, "output.weight"),
        ("output_norm.weight", None, "output_norm.weight"),
        ("token_embd.weight", None, "token_embd.weight"),
        ("rope_freqs.weight", None, "rope_freqs.weight"),
        ("rope_factors_long.weight", None, "rope_factors_long.weight"),
        ("enc.blk.3.attn_q.weight", None, "enc.blk.3.attn_q.weight"),
        ("blk.03.attn_q.weight", None, "blk.03.attn_q.weight"),
        ("blk.-1.attn_q.weight", None, "blk.-1.attn_q.weight"),
        ("blk.1", None, "blk.1"),
        ("blk.1.", None, "blk.1."),
        ("xblk.1.attn_q.weight", None, "xblk.1.attn_q.weight"),
    ],
)
def test_names(name: str, layer_id: int | None, key: str) -> None:
    assert split_layer_name(name) == (layer_id, key)
