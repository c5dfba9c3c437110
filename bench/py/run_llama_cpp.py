"""Load, prompt and decode with llama.cpp's plain mapping: `PATH THREADS PROMPTED DECODED`.

Runs in the environment of the peers, without this project. By the functions of the C interface,
as the class `Llama` cannot leave llama.cpp's repacked weights away (`use_extra_bufts`).
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import llama_cpp  # type: ignore[import-not-found]  # only there where this runs


def main() -> None:
    path = sys.argv[1]
    threads, prompted, decoded = map(int, sys.argv[2:])
    silent = llama_cpp.llama_log_callback(lambda level, text, data: None)
    llama_cpp.llama_log_set(silent, None)
    before = anonymous()
    started = perf_counter()
    llama_cpp.llama_backend_init()
    options = llama_cpp.llama_model_default_params()
    options.use_mmap = True
    options.use_extra_bufts = False
    options.n_gpu_layers = 0
    model = llama_cpp.llama_model_load_from_file(path.encode(), options)
    settings = llama_cpp.llama_context_default_params()
    settings.n_ctx = prompted + decoded
    settings.n_batch = settings.n_ubatch = prompted
    settings.n_threads = settings.n_threads_batch = threads
    context = llama_cpp.llama_init_from_model(model, settings)

    prompting = perf_counter()
    evaluate(context, [100 + index for index in range(prompted)])
    decoding = perf_counter()
    for index in range(decoded):
        evaluate(context, [100 + index])
    ended = perf_counter()
    print(
        json.dumps(
            {
                "firstTokenSeconds": decoding - started,
                "promptRate": prompted / (decoding - prompting),
                "decodeRate": decoded / (ended - decoding),
                "anonymousBytes": anonymous() - before,
            }
        )
    )


def evaluate(context: object, tokens: list[int]) -> None:
    array = (llama_cpp.llama_token * len(tokens))(*tokens)
    batch = llama_cpp.llama_batch_get_one(array, len(tokens))
    if llama_cpp.llama_decode(context, batch) != 0:
        raise RuntimeError("llama_decode failed")
    # Without a look at them the logits may still be on their way.
    llama_cpp.llama_get_logits_ith(context, -1)[0]


def anonymous() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) * 1024


main()
