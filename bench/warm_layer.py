"""Does a layer that the page cache holds appear at once, without a copy?

The file is dropped and then read plainly, so that its pages lie in the page cache as they do on any
machine that has read it. Each layer is loaded, given back to the system, and read plainly.
"""

from pathlib import Path
from time import perf_counter

from bench import page_cache
from bench.layers import PlainReader
from bench.measure import js_driver, megabytes, milliseconds, ratios
from bench.memory import held
from bench.table import Row, Table, at_most
from memory64 import Memory64Model, load_model
from models import generate

PASSES = 3


def run() -> Table:
    path = generate.llama_7b()
    page_cache.drop(path)
    page_cache.fill(path)
    loads, grown, reads = _measure(path)
    js = js_driver("warm_layer", path, PASSES)
    table = Table("7B model, page cache warm: how fast does a layer appear?")
    table.add(
        Row("Python, get_layer", milliseconds(loads), at_most(3)),
        Row("Python, private memory grows by", megabytes(grown), at_most(1), "no copy"),
        Row("JavaScript, getLayer", milliseconds(js["seconds"]), at_most(3)),
        Row("JavaScript, private memory grows by", megabytes(js["grown"]), at_most(1), "no copy"),
        Row("plain preadv of the same bytes", milliseconds(reads)),
        Row("Python, get_layer is faster by", ratios(reads, loads), None, "than plain preadv"),
    )
    return table


def _measure(path: Path) -> tuple[list[float], list[int], list[float]]:
    """By load: its seconds, bytes of private memory it took, seconds to read the same plainly."""
    loads, grown, reads = [], [], []
    plain = PlainReader(path)
    with load_model(path) as model:
        for layer_id in [*range(model.layer_count)] * PASSES:
            before = held().anonymous
            loads.append(_load(model, layer_id))
            grown.append(held().anonymous - before)
            model.clear_cache()
            reads.append(_read(plain, layer_id))
    plain.close()
    return loads, grown, reads


def _load(model: Memory64Model, layer_id: int) -> float:
    started = perf_counter()
    model.get_layer(layer_id)
    return perf_counter() - started


def _read(plain: PlainReader, layer_id: int) -> float:
    started = perf_counter()
    plain.read(layer_id)
    return perf_counter() - started
