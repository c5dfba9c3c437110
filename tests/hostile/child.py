"""A process that opens hostile files, so that a crash or a hang is its own alone.

One JSON object a line comes in, what to do; one goes out, what happened.
"""

import ctypes
import faulthandler
import gc
import hashlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import memory64
from memory64.guest import Guest, GuestLimits

NOBODY = 65534
PR_SET_DUMPABLE = 4


class Session:
    """What can be asked for. Each answer is something JSON can say."""

    def __init__(self) -> None:
        self._model: memory64.Memory64Model | None = None
        self._guests: dict[str, Guest] = {}

    def open(self, path: str, enabled: bool, threads: int | None = None) -> None:
        self.close()
        self._model = memory64.load_model(path, memory64=enabled, threads=threads)

    def close(self) -> None:
        for guest in self._guests.values():
            guest.close()
        self._guests.clear()
        if self._model:
            self._model.close()
        self._model = None

    def guest(self, wat: str, name: str, wasi: bool = False, **limits: Any) -> None:
        """Make a guest, or replace the one of that name."""
        guest = Guest(wat.encode(), self.model, limits=GuestLimits(**limits), wasi=wasi)
        self._guests[name] = guest

    def call(self, name: str, function: str, arguments: list[int], **options: Any) -> Any:
        return self._guests[name].call(function, *arguments, **options)

    def call_in_threads(self, calls: list[tuple[str, str, list[int]]]) -> list[Any]:
        """All calls at once: the results, or the names of the errors."""
        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(self._outcome, calls))

    def _outcome(self, call: tuple[str, str, list[int]]) -> Any:
        try:
            return self.call(*call)
        except memory64.Memory64Error as error:
            return type(error).__name__

    def guest_memory(self, name: str, pointer: int, size: int) -> str:
        return self._guests[name].read(pointer, size).hex()

    def flat_bytes(self, offset: int, size: int) -> str:
        """As the runtime itself has them."""
        return bytes(self.model.runtime.view(offset, size)).hex()

    def offset(self, tensor: str) -> int:
        return self.model.tensors[tensor].offset

    def get_layer(self, layer_id: int) -> dict[str, str]:
        layer = self.model.get_layer(layer_id)
        return {name: _digest(tensor.data) for name, tensor in layer.items()}

    def tensor_data(self, name: str) -> str:
        return _digest(self.model.tensors[name].data)

    def read(self, name: str) -> str:
        tensor = self.model.tensors[name]
        buffer = bytearray(tensor.nbytes)
        self.model.runtime.read(tensor.offset, buffer)
        return _digest(buffer)

    def load_tensor(self, name: str) -> str:
        return _digest(self.model.load_tensor(name))

    def metadata(self, key: str) -> Any:
        return self.model.metadata[key]

    def preload_all_layers(self) -> None:
        self.model.preload_all_layers()

    def logits(self, tokens: list[int]) -> dict[str, Any]:
        """Run the model; what came out, and whether all of it is numbers."""
        with self.model.session(len(tokens)) as session:
            logits = session.logits(tokens)
        return {"digest": _digest(logits), "finite": bool(np.isfinite(logits).all())}

    def logits_cut_short(self, tokens: list[int], size: int) -> Any:
        """Run the model; its file becomes that short while it is computed with."""
        return self._with_a_look(tokens, lambda: os.truncate(self.model.source, size))

    def logits_cancelled(self, tokens: list[int]) -> Any:
        """Run the model, and cancel that while it computes."""
        return self._with_a_look(tokens, lambda: True)

    def _with_a_look(self, tokens: list[int], act: Callable[[], Any]) -> Any:
        """What there is to look is looked once before the work, then during it."""
        looks: list[Any] = []

        def look() -> bool:
            looks.append(act() if len(looks) == 1 else None)
            return bool(looks[-1])

        with self.model.session(len(tokens)) as session:
            session.logits(tokens, cancelled=look)
        return f"{len(looks)} looks, and not stopped"

    def generate(self, prompt: str) -> str:
        return "".join(self.model.generate(prompt, max_tokens=4, temperature=0))

    def lose_privileges(self) -> None:
        """Be a user to whom permissions apply; root may read everything."""
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            # Or /proc/self would stay root's, and the memory could not be measured.
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)

    @property
    def model(self) -> memory64.Memory64Model:
        if self._model is None:
            raise AssertionError("no model is open")
        return self._model


def observe(work: Callable[[], Any]) -> dict[str, Any]:
    """Do it, and say how it ended, how much memory it took and how many files it left open."""
    gc.collect()
    # Lowers the high-water mark to what is in use now (proc(5), clear_refs).
    Path("/proc/self/clear_refs").write_text("5")
    before, files = _status("VmRSS:"), _open_files()
    outcome: dict[str, Any] = {}
    try:
        outcome["value"] = work()
    except BaseException as error:
        outcome["error"] = type(error).__name__
        outcome["code"] = getattr(error, "code", None)
        outcome["message"] = str(error)
        outcome["traceback"] = traceback.format_exc(limit=-3)[-4000:]
    outcome["peak_bytes"] = _status("VmHWM:") - before
    gc.collect()
    outcome["files_left_open"] = _open_files() - files
    return outcome


def _digest(data: Any) -> str:
    return hashlib.sha256(data).hexdigest()


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"/proc/self/status has no {field}")


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not walked


def main() -> None:
    faulthandler.enable()
    gc.freeze()  # what was imported stays: there is no need to look through it every time
    session = Session()
    for line in sys.stdin:
        name, arguments = json.loads(line)
        answer = observe(lambda: getattr(session, name)(**arguments))  # noqa: B023 - called at once
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
