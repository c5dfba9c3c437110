"""Load, prompt and decode with memory64 under a limit: `PATH THREADS PROMPTED DECODED`."""

import json
import sys
from time import perf_counter

from memory64 import load_model


def main() -> None:
    path = sys.argv[1]
    threads, prompted, decoded = map(int, sys.argv[2:])
    started = perf_counter()
    with load_model(path, memory64=True, threads=threads) as model:
        opened = perf_counter()
        with model.session(prompted + decoded) as session:
            session.logits([100 + index for index in range(prompted)])
            prompt = perf_counter()
            before = model.stream_stats()
            for index in range(decoded):
                session.logits([100 + index])
            ended = perf_counter()
            after = model.stream_stats()
    assert before is not None
    assert after is not None
    print(
        json.dumps(
            {
                "openSeconds": opened - started,
                "firstTokenSeconds": prompt - opened,
                "decodeRate": decoded / (ended - prompt),
                "keptBytes": after.kept_bytes,
                "streamedBytes": after.streamed_bytes,
                "readBytesPerToken": (after.read_bytes - before.read_bytes) / decoded,
                "stallSeconds": (after.stall_seconds - before.stall_seconds) / decoded,
            }
        )
    )


main()
