"""Continue several prompts at once with memory64: `PATH THREADS PROMPTED DECODED COUNT`."""

import json
import sys
from time import perf_counter

from memory64 import load_model


def main() -> None:
    path = sys.argv[1]
    threads, prompted, decoded, count = map(int, sys.argv[2:])
    prompts = [[100 + each + index for index in range(prompted)] for each in range(count)]
    with load_model(path, memory64=True, threads=threads) as model:
        batch = model.generate_batch(prompts, max_tokens=decoded + 1, temperature=0)
        while not all(result.usage.tokens for result in batch.results):
            batch.step()
        before = sum(result.usage.tokens for result in batch.results)
        started = perf_counter()
        batch.texts()
        seconds = perf_counter() - started
        after = sum(result.usage.tokens for result in batch.results)
    print(json.dumps({"rate": (after - before) / seconds}))


main()
