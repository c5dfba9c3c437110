"""``memory64 info``: what is in a model."""

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from ..errors import Memory64Error
from ..gguf import GGUFDirectory, open_gguf
from ..layers import usable_bytes
from ..loader import MEMORY64_THRESHOLD_BYTES
from ..memory import MemoryLayout, Span, place
from ..planning import Fit, outlook_now
from .arguments import JsonOption, ModelArgument
from .plan import shares, speed
from .printing import printable


def info(model: ModelArgument, as_json: JsonOption = False) -> None:
    """Show what is in a model, and what loading it would take. Reads its header only."""
    gguf = open_gguf(model)
    facts = _facts(gguf) | {"loading": _loading(gguf), "running": _running(gguf)}
    gguf.close()
    if as_json:
        print(json.dumps(facts, indent=2))
    else:
        _show_facts(facts)


def _facts(gguf: GGUFDirectory) -> dict[str, Any]:
    sizes = [gguf.layer_bytes(layer_id) for layer_id in range(gguf.layer_count)]
    return {
        "source": gguf.name,
        "name": gguf.metadata.get("general.name"),
        "architecture": gguf.architecture,
        "gguf_version": gguf.headers[0].version,
        "files": len(gguf.headers),
        "size_bytes": gguf.size_bytes,
        "tensors": len(gguf.tensors),
        "layers": gguf.layer_count,
        "layer_bytes": {"min": min(sizes, default=0), "max": max(sizes, default=0)},
        "outside_layers_bytes": sum(t.nbytes for t in gguf.tensors.values() if t.layer_id is None),
        "quant_types": dict(Counter(t.quant_type.name for t in gguf.tensors.values())),
    }


def _loading(gguf: GGUFDirectory) -> dict[str, Any]:
    usable = usable_bytes()
    largest = max(map(gguf.layer_bytes, range(gguf.layer_count)), default=0)
    layer_bytes = sum(map(gguf.layer_bytes, range(gguf.layer_count)))
    fitting = gguf.layer_count if layer_bytes <= usable else usable // largest
    return {
        "memory64": gguf.size_bytes > MEMORY64_THRESHOLD_BYTES,
        "threshold_bytes": MEMORY64_THRESHOLD_BYTES,
        "regions": [asdict(region) for region in MemoryLayout.for_model(gguf).regions],
        "usable_bytes": usable,
        "layers_that_fit": max(1, fitting),
        "one_layer_bytes": largest,
        "all_layers_bytes": layer_bytes,
    }


def _running(gguf: GGUFDirectory) -> dict[str, Any]:
    offsets = place(gguf, MemoryLayout.for_model(gguf)).offsets
    try:
        fit = Fit(gguf, lambda info: Span(offsets[info.name], info.nbytes))
        return {"weights_bytes": fit.walk.nbytes} | asdict(outlook_now(gguf, fit))
    except Memory64Error as error:
        return {"problem": str(error)}


def _show_facts(facts: dict[str, Any]) -> None:
    table = Table(show_header=False, box=None)
    loading = facts["loading"]
    layer = facts["layer_bytes"]
    files = f" in {facts['files']} files" if facts["files"] > 1 else ""
    rows = {
        "Model": facts["name"] or facts["source"],
        "Architecture": facts["architecture"],
        "Format": f"GGUF v{facts['gguf_version']}",
        "Size": f"{decimal(facts['size_bytes'])}{files}",
        "Layers": f"{facts['layers']} of {decimal(layer['min'])} to {decimal(layer['max'])}",
        "Outside layers": decimal(facts["outside_layers_bytes"]),
        "Tensors": f"{facts['tensors']}: "
        + ", ".join(f"{name} {count}" for name, count in facts["quant_types"].items()),
        "Loading": _mode(loading),
        "Address space": ", ".join(f"{r['name']} {r['size_gb']} GiB" for r in loading["regions"]),
        "Memory": f"{decimal(loading['one_layer_bytes'])} for one layer, "
        f"{decimal(loading['all_layers_bytes'])} for all; "
        f"{decimal(loading['usable_bytes'])} usable here, enough for "
        f"{loading['layers_that_fit']} layers",
        "Running": _outlook(facts["running"]),
    }
    for name, value in rows.items():
        table.add_row(Text(name, "bold"), Text(printable(str(value))))
    Console().print(table)


def _outlook(running: dict[str, Any]) -> str:
    if "problem" in running:
        return str(running["problem"])
    parts = [
        f"needs {decimal(running['weights_bytes'])} for each token",
        shares(running["kept_bytes"], running["streamed_bytes"]),
    ]
    if running["tokens_per_second"]:
        parts.append(f"{speed(running['tokens_per_second'])} tokens a second expected")
    return "; ".join(parts)


def _mode(loading: dict[str, Any]) -> str:
    threshold = decimal(loading["threshold_bytes"])
    if loading["memory64"]:
        return f"Memory64, layers on demand (larger than {threshold})"
    return f"standard, whole model in memory (not larger than {threshold})"
