"""Tokens that are no text: where a text begins, where an answer ends.

Which tokens end an answer no file says completely; like llama.cpp, they are known by their texts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import TokenizerError
from .vocabulary import KEY, TokenType, Vocabulary

_ENDS = (
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "<｜end▁of▁sentence｜>",
    "[e~[",
)

# Filling in the middle: what these introduce belongs to another file, so they end an answer too.
_FILL_IN_ENDS = {
    "fim_pad_token_id": ("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
    "fim_rep_token_id": ("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"),
    "fim_sep_token_id": ("<|file_sep|>",),
}

_FILL_IN_CONTROLS = (
    *("<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>"),
    *("<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>"),
    *("<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>"),
    *("<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"),
    *("<|prefix|>", "<|suffix|>", "<|middle|>"),
)

# OpenAI's Harmony and Solar close a message with <|end|>, within one answer.
_MESSAGE_END = "<|end|>"
_ANSWERS_OF_MESSAGES = (
    {"<|return|>", "<|call|>"},
    {"<|call|>", "<|flush|>"},
    {"<|calls|>", "<|flush|>"},
)
_SHOWN = ("<|channel|>", "<|message|>", "<|start|>", "<|constrain|>")

# Where these end an answer, </s> is markup that the model may write.
_ENDS_BESIDE_NORMAL_S = ("<|tool_response>", "<|plamo:eos|>")


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """The special tokens of a vocabulary.

    Attributes:
        bos: begins a text; None where the model has no such token.
        eos: ends a text; None likewise.
        unknown: stands for what the vocabulary cannot write; None likewise.
        before: what a prompt is to begin with: ``bos``, or nothing.
        after: what a prompt is to end with: ``eos``, or nothing.
        ends: after one of these the answer is over.
    """

    bos: int | None
    eos: int | None
    unknown: int | None
    before: tuple[int, ...]
    after: tuple[int, ...]
    ends: frozenset[int]


def read_special_tokens(
    metadata: Mapping[str, Any],
    vocabulary: Vocabulary,
    *,
    bos: int,
    eos: int,
    unknown: int | None,
    add_bos: bool,
) -> SpecialTokens:
    """The special tokens that the metadata names, or that are known by their texts.

    The types in ``vocabulary`` are put right where a token is known not to be what the file says.

    Args:
        metadata: of the model.
        vocabulary: its tokens.
        bos: token where the metadata names none, as ``eos`` and ``unknown``.
        eos: likewise.
        unknown: likewise.
        add_bos: where the metadata does not say.

    Raises:
        TokenizerError: a token that is named is none, or is to be added but not there.
    """
    size = len(vocabulary)
    begin = _named(metadata, "bos_token_id", size, bos)
    end = _named(metadata, "eos_token_id", size, eos)
    ends = _ends(metadata, vocabulary)
    if end is not None:
        ends.add(end)
    return SpecialTokens(
        begin,
        end,
        _named(metadata, "unknown_token_id", size, unknown),
        _added(metadata, "add_bos_token", add_bos, begin),
        _added(metadata, "add_eos_token", False, end),
        frozenset(ends),
    )


def _named(metadata: Mapping[str, Any], name: str, size: int, default: int | None) -> int | None:
    token = metadata.get(KEY + name)
    if token is None:
        return default if default is not None and default < size else None
    if isinstance(token, bool) or not isinstance(token, int) or not 0 <= token < size:
        raise TokenizerError(f"{KEY}{name}: {token!r} is none of the {size} tokens")
    return token


def _added(
    metadata: Mapping[str, Any], name: str, default: bool, token: int | None
) -> tuple[int, ...]:
    added = metadata.get(KEY + name, default)
    if not isinstance(added, bool):
        raise TokenizerError(f"{KEY}{name}: needs to be true or false, found {added!r}")
    if not added:
        return ()
    if token is None:
        raise TokenizerError(f"{KEY}{name} is true, but the model has no such token")
    return (token,)


def _ends(metadata: Mapping[str, Any], vocabulary: Vocabulary) -> set[int]:
    known = set(_tokens(vocabulary, _ENDS))
    for name, texts in _FILL_IN_ENDS.items():
        token = _named(metadata, name, len(vocabulary), next(_tokens(vocabulary, texts), None))
        if token is not None:
            known.add(token)
    for token in (*known, *_tokens(vocabulary, _FILL_IN_CONTROLS)):
        vocabulary.types[token] = TokenType.CONTROL
    for token in _tokens(vocabulary, _SHOWN):
        vocabulary.types[token] = TokenType.USER_DEFINED
    for name in ("eot_token_id", "eom_token_id"):
        token = _named(metadata, name, len(vocabulary), None)
        if token is not None:
            known.add(token)
    _take_back(vocabulary, known)
    return known


def _take_back(vocabulary: Vocabulary, ends: set[int]) -> None:
    texts = {vocabulary.texts[token] for token in ends}
    if _MESSAGE_END in texts and any(texts >= answer for answer in _ANSWERS_OF_MESSAGES):
        ends.remove(vocabulary.ids[_MESSAGE_END])
        vocabulary.types[vocabulary.ids[_MESSAGE_END]] = TokenType.USER_DEFINED
    if "</s>" in texts and not texts.isdisjoint(_ENDS_BESIDE_NORMAL_S):
        ends.remove(vocabulary.ids["</s>"])
        vocabulary.types[vocabulary.ids["</s>"]] = TokenType.NORMAL


def _tokens(vocabulary: Vocabulary, texts: Iterable[str]) -> Iterator[int]:
    return (vocabulary.ids[text] for text in texts if text in vocabulary.ids)
