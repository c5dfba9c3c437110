"""From `abort()` until Python has stopped, in the middle of long work, page cache dropped.

Closing a model waits for its calls under way: that it is closed shows that they are over, and
takes a moment by itself. While `loadModel` is under way there is no model to close: it is over when
nothing of the file is mapped any more.
"""

from functools import partial
from typing import Any

from bench import page_cache
from bench.measure import in_turns, js_driver, milliseconds
from bench.table import Row, at_most
from models import generate

ROUNDS = 5
ALLOWED = at_most(100)

CALLS = {
    "loadModel": 500,
    "getLayer": 20,
    "preloadAllLayers": 500,
    "loadTensor": 300,
}
"""Milliseconds after which each is aborted. `loadModel` brings in the whole model; `loadTensor` has
the bytes of the largest tensor by then and makes float32 of them."""


def rows() -> list[Row]:
    runs = in_turns({call: partial(_run, call) for call in CALLS}, ROUNDS)
    return [
        Row(
            f"{call}, aborted after {CALLS[call]} ms",
            milliseconds(run["seconds"] for run in runs[call]),
            ALLOWED,
            "nothing of the file is mapped" if call == "loadModel" else "close() is over",
        )
        for call in CALLS
    ]


def _run(call: str) -> Any:
    path = generate.llama_7b()
    page_cache.drop(path)
    return js_driver("cancelling", path, call, CALLS[call])
