"""Which tensors each step of a pass reads, in the order of ``guest/engine/transformer.c``."""

from collections.abc import Callable

from ..gguf import GGUFDirectory, TensorInfo
from ..memory import Span
from ..streaming import Walk

STEPS_OF_A_LAYER = 4
_FIRST_STEP = {
    **dict.fromkeys(("attn_norm", "attn_q", "attn_k", "attn_v"), 0),
    **dict.fromkeys(("attn_q_norm", "attn_k_norm"), 0),
    "attn_output": 1,
    **dict.fromkeys(("post_attention_norm", "ffn_norm", "ffn_gate", "ffn_up"), 2),
    **dict.fromkeys(("ffn_down", "post_ffw_norm"), 3),
}
EMBEDDING = "token_embd.weight"
OUTPUT = "output.weight"
OUTPUT_NORM = "output_norm.weight"


def walk_through(gguf: GGUFDirectory, span: Callable[[TensorInfo], Span]) -> Walk:
    """All that a pass reads but the rows of its tokens' embeddings.

    Args:
        gguf: of an architecture that is known.
        span: where a tensor lies in the flat space.
    """
    steps: list[list[Span]] = [[] for _ in range(STEPS_OF_A_LAYER * gguf.layer_count + 1)]
    for layer_id, tensors in enumerate(gguf.layers):
        for info in tensors:
            first = STEPS_OF_A_LAYER * layer_id + _FIRST_STEP[info.key.partition(".")[0]]
            steps[first].append(span(info))
            if info.key.startswith("post_ffw_norm"):  # what follows the layer applies it
                steps[first + 1].append(span(info))
    norm = span(gguf.tensors[OUTPUT_NORM])
    steps[-2].append(norm)  # hidden states are normed without the head
    steps[-1] += [norm, span(gguf.tensors[output_name(gguf)])]
    return Walk(steps)


def output_name(gguf: GGUFDirectory) -> str:
    """The head's tensor; models whose head is tied have that of the embedding."""
    return OUTPUT if OUTPUT in gguf.tensors else EMBEDDING
