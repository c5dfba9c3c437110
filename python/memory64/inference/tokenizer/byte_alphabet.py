"""Byte-level BPE writes each byte as one character that can be seen: GPT-2's alphabet."""

_SEEN = (*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), 256))
_UNSEEN = (value for value in range(256) if value not in _SEEN)

BYTES = {chr(value): bytes((value,)) for value in _SEEN}
BYTES |= {chr(256 + index): bytes((value,)) for index, value in enumerate(_UNSEEN)}
"""By the characters that write them."""


def bytes_of(text: str) -> bytes:
    """The bytes that ``text`` writes; a character outside of the alphabet stands for itself."""
    return b"".join(BYTES.get(character) or character.encode() for character in text)
