"""A plain llama in double precision, as its paper and its successors' have it."""

import numpy as np
from numpy.typing import NDArray

from models.small import EPSILON, ROPE_BASE, Small

Doubles = NDArray[np.float64]


def logits(model: Small, tokens: list[int], weights: dict[str, Doubles], rope_dims: int) -> Doubles:
    """After each token. `weights` are those that a file's tensors stand for, by name."""
    stream = weights["token_embd.weight"][tokens]
    for layer in range(model.layers):
        own = {
            name.split(".")[2]: values
            for name, values in weights.items()
            if name.startswith(f"blk.{layer}.")
        }
        stream = stream + _attention(model, _norm(stream, own["attn_norm"]), own, rope_dims)
        stream = stream + _feed_forward(_norm(stream, own["ffn_norm"]), own)
    logits = _norm(stream, weights["output_norm.weight"]) @ weights["output.weight"].T
    return _capped(logits, model, "final_logit_softcapping")


def _attention(model: Small, x: Doubles, own: dict[str, Doubles], rope_dims: int) -> Doubles:
    count = len(x)
    queries, keys, values = (
        (x @ own[f"attn_{name}"].T).reshape(count, -1, model.head_dim) for name in "qkv"
    )
    queries, keys = _turned(queries, rope_dims), _turned(keys, rope_dims)
    shared = model.heads // model.kv_heads
    keys, values = keys.repeat(shared, axis=1), values.repeat(shared, axis=1)
    scores = np.einsum("qhd,khd->hqk", queries, keys) / model.head_dim**0.5
    scores = _capped(scores, model, "attn_logit_softcapping")
    scores[:, ~np.tri(count, dtype=bool)] = -np.inf
    chances = np.exp(scores - scores.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    return np.einsum("hqk,khd->qhd", chances, values).reshape(count, -1) @ own["attn_output"].T


def _feed_forward(x: Doubles, own: dict[str, Doubles]) -> Doubles:
    gate = x @ own["ffn_gate"].T
    return (gate / (1 + np.exp(-gate)) * (x @ own["ffn_up"].T)) @ own["ffn_down"].T


def _capped(x: Doubles, model: Small, key: str) -> Doubles:
    if key not in model.numbers:
        return x
    cap = float(model.numbers[key].value)
    return cap * np.tanh(x / cap)


def _norm(x: Doubles, weight: Doubles) -> Doubles:
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON) * weight


def _turned(heads: Doubles, dims: int) -> Doubles:
    """The first dims of each head, neighbours together as the two parts of a complex number."""
    turns = np.arange(len(heads))[:, None] * ROPE_BASE ** (-np.arange(0, dims, 2) / dims)
    pairs = heads[..., :dims].copy().view(np.complex128) * np.exp(1j * turns)[:, None]
    return np.concatenate([pairs.view(np.float64), heads[..., dims:]], axis=-1)
