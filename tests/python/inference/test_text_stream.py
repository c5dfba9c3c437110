"""A text that comes in tokens is given out in whole characters, up to a stop string."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory64 import OutOfBoundsError
from memory64.inference.text_stream import StopStrings, TextStream
from memory64.inference.tokenizer import Tokenizer


def streamed(tokenizer: Tokenizer, tokens: list[int]) -> list[str]:
    stream = TextStream(tokenizer)
    return [*(stream.feed(token) for token in tokens), stream.finish()]


@settings(deadline=None)
@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_pieces_are_the_text(gemma_tokenizer: Tokenizer, text: str) -> None:
    tokens = gemma_tokenizer.tokenize(text)
    assert "".join(streamed(gemma_tokenizer, tokens)) == gemma_tokenizer.detokenize(tokens)


@settings(deadline=None)
@given(tokens=st.lists(st.integers(0, 600), max_size=20))
def test_pieces_of_any_tokens(gemma_tokenizer: Tokenizer, tokens: list[int]) -> None:
    # The first hundreds of Gemma's tokens are marks, runs of spaces and single bytes.
    assert "".join(streamed(gemma_tokenizer, tokens)) == gemma_tokenizer.detokenize(tokens)


def test_a_character_comes_whole(gemma_tokenizer: Tokenizer) -> None:
    tokens = [gemma_tokenizer.tokenize("x")[1], *bytes_as_tokens(gemma_tokenizer, "é😀".encode())]
    assert streamed(gemma_tokenizer, tokens) == ["x", "", "é", "", "", "", "😀", ""]


def test_bytes_that_are_no_character(gemma_tokenizer: Tokenizer) -> None:
    tokens = bytes_as_tokens(gemma_tokenizer, b"\xff\xc3\xf0\x9f")
    assert streamed(gemma_tokenizer, tokens) == ["\ufffd", "", "\ufffd", "", "\ufffd"]


def bytes_as_tokens(tokenizer: Tokenizer, data: bytes) -> list[int]:
    # A character that occurs nowhere is written in bytes, in the order of their tokens.
    (first,) = tokenizer.tokenize("\U0010fffe", add_special=False)[:1]
    return [first - 0xF4 + value for value in data]


def test_the_space_before_an_answer_stays(words_tokenizer: Tokenizer) -> None:
    tokens = words_tokenizer.tokenize("ba", add_special=False)
    assert "".join(streamed(words_tokenizer, tokens)) == " ba"


def test_a_token_that_is_none(gemma_tokenizer: Tokenizer) -> None:
    with pytest.raises(OutOfBoundsError):
        TextStream(gemma_tokenizer).feed(262144)


STOPS = st.lists(st.text("ab", min_size=1, max_size=4), max_size=3)


@settings(deadline=None)
@given(stops=STOPS, pieces=st.lists(st.text("abc", max_size=5), max_size=8))
def test_nothing_comes_from_where_a_stop_string_begins(stops: list[str], pieces: list[str]) -> None:
    stop_strings = StopStrings(stops)
    given_out = [stop_strings.feed(piece) for piece in pieces] + [stop_strings.finish()]
    text = "".join(pieces)
    ends = [(text.find(stop) + len(stop), -len(stop)) for stop in stops if stop in text]
    if not ends:
        assert "".join(given_out) == text
        assert stop_strings.found is None
        return
    end, length = min(ends)
    assert "".join(given_out) == text[: end + length]
    assert stop_strings.found == text[end + length : end]


@settings(deadline=None)
@given(stops=STOPS, pieces=st.lists(st.text("abc", max_size=5), max_size=8))
def test_no_more_is_held_back_than_may_become_one(stops: list[str], pieces: list[str]) -> None:
    stop_strings = StopStrings(stops)
    seen = given_out = ""
    for piece in pieces:
        seen += piece
        given_out += stop_strings.feed(piece)
        if stop_strings.found is None:
            held = seen.removeprefix(given_out)
            assert not held or any(stop.startswith(held) for stop in stops)


def test_a_stop_string_within_one_that_did_not_come() -> None:
    stop_strings = StopStrings(["abcd", "c"])
    assert [stop_strings.feed(piece) for piece in ("xab", "c", "d")] == ["x", "ab", ""]
    assert stop_strings.found == "c"


def test_stop_strings_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="at least one character"):
        StopStrings(["a", ""])
    with pytest.raises(TypeError, match="a list of strings, found 'ab'"):
        StopStrings("ab")
    with pytest.raises(TypeError, match="found 1"):
        StopStrings([1])  # type: ignore[list-item]
