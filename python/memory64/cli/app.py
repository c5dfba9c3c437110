"""The commands, and what they have in common."""

import sys
from typing import Annotated

import typer

from .. import __version__
from ..errors import Memory64Error
from . import guests, info, layers, plan, text
from .printing import printable

app = typer.Typer(
    help="Language models larger than memory, layer by layer.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(info.info)
app.command()(layers.layers)
app.command()(plan.plan)
app.command()(text.generate)
app.command()(text.chat)
# Unknown options are arguments of the guest's function: negative numbers.
app.command(context_settings={"ignore_unknown_options": True})(guests.run)
app.add_typer(guests.guest_app, name="guest")


def main() -> None:
    """Run the command line; errors of this package become one line and exit code 1."""
    try:
        app()
    except Memory64Error as error:
        lines = "; ".join(line.strip() for line in str(error).splitlines())  # of a trap
        print(f"memory64: {printable(lines)} [{error.code}]", file=sys.stderr)
        sys.exit(1)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Options that stand before a command."""
    if version:
        print(__version__)
        raise typer.Exit
