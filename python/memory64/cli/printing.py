"""What comes from a file, made fit for a terminal."""


def printable(text: str) -> str:
    """Without control characters, by which a file could speak to the terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
