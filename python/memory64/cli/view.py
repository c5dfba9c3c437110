"""Text as it comes, and below it how it comes."""

import sys
from types import TracebackType
from typing import Self

from rich.cells import chop_cells
from rich.console import Console, Group
from rich.filesize import decimal
from rich.live import Live
from rich.text import Text

from ..inference import LiveStats
from .printing import printable


class PlainView:
    """Text on standard output, and each line of statistics on standard error."""

    def __enter__(self) -> Self:
        return self

    def show(self, piece: str) -> None:
        """Print what comes next."""
        print(_shown(piece), end="", flush=True)

    def tell(self, stats: LiveStats) -> None:
        """Print how it comes."""
        print(line(stats), file=sys.stderr, flush=True)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None:
            print()


class TerminalView:
    """Statistics in one line at the bottom of a terminal, where the text may be too."""

    def __init__(self) -> None:
        """Begin with nothing shown."""
        self._has_text = sys.stdout.isatty()
        self._console = Console(stderr=not self._has_text)
        self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False)
        self._row = ""  # of the text, the last one: those above are the terminal's
        self._stats = ""

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def show(self, piece: str) -> None:
        """Show what comes next."""
        if not self._has_text:
            print(piece, end="", flush=True)
            return
        *lines, last = (self._row + _shown(piece)).split("\n")
        for each in lines:
            self._print_rows(each)
        *rows, self._row = chop_cells(last, self._console.width) or [""]
        self._print_rows(*rows)
        self._refresh()

    def tell(self, stats: LiveStats) -> None:
        """Show how it comes."""
        self._stats = line(stats)
        self._refresh()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._refresh()
        self._live.stop()
        if not self._has_text and exc is None:
            print()

    def _print_rows(self, *rows: str) -> None:
        for row in rows:
            self._console.print(Text(row))

    def _refresh(self) -> None:
        stats = Text(self._stats, "dim", no_wrap=True, overflow="ellipsis")
        self._live.update(Group(Text(self._row), stats) if self._has_text else stats, refresh=True)


def view(stats: bool) -> PlainView | TerminalView:
    """For a text, with statistics or without."""
    return TerminalView() if stats and sys.stderr.isatty() else PlainView()


def line(stats: LiveStats) -> str:
    """All of it in one line."""
    speed = f"{stats.tokens} tokens, {stats.tokens_per_second:.3g}/s"
    if stats.stream is None:
        return speed
    kept, streamed = decimal(stats.stream.kept_bytes), decimal(stats.stream.streamed_bytes)
    read, waited = decimal(int(stats.read_bytes_per_second)), f"{stats.stall_seconds:.1f} s"
    return f"{speed} · keeps {kept}, streams {streamed} · reads {read}/s · waited {waited}"


def _shown(piece: str) -> str:
    if not sys.stdout.isatty():
        return piece
    return "\n".join(map(printable, piece.split("\n")))
