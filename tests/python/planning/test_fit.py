"""What would stay: the same as the engine then keeps."""

from pathlib import Path

import pytest

from memory64 import CapacityError, UnsupportedArchitectureError, load_model
from memory64.gguf import open_gguf
from memory64.inference.engine import Engine
from memory64.layers import usable_bytes
from memory64.memory import Span
from memory64.planning import Fit
from memory64.planning.fit import MAX_STEPS, STEP_BYTES, _own_bytes

MIB = 1 << 20


def test_what_the_process_takes_itself() -> None:
    before = _own_bytes()
    more = b"x" * (200 * MIB)
    # Whatever else goes or comes in this process meanwhile is less.
    assert 150 * MIB <= _own_bytes() - before < 250 * MIB
    assert len(more) == 200 * MIB
    assert 0 < before < usable_bytes()


def fit_of(path: Path, **options: int) -> Fit:
    with load_model(path, memory64=True) as model:
        return Fit(model.gguf, model.runtime.span, **options)


@pytest.mark.parametrize("capacity", [None, 60 * MIB])
@pytest.mark.parametrize("tokens", [16, 1000])
def test_it_is_what_the_engine_keeps(
    smollm2: Path, monkeypatch: pytest.MonkeyPatch, capacity: int | None, tokens: int
) -> None:
    for name in ("layers.manager", "inference.weights", "planning.fit"):
        monkeypatch.setattr(f"memory64.{name}.usable_bytes", lambda: 105 * MIB)
    with load_model(smollm2, memory64=True, capacity_bytes=capacity) as model:
        fit = Fit(model.gguf, model.runtime.span, capacity_bytes=capacity, context_length=tokens)
        engine = Engine(model.gguf, model.runtime, 1, model._manager)
        cache = engine.new_cache(tokens)
        assert engine.weights.plan == fit.plan()
        assert fit.plan().streamed_bytes > 0
        assert cache.nbytes == fit.session_bytes
        engine.close()


def test_memory_is_what_a_process_has_in_all(smollm2: Path) -> None:
    little, more = (fit_of(smollm2, memory_bytes=size * MIB) for size in (120, 130))
    assert little.memory_bytes == 120 * MIB
    kept = [each.plan().kept_bytes for each in (little, more)]
    assert 0 < kept[0] < kept[1] < little.walk.nbytes
    assert abs(kept[1] - kept[0] - 9 * MIB) <= MIB


def test_a_step_more_is_like_having_more(smollm2: Path) -> None:
    little, more = (fit_of(smollm2, memory_bytes=size * MIB) for size in (120, 130))
    now, then = little.plan(10 * MIB), more.plan()
    assert abs(now.kept_bytes - then.kept_bytes) <= 2 * little.walk.block_bytes


@pytest.mark.parametrize("memory_mib", [400, 1536, 4096, 32768])
def test_steps_go_up_to_where_everything_stays(llama_70b_sparse: Path, memory_mib: int) -> None:
    fit = fit_of(llama_70b_sparse, memory_bytes=5 * (1 << 30) + memory_mib * MIB)
    steps = list(fit.steps())
    assert 0 < len(steps) <= MAX_STEPS
    assert steps == sorted(set(steps))
    assert all(step % STEP_BYTES == 0 for step in steps)
    assert fit.plan(steps[-1]).streamed_bytes == 0
    assert fit.plan(steps[-1] - STEP_BYTES).streamed_bytes > 0
    streamed = [fit.plan(step).streamed_bytes for step in steps]
    assert streamed == sorted(streamed, reverse=True)


def test_what_is_lacking_is_taken_from_what_is_added(smollm2: Path) -> None:
    little, none = (fit_of(smollm2, memory_bytes=size * MIB) for size in (20, 30))
    assert little.plan(110 * MIB) == none.plan(100 * MIB)
    with pytest.raises(CapacityError, match="at once, 0 may be used"):
        little.plan()


def test_no_step_where_everything_stays(smollm2: Path) -> None:
    fit = fit_of(smollm2, memory_bytes=2 << 30)
    assert fit.plan().streamed_bytes == 0
    assert list(fit.steps()) == []


def test_steps_go_up_to_what_the_capacity_lets_stay(smollm2: Path) -> None:
    with load_model(smollm2) as model:
        enough, little = (
            Fit(model.gguf, model.runtime.span, memory_bytes=size * MIB, capacity_bytes=70 * MIB)
            for size in (400, 120)
        )
    assert enough.plan().kept_bytes < 70 * MIB < enough.walk.nbytes
    assert list(enough.steps()) == []
    assert little.plan().kept_bytes < enough.plan().kept_bytes
    [step] = little.steps()
    assert little.plan(step) == enough.plan()


def test_copies_stay(tiny: Path) -> None:
    with load_model(tiny.read_bytes(), memory64=True) as model:
        fit = Fit(model.gguf, model.runtime.span, capacity_bytes=1, in_place=False)
    assert fit.plan().kept_bytes == fit.walk.nbytes
    assert list(fit.steps()) == []


def test_too_little_for_the_largest_step(smollm2: Path) -> None:
    with pytest.raises(CapacityError, match="weights in memory at once"):
        fit_of(smollm2, memory_bytes=10 * MIB).plan()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory_bytes": 0}, "memory_bytes needs to be a positive"),
        ({"memory_bytes": 1.5}, "memory_bytes needs to be a positive"),
        ({"context_length": 0}, "context_length needs to be a whole number from 1 to 8192"),
        ({"context_length": 8193}, "context_length needs to be a whole number from 1 to 8192"),
    ],
)
def test_wrong_numbers(smollm2: Path, options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_of(smollm2, **options)


def test_a_model_that_cannot_be_run(tiny: Path) -> None:
    gguf = open_gguf(tiny)
    gguf.architecture = "mamba"
    with pytest.raises(UnsupportedArchitectureError):
        Fit(gguf, lambda info: Span(info.file_offset, info.nbytes))
    gguf.close()
