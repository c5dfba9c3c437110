"""The same with llama.cpp's plain mapping: `PATH THREADS PROMPTED DECODED COUNT`.

Runs in the environment of the peers, without this project. Nothing is picked from the logits.
"""

import json
import sys
from time import perf_counter
from typing import Any

import llama_cpp  # type: ignore[import-not-found]  # only there where this runs


def main() -> None:
    path = sys.argv[1]
    threads, prompted, decoded, count = map(int, sys.argv[2:])
    silent = llama_cpp.llama_log_callback(lambda level, text, data: None)
    llama_cpp.llama_log_set(silent, None)
    llama_cpp.llama_backend_init()
    options = llama_cpp.llama_model_default_params()
    options.use_mmap = True
    options.use_extra_bufts = False
    options.n_gpu_layers = 0
    model = llama_cpp.llama_model_load_from_file(path.encode(), options)
    settings = llama_cpp.llama_context_default_params()
    settings.n_ctx = count * 256  # each sequence has an equal share
    settings.n_seq_max = count
    settings.n_batch = settings.n_ubatch = 128
    settings.n_threads = settings.n_threads_batch = threads
    context = llama_cpp.llama_init_from_model(model, settings)
    batch = llama_cpp.llama_batch_init(128, 0, 1)

    for each in range(count):
        prompt = [(each, at, 100 + each + at) for at in range(prompted)]
        see(context, batch, prompt)
    started = perf_counter()
    for step in range(decoded):
        see(context, batch, [(each, prompted + step, 100 + step) for each in range(count)])
    print(json.dumps({"rate": count * decoded / (perf_counter() - started)}))


def see(context: object, batch: Any, tokens: list[tuple[int, int, int]]) -> None:
    """Each is a sequence, a position and a token; the logits of all are computed."""
    batch.n_tokens = len(tokens)
    for at, (sequence, position, token) in enumerate(tokens):
        batch.token[at] = token
        batch.pos[at] = position
        batch.n_seq_id[at] = 1
        batch.seq_id[at][0] = sequence
        batch.logits[at] = True
    if llama_cpp.llama_decode(context, batch) != 0:
        raise RuntimeError("llama_decode failed")
    # Without a look at them the logits may still be on their way.
    llama_cpp.llama_get_logits_ith(context, -1)[0]


main()
