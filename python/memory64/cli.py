"""The command line: ``memory64 info MODEL``, ``layers MODEL`` and ``run GUEST``."""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import track
from rich.table import Table
from rich.text import Text

from . import __version__
from .errors import Memory64Error
from .gguf import GGUFDirectory, open_gguf
from .guest import Guest, GuestLimits
from .guest.build import INCLUDE_FOLDER, build_guest
from .layers import usable_bytes
from .loader import MEMORY64_THRESHOLD_BYTES, load_model
from .memory import MemoryLayout
from .model import Memory64Model

app = typer.Typer(
    help="Language models larger than memory, layer by layer.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

guest_app = typer.Typer(help="Build WebAssembly guests.", no_args_is_help=True)
app.add_typer(guest_app, name="guest")

ModelArgument = Annotated[
    Path, typer.Argument(help="A GGUF file, or any part of a split one.", metavar="MODEL")
]
ArgumentsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="What the function takes: 3, -7, 0xff, 0.5, nan.", metavar="[ARGUMENT]..."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def _bytes(text: str) -> int:
    """A count of bytes with a unit, as ``64M``."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text, re.IGNORECASE)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a size such as 65536, 64M or 1G")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2].upper()]


def main() -> None:
    """Run the command line; errors of this package become one line and exit code 1."""
    try:
        app()
    except Memory64Error as error:
        lines = "; ".join(line.strip() for line in str(error).splitlines())  # of a trap
        print(f"memory64: {_printable(lines)} [{error.code}]", file=sys.stderr)
        sys.exit(1)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Options that stand before a command."""
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def info(model: ModelArgument, as_json: JsonOption = False) -> None:
    """Show what is in a model, and what loading it would take. Reads its header only."""
    gguf = open_gguf(model)
    facts = _facts(gguf) | {"loading": _loading(gguf)}
    gguf.close()
    if as_json:
        print(json.dumps(facts, indent=2))
    else:
        _show_facts(facts)


@app.command()
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


@guest_app.command()
def build(
    source: Annotated[Path, typer.Argument(help="A file in C or C++.", metavar="FILE.c")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The module to write.", show_default="FILE.wasm"),
    ] = None,
    wasm64: Annotated[
        bool, typer.Option("--wasm64", help="Give the guest 64-bit memory of its own.")
    ] = False,
) -> None:
    """Compile a guest that includes memory64.h."""
    build_guest(source, output, wasm64=wasm64)


@guest_app.command()
def include() -> None:
    """Print the folder of memory64.h and memory64.rs."""
    print(INCLUDE_FOLDER)


# Unknown options are arguments of the guest's function: negative numbers.
@app.command(context_settings={"ignore_unknown_options": True})
def run(
    guest: Annotated[Path, typer.Argument(help="A .wasm or .wat file.", metavar="GUEST")],
    model: Annotated[
        Path, typer.Option(help="A GGUF file, or any part of a split one.", metavar="MODEL")
    ],
    arguments: ArgumentsArgument = None,
    call: Annotated[str | None, typer.Option(help="The function to call.", metavar="NAME")] = None,
    memory: Annotated[
        int | None,
        typer.Option(
            parser=_bytes,
            help="The most bytes of each memory of its own; K, M and G for KiB, MiB and GiB.",
            metavar="SIZE",
        ),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(help="The most seconds it may run.", metavar="SECONDS")
    ] = None,
    fuel: Annotated[
        int | None, typer.Option(help="The most instructions it may execute.", metavar="COUNT")
    ] = None,
    wasi: Annotated[
        bool,
        typer.Option("--wasi", help="Let it use WASI, to print; no files, arguments, variables."),
    ] = False,
) -> None:
    """Run WebAssembly that reads a model from inside its sandbox.

    Prints what the function gives, one result a line. Without --call it names the functions
    that the guest exports, or with --wasi runs its _start.
    """
    if arguments and call is None:
        raise typer.BadParameter(f"{arguments[0]!r} is an argument for no function: use --call")
    values = [_number(text) for text in arguments or ()]
    limits = _limits(memory_bytes=memory, timeout=timeout, fuel=fuel)
    with (
        load_model(model, memory64=True) as loaded,
        Guest(guest, loaded, limits=limits, wasi=wasi) as instance,
    ):
        function = "_start" if wasi and call is None and "_start" in instance.exports else call
        if function is None:
            for name, signature in instance.exports.items():
                print(_printable(f"{name} {signature}"))
            return
        for result in _results(instance, function, values):
            print(result)


def _number(text: str) -> int | float:
    """An integer in any notation of Python's, or a float."""
    for kind in (lambda: int(text, 0), lambda: int(text), lambda: float(text)):
        try:
            return kind()
        except ValueError:
            continue
    raise typer.BadParameter(f"{text!r} is not a number")


def _limits(**given: Any) -> GuestLimits:
    try:
        return GuestLimits(**{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _results(guest: Guest, function: str, values: list[int | float]) -> Sequence[int | float]:
    try:
        result = guest.call(function, *values)
    except Memory64Error:
        raise
    except (TypeError, ValueError) as error:  # the arguments are not what the function takes
        raise typer.BadParameter(_printable(str(error))) from error
    if result is None:
        return ()
    return result if isinstance(result, tuple) else (result,)


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
    }
    for name, value in rows.items():
        table.add_row(Text(name, "bold"), Text(_printable(str(value))))
    Console().print(table)


def _printable(text: str) -> str:
    """Without control characters, by which a file could speak to the terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _mode(loading: dict[str, Any]) -> str:
    threshold = decimal(loading["threshold_bytes"])
    if loading["memory64"]:
        return f"Memory64, layers on demand (larger than {threshold})"
    return f"standard, whole model in memory (not larger than {threshold})"


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
