"""Open a model with memory64: `PATH auto|on`."""

import json
import sys
from time import perf_counter
from typing import Literal

from bench.memory import held
from memory64 import load_model

AGAIN = 5


def main() -> None:
    path, mode = sys.argv[1:]
    memory64: Literal["auto", True] = True if mode == "on" else "auto"
    before = held()
    started = perf_counter()
    model = load_model(path, memory64=memory64)
    seconds = perf_counter() - started
    grown = before.grown_by()
    model.close()
    again = []
    for _ in range(AGAIN):
        started = perf_counter()
        model = load_model(path, memory64=memory64)
        again.append(perf_counter() - started)
        model.close()
    print(json.dumps({"seconds": seconds, **grown, "againSeconds": again}))


main()
