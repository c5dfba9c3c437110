"""Special tokens written out in a text, found before the rest is tokenized."""

import re
from collections.abc import Iterable, Iterator


class SpecialTexts:
    """Texts that stand for one token each."""

    def __init__(self, tokens: Iterable[tuple[str, int]]) -> None:
        """Take pairs of a text, which is not empty, and its token."""
        self._tokens = dict(tokens)
        lengths: dict[str, set[int]] = {}
        for text in self._tokens:
            lengths.setdefault(text[0], set()).add(len(text))
        self._lengths = {first: sorted(known) for first, known in lengths.items()}
        self._starts = re.compile(f"[{re.escape(''.join(lengths))}]") if lengths else None

    def split(self, text: str) -> list[str | int]:
        """``text`` in order: a token where one is written out, and the text between.

        A longer special text is found before a shorter one, wherever it stands.
        """
        fragments: list[str | int] = [text] if text else []
        for special in sorted(self._present(text), key=lambda found: -len(found.encode())):
            fragments = [part for fragment in fragments for part in self._cut(fragment, special)]
        return fragments

    def _present(self, text: str) -> list[str]:
        """Those that occur, the lowest token first; looking for each of thousands takes long."""
        if self._starts is None:
            return []
        found = set()
        for start in self._starts.finditer(text):
            at = start.start()
            for length in self._lengths[text[at]]:
                part = text[at : at + length]
                if part in self._tokens:
                    found.add(part)
        return sorted(found, key=self._tokens.__getitem__)

    def _cut(self, fragment: str | int, special: str) -> Iterator[str | int]:
        if isinstance(fragment, int):
            yield fragment
            return
        for index, part in enumerate(fragment.split(special)):
            if index:
                yield self._tokens[special]
            if part:
                yield part
