"""Merging with a queue is merging by looking everywhere for the best pair, each time."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from memory64.inference.tokenizer.sentence_pieces import SentencePieces
from memory64.inference.tokenizer.vocabulary import Vocabulary

LETTERS = "abc"
PIECES = st.lists(st.text(LETTERS, min_size=2, max_size=5), min_size=1, max_size=12, unique=True)


@settings(deadline=None)
@given(
    pieces=PIECES,
    scores=st.lists(st.integers(-3, 0).map(float), min_size=12, max_size=12),
    text=st.text(LETTERS, max_size=40),
)
def test_against_the_slow_way(pieces: list[str], scores: list[float], text: str) -> None:
    texts = [*LETTERS, *pieces]
    values = [0.0] * len(LETTERS) + scores[: len(pieces)]
    ids = {piece: token for token, piece in enumerate(texts)}
    tokens = SentencePieces(Vocabulary(texts, [1] * len(texts), ids), values, None).encode(text)
    assert [texts[token] for token in tokens] == slowly(text, dict(zip(texts, values, strict=True)))


def slowly(text: str, scores: dict[str, float]) -> list[str]:
    symbols = list(text)
    while True:
        pairs = [
            (-scores[left + right], at)
            for at, (left, right) in enumerate(pairwise(symbols))
            if left + right in scores
        ]
        if not pairs:
            return symbols
        _, at = min(pairs)
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
