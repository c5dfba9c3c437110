"""The same to the last bit: by any threads, batches, several sequences, caches used again."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader

from memory64 import GuestTrapError
from memory64.inference.engine import Engine, Piece, Wanted
from models.small import SMALL, VOCABULARY
from tests.oracles.fixture import generated_models

from .teacher import compute, engine_of, logits_of

MODELS = generated_models()
KINDS = ("llama.F32", "gemma3.F32", "llama.Q8_0", "qwen3.Q4_K")

TOKENS = np.random.default_rng(5).integers(3, VOCABULARY, 300).tolist()
OTHERS = np.random.default_rng(6).integers(3, VOCABULARY, 300).tolist()


@pytest.fixture(scope="module", params=KINDS)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MODELS[request.param](tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def engine(path: Path) -> Iterator[Engine]:
    with engine_of(path) as engine:
        yield engine


@pytest.fixture(scope="module")
def expected(engine: Engine) -> np.ndarray:
    return logits_of(engine, TOKENS)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_make_no_difference(path: Path, threads: int, expected: np.ndarray) -> None:
    with engine_of(path, threads) as engine:
        assert np.array_equal(logits_of(engine, TOKENS), expected)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_batches_make_no_difference(engine: Engine, size: int, expected: np.ndarray) -> None:
    tokens = TOKENS[:150]
    assert np.array_equal(logits_of(engine, tokens, size), expected[: len(tokens)])


def test_sequences_in_one_batch(engine: Engine, expected: np.ndarray) -> None:
    caches = [engine.new_cache(300), engine.new_cache(100)]
    compute(engine, caches[0], 0, TOKENS[:60])
    pieces = [Piece(caches[0], 60, TOKENS[60:100]), Piece(caches[1], 0, OTHERS[:50])]
    both = engine.compute(pieces, Wanted.LOGITS)
    alone = logits_of(engine, OTHERS[:50])
    assert np.array_equal(both[:40], expected[60:100])
    assert np.array_equal(both[40:], alone)
    # and once more, each where it was
    pieces = [Piece(caches[1], 50, OTHERS[50:51]), Piece(caches[0], 100, TOKENS[100:101])]
    both = engine.compute(pieces, Wanted.LOGITS)
    assert np.array_equal(both[1], expected[100])
    assert np.array_equal(both[0], logits_of(engine, OTHERS[:51])[-1])
    for cache in caches:
        engine.end_cache(cache)


def test_positions_computed_again(engine: Engine, expected: np.ndarray) -> None:
    cache = engine.new_cache(200)
    compute(engine, cache, 0, TOKENS[:40])
    compute(engine, cache, 40, OTHERS[:90])
    again = compute(engine, cache, 40, TOKENS[40:100])
    engine.end_cache(cache)
    assert np.array_equal(again, expected[40:100])


def test_wanted_from(engine: Engine) -> None:
    cache = engine.new_cache(100)
    all_of_them = compute(engine, cache, 0, TOKENS[:100])
    last = engine.compute([Piece(cache, 0, TOKENS[:100])], Wanted.LOGITS, 97)
    nothing = engine.compute([Piece(cache, 0, TOKENS[:100])])
    engine.end_cache(cache)
    assert last.shape == (3, VOCABULARY)
    assert np.array_equal(last, all_of_them[97:])
    assert nothing.size == 0


def test_traps_leave_no_trace(tmp_path: Path) -> None:
    """Not even on the engine's stack, which a few thousand of them would fill."""
    with engine_of(MODELS["llama.F32"](tmp_path), threads=1) as engine:
        expected = logits_of(engine, TOKENS[:50])
        cache = engine.new_cache(50)
        for _ in range(8000):
            with pytest.raises(GuestTrapError):
                engine.compute([Piece(cache, 0, [VOCABULARY])])
        assert np.array_equal(compute(engine, cache, 0, TOKENS[:50]), expected)


def test_hidden_states_make_the_logits(tmp_path: Path) -> None:
    path = SMALL["llama"].write(tmp_path / "llama.gguf", GGMLQuantizationType.F32)
    head = next(each for each in GGUFReader(path).tensors if each.name == "output.weight")
    with engine_of(path) as engine:
        piece = Piece(engine.new_cache(20), 0, TOKENS[:20])
        hidden = engine.compute([piece], Wanted.HIDDEN, 15)
        logits = engine.compute([piece], Wanted.LOGITS, 15)
    assert hidden.shape == (5, engine.dimensions.dim)
    assert np.allclose(hidden @ head.data.T, logits, atol=1e-4)
