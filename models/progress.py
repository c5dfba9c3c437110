"""One line on a terminal that says how far a long piece of work has come."""

import sys

MEGABYTE = 1_000_000


class ProgressLine:
    """A line on stderr, rewritten in place; silent where stderr is not a terminal.

    A context manager: leaving it wipes the line, whether the work succeeded or failed.
    """

    def __init__(self, label: str, total_bytes: int) -> None:
        self._label = label
        self._total = total_bytes
        self._shown = sys.stderr.isatty()

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(self, *_: object) -> None:
        self._print("\r\x1b[K")

    def update(self, done_bytes: int) -> None:
        """Show `done_bytes` of the total."""
        self._print(f"\r{self._label}: {done_bytes // MEGABYTE} of {self._total // MEGABYTE} MB")

    def _print(self, text: str) -> None:
        if self._shown:
            sys.stderr.write(text)
            sys.stderr.flush()
