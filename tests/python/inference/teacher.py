"""Computing what follows each token of a text, as tests need it: with the engine alone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memory64 import load_model
from memory64.inference.engine import Engine, KVCache, Piece, Wanted
from memory64.inference.places import BATCH_TOKENS

Floats = NDArray[np.float32]


@contextmanager
def engine_of(path: Path, threads: int = 2, capacity_bytes: int | None = None) -> Iterator[Engine]:
    with load_model(path, memory64=True, capacity_bytes=capacity_bytes) as model:
        engine = Engine(model.gguf, model.runtime, threads, model._manager)
        try:
            yield engine
        finally:
            engine.close()


def compute(engine: Engine, cache: KVCache, position: int, tokens: Sequence[int]) -> Floats:
    """The logits after each token."""
    return engine.compute([Piece(cache, position, tokens)], Wanted.LOGITS, 0)


def each_batch(
    engine: Engine, tokens: Sequence[int], size: int = BATCH_TOKENS
) -> Iterator[tuple[int, Floats]]:
    """The first position of each batch, and the logits after each of its tokens."""
    size = min(size, engine.logits_rows)
    cache = engine.new_cache(len(tokens))
    for start in range(0, len(tokens), size):
        yield start, compute(engine, cache, start, tokens[start : start + size])
    engine.end_cache(cache)


def logits_of(engine: Engine, tokens: Sequence[int], size: int = BATCH_TOKENS) -> Floats:
    """The logits after each token, computed in batches of that size."""
    return np.concatenate([logits for _, logits in each_batch(engine, tokens, size)])
