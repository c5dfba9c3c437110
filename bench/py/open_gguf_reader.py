"""Open a model with the `gguf` package's reader: `PATH`."""

import json
import sys
from time import perf_counter

from gguf import GGUFReader

from bench.memory import held


def main() -> None:
    before = held()
    started = perf_counter()
    reader = GGUFReader(sys.argv[1])
    seconds = perf_counter() - started
    grown = before.grown_by()
    assert reader.tensors
    print(json.dumps({"seconds": seconds, **grown}))


main()
