"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

ModelArgument = Annotated[
    Path, typer.Argument(help="A GGUF file, or any part of a split one.", metavar="MODEL")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
ContextOption = Annotated[
    int | None,
    typer.Option("--context-length", "-c", min=1, help="How many tokens there is room for."),
]
ThreadsOption = Annotated[int | None, typer.Option(min=1, help="How many threads compute.")]
