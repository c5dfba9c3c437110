"""How a caller says that work is to stop."""

from collections.abc import Callable

Cancelled = Callable[[], bool]
"""Asked every few milliseconds while something takes time; True stops it."""


def never() -> bool:
    """Never cancelled."""
    return False
