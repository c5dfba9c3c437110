"""Guests from C and C++, by the clang and linker that the package ``ziglang`` brings along."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import GuestError, SourceNotFoundError
from .region_loads import link_regions

INCLUDE_FOLDER = Path(__file__).parent / "include"
"""The guest's side of the interface: ``memory64.h`` for C and C++, ``memory64.rs`` for Rust."""

_OPTIONS = (
    "-O3",
    "-msimd128",
    "-mrelaxed-simd",
    "-mbulk-memory",
    "-fno-exceptions",
    "-Wall",
    "-Wextra",
    f"-I{INCLUDE_FOLDER}",
    "-Wl,--no-entry",
    "-Wl,--strip-debug",
)


def build_guest(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    wasm64: bool = False,
) -> Path:
    """Compile the C or C++ file ``source``; what the compiler says goes to standard error.

    Args:
        source: a file; its name's ending tells the language.
        output: the module to write; else ``source`` with the ending ``.wasm``.
        wasm64: give the guest a memory of its own of 64 bits.

    Returns:
        The module's path.

    Raises:
        SourceNotFoundError: there is no such file.
        GuestError: the compiler is not installed, or has found errors.
        GuestModuleError: the module does with memory what regions do not allow.
    """
    source = Path(source)
    output = Path(output) if output else source.with_suffix(".wasm")
    if not source.exists():
        raise SourceNotFoundError(f"there is no guest {os.fspath(source)!r}")
    if find_spec("ziglang") is None:
        raise GuestError("building guests takes a compiler: pip install 'memory64[guest]'")
    with TemporaryDirectory() as folder:
        module = Path(folder, "guest.wasm")
        _compile(source, module, "wasm64" if wasm64 else "wasm32")
        output.write_bytes(link_regions(module.read_bytes()))
    return output


def _compile(source: Path, module: Path, machine: str) -> None:
    compiler = [sys.executable, "-m", "ziglang", "cc", f"--target={machine}-freestanding"]
    command = [*compiler, *_OPTIONS, "-o", os.fspath(module), os.fspath(source)]
    if subprocess.run(command, check=False).returncode != 0:
        raise GuestError(f"{source} was not compiled: see the compiler's messages")
