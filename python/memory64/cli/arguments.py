"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

ModelArgument = Annotated[
    Path, typer.Argument(help="A GGUF file, or any part of a split one.", metavar="MODEL")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
