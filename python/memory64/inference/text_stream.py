"""Tokens to text as they come, in whole characters, up to a stop string."""

from codecs import getincrementaldecoder
from collections.abc import Iterable

from .tokenizer import Tokenizer


class TextStream:
    """Decodes one token after the other.

    A character that is spread over tokens is given out with the last of them; bytes that are not
    UTF-8 become U+FFFD. All pieces together are what ``Tokenizer.detokenize`` makes of the tokens,
    but for the space that some models want before a text: an answer goes on with a text.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Begin where no character is open."""
        self._tokenizer = tokenizer
        self._decoder = getincrementaldecoder("utf-8")("replace")

    def feed(self, token: int) -> str:
        """The characters that ``token`` completes; none for a mark that is no text.

        Raises:
            OutOfBoundsError: there is no such token.
        """
        if self._tokenizer.is_mark(token):
            return ""
        return self._decoder.decode(self._tokenizer.piece(token))

    def finish(self) -> str:
        """What is left: U+FFFD where a character stayed open."""
        return self._decoder.decode(b"", final=True)


class StopStrings:
    """Ends a text where one of several strings begins, which is not given out."""

    def __init__(self, stops: Iterable[str]) -> None:
        """Take the strings.

        Raises:
            TypeError: one is no string, or they are one string instead of several.
            ValueError: one is empty.
        """
        if isinstance(stops, str) or not isinstance(stops, Iterable):
            raise TypeError(f"stop strings need to be a list of strings, found {stops!r}")
        self._stops = tuple(stops)
        for stop in self._stops:
            if not isinstance(stop, str):
                raise TypeError(f"a stop string needs to be a string, found {stop!r}")
            if not stop:
                raise ValueError("a stop string needs at least one character")
        self._held = ""
        self.found: str | None = None
        """The one that ended the text."""

    def feed(self, text: str) -> str:
        """What is certain to come before any stop string; nothing once one was found."""
        if self.found is not None:
            return ""
        text = self._held + text
        ends = [
            (text.find(stop) + len(stop), -len(stop), stop) for stop in self._stops if stop in text
        ]
        if ends:
            end, _, self.found = min(ends)
            self._held = ""
            return text[: end - len(self.found)]
        held = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def finish(self) -> str:
        """What was held back because it could have become a stop string, and did not."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of ``text`` are the beginning of ``stop``."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
