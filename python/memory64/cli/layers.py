"""``memory64 layers``: how long a model's layers take."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.progress import track
from rich.table import Table

from ..gguf import GGUFDirectory
from ..loader import load_model
from ..model import Memory64Model
from .arguments import JsonOption, ModelArgument


def layers(model: ModelArgument, as_json: JsonOption = False) -> None:
    """Access each layer with Memory64, and time it: cold, warm and cached.

    Cold is from the disk, the file having been dropped from the page cache; warm is from
    the page cache; cached is resident already.
    """
    with load_model(model, memory64=True) as loaded:
        hide = as_json or not sys.stderr.isatty()
        rows = list(
            track(
                _timings(loaded),
                description="Accessing layers",
                total=loaded.layer_count,
                console=Console(stderr=True),
                disable=hide,
            )
        )
        stats = asdict(loaded.cache_stats()) | {"hit_rate": loaded.cache_stats().hit_rate}
    if as_json:
        print(json.dumps({"layers": rows, "statistics": stats}, indent=2))
    else:
        _show_timings(rows, stats)


def _timings(model: Memory64Model) -> Iterator[dict[str, Any]]:
    for layer_id in range(model.layer_count):
        model.clear_cache()
        _drop_page_cache(model.gguf)
        cold = _access_ms(model, layer_id)
        model.clear_cache()
        warm = _access_ms(model, layer_id)
        cached = _access_ms(model, layer_id)
        yield {
            "layer": layer_id,
            "nbytes": model.gguf.layer_bytes(layer_id),
            "cold_ms": cold,
            "warm_ms": warm,
            "cached_ms": cached,
        }


def _access_ms(model: Memory64Model, layer_id: int) -> float:
    start = time.perf_counter()
    model.get_layer(layer_id)
    return (time.perf_counter() - start) * 1e3


def _drop_page_cache(gguf: GGUFDirectory) -> None:
    # The whole file: reading one layer brings in the beginning of the next.
    for source in gguf.sources:
        source.drop_page_cache()


def _show_timings(rows: list[dict[str, Any]], stats: dict[str, Any]) -> None:
    table = Table("layer", "size", "cold ms", "warm ms", "cached ms", box=None)
    for column in table.columns:
        column.justify = "right"
    for row in rows:
        table.add_row(
            str(row["layer"]),
            decimal(row["nbytes"]),
            f"{row['cold_ms']:.2f}",
            f"{row['warm_ms']:.2f}",
            f"{row['cached_ms']:.4f}",
        )
    console = Console()
    console.print(table)
    console.print(
        f"{stats['cache_hits']} hits, {stats['cache_misses']} misses, "
        f"{stats['evictions']} evictions, hit rate {stats['hit_rate']:.1%}, "
        f"at most {decimal(stats['peak_bytes'])} resident"
    )
