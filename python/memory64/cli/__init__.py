"""The command line: ``memory64 --help``."""

from .app import main

__all__ = ["main"]
