"""Files that become shorter while their pages are touched: `python -m … SCENARIO FOLDER`.

Each scenario checks itself, in a process of its own: where the handling of the signal is wrong,
the process dies or hangs.
"""

import ctypes
import faulthandler
import mmap
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Lock, get_ident

import numpy as np

from memory64 import GuestTrapError, Memory64Model, SourceChangedError, load_model
from memory64.guest import Guest
from memory64.memory import platform
from memory64.memory.platform import OS_PAGE_BYTES as PAGE
from memory64.memory.platform import map_file
from memory64.memory.truncation import guarded, loss_count
from models import generate

SCENARIOS: dict[str, Callable[[Path], None]] = {}
libc = ctypes.CDLL(None, use_errno=True)
libc.pthread_join.argtypes = (ctypes.c_ulong, ctypes.c_void_p)


def scenario(check: Callable[[Path], None]) -> Callable[[Path], None]:
    SCENARIOS[check.__name__] = check
    return check


class Mapped:
    """Pages full of ones, from a file of their own, at a place that holds `room` pages."""

    def __init__(self, path: Path, pages: int = 8, room: "Mapped | None" = None, at: int = 0):
        self.path = path
        path.write_bytes(b"\1" * pages * PAGE)
        self.pages = mmap.mmap(-1, 64 * PAGE) if room is None else room.pages
        base = ctypes.addressof(ctypes.c_ubyte.from_buffer(self.pages))
        self.address = base + at * PAGE
        self.size = pages * PAGE
        with open(path, "rb") as file:
            map_file(self.address, self.size, file.fileno(), 0)

    @property
    def bytes(self) -> np.ndarray:
        return np.frombuffer((ctypes.c_ubyte * self.size).from_address(self.address), np.uint8)

    def cut(self, size: int) -> None:
        os.truncate(self.path, size)


@scenario
def zeros_take_their_place(folder: Path) -> None:
    mapped = Mapped(folder / "file")
    mapped.cut(2 * PAGE)
    told = []
    with guarded([(mapped.address, mapped.size)], on_loss=lambda: told.append(1)) as guard:
        copy = mapped.bytes.copy()
    assert guard.lost
    assert told == [1]
    assert copy[: 2 * PAGE].all()
    assert not copy[2 * PAGE :].any()


@scenario
def nothing_lost(folder: Path) -> None:
    mapped = Mapped(folder / "file")
    before = loss_count()
    with guarded([(mapped.address, mapped.size)]) as guard:
        assert mapped.bytes.all()
    assert not guard.lost
    assert loss_count() == before


@scenario
def a_range_that_ends_within_a_page(folder: Path) -> None:
    """And begins within one."""
    mapped = Mapped(folder / "file")
    mapped.cut(PAGE)
    with guarded([(mapped.address + PAGE + 5, 2 * PAGE + 7)]) as guard:
        assert not mapped.bytes[PAGE + 5 : 3 * PAGE + 12].any()
    assert guard.lost
    assert mapped.bytes[:PAGE].all()


@scenario
def another_file_behind_is_kept(folder: Path) -> None:
    first = Mapped(folder / "first")
    second = Mapped(folder / "second", room=first, at=8)
    first.cut(0)
    mappings = [(first.address, first.size), (second.address, second.size)]
    both = [(first.address + 100, first.size + second.size - 200)]
    with guarded(both, mappings=mappings) as guard:
        assert not first.bytes[100:].any()
        assert second.bytes.all()
    assert guard.lost


@scenario
def who_guards_what_lies_behind_learns_of_it(folder: Path) -> None:
    """Its pages are zeros now as well, though none of them faulted."""
    mapped = Mapped(folder / "file", pages=16)
    mapped.cut(PAGE)
    before = loss_count()
    with (
        guarded([(mapped.address, mapped.size)]) as outer,
        guarded([(mapped.address + 8 * PAGE, PAGE)]) as behind,
        guarded([(mapped.address, PAGE)]) as in_front,
    ):
        assert not mapped.bytes[2 * PAGE]
        assert loss_count() == before + 1
        assert not mapped.bytes[8 * PAGE]
    assert outer.lost
    assert behind.lost
    assert not in_front.lost


@scenario
def with_and_without_the_interpreter_s_lock(folder: Path) -> None:
    for holds, copy in ((False, libc.memcpy), (True, ctypes.pythonapi.memcpy)):
        mapped = Mapped(folder / f"file {holds}")
        mapped.cut(0)
        copy.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
        target = ctypes.create_string_buffer(b"\1" * mapped.size)
        with guarded([(mapped.address, mapped.size)]) as guard:
            copy(target, mapped.address, mapped.size)
        assert guard.lost
        assert not any(target.raw[: mapped.size])


@scenario
def a_thread_python_does_not_know(folder: Path) -> None:
    mapped = Mapped(folder / "file")
    mapped.cut(0)
    thread, length = ctypes.c_ulong(), ctypes.c_void_p(7)
    with guarded([(mapped.address, mapped.size)]) as guard:
        # strlen as a thread: it reads the lost pages, finds a zero, and that is its result.
        assert libc.pthread_create(ctypes.byref(thread), None, libc.strlen, _void(mapped)) == 0
        assert libc.pthread_join(thread.value, ctypes.byref(length)) == 0
    assert guard.lost
    assert not length.value


@scenario
def many_threads_at_once(folder: Path) -> None:
    """Each on pages of its own, while others come and go."""
    threads, rounds = 8, 40
    barrier = Barrier(threads)

    def work(number: int) -> None:
        for turn in range(rounds):
            mapped = Mapped(folder / f"{number} {turn}")
            mapped.cut(PAGE)
            barrier.wait()
            with guarded([(mapped.address, mapped.size)]) as guard:
                copy = mapped.bytes.copy()
            assert guard.lost
            assert copy[:PAGE].all()
            assert not copy[PAGE:].any()
            mapped.path.unlink()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))


@scenario
def many_threads_on_the_same_pages(folder: Path) -> None:
    threads, rounds = 8, 40
    barrier = Barrier(threads)

    def work(number: int) -> None:
        for turn in range(rounds):
            mapped = shared[turn]
            barrier.wait()
            start = number * 7 * PAGE
            with guarded([(mapped.address + start, mapped.size - start)]) as guard:
                copy = mapped.bytes[start:].copy()
            # Whoever came first: zeros are never taken for what the file has.
            assert not copy.any()
            with lost[turn]:
                told[turn] += guard.lost

    shared = [Mapped(folder / str(turn), pages=64) for turn in range(rounds)]
    lost, told = [Lock() for _ in shared], [0] * rounds
    for mapped in shared:
        mapped.cut(0)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    assert all(told)


@scenario
def the_guard_of_a_fault_inside_the_handler(folder: Path) -> None:
    """Any Python may run there, which may touch lost pages itself."""
    mapped, inner = Mapped(folder / "file"), Mapped(folder / "inner")
    mapped.cut(0)
    inner.cut(0)
    with (
        guarded([(inner.address, inner.size)]) as inner_guard,
        guarded([(mapped.address, mapped.size)], on_loss=lambda: inner.bytes.any()) as guard,
    ):
        assert not mapped.bytes.any()
    assert guard.lost
    assert inner_guard.lost


@scenario
def an_interrupt_inside_the_handler_comes_later(folder: Path) -> None:
    mapped = Mapped(folder / "file")
    mapped.cut(0)
    pressed = []

    def press() -> None:
        if not pressed:
            pressed.append(True)
            signal.raise_signal(signal.SIGINT)

    arrived = False
    with guarded([(mapped.address, mapped.size)], on_loss=press) as guard:
        try:
            assert not mapped.bytes.any()
            for _ in range(1000):
                pass
        except KeyboardInterrupt:
            arrived = True
    assert arrived
    assert guard.lost


@scenario
def reads_are_true_or_fail(folder: Path) -> None:
    """Also those of threads that read what was lost, and replaced, under another's hands."""
    threads, rounds = 6, 30
    path = generate.tiny(folder / "whole.gguf")
    content = path.read_bytes()
    barrier = Barrier(threads + 1)

    def read(model: Memory64Model, number: int) -> None:
        tensor = list(model.tensors.values())[-1 - number % 3]
        start = model.gguf.tensors[tensor.name].file_offset
        true, buffer = content[start : start + tensor.nbytes], bytearray(tensor.nbytes)
        barrier.wait()
        try:
            while True:
                model.runtime.read(tensor.offset, buffer)
                assert buffer == true
        except SourceChangedError:
            pass

    with ThreadPoolExecutor(threads) as pool:
        for turn in range(rounds):
            path = folder / f"{turn}.gguf"
            path.write_bytes(content)
            with load_model(path, memory64=True) as model:
                reads = [pool.submit(read, model, number) for number in range(threads)]
                barrier.wait()
                for _ in range(turn):
                    os.sched_yield()
                os.truncate(path, len(content) // 4)
                for each in reads:
                    each.result()
            path.unlink()


@scenario
def traps_of_guests_stay_what_they_are(folder: Path) -> None:
    """They are signals as well: wasmtime's own, which go on to be handled by it."""
    module = b"""(module (memory 1)
      (func (export "bounds") (drop (i32.load (i32.const -1))))
      (func (export "unreachable") unreachable)
      (func (export "division") (param i32) (drop (i32.div_u (i32.const 1) (local.get 0))))
      (func $deep (export "stack") (result i32) (i32.add (call $deep) (i32.const 1))))"""
    with load_model(generate.tiny(folder / "model.gguf"), memory64=True) as model:
        for turn in range(3):
            mapped = Mapped(folder / f"file {turn}")
            mapped.cut(0)
            with Guest(module, model) as guest, guarded([(mapped.address, mapped.size)]):
                for name, signature in guest.exports.items():
                    mapped.bytes.any()
                    try:
                        guest.call(name, *[0] * signature.count("(i32)"))
                    except GuestTrapError:
                        continue
                    raise AssertionError(name)


@scenario
def a_region_as_a_guest_s_memory_is_read_from_outside(folder: Path) -> None:
    path = generate.tiny(folder / "model.gguf")
    module = b"""(module (import "memory64" "region_weights" (memory i64 1))
      (export "memory" (memory 0)))"""
    with load_model(path, memory64=True) as model:
        at = model.tensors["output.weight"].offset
        for use in (lambda guest: guest.read(at, 8), lambda guest: guest.write(at, b"x")):
            generate.tiny(path)
            with load_model(path, memory64=True) as fresh, Guest(module, fresh) as guest:
                os.truncate(path, 0)
                for _ in range(2):
                    try:
                        use(guest)
                    except SourceChangedError:
                        continue
                    raise AssertionError("zeros")


@scenario
def dies_where_zeros_cannot_be_mapped(folder: Path) -> None:
    """As it would without us; and does not try for ever."""

    def refuse(_address: int, _size: int) -> None:
        raise OSError("no more mappings")

    platform.map_zeros = refuse
    mapped = Mapped(folder / "file")
    mapped.cut(0)
    with guarded([(mapped.address, mapped.size)]):
        mapped.bytes.copy()


@scenario
def dies_of_a_page_nobody_guards(folder: Path) -> None:
    mapped, other = Mapped(folder / "file"), Mapped(folder / "other")
    mapped.cut(0)
    with guarded([(other.address, other.size)]):
        mapped.bytes.copy()


@scenario
def dies_of_a_page_whose_guard_has_gone(folder: Path) -> None:
    mapped = Mapped(folder / "file")
    mapped.cut(0)
    with guarded([(mapped.address, mapped.size)]):
        pass
    mapped.bytes.copy()


@scenario
def dies_of_a_signal_somebody_sent(folder: Path) -> None:
    with guarded([(0, 1 << 62)]):
        os.kill(os.getpid(), signal.SIGBUS)
        for _ in range(1000):
            pass


@scenario
def dies_of_a_signal_sent_to_a_thread(folder: Path) -> None:
    with guarded([(0, 1 << 62)]):
        signal.pthread_kill(get_ident(), signal.SIGBUS)
        for _ in range(1000):
            pass


def _void(mapped: Mapped) -> ctypes.c_void_p:
    return ctypes.c_void_p(mapped.address)


if __name__ == "__main__":
    if "faulthandler" in sys.argv[3:]:
        faulthandler.enable()
    SCENARIOS[sys.argv[1]](Path(sys.argv[2]))
    print("as it should")
