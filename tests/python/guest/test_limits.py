"""What a guest may take, and how it is stopped."""

import math
import resource
from contextlib import suppress
from pathlib import Path

import pytest

from memory64 import (
    CancelledError,
    CapacityError,
    GuestLimits,
    GuestModuleError,
    GuestTimeoutError,
    GuestTrapError,
)

from .conftest import MakeGuest
from .modules import ECHO, READS_FOR_EVER, STARTS_AND_LOOPS

SHORT = 0.05
LONG = 60


class CallersError(Exception):
    """Raised by a caller's own code."""


@pytest.mark.parametrize("name", ["memory_bytes", "table_elements", "timeout", "fuel"])
@pytest.mark.parametrize("value", [0, -1, math.nan])
def test_limits_are_positive(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} needs to be positive, found {value}"):
        GuestLimits(**{name: value})  # type: ignore[arg-type]


def test_memory(guest: MakeGuest) -> None:
    limits = GuestLimits(memory_bytes=3 << 16)
    limited = guest(ECHO, limits=limits)
    assert [limited.call("grow", pages) for pages in (1, 1, 0)] == [2, -1, 3]
    assert limited.memory_bytes == 3 << 16
    with pytest.raises(GuestModuleError, match="exceeds memory limits"):
        guest("(module (memory 4))", limits=limits)


def test_only_one_memory(guest: MakeGuest) -> None:
    """Or a limit on its size would mean nothing."""
    with pytest.raises(GuestModuleError, match="resource limit exceeded: memory count"):
        guest("(module (memory 1) (memory 1))")


def test_tables(guest: MakeGuest) -> None:
    limits = GuestLimits(table_elements=10)
    wat = """(module (table $t 5 funcref) (func (export "grow") (param i32) (result i32)
      (table.grow $t (ref.null func) (local.get 0))))"""
    limited = guest(wat, limits=limits)
    assert [limited.call("grow", count) for count in (5, 1)] == [5, -1]
    with pytest.raises(GuestModuleError):
        guest("(module (table 11 funcref))", limits=limits)
    with pytest.raises(GuestModuleError, match="table count"):
        guest(f"(module {'(table 1 funcref)' * 6})")


@pytest.mark.parametrize("memories", [0, 1])
def test_address_space_of_the_process(guest: MakeGuest, memories: int) -> None:
    """It is short for the guest's region, or for the memory that follows."""
    guest(ECHO).close()  # compiles, and starts threads
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + (memories << 32) + (1 << 31), hard))
    try:
        with pytest.raises(CapacityError, match="address space"):
            guest(ECHO)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def test_timeout_of_a_call_and_of_the_guest(guest: MakeGuest) -> None:
    endless = guest(READS_FOR_EVER, limits=GuestLimits(timeout=SHORT))
    for timeout in (None, SHORT / 2):
        with pytest.raises(GuestTimeoutError, match=f"more than {timeout or SHORT} s"):
            endless.call("run", timeout=timeout)
    # It can be called again; on a busy machine its time may be over before its first turn.
    while not endless.call("turns", timeout=LONG):
        with pytest.raises(GuestTimeoutError):
            endless.call("run")


def test_timeout_of_a_start_function(guest: MakeGuest) -> None:
    with pytest.raises(GuestTimeoutError):
        guest(STARTS_AND_LOOPS, limits=GuestLimits(timeout=SHORT))


def test_fuel_is_for_all_calls(guest: MakeGuest) -> None:
    fuelled = guest(ECHO, limits=GuestLimits(fuel=100))
    with pytest.raises(GuestTrapError, match="used up its fuel of 100"):
        for _ in range(100):
            fuelled.call("i32", 1)
    with pytest.raises(GuestTrapError, match="used up its fuel of 100"):
        fuelled.call("i32", 1)
    with pytest.raises(GuestTrapError, match="used up its fuel of 100"):
        guest(STARTS_AND_LOOPS, limits=GuestLimits(fuel=100))


@pytest.mark.parametrize("fuel", [1, 2, 10])
def test_being_made_takes_little_fuel(guest: MakeGuest, fuel: int) -> None:
    """What serves the guest is not the guest's to pay for."""
    frugal = guest(READS_FOR_EVER, limits=GuestLimits(fuel=fuel))
    with pytest.raises(GuestTrapError, match=f"used up its fuel of {fuel}"):
        frugal.call("run")


def test_a_stop_while_it_is_being_made(guest: MakeGuest) -> None:
    """It is made, or it fails with the reason, whenever that comes."""
    for step in range(200):
        with suppress(GuestTimeoutError):
            guest(ECHO, limits=GuestLimits(timeout=step * 1e-6 + 1e-9)).close()


def test_cancelling_a_start_function(guest: MakeGuest) -> None:
    with pytest.raises(CancelledError, match="the guest was cancelled"):
        guest(STARTS_AND_LOOPS, cancelled=lambda: True)


def test_what_the_caller_raises_when_asked_reaches_the_caller(guest: MakeGuest) -> None:
    """And the thread that asked goes on to look after other guests."""

    def cancelled() -> bool:
        raise CallersError

    endless = guest(READS_FOR_EVER)
    with pytest.raises(CallersError):
        endless.call("run", cancelled=cancelled)
    with pytest.raises(GuestTimeoutError):
        endless.call("run", timeout=SHORT)


def test_a_stop_does_not_reach_the_next_call(guest: MakeGuest) -> None:
    endless = guest(READS_FOR_EVER)
    for _ in range(30):
        with pytest.raises(GuestTimeoutError):
            endless.call("run", timeout=0.001)
        endless.call("turns", timeout=LONG)


def test_a_trap_names_its_reason_and_a_few_functions(guest: MakeGuest) -> None:
    deep = guest(
        """(module (func $recurse (export "recurse") (param i32) (result i32)
        (i32.add (call $recurse (local.get 0)) (i32.const 1))))"""
    )
    with pytest.raises(GuestTrapError) as caught:
        deep.call("recurse", 0)
    first, *frames = str(caught.value).splitlines()
    assert first == "the guest trapped: wasm trap: call stack exhausted"
    assert 2 < len(frames) <= 17
    assert all("recurse" in frame for frame in frames[:16])
