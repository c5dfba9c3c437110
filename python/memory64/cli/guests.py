"""``memory64 run`` and ``memory64 guest``: WebAssembly that reads a model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ..guest import Guest, GuestLimits
from ..guest.build import INCLUDE_FOLDER, build_guest
from ..loader import load_model
from .printing import printable
from .sizes import size
from .usage import told_as_usage

guest_app = typer.Typer(help="Build WebAssembly guests.", no_args_is_help=True)

ArgumentsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="What the function takes: 3, -7, 0xff, 0.5, nan.", metavar="[ARGUMENT]..."),
]


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
            parser=size,
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
                print(printable(f"{name} {signature}"))
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
    with told_as_usage():
        return GuestLimits(**{name: value for name, value in given.items() if value is not None})


def _results(guest: Guest, function: str, values: list[int | float]) -> Sequence[int | float]:
    with told_as_usage():
        result = guest.call(function, *values)
    if result is None:
        return ()
    return result if isinstance(result, tuple) else (result,)
