"""A made-up vocabulary with the form of llama's: pieces of words, and bytes as the last resort."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, product

from gguf import TokenType

SPECIAL = ("<unk>", "<s>", "</s>")
WORD_START = "\u2581"
CONSONANTS = "bcdfghjklmnpqrstvwxz"
VOWELS = "aeiouy"


@dataclass(frozen=True)
class Vocabulary:
    """Tokens with their scores and types, in the order of their numbers."""

    tokens: Sequence[str]
    scores: Sequence[float]
    types: Sequence[int]


def vocabulary(size: int) -> Vocabulary:
    """A vocabulary of `size` tokens: three special ones, 256 bytes, then pieces of words.

    Raises ValueError for a size below 259.
    """
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    count = size - len(SPECIAL) - len(byte_tokens)
    if count < 0:
        raise ValueError(f"a vocabulary needs at least 259 tokens, got {size}")
    pieces = list(islice(_pieces(), count))
    return Vocabulary(
        tokens=[*SPECIAL, *byte_tokens, *pieces],
        # A merge prefers the piece with the higher score: the earlier, shorter one.
        scores=[0.0] * (len(SPECIAL) + len(byte_tokens)) + [-float(i) for i in range(count)],
        types=[TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL]
        + [TokenType.BYTE] * len(byte_tokens)
        + [TokenType.NORMAL] * count,
    )


def _pieces() -> Iterator[str]:
    """Distinct pieces, short before long: single characters, then one and two syllables."""
    characters = [WORD_START, *(chr(code) for code in range(ord("!"), ord("~") + 1))]
    return chain(
        characters,
        _words(CONSONANTS, VOWELS),
        _words(WORD_START, CONSONANTS, VOWELS),
        _words(CONSONANTS, VOWELS, CONSONANTS),
        _words(WORD_START, CONSONANTS, VOWELS, CONSONANTS),
        _words(CONSONANTS, VOWELS, CONSONANTS, VOWELS),
        _words(CONSONANTS, VOWELS, CONSONANTS, VOWELS, CONSONANTS),
    )


def _words(*alphabets: str) -> Iterator[str]:
    return map("".join, product(*alphabets))
