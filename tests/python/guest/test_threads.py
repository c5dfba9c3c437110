"""Guests called from several threads, closed and cancelled while they run."""

import gc
import os
import signal
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import pytest

from memory64 import CancelledError, ClosedError, GuestTrapError, Memory64Model, load_model
from memory64.guest import Guest

from .conftest import MakeGuest
from .modules import ECHO, READS_FOR_EVER

ROOT = Path(__file__).parents[3]
WAIT_SECONDS = 30


@pytest.fixture
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(8)


def until_it_reads(model: Memory64Model) -> None:
    """Return when a guest that reads for ever is under way."""
    before = model.runtime.read_count
    while model.runtime.read_count == before:
        os.sched_yield()


def test_calls_come_one_after_the_other(guest: MakeGuest, pool: ThreadPoolExecutor) -> None:
    counter = guest(
        """(module (global $n (mut i32) (i32.const 0)) (func (export "count") (result i32)
        (local $i i32) (local $old i32)
        (local.set $old (global.get $n))
        (loop (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if 0 (i32.lt_u (local.get $i) (i32.const 1000))))
        (global.set $n (i32.add (local.get $old) (i32.const 1))) (global.get $n)))"""
    )
    with pool:
        results = list(pool.map(lambda _: counter.call("count"), range(400)))
    assert sorted(results) == list(range(1, 401))  # type: ignore[type-var]


def test_several_guests_at_once(guest: MakeGuest, pool: ThreadPoolExecutor) -> None:
    """Made, called and closed in many threads."""

    def use(number: int) -> object:
        with guest(ECHO) as own:
            own.write(0, bytes([number]))
            return own.call("load", 0)

    with pool:
        assert list(pool.map(use, range(64))) == list(range(64))


def test_cancelling_while_running(
    guest: MakeGuest, model: Memory64Model, pool: ThreadPoolExecutor
) -> None:
    endless, wanted = guest(READS_FOR_EVER), Event()
    with pool:
        call = pool.submit(endless.call, "run", cancelled=wanted.is_set)
        until_it_reads(model)
        wanted.set()
        with pytest.raises(CancelledError, match="the guest was cancelled"):
            call.result(WAIT_SECONDS)
    assert endless.call("turns")


def test_cancelling_while_waiting_for_another_call(
    guest: MakeGuest, model: Memory64Model, pool: ThreadPoolExecutor
) -> None:
    endless, wanted = guest(READS_FOR_EVER), Event()
    with pool:
        call = pool.submit(endless.call, "run", cancelled=wanted.is_set)
        until_it_reads(model)
        with pytest.raises(CancelledError, match="waiting for the guest's other call"):
            endless.call("turns", cancelled=lambda: True)
        assert not call.done()
        wanted.set()
        with pytest.raises(CancelledError):
            call.result(WAIT_SECONDS)


@pytest.mark.parametrize("what", ["guest", "model"])
def test_closing_waits_for_a_call_under_way(
    what: str, tiny: Path, pool: ThreadPoolExecutor
) -> None:
    model = load_model(tiny, memory64=True)
    endless, wanted = Guest(READS_FOR_EVER.encode(), model), Event()
    with pool:
        call = pool.submit(endless.call, "run", cancelled=wanted.is_set)
        until_it_reads(model)
        closing = pool.submit(endless.close if what == "guest" else model.close)
        until_it_reads(model)
        assert not closing.done()
        wanted.set()
        with pytest.raises(CancelledError):
            call.result(WAIT_SECONDS)
        closing.result(WAIT_SECONDS)
        with pytest.raises(ClosedError):
            endless.call("turns")
    endless.close()
    model.close()


def test_calling_while_others_close(model: Memory64Model, pool: ThreadPoolExecutor) -> None:
    """Whatever comes first: a result or ClosedError, never a crash."""
    with pool:
        for _ in range(20):
            echo = Guest(ECHO.encode(), model)
            calls = [pool.submit(echo.call, "i32", number) for number in range(20)]
            pool.submit(echo.close)
            for number, call in enumerate(calls):
                try:
                    assert call.result(WAIT_SECONDS) == number
                except ClosedError:
                    echo.close()


@pytest.mark.parametrize("module", [ECHO, READS_FOR_EVER])
def test_a_guest_nobody_closed_ends_by_itself(model: Memory64Model, module: str) -> None:
    forgotten = Guest(module.encode(), model)
    store = weakref.ref(forgotten._store)
    del forgotten
    gc.collect()
    assert store() is None


def test_a_guest_that_fails_to_be_made_leaves_nothing(model: Memory64Model) -> None:
    def address_space() -> int:
        pages = Path("/proc/self/statm").read_text().split()[0]
        return int(pages) * 4096

    errors = []  # each knows where it was raised, and so the guest

    def fail() -> None:
        with pytest.raises(GuestTrapError) as caught:
            Guest(b"(module (func $s unreachable) (start $s))", model)
        errors.append(caught.value)

    fail()
    before = address_space()
    for _ in range(20):
        fail()
    assert address_space() - before < 20 * model.runtime.size_bytes // 4


INTERRUPTED = """
import os, signal, sys
from threading import Thread
from memory64 import load_model
from memory64.guest import Guest
from tests.python.guest.modules import READS_FOR_EVER

model = load_model(sys.argv[1], memory64=True)
guest = Guest(READS_FOR_EVER.encode(), model)

def press() -> None:
    while model.runtime.read_count < 1000:
        os.sched_yield()
    for _ in range(int(sys.argv[2])):
        os.kill(os.getpid(), signal.SIGINT)

presser = Thread(target=press)
try:
    presser.start()
    guest.call("run")
except KeyboardInterrupt:
    while presser.is_alive():
        try:
            presser.join()
        except KeyboardInterrupt:
            pass
    turns = guest.call("turns")
    assert turns == guest.call("turns")
    guest.close()
    model.close()
    print("interrupted", turns > 0)
"""


@pytest.mark.parametrize("times", [1, 200])
def test_an_interrupt_ends_a_guest_on_the_main_thread(tiny: Path, times: int) -> None:
    """However often it is pressed, the guest no longer runs once it has been raised."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, tiny, str(times)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=WAIT_SECONDS,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.stdout, done.returncode) == ("interrupted True\n", 0), done.stderr


def test_an_alarm_that_raises_ends_it_too(guest: MakeGuest, model: Memory64Model) -> None:
    class AlarmError(Exception):
        pass

    def ring(_number: int, _frame: object) -> None:
        raise AlarmError

    endless = guest(READS_FOR_EVER)
    before = signal.signal(signal.SIGALRM, ring)

    def send() -> None:
        until_it_reads(model)
        os.kill(os.getpid(), signal.SIGALRM)

    sender = Thread(target=send)
    try:
        sender.start()
        with pytest.raises(AlarmError):
            endless.call("run")
    finally:
        sender.join()
        signal.signal(signal.SIGALRM, before)
    turns = endless.call("turns")
    assert turns == endless.call("turns")


def test_guests_work_after_a_fork(tiny: Path, tmp_path: Path) -> None:
    """Threads that stop guests, or compile them, are not there in the child."""
    script = """
import os, sys
from memory64 import GuestTimeoutError, load_model
from memory64.guest import Guest
from tests.python.guest.modules import READS_FOR_EVER

def expire(process: str) -> None:
    compiled_anew = READS_FOR_EVER.replace("turns", process).encode()
    with Guest(compiled_anew, model) as guest:
        try:
            guest.call("run", timeout=0.05)
        except GuestTimeoutError:
            print("timeout", flush=True)

model = load_model(sys.argv[1], memory64=True)
expire("parent")
if child := os.fork():
    os.waitpid(child, 0)
else:
    expire("child")
    os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tiny],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=WAIT_SECONDS,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "MEMORY64_CACHE": str(tmp_path)},
    )
    assert done.stdout == "timeout\ntimeout\n", done.stderr
