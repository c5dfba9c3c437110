"""Arguments of which only the package can tell that they are wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ..errors import Memory64Error
from .printing import printable


@contextmanager
def told_as_usage() -> Iterator[None]:
    """Let what the package refuses in the block be told as any other wrong argument is."""
    try:
        yield
    except Memory64Error:  # some of which are ValueErrors, too
        raise
    except (TypeError, ValueError) as error:
        raise typer.BadParameter(printable(str(error))) from error
