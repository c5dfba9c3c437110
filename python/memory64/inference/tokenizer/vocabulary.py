"""The tokens of a model: texts, types and what else its metadata says of each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ...errors import TokenizerError

KEY = "tokenizer.ggml."


class TokenType(IntEnum):
    """What a token is, as numbered in the file."""

    UNDEFINED = 0
    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens by id.

    Attributes:
        texts: of each token, as written in the file.
        types: of each token, a ``TokenType``; other numbers count as ``UNDEFINED``.
        ids: the token of a text.
    """

    texts: list[str]
    types: list[int]
    ids: dict[str, int]

    def __len__(self) -> int:
        """Count of tokens."""
        return len(self.texts)


def read_vocabulary(metadata: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary in a model's metadata.

    Raises:
        TokenizerError: it has none, arrays of different lengths, one text twice, or a token for
            a byte that names none.
        GGUFFormatError: a text is not UTF-8.
    """
    texts = read_array(metadata, "tokens", str)
    if not all(texts):
        texts = [text or f"[EMPTY_{token}]" for token, text in enumerate(texts)]
    types = per_token(metadata, "token_type", int, len(texts), TokenType.NORMAL)
    ids = {text: token for token, text in enumerate(texts)}
    for text, token_type in zip(texts, types, strict=True):
        if token_type == TokenType.BYTE:
            named_byte(text)
    if len(ids) != len(texts):
        token = next(token for token, text in enumerate(texts) if ids[text] != token)
        raise TokenizerError(
            f"{KEY}tokens: {texts[token]!r} is both token {token} and {ids[texts[token]]}"
        )
    return Vocabulary(texts, types, ids)


def named_byte(text: str) -> bytes:
    """The byte that a token like ``<0x0A>`` names.

    Raises:
        TokenizerError: it names none.
    """
    match = re.fullmatch("<0x([0-9A-Fa-f]{2})>", text)
    if match is None:
        raise TokenizerError(f"{KEY}tokens: {text!r} is marked as a byte, but names none")
    return bytes.fromhex(match[1])


def per_token(
    metadata: Mapping[str, Any], name: str, element: type, count: int, default: Any
) -> list[Any]:
    """The array ``name``, one element a token; all ``default`` where there is none.

    Raises:
        TokenizerError: it is of another length or type.
    """
    if KEY + name not in metadata:
        return [default] * count
    values = read_array(metadata, name, element)
    if len(values) != count:
        raise TokenizerError(f"{KEY}{name}: {len(values)} values for {count} tokens")
    return values


def read_array(metadata: Mapping[str, Any], name: str, element: type) -> list[Any]:
    """The array ``name``, of which the elements are ``element``; a copy.

    Raises:
        TokenizerError: there is none, it is empty or of another type.
    """
    try:
        values = metadata[KEY + name]
    except KeyError:
        raise TokenizerError(f"the model has no {KEY}{name}") from None
    # The elements of an array in a GGUF file are all of one type.
    if not isinstance(values, list) or not values or not isinstance(values[0], element):
        raise TokenizerError(
            f"{KEY}{name}: needs to be an array of {element.__name__}, found {values!r:.60}"
        )
    return list(values)
