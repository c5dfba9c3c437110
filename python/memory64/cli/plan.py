"""``memory64 plan``: what running a model will be like."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from ..loader import load_model
from ..planning import ModelPlan, Outlook, Rate
from .arguments import ContextOption, JsonOption, ModelArgument, ThreadsOption
from .sizes import size
from .usage import told_as_usage


def plan(
    model: ModelArgument,
    memory: Annotated[
        int | None,
        typer.Option(
            parser=size,
            help="What the process has, as 1.5G or 900M.",
            metavar="SIZE",
            show_default="what there is",
        ),
    ] = None,
    context_length: ContextOption = None,
    threads: ThreadsOption = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure anew what was measured before.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what of a model stays in memory, what streams from the disk, and how fast text comes.

    Measures the disk and the processor for a few seconds, once.
    """
    with load_model(model, memory64=True, threads=threads) as loaded, told_as_usage():
        found = loaded.plan(memory, context_length=context_length, measure_anew=measure)
    if as_json:
        print(json.dumps(asdict(found), indent=2))
    else:
        _show(found)


def _show(found: ModelPlan) -> None:
    facts = Table(show_header=False, box=None)
    rows = {
        "Memory": f"{decimal(found.memory_bytes)}, a tenth of it left free",
        "Keys and values": f"{decimal(found.session_bytes)} for {found.context_length} tokens",
        "Each token reads": f"{decimal(found.weights_bytes)} of weights: "
        + shares(found.kept_bytes, found.streamed_bytes),
        "Computing": f"{_rate(found.compute_rate)} on {found.threads} threads",
        "Disk": _disk(found),
        "Expected": f"{speed(found.tokens_per_second)} tokens a second",
    }
    for name, value in rows.items():
        facts.add_row(Text(name, "bold"), Text(value))
    console = Console()
    console.print(facts)
    if found.with_more:
        console.print()
        console.print(_with_more(found.with_more))


def shares(kept: int, streamed: int) -> str:
    """What stays and what streams, in words."""
    if not streamed:
        return "all of it stays in memory"
    return f"{decimal(kept)} stay in memory, {decimal(streamed)} stream from the disk"


def speed(tokens_per_second: float | None) -> str:
    """So many tokens a second."""
    return "an unknown number of" if tokens_per_second is None else f"{tokens_per_second:.3g}"


def _rate(rate: Rate) -> str:
    return f"{decimal(int(rate.bytes_per_second))} a second, measured on {rate.measured}"


def _disk(found: ModelPlan) -> str:
    if found.disk_rate:
        return _rate(found.disk_rate)
    return "not measured: the file stays in memory" if found.streamed_bytes else "not needed"


def _with_more(outlooks: tuple[Outlook, ...]) -> Table:
    table = Table("with memory of", "stays", "streams", "tokens a second", box=None)
    for column in table.columns:
        column.justify = "right"
    for each in outlooks:
        table.add_row(
            decimal(each.memory_bytes),
            decimal(each.kept_bytes),
            decimal(each.streamed_bytes),
            speed(each.tokens_per_second),
        )
    return table
