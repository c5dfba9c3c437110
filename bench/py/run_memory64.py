"""Load, prompt and decode with memory64: `PATH THREADS PROMPTED DECODED`."""

import json
import sys
from time import perf_counter

from bench.memory import held
from memory64 import load_model


def main() -> None:
    path = sys.argv[1]
    threads, prompted, decoded = map(int, sys.argv[2:])
    before = held()
    started = perf_counter()
    with (
        load_model(path, memory64=True, threads=threads) as model,
        model.session(prompted + decoded) as session,
    ):
        generation = session.generate(
            [100 + index for index in range(prompted)], max_tokens=1, temperature=0
        )
        list(generation)
        first_token = perf_counter() - started
        started = perf_counter()
        for index in range(decoded):
            session.logits([100 + index])
        decoding = perf_counter() - started
        figures = {
            "firstTokenSeconds": first_token,
            "promptRate": prompted / generation.usage.first_token_seconds,
            "decodeRate": decoded / decoding,
            "cacheBytes": session.memory_bytes,
            **before.grown_by(),
        }
    print(json.dumps(figures))


main()
