"""Walks as hypothesis makes them: layers of steps, tensors anywhere in a file."""

from hypothesis import strategies as st

from memory64.memory import Span
from memory64.streaming import Walk

MIB = 1 << 20


@st.composite
def steps(draw: st.DrawFn) -> list[list[Span]]:
    """Tensors that lie one behind the other in some order, up to three to a step."""
    sizes = draw(st.lists(st.integers(1, 20 * MIB), min_size=1, max_size=40))
    spans = []
    offset = draw(st.integers(0, 9 * MIB))
    for size in sizes:
        spans.append(Span(offset, size))
        offset += size + draw(st.sampled_from((0, 0, 32, 5 * MIB)))
    order = draw(st.permutations(spans)) if draw(st.booleans()) else spans
    cuts = draw(st.integers(1, 3))
    return [list(order[i : i + cuts]) for i in range(0, len(order), cuts)]


walks = steps().map(Walk)
