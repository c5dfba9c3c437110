"""From a module to a guest that can be called."""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from unittest.mock import patch

from bench.guests.calls import CALLER
from bench.measure import milliseconds
from bench.table import Row, at_most
from memory64 import Guest, Memory64Model, load_model
from memory64.memory import modules
from models import generate

ROUNDS = 15


def rows() -> list[Row]:
    with load_model(generate.llama_7b()) as model:
        cold = [_without_cache(model) for _ in range(ROUNDS)]
        warm = [_instantiate(model) for _ in range(ROUNDS + 1)][1:]
    return [
        Row("instantiate from the module cache", milliseconds(warm), at_most(2)),
        Row("instantiate, compiling all of it", milliseconds(cold)),
    ]


def _without_cache(model: Memory64Model) -> float:
    with TemporaryDirectory() as folder:
        empty = modules.ModuleCache(Path(folder))
        with patch.object(modules, "module_cache", lambda: empty):
            return _instantiate(model)


def _instantiate(model: Memory64Model) -> float:
    started = perf_counter()
    with Guest(CALLER, model):
        return perf_counter() - started
