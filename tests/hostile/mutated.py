"""Modules changed at random, and random bytes: `python mutated.py KIND EXAMPLES FOLDER`.

Each is refused with an error of ours, or becomes a guest whose functions can be called and end in
a number or in an error of ours. A crash or a hang is this process's.
"""

import json
import sys
from collections import Counter
from pathlib import Path

if not __package__:  # run as a file: Python then looks for modules beside it, not above it
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import wasmtime
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from memory64 import (
    GuestModuleError,
    GuestTimeoutError,
    GuestTrapError,
    Memory64Model,
    load_model,
)
from memory64.guest import Guest, GuestLimits
from models import generate
from tests.hostile.test_guests import ASKS, HARMLESS, WRITES
from tests.python.guest.modules import ECHO, READS_FOR_EVER, WIDE
from tests.python.guest.test_declarations import EVERY_IMPORT

LIMITS = GuestLimits(memory_bytes=4 << 20, table_elements=1000, timeout=0.05, fuel=20_000)
TYPES = {"i32": 7, "i64": 7, "f32": 0.5, "f64": 0.5}

VALID = [
    bytes(wasmtime.wat2wasm(wat))
    for wat in (ASKS, ECHO, HARMLESS, READS_FOR_EVER, WIDE, WRITES, EVERY_IMPORT)
]

places = st.integers(0, 2000)
bytes_ = st.integers(0, 255).map(lambda value: bytes([value]))
# Most of what is to get past the validation keeps the lengths of things.
replaced = st.lists(st.tuples(places, st.just(1), bytes_), min_size=1, max_size=2)
moved = st.lists(st.tuples(places, st.integers(0, 4), st.binary(max_size=6)), min_size=1)

Edits = list[tuple[int, int, bytes]]


def changed(module: bytes, edits: Edits) -> bytes:
    """Each edit puts other bytes in the place of a few; the magic number and the version stay."""
    data = bytearray(module)
    for place, count, new in edits:
        start = 8 + place % max(len(data) - 8, 1)
        data[start : start + count] = new
    return bytes(data)


def kinds() -> dict[str, st.SearchStrategy[bytes]]:
    modules = st.sampled_from(VALID)
    return {
        "replaced": st.builds(changed, modules, replaced),
        "moved": st.builds(changed, modules, moved),
        "truncated": st.builds(lambda module, size: module[: size % len(module)], modules, places),
        "random": st.binary(max_size=200),
        "random_after_header": st.binary(max_size=200).map(lambda data: VALID[0][:8] + data),
        "random_text": st.text(max_size=200).map(lambda text: f"(module {text})".encode()),
    }


def examine(model: Memory64Model, module: bytes) -> str:
    try:
        guest = Guest(module, model, limits=LIMITS)
    except (GuestModuleError, GuestTrapError) as error:
        assert len(str(error)) < 3000
        return type(error).__name__
    with guest:
        for name, text in guest.exports.items():
            call(guest, name, text)
    return "guest"


def call(guest: Guest, name: str, text: str) -> None:
    params = text[1 : text.index(")")]
    arguments = [TYPES.get(kind, 0) for kind in params.split(", ")] if params else []
    try:
        guest.call(name, *arguments)
    except (GuestTrapError, GuestTimeoutError):
        pass
    except TypeError as error:
        assert "cannot be" in str(error), error


def main(kind: str, examples: int, folder: Path) -> None:
    endings: Counter[str] = Counter()
    chosen = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with load_model(generate.tiny(folder / "tiny.gguf"), memory64=True) as model:
        before = bytes(model.runtime.view(0, 1 << 20))

        @chosen
        @given(kinds()[kind])
        def fuzz(module: bytes) -> None:
            endings[examine(model, module)] += 1

        fuzz()
        assert bytes(model.runtime.view(0, 1 << 20)) == before
    print(json.dumps(endings))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
