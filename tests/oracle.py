"""The gguf package's own reader. It takes seconds for a large vocabulary: read once."""

from functools import cache
from pathlib import Path

from gguf import GGUFReader


@cache
def reader(path: Path) -> GGUFReader:
    return GGUFReader(path)
