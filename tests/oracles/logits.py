"""Asks transformers and llama.cpp what follows each token of three passages, for each model.

    python -m venv oracles
    oracles/bin/pip install torch transformers accelerate gguf llama-cpp-python
    oracles/bin/python tests/oracles/logits.py [NAME ...]

writes logits/NAME.npz beside itself for each model named, or for all, and prints how the two
differ from each other. To be run by hand when the models, the passages or the form of the files
change; the test that compares ours, tests/python/inference/test_right.py, needs the files alone.

The passages come back to what they have said, as songs, tables and primers do. They were chosen for
that: a model is sure of most tokens then, and elsewhere rounding to 8 bits decides many. On about a
thousand tokens that do not repeat themselves, the likeliest token was the same for

    llama.cpp and transformers    96.5 % (SmolLM2)    94.4 % (Gemma)
    ours and transformers         96.6 %              96.4 %
    ours and llama.cpp            94.8 %              93.3 %

with divergences below 0.008 and surprises within 0.005 of one another.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from llama_cpp import Llama
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig

if not __package__:  # run as a file: Python then looks for modules beside it, not above it
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from models.small import ROPE_FACTOR, ROPE_ORIGINAL_CONTEXT
from tests.oracles.distributions import Distributions, Floats, log_softmax
from tests.oracles.fixture import PUBLISHED, Fixture, digest, generated_models, published_models

PASSAGES = ("prose", "code", "scripts")
TOKENS_OF_EACH = 384
CONTEXT = 1280

# How many tokens are kept of each distribution. Where the model is small, llama.cpp's are those of
# transformers to the fifth digit; of those the likeliest will do.
KEPT_OF_PUBLISHED = {"transformers": 16, "llama.cpp": 16}
KEPT_OF_GENERATED = {"transformers": 6, "llama.cpp": 1}

ROPE_TYPES = {
    "llama-linear": {"rope_type": "linear"},
    "llama-yarn": {"rope_type": "yarn"},
    "llama-3": {"rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0},
}


def llama_cpp(path: Path) -> tuple[list[int], Floats]:
    """The tokens of the passages, and the logits after each."""
    model = Llama(str(path), n_ctx=CONTEXT, logits_all=True, use_extra_bufts=False, verbose=False)
    tokens: list[int] = []
    for passage in PASSAGES:
        data = Path(__file__).with_name("passages").joinpath(f"{passage}.txt").read_bytes()
        tokens += model.tokenize(data, add_bos=not tokens)[:TOKENS_OF_EACH]
    model.eval(tokens)
    logits = np.array(model.scores[: len(tokens)], np.float32)
    model.close()
    return tokens, logits


def transformers(path: Path, tokens: list[int]) -> Floats:
    """The logits after each token."""
    config = AutoConfig.from_pretrained(path.parent, gguf_file=path.name)
    _complete(config, path.name.split(".")[0])
    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, config=config, dtype=torch.float32
    )
    with torch.no_grad():
        logits: Floats = model(torch.tensor([tokens])).logits[0].numpy()
    return logits


def _complete(config: PretrainedConfig, name: str) -> None:
    """What transformers does not read from a GGUF file's metadata."""
    if name in ROPE_TYPES:
        scaling = {
            "factor": ROPE_FACTOR,
            "original_max_position_embeddings": ROPE_ORIGINAL_CONTEXT,
        }
        config.rope_parameters = {**config.rope_parameters, **ROPE_TYPES[name], **scaling}
    if name == "gemma3":
        config.query_pre_attn_scalar = config.head_dim


def ask(name: str, path: Path) -> None:
    """Write the file for one model."""
    tokens, theirs = llama_cpp(path)
    exact = transformers(path, tokens)
    kept = KEPT_OF_PUBLISHED if name in PUBLISHED else KEPT_OF_GENERATED
    oracles = {
        "transformers": Distributions.of(exact, tokens, kept["transformers"]),
        "llama.cpp": Distributions.of(theirs, tokens, kept["llama.cpp"]),
    }
    Fixture(digest(path), tokens, oracles).save(name)
    first, second = oracles.values()
    logs = log_softmax(theirs[:-1])
    print(
        f"{name}: {len(tokens)} tokens, divergence {first.divergence(logs).mean():.6f}, "
        f"agreement {first.agreement(logs).mean():.4f}, surprise {first.surprise.mean():.4f} and "
        f"{second.surprise.mean():.4f}"
    )


def main() -> None:
    """Ask for the models named on the command line, or for all."""
    models = {**published_models(), **generated_models()}
    parser = argparse.ArgumentParser(description="Ask the oracles for logits.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(models))
    with tempfile.TemporaryDirectory() as folder:
        for name in parser.parse_args().names or models:
            ask(name, models[name](Path(folder)))


if __name__ == "__main__":
    main()
