"""Byte-level BPE: words cut from the text, and in each the pairs merged by their rank."""

from ...errors import TokenizerError
from .byte_alphabet import BYTES
from .pre_tokenizers import PreTokenizer
from .vocabulary import KEY, Vocabulary


class BytePairs:
    """Text to tokens by merges, through the ``tokenizers`` package."""

    def __init__(
        self, vocabulary: Vocabulary, merges: list[str], pre_tokenizer: PreTokenizer
    ) -> None:
        """Take the merges, first come those of the lowest rank.

        Raises:
            TokenizerError: a merge is not two tokens, or its result is none.
        """
        # Programs that never generate must not pay for the import.
        from tokenizers import Regex, Tokenizer
        from tokenizers.models import BPE
        from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split

        # A byte that is no token is left out, but what lies beside it must not come together.
        gaps = [character for character in BYTES if character not in vocabulary.ids]
        ids = vocabulary.ids | {gap: len(vocabulary) + at for at, gap in enumerate(gaps)}
        self._end = len(vocabulary) if gaps else None
        pairs = [_pair(merge) for merge in merges]
        try:
            model = BPE(ids, pairs, ignore_merges=pre_tokenizer.whole_words)
        except Exception as error:  # the package has no class of its own for this
            raise TokenizerError(f"{KEY}merges: {error}") from error
        cuts = [Split(Regex(cut), "isolated") for cut in pre_tokenizer.expressions]
        self._tokenizer = Tokenizer(model)
        self._tokenizer.pre_tokenizer = Sequence(
            [*cuts, ByteLevel(add_prefix_space=False, use_regex=False)]
        )

    def encode(self, text: str) -> list[int]:
        """The tokens of ``text``."""
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        end = self._end
        return tokens if end is None else [token for token in tokens if token < end]


def _pair(merge: str) -> tuple[str, str]:
    # A space within a token is written as another character; but a token may begin with one.
    first, space, second = merge[1:].partition(" ")
    if not space:
        raise TokenizerError(f"{KEY}merges: {merge!r} is not a pair")
    return merge[:1] + first, second
