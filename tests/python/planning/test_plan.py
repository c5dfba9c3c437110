"""``model.plan``."""

from collections.abc import Callable
from pathlib import Path

import pytest

from memory64 import CancelledError, CapacityError, ClosedError, load_model
from memory64.planning import Rate
from memory64.planning import plan as planning
from memory64.planning.compute import Speed

MIB = 1 << 20


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORY64_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was measured; the numbers are such that one can compute with them."""
    found: list[str] = []

    def of(name: str, measured: object) -> Callable[..., object]:
        def measure(*_: object) -> object:
            found.append(name)
            return measured

        return measure

    monkeypatch.setattr(planning, "measure_compute", of("compute", Speed(1000e6, streamed=False)))
    monkeypatch.setattr(planning, "measure_disk", of("disk", 100e6))
    return found


def test_a_model_that_streams(smollm2: Path, measured: list[str]) -> None:
    with load_model(smollm2, threads=2) as model:
        plan = model.plan(130 * MIB, context_length=100)
        assert model.gguf.size_bytes * 0.9 < plan.weights_bytes < model.gguf.size_bytes
        assert (plan.memory_bytes, plan.context_length, plan.threads) == (130 * MIB, 100, 2)
        assert plan.session_bytes == model.session_bytes(100)
    assert measured == ["compute", "disk"]
    assert plan.kept_bytes + plan.streamed_bytes == plan.weights_bytes
    assert 0 < plan.streamed_bytes < plan.weights_bytes
    seconds = max(plan.weights_bytes / 1000e6, plan.streamed_bytes / 100e6)
    assert plan.tokens_per_second == pytest.approx(1 / seconds)
    [more] = plan.with_more
    assert (more.memory_bytes, more.streamed_bytes) == (642 * MIB, 0)
    assert more.tokens_per_second == pytest.approx(1000e6 / plan.weights_bytes)


def test_a_model_that_fits_needs_no_disk(smollm2: Path, measured: list[str]) -> None:
    with load_model(smollm2) as model:
        plan = model.plan()
    assert measured == ["compute"]
    assert plan.context_length == 512
    assert (plan.streamed_bytes, plan.disk_rate, plan.with_more) == (0, None, ())
    assert plan.tokens_per_second == pytest.approx(1000e6 / plan.weights_bytes)


def test_it_is_measured_once(smollm2: Path, measured: list[str]) -> None:
    with load_model(smollm2) as model:
        first = model.plan(130 * MIB)
        del measured[:]
        assert model.plan(130 * MIB) == first
        assert measured == []
        assert model.plan(130 * MIB, measure_anew=True) == first
        assert measured == ["compute", "disk"]


def test_a_speed_for_which_weights_were_read_is_not_kept(
    smollm2: Path, measured: list[str]
) -> None:
    with load_model(smollm2) as model:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(planning, "measure_compute", lambda *_: Speed(5e6, streamed=True))
            assert model.plan(130 * MIB).compute_rate.bytes_per_second == 5e6
        assert model.plan(130 * MIB).compute_rate.bytes_per_second == 1000e6
    assert measured == ["disk", "compute"]


def test_a_disk_that_cannot_be_measured(smollm2: Path, measured: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch, load_model(smollm2) as model:
        patch.setattr(planning, "measure_disk", lambda *_: None)
        plan = model.plan(130 * MIB)
        assert (plan.disk_rate, plan.tokens_per_second) == (None, None)
        assert plan.with_more[-1].tokens_per_second
    with load_model(smollm2) as model:
        assert isinstance(model.plan(130 * MIB).disk_rate, Rate)
    assert measured == ["compute", "disk"]


def test_capacity_holds(smollm2: Path, measured: list[str]) -> None:
    with load_model(smollm2, memory64=True, capacity_bytes=70 * MIB) as model:
        plan = model.plan()
        assert plan.kept_bytes < 70 * MIB
        assert plan.with_more == ()
        session = model.session(512)
        session.logits([1])
        stats = model.stream_stats()
        assert stats is not None
        assert (stats.kept_bytes, stats.streamed_bytes) == (plan.kept_bytes, plan.streamed_bytes)
    assert measured == ["compute", "disk"]


def test_a_model_in_bytes(smollm2: Path, measured: list[str]) -> None:
    with load_model(smollm2.read_bytes()) as model:
        plan = model.plan(130 * MIB)
    assert (plan.kept_bytes, plan.streamed_bytes) == (plan.weights_bytes, 0)
    assert measured == ["compute"]


def test_really_measured(smollm2: Path) -> None:
    with load_model(smollm2) as model:
        plan = model.plan()
    assert plan.compute_rate.bytes_per_second > 0
    assert plan.tokens_per_second == pytest.approx(
        plan.compute_rate.bytes_per_second / plan.weights_bytes
    )


def test_errors(smollm2: Path) -> None:
    with load_model(smollm2) as model:
        with pytest.raises(CapacityError):
            model.plan(10 * MIB)
        with pytest.raises(ValueError, match="context_length"):
            model.plan(context_length=10**6)
        with pytest.raises(CancelledError):
            model.plan(cancelled=lambda: True)
    with pytest.raises(ClosedError):
        model.plan()
