"""What tokens are, which are added, and that text comes back as it was."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory64 import OutOfBoundsError, TokenizerError
from memory64.inference.tokenizer import Tokenizer
from memory64.inference.tokenizer.byte_alphabet import BYTES
from memory64.inference.tokenizer.vocabulary import TokenType

KEY = "tokenizer.ggml."
TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)


@settings(deadline=None)
@given(text=TEXTS)
def test_text_comes_back_from_sentence_pieces(gemma_tokenizer: Tokenizer, text: str) -> None:
    tokens = gemma_tokenizer.tokenize(text)
    # A space and the character that stands for it are the same to these models.
    assert gemma_tokenizer.detokenize(tokens).replace("▁", " ") == text.replace("▁", " ")


@settings(deadline=None)
@given(text=TEXTS)
def test_text_comes_back_without_the_space_before_it(words_tokenizer: Tokenizer, text: str) -> None:
    tokens = words_tokenizer.tokenize(text)
    assert words_tokenizer.detokenize(tokens) == text.replace("▁", " ")


@settings(deadline=None)
@given(text=TEXTS)
def test_text_comes_back_from_byte_pairs(every_byte: Tokenizer, text: str) -> None:
    assert every_byte.detokenize(every_byte.tokenize(text)) == text


@pytest.fixture(scope="module")
def every_byte(smollm2_metadata: Mapping[str, Any]) -> Tokenizer:
    """SmolLM2's vocabulary lacks bytes that its training texts lack; here they are added."""
    tokens = smollm2_metadata[KEY + "tokens"]
    missing = [character for character in BYTES if character not in set(tokens)]
    types = smollm2_metadata[KEY + "token_type"] + [int(TokenType.NORMAL)] * len(missing)
    changed = {KEY + "tokens": tokens + missing, KEY + "token_type": types}
    return Tokenizer.from_metadata(dict(smollm2_metadata) | changed)


def test_a_byte_that_is_no_token_parts_what_lies_beside_it(smollm2_tokenizer: Tokenizer) -> None:
    tokens = smollm2_tokenizer.tokenize("\U00042019\U00042019")
    # llama.cpp's; 0xf1 is no token, and 0x99 0x82 would be one.
    assert [smollm2_tokenizer.piece(token) for token in tokens] == [b"\x82", b"\x80", b"\x99"] * 2


def test_bos_is_added_where_the_model_wants_it(
    gemma_tokenizer: Tokenizer, smollm2_tokenizer: Tokenizer
) -> None:
    assert gemma_tokenizer.tokenize("") == [2]
    assert gemma_tokenizer.tokenize("", add_special=False) == []
    assert smollm2_tokenizer.tokenize("") == []


def test_eos_is_added_where_the_model_wants_it(words_metadata: dict[str, Any]) -> None:
    tokenizer = Tokenizer.from_metadata(words_metadata | {KEY + "add_eos_token": True})
    assert tokenizer.tokenize("", add_special=True) == [1, 2]


def test_ends_of_answers(smollm2_tokenizer: Tokenizer, gemma_tokenizer: Tokenizer) -> None:
    def ends(tokenizer: Tokenizer) -> set[bytes]:
        return {tokenizer.piece(token) for token in range(2000) if tokenizer.is_end(token)}

    assert ends(smollm2_tokenizer) == {b"<|endoftext|>", b"<|im_end|>", b"<reponame>"}
    assert ends(gemma_tokenizer) == {b"<eos>", b"<end_of_turn>", b"</s>"}


def test_an_end_that_the_file_names(words_metadata: dict[str, Any]) -> None:
    named = {KEY + "eos_token_id": 300, KEY + "eot_token_id": 301, KEY + "eom_token_id": 302}
    tokenizer = Tokenizer.from_metadata(words_metadata | named)
    assert {token for token in range(4000) if tokenizer.is_end(token)} == {2, 300, 301, 302}


def test_pieces_are_bytes(gemma_tokenizer: Tokenizer, smollm2_tokenizer: Tokenizer) -> None:
    pieces = [gemma_tokenizer.piece(token) for token in gemma_tokenizer.tokenize("a \U0010fffe")]
    assert pieces == [b"<bos>", b"a", b" ", b"\xf4", b"\x8f", b"\xbf", b"\xbe"]
    pieces = [smollm2_tokenizer.piece(token) for token in smollm2_tokenizer.tokenize(" 日本")]
    assert b"".join(pieces) == " 日本".encode()


def test_marks_are_left_out_on_wish(gemma_tokenizer: Tokenizer) -> None:
    tokens = gemma_tokenizer.tokenize("<eos> a", parse_special=True)
    assert gemma_tokenizer.detokenize(tokens) == " a"
    assert gemma_tokenizer.detokenize(tokens, skip_special=False) == "<bos><eos> a"


def test_the_space_after_a_mark_is_left_out_once(words_tokenizer: Tokenizer) -> None:
    tokens = words_tokenizer.tokenize("<s>ab<s> ab", parse_special=True)
    assert words_tokenizer.detokenize(tokens) == "ab  ab"


def test_halves_of_surrogate_pairs(smollm2_tokenizer: Tokenizer) -> None:
    tokenize = smollm2_tokenizer.tokenize
    assert tokenize("a\ud83d\ude00b") == tokenize("a😀b")
    assert tokenize("a\ud83db") == tokenize("a\ufffdb")


@pytest.mark.parametrize("token", [-1, 49152, 1 << 40])
def test_a_token_that_is_none(smollm2_tokenizer: Tokenizer, token: int) -> None:
    assert smollm2_tokenizer.vocab_size == 49152
    for use in (smollm2_tokenizer.piece, smollm2_tokenizer.is_mark):
        with pytest.raises(OutOfBoundsError, match="0 to 49151"):
            use(token)
    with pytest.raises(OutOfBoundsError, match="0 to 49151"):
        smollm2_tokenizer.detokenize([1, token])


def test_an_unnamed_token(words_metadata: dict[str, Any]) -> None:
    tokens = [*words_metadata[KEY + "tokens"]]
    tokens[300] = ""
    tokenizer = Tokenizer.from_metadata(words_metadata | {KEY + "tokens": tokens})
    assert tokenizer.piece(300) == b"[EMPTY_300]"


@pytest.mark.parametrize(("name", "tokens"), [("llama-bpe", [3]), ("gpt-2", [0, 4])])
def test_whole_words(name: str, tokens: list[int]) -> None:
    metadata = {
        KEY + "model": "gpt2",
        KEY + "pre": name,
        KEY + "tokens": ["a", "b", "c", "abc", "bc"],
        KEY + "merges": ["b c"],
        KEY + "add_bos_token": False,
    }
    assert Tokenizer.from_metadata(metadata).tokenize("abc") == tokens


def test_what_no_token_can_write() -> None:
    metadata = {KEY + "model": "llama", KEY + "tokens": ["<unk>", "<s>", "</s>", "a", "▁"]}
    with pytest.raises(TokenizerError, match="no token for the byte 0xc3"):
        Tokenizer.from_metadata(metadata).tokenize("aé")
    types = {KEY + "token_type": [2, 3, 3, 1, 1]}
    assert Tokenizer.from_metadata(metadata | types).tokenize("aé") == [1, 4, 3, 0, 0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"model": None}, "model: None is not known"),
        ({"model": "bert"}, "model: 'bert' is not known"),
        ({"model": ["gpt2"]}, "is not known"),
        ({"tokens": None}, "array of str"),
        ({"tokens": []}, "array of str"),
        ({"tokens": [1, 2]}, "array of str"),
        ({"tokens": "abc"}, "array of str"),
        ({"scores": [1.0]}, "scores: 1 values for 4000 tokens"),
        ({"scores": [0.5, float("nan")] * 2000}, "scores: that of token 1 is not a number"),
        ({"scores": 3}, "array of float"),
        ({"token_type": [1] * 3999}, "token_type: 3999 values for 4000 tokens"),
        ({"token_type": [6] * 4000}, "'<unk>' is marked as a byte"),
        ({"bos_token_id": 4000}, "bos_token_id: 4000 is none of the 4000 tokens"),
        ({"eos_token_id": -1}, "eos_token_id: -1 is none"),
        ({"eot_token_id": "x"}, "eot_token_id: 'x' is none"),
        ({"fim_rep_token_id": 1 << 31}, "fim_rep_token_id"),
        ({"add_bos_token": 1}, "add_bos_token: needs to be true or false"),
        ({"model": "gpt2"}, "no tokenizer.ggml.merges"),
        ({"model": "gpt2", "pre": "unheard-of"}, "pre: 'unheard-of' is not known"),
        ({"model": "gpt2", "pre": ["a"]}, "is not known"),
        ({"model": "gpt2", "merges": ["ab"]}, "merges: 'ab' is not a pair"),
        ({"model": "gpt2", "merges": [""]}, "merges: '' is not a pair"),
        ({"model": "gpt2", "merges": ["a unheard-of"]}, "merges: .*unheard-of"),
        ({"model": "gpt2", "merges": [1]}, "array of str"),
    ],
)
def test_a_tokenizer_that_cannot_be(
    words_metadata: dict[str, Any], changed: dict[str, Any], message: str
) -> None:
    metadata = words_metadata | {KEY + name: value for name, value in changed.items()}
    with pytest.raises(TokenizerError, match=message):
        Tokenizer.from_metadata(metadata)


def test_one_text_for_two_tokens(words_metadata: dict[str, Any]) -> None:
    tokens = [*words_metadata[KEY + "tokens"]]
    tokens[3000] = tokens[300]
    with pytest.raises(TokenizerError, match="is both token 300 and 3000"):
        Tokenizer.from_metadata(words_metadata | {KEY + "tokens": tokens})


def test_no_bos_to_add() -> None:
    with pytest.raises(TokenizerError, match="add_bos_token is true"):
        Tokenizer.from_metadata({KEY + "model": "llama", KEY + "tokens": ["a"]})
