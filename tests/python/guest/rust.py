"""Guests in Rust, where the machine has a compiler for them."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from memory64.guest.build import INCLUDE_FOLDER

TARGET = "wasm32-unknown-unknown"
OPTIONS = (
    *("--edition", "2021", "--target", TARGET, "--crate-type", "cdylib", "-O"),
    *("-C", "panic=abort", "-C", "strip=debuginfo", "-D", "warnings"),
)


def build_rust(code: str, folder: Path) -> Path:
    """The module of ``code``, which finds ``memory64.rs`` beside itself."""
    compiler = _compiler()
    if compiler is None:
        pytest.skip(f"no rustc with the standard library of {TARGET} is installed")
    (folder / "guest.rs").write_text(code)
    shutil.copy(INCLUDE_FOLDER / "memory64.rs", folder)
    subprocess.run([compiler, *OPTIONS, "guest.rs"], cwd=folder, check=True)
    return folder / "guest.wasm"


@cache
def _compiler() -> str | None:
    """The first of the user's and the system's that has the library."""
    for compiler in filter(None, (shutil.which("rustc"), shutil.which("rustc", path="/usr/bin"))):
        found = subprocess.run(
            [compiler, "--print", "target-libdir", "--target", TARGET],
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode == 0 and any(Path(found.stdout.strip()).glob("libcore-*")):
            return compiler
    return None
