"""The child process as the tests see it: asked, waited for, replaced when it is gone."""

import json
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 120
"""An answer takes a second; a machine that is slow and busy must not fail a test."""


@dataclass(frozen=True)
class Answer:
    """How a request ended."""

    peak_bytes: int
    """Growth of the resident memory at its highest, above what was in use before."""
    files_left_open: int
    value: Any = None
    error: str | None = None
    code: str | None = None
    message: str = ""
    traceback: str = ""


class Child:
    """A warm process: numpy, gguf, wasmtime and memory64 are imported before the first request."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: str, **arguments: Any) -> Answer:
        """The answer; AssertionError where the process dies or does not answer in time."""
        process = self._running()
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps([request, arguments]).encode() + b"\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], TIMEOUT_SECONDS)
        line = process.stdout.readline() if ready else b""
        if line:
            return Answer(**json.loads(line))
        self.stop()
        if not ready:
            raise AssertionError(f"hangs: {request} gave no answer in {TIMEOUT_SECONDS} s")
        raise AssertionError(f"crashes: {request} ended the process with {process.returncode}")

    def stop(self) -> None:
        if not self._process:
            return
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._process = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process and self.alive:
            return self._process
        self.stop()
        program = Path(__file__).with_name("child.py")
        self._process = subprocess.Popen(
            [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self._process
