"""What of a model will stay in memory, what will stream, and how fast that will be."""

from dataclasses import dataclass

from ..gguf import GGUFDirectory
from ..kernels import usable_cores
from ..memory import Cancelled
from .compute import Speed, compute_key, measure_compute
from .disk import disk_key, measure_disk
from .fit import Fit
from .outlook import Outlook, outlook
from .rates import Rate, Rates, kept_rates, measured_today


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """What running a model will be like. Only the two rates were measured.

    Attributes:
        memory_bytes: what the process has, a tenth of which is left free.
        context_length: tokens of a session,
        session_bytes: and what their keys and values take once it is full.
        weights_bytes: what each token reads of the weights, from memory or from the disk.
        kept_bytes: what of them stays in memory.
        streamed_bytes: what of them is read from the disk for each token.
        threads: that compute.
        compute_rate: how fast these get through weights in memory.
        disk_rate: how fast weights come from the disk; None where none has to, or where they
            stay in the system's cache of files whatever it is told.
        tokens_per_second: expected: 1 / max(weights / compute rate, streamed / disk rate). None
            where that takes a rate that there is not.
        with_more: the same with more memory, up to where everything stays that may: no more than
            ``capacity_bytes``, where they were set.
    """

    memory_bytes: int
    context_length: int
    session_bytes: int
    weights_bytes: int
    kept_bytes: int
    streamed_bytes: int
    threads: int
    compute_rate: Rate
    disk_rate: Rate | None
    tokens_per_second: float | None
    with_more: tuple[Outlook, ...]


def plan_model(
    gguf: GGUFDirectory,
    fit: Fit,
    threads: int | None = None,
    *,
    measure_anew: bool = False,
    cancelled: Cancelled,
) -> ModelPlan:
    """Plan; weights are read only to measure what was not measured before.

    Args:
        gguf: the model.
        fit: of it.
        threads: that compute; as many as the process may use cores by default.
        measure_anew: what was measured before too.
        cancelled: asked every few milliseconds while something is measured.

    Raises:
        CapacityError: the largest step finds no room.
        CancelledError: ``cancelled`` became true.
        SourceError, SourceChangedError: the weights cannot be read.
    """
    threads = threads or usable_cores()
    here = fit.plan()
    rates = kept_rates()

    def known(key: str) -> Rate | None:
        return None if measure_anew else rates.find(key)

    key = compute_key(gguf, threads)
    compute = known(key) or _compute_rate(rates, key, measure_compute(gguf, threads, cancelled))
    disk = None
    if here.streamed_bytes:
        key = disk_key(gguf, fit.walk)
        disk = known(key) or _disk_rate(rates, key, measure_disk(gguf, cancelled))
    now = outlook(fit.memory_bytes, here, compute, disk)
    return ModelPlan(
        memory_bytes=now.memory_bytes,
        context_length=fit.context_length,
        session_bytes=fit.session_bytes,
        weights_bytes=fit.walk.nbytes,
        kept_bytes=now.kept_bytes,
        streamed_bytes=now.streamed_bytes,
        threads=threads,
        compute_rate=compute,
        disk_rate=disk,
        tokens_per_second=now.tokens_per_second,
        with_more=tuple(
            outlook(fit.memory_bytes + more, fit.plan(more), compute, disk) for more in fit.steps()
        ),
    )


def _compute_rate(rates: Rates, key: str, speed: Speed) -> Rate:
    """What was measured, kept unless it is that of this moment's memory."""
    if speed.streamed:
        return measured_today(speed.bytes_per_second)
    return rates.keep(key, speed.bytes_per_second)


def _disk_rate(rates: Rates, key: str, bytes_per_second: float | None) -> Rate | None:
    return rates.keep(key, bytes_per_second) if bytes_per_second else None


def outlook_now(gguf: GGUFDirectory, fit: Fit) -> Outlook:
    """What to expect, by what was measured before; nothing is measured.

    Raises:
        CapacityError: as for ``plan_model``.
    """
    rates = kept_rates()
    compute = rates.find(compute_key(gguf, usable_cores()))
    disk = rates.find(disk_key(gguf, fit.walk))
    return outlook(fit.memory_bytes, fit.plan(), compute, disk)
