"""SentencePiece's way: the neighbours that form the token of highest score are merged first.

The ``tokenizers`` package has no such model. Its byte pairs need each pair of tokens that form
a third one listed and ranked, half a million for Gemma, which takes seconds; and two pairs
cannot have one rank, as those do that form the same token.
"""

from heapq import heapify, heappop, heappush
from math import isnan

from ...errors import TokenizerError
from .vocabulary import KEY, TokenType, Vocabulary

SPACE = "▁"
"""How a space is written in tokens."""


class SentencePieces:
    """Text to tokens by scores, bytes for what no token can write."""

    def __init__(self, vocabulary: Vocabulary, scores: list[float], unknown: int | None) -> None:
        """Take the score of each token, and which stands for what even bytes cannot write.

        Raises:
            TokenizerError: a score is not a number.
        """
        self._ids = vocabulary.ids
        self._costs = [-score for score in scores]
        self._unknown = unknown
        if unknown is not None and vocabulary.types[unknown] != TokenType.UNKNOWN:
            self._unknown = None
        for token, score in enumerate(scores):
            if isnan(score):
                raise TokenizerError(f"{KEY}scores: that of token {token} is not a number")

    def encode(self, text: str) -> list[int]:
        """The tokens of ``text``.

        Raises:
            TokenizerError: the vocabulary has no token for a character, nor for its bytes.
        """
        tokens: list[int] = []
        for symbol in self._merged(text.replace(" ", SPACE)):
            token = self._ids.get(symbol)
            if token is not None:
                tokens.append(token)
            else:
                tokens.extend(self._byte(value) for value in symbol.encode())
        return tokens

    def _merged(self, text: str) -> list[str]:
        """``text`` cut into symbols. One that is merged into its left neighbour is empty then."""
        ids, costs = self._ids, self._costs
        symbols = list(text)
        count = len(symbols)
        before = list(range(-1, count - 1))
        behind = list(range(1, count + 1))
        queue: list[tuple[float, int, int, int]] = []
        for right in range(1, count):
            token = ids.get(symbols[right - 1] + symbols[right])
            if token is not None:
                queue.append((costs[token], right - 1, right, 2))
        heapify(queue)
        while queue:
            _, left, right, length = heappop(queue)
            merged = symbols[left] + symbols[right]
            # One of them was merged with its other neighbour meanwhile.
            if not symbols[left] or not symbols[right] or len(merged) != length:
                continue
            symbols[left], symbols[right] = merged, ""
            behind[left] = behind[right]
            if behind[left] < count:
                before[behind[left]] = left
            for first, second in ((before[left], left), (left, behind[left])):
                if first < 0 or second == count:
                    continue
                pair = symbols[first] + symbols[second]
                token = ids.get(pair)
                if token is not None:
                    heappush(queue, (costs[token], first, second, len(pair)))
        return [symbol for symbol in symbols if symbol]

    def _byte(self, value: int) -> int:
        token = self._ids.get(f"<0x{value:02X}>", self._unknown)
        if token is None:
            raise TokenizerError(f"the vocabulary has no token for the byte {value:#04x}")
        return token
