"""The tokenizer of a model."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from ...errors import OutOfBoundsError, TokenizerError
from .byte_alphabet import bytes_of
from .byte_pairs import BytePairs
from .fragments import SpecialTexts
from .pre_tokenizers import pre_tokenizer_named
from .sentence_pieces import SPACE, SentencePieces
from .special_tokens import SpecialTokens, read_special_tokens
from .vocabulary import (
    KEY,
    TokenType,
    Vocabulary,
    named_byte,
    per_token,
    read_array,
    read_vocabulary,
)

_MARKS = (TokenType.CONTROL, TokenType.UNKNOWN)
_AS_WRITTEN = (*_MARKS, TokenType.USER_DEFINED)


class Tokenizer:
    """Text to tokens, as llama.cpp cuts it, and tokens to text. Any thread may use it."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        special: SpecialTokens,
        encoder: SentencePieces | BytePairs,
        *,
        space_prefix: bool,
    ) -> None:
        """Use ``from_metadata``.

        Args:
            vocabulary: the tokens.
            special: those that are no text.
            encoder: cuts text without special tokens.
            space_prefix: a space is put before a text, and after each special token.
        """
        self.special = special
        self._vocabulary = vocabulary
        self._encoder = encoder
        self._space_prefix = space_prefix
        texts, types = vocabulary.texts, vocabulary.types
        self._user_defined, self._all_special = (
            SpecialTexts((text, token) for token, text in enumerate(texts) if types[token] in kinds)
            for kinds in ((TokenType.USER_DEFINED,), _AS_WRITTEN)
        )

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Self:
        """The tokenizer that a model's metadata describes.

        Raises:
            TokenizerError: there is none, it is of an unknown kind or contradicts itself.
            GGUFFormatError: a token is not UTF-8.
        """
        kind = metadata.get(KEY + "model")
        if kind == "llama":
            return cls._of_sentence_pieces(metadata)
        if kind == "gpt2":
            return cls._of_byte_pairs(metadata)
        raise TokenizerError(
            f"{KEY}model: {kind!r} is not known; known are 'llama' (SentencePiece) and 'gpt2' (BPE)"
        )

    @classmethod
    def _of_sentence_pieces(cls, metadata: Mapping[str, Any]) -> Self:
        vocabulary = read_vocabulary(metadata)
        special = read_special_tokens(metadata, vocabulary, bos=1, eos=2, unknown=0, add_bos=True)
        scores = per_token(metadata, "scores", float, len(vocabulary), 0.0)
        space_prefix = metadata.get(KEY + "add_space_prefix", True)
        encoder = SentencePieces(vocabulary, scores, special.unknown)
        return cls(vocabulary, special, encoder, space_prefix=bool(space_prefix))

    @classmethod
    def _of_byte_pairs(cls, metadata: Mapping[str, Any]) -> Self:
        pre_tokenizer = pre_tokenizer_named(metadata.get(KEY + "pre", "default"))
        vocabulary = read_vocabulary(metadata)
        special = read_special_tokens(
            metadata, vocabulary, bos=11, eos=11, unknown=None, add_bos=pre_tokenizer.add_bos
        )
        encoder = BytePairs(vocabulary, read_array(metadata, "merges", str), pre_tokenizer)
        return cls(vocabulary, special, encoder, space_prefix=False)

    @property
    def vocab_size(self) -> int:
        """Count of tokens."""
        return len(self._vocabulary)

    def tokenize(
        self, text: str, *, add_special: bool = True, parse_special: bool = False
    ) -> list[int]:
        """The tokens of ``text``.

        Args:
            text: a surrogate without its other half counts as U+FFFD.
            add_special: begin with BOS and end with EOS, if the model wants them.
            parse_special: a control token that is written out in the text counts as that token.

        Raises:
            TokenizerError: the vocabulary cannot write a character.
        """
        tokens = [*self.special.before] if add_special else []
        prefix = " " if self._space_prefix else ""
        special_texts = self._all_special if parse_special else self._user_defined
        for fragment in special_texts.split(_well_formed(text)):
            if isinstance(fragment, int):
                tokens.append(fragment)
            else:
                tokens += self._encoder.encode(prefix + fragment)
        if add_special:
            tokens += self.special.after
        return tokens

    def detokenize(self, tokens: Iterable[int], *, skip_special: bool = True) -> str:
        """The text of ``tokens``; bytes that are not UTF-8 become U+FFFD.

        Undoes ``tokenize``: the space is left out that it puts before a text for some models.

        Raises:
            OutOfBoundsError: a token is none.
        """
        tokens = list(tokens)
        pieces = [
            b"" if skip_special and self.is_mark(token) else self.piece(token) for token in tokens
        ]
        if self._space_prefix:
            first = next((at for at, token in enumerate(tokens) if not self.is_mark(token)), None)
            if first is not None:
                pieces[first] = pieces[first].removeprefix(b" ")
        return b"".join(pieces).decode("utf-8", "replace")

    def piece(self, token: int) -> bytes:
        """What ``token`` stands for: a part of a text in UTF-8, which may end within a character.

        Raises:
            OutOfBoundsError: there is no such token.
        """
        token_type = self._type(token)
        text = self._vocabulary.texts[token]
        if token_type in _AS_WRITTEN:
            return text.encode()
        if token_type == TokenType.BYTE:
            return named_byte(text)
        if token_type != TokenType.NORMAL:
            return b""
        if isinstance(self._encoder, BytePairs):
            return bytes_of(text)
        return text.replace(SPACE, " ").encode()

    def is_end(self, token: int) -> bool:
        """Whether an answer is over with ``token``."""
        return token in self.special.ends

    def is_mark(self, token: int) -> bool:
        """Whether ``token`` is a mark for the model and no text, such as BOS.

        Raises:
            OutOfBoundsError: there is no such token.
        """
        return self._type(token) in _MARKS

    def _type(self, token: int) -> int:
        if not 0 <= token < self.vocab_size:
            raise OutOfBoundsError(f"token {token}: the vocabulary has 0 to {self.vocab_size - 1}")
        return self._vocabulary.types[token]


def _well_formed(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
