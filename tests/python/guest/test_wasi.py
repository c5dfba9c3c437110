"""WASI preview 1, for those who turn it on."""

import pytest

from memory64 import GuestModuleError, GuestTrapError, Memory64Model
from memory64.guest import Guest

from .conftest import MakeGuest

EXIT = """
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (param i32) (call $exit (local.get 0))))
"""

SLEEP = """
(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "sleep") (param $nanoseconds i64) (result i32)
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (local.get $nanoseconds))
    (call $poll (i32.const 0) (i32.const 1000) (i32.const 1) (i32.const 2000))))
"""

FORBIDDEN = """
(module
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $arguments (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get"
    (func $environment (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $folder (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "arguments") (result i32)
    (drop (call $arguments (i32.const 0) (i32.const 4))) (i32.load (i32.const 0)))
  (func (export "environment") (result i32)
    (drop (call $environment (i32.const 0) (i32.const 4))) (i32.load (i32.const 0)))
  (func (export "folder") (result i32) (call $folder (i32.const 3) (i32.const 0)))
  (func (export "input") (result i32)
    (i32.store (i32.const 4) (i32.const 100))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 200)))
    (i32.load (i32.const 200))))
"""

HELLO = """
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\06\\00\\00\\00")
  (data (i32.const 16) "hello\\n")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"""

BAD_FILE = 8


def test_off(guest: MakeGuest) -> None:
    with pytest.raises(GuestModuleError, match=r"preview1\.proc_exit; WASI is off, wasi=True"):
        guest(EXIT)


def test_status_0_is_a_return(guest: MakeGuest) -> None:
    program = guest(EXIT, wasi=True)
    assert program.call("_start", 0) is None
    with pytest.raises(GuestTrapError, match=r"exited with status 3$"):
        program.call("_start", 3)
    assert program.call("_start", 0) is None


@pytest.mark.parametrize("status", [0, 3])
def test_leaving_before_there_is_an_instance(guest: MakeGuest, status: int) -> None:
    with pytest.raises(GuestTrapError, match=f"exited with status {status}"):
        guest(
            f"""(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (func $start (call $exit (i32.const {status}))) (start $start))""",
            wasi=True,
        )


def test_nothing_of_the_host_is_seen(guest: MakeGuest) -> None:
    spy = guest(FORBIDDEN, wasi=True)
    assert spy.call("arguments") == 0
    assert spy.call("environment") == 0
    assert spy.call("folder") == BAD_FILE
    assert spy.call("input") == 0


def test_a_guest_cannot_sleep(guest: MakeGuest) -> None:
    """No limit would end that."""
    assert guest(SLEEP, wasi=True).call("sleep", 1 << 62) == 58


def test_output_is_this_process_s(model: Memory64Model, capfd: pytest.CaptureFixture[str]) -> None:
    with Guest(HELLO.encode(), model, wasi=True) as program:
        program.call("_start")
    assert capfd.readouterr().out == "hello\n"
