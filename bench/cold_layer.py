"""Does a layer come from the disk as fast as the disk can read it?

The page cache is dropped before every read. Two layers make a pair: one is loaded, the other read
plainly; in a second pass it is the other way round, so that neither side keeps the easier layers
or the first look at a part of the disk.
"""

from pathlib import Path
from time import perf_counter

from bench import page_cache
from bench.layers import PlainReader
from bench.measure import gigabytes_per_second, milliseconds, ratios
from bench.table import Row, Table, at_least
from memory64 import load_model
from models import generate


def run() -> Table:
    path = generate.llama_7b()
    plain = PlainReader(path)
    load_seconds, load_rates, read_rates = [], [], []
    for ours, theirs in _pairs(plain.layer_count):
        load_seconds.append(_load(path, ours))
        load_rates.append(plain.nbytes(ours) / load_seconds[-1])
        read_rates.append(plain.nbytes(theirs) / _read(path, theirs, plain))
    plain.close()
    table = Table("7B model, page cache dropped: how fast does a layer come from the disk?")
    table.add(
        Row("get_layer", milliseconds(load_seconds)),
        Row("get_layer, rate", gigabytes_per_second(load_rates)),
        Row("plain preadv, rate", gigabytes_per_second(read_rates)),
        Row("ratio of the rates", ratios(load_rates, read_rates), at_least(0.9), "plain preadv"),
    )
    return table


def _pairs(layer_count: int) -> list[tuple[int, int]]:
    pairs = list(zip(range(0, layer_count, 2), range(1, layer_count, 2), strict=True))
    return pairs + [(second, first) for first, second in pairs]


def _load(path: Path, layer_id: int) -> float:
    """Seconds that `get_layer` takes."""
    page_cache.drop(path)
    # A model of its own for each load: pages that are still mapped are not dropped.
    with load_model(path) as model:
        started = perf_counter()
        model.get_layer(layer_id)
        return perf_counter() - started


def _read(path: Path, layer_id: int, plain: PlainReader) -> float:
    page_cache.drop(path)
    started = perf_counter()
    plain.read(layer_id)
    return perf_counter() - started
