"""How a text is cut into words before byte pairs are merged within each.

The expressions are llama.cpp's, not those of the models' authors where the two differ, so that
both cut alike. Each one of a pre-tokenizer cuts what the one before it left, and what lies
between its matches is a word as well.
"""

from dataclasses import dataclass

from ...errors import TokenizerError
from .vocabulary import KEY

_CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d"
_ANY_CASE = "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]"
_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"

_GPT2 = rf"{_CONTRACTIONS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)"


def _by_digits(digits: str) -> str:
    return (
        rf"{_ANY_CASE}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{digits}"
        rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}"
    )


def _by_case(ending: str, digits: str) -> str:
    upper, lower = r"(?:(?=\p{L})[^a-z])", r"(?:(?=\p{L})[^A-Z])"
    return (
        rf"[^\r\n\p{{L}}\p{{N}}]?{upper}*{lower}+{ending}"
        rf"|[^\r\n\p{{L}}\p{{N}}]?{upper}+{lower}*{ending}"
        rf"|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_SPACES}"
    )


@dataclass(frozen=True, slots=True)
class PreTokenizer:
    """One way to cut.

    Attributes:
        expressions: in the order in which they cut.
        whole_words: a word that is a token is not built from pairs.
        add_bos: a prompt begins with BOS where the metadata does not say.
    """

    expressions: tuple[str, ...]
    whole_words: bool = False
    add_bos: bool = False


_LLAMA3 = PreTokenizer((_by_digits(r"\p{N}{1,3}"),), whole_words=True, add_bos=True)
_SINGLE_DIGITS = PreTokenizer((r"\p{N}", _GPT2))
_QWEN2 = PreTokenizer((_by_digits(r"\p{N}"),))
_PLAIN = PreTokenizer((_GPT2,))
_THREE_DIGITS = PreTokenizer((_by_digits(r"\p{N}{1,3}"),))

_KNOWN = {
    "default": PreTokenizer((r"[\p{P}\$\+<=>\^~\|]+", _GPT2, r"\p{N}+", "[0-9][0-9][0-9]")),
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral", "lfm2"), _LLAMA3),
    **dict.fromkeys(("smollm", "starcoder", "refact", "command-r", "minerva-7b"), _SINGLE_DIGITS),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen", "megrez", "hunyuan", "stablelm2"), _QWEN2),
    **dict.fromkeys(("gpt-2", "phi-2", "mpt", "olmo", "exaone4", "trillion", "a.x-4.0"), _PLAIN),
    **dict.fromkeys(("dbrx", "smaug-bpe"), _THREE_DIGITS),
    "deepseek-coder": PreTokenizer(
        (
            r"[\r\n]",
            r"\s?\p{L}+",
            r"\s?\p{P}+",
            r"(?:(?!\s)[一-龥ࠀ-一가-\x{d7ff}])+",
            r"\p{N}",
        )
    ),
    "falcon": PreTokenizer((r"[\p{P}\$\+<=>\^~\|`]+", _GPT2, "[0-9][0-9][0-9]")),
    "tekken": PreTokenizer((_by_case("", r"\p{N}"),), whole_words=True, add_bos=True),
    **dict.fromkeys(
        ("gpt-4o", "llama4", "kanana2"),
        PreTokenizer((_by_case(f"(?:{_ANY_CASE})?", r"\p{N}{1,3}"),)),
    ),
}


def pre_tokenizer_named(name: str) -> PreTokenizer:
    """The one that ``tokenizer.ggml.pre`` names.

    Raises:
        TokenizerError: it is not known.
    """
    try:
        return _KNOWN[name]
    except (KeyError, TypeError):
        raise TokenizerError(
            f"{KEY}pre: {name!r} is not known; known are {', '.join(_KNOWN)}"
        ) from None
