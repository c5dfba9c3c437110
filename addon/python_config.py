"""Answers binding.gyp's questions about the interpreter that runs this script.

Usage: python addon/python_config.py include | pybind11 | library | libdir | executable

Prints one path. Where the interpreter cannot be embedded, says why and what fixes it on stderr
and exits with status 1. The addon must be built against the very Python it will run, so nothing
here asks pkg-config or PATH, which may name another one.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path


def include() -> Path:
    """The folder of Python.h."""
    folder = Path(sysconfig.get_config_var("INCLUDEPY"))
    if not (folder / "Python.h").is_file():
        raise SystemExit(
            f"{sys.executable} has no Python.h in {folder}. Install its development files "
            "(Debian: apt install python3-dev) or choose another Python."
        )
    return folder


def pybind11() -> Path:
    """The folder of pybind11/pybind11.h."""
    try:
        import pybind11 as package
    except ImportError:
        raise SystemExit(
            f"{sys.executable} has no pybind11. Run: {sys.executable} -m pip install pybind11"
        ) from None
    # Relative, since gyp does not quote: the project may lie under a folder with a space.
    return Path(os.path.relpath(package.get_include()))


def library() -> Path:
    """The shared libpython; distributions keep it in one of three places."""
    name = sysconfig.get_config_var("INSTSONAME") or ""
    libdir = sysconfig.get_config_var("LIBDIR") or ""
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    folders = [Path(libdir), Path(sysconfig.get_config_var("LIBPL") or ""), Path(libdir, multiarch)]
    found = [folder / name for folder in folders if (folder / name).is_file()]
    if not found or not any(mark in name for mark in (".so", ".dylib")):
        raise SystemExit(
            f"{sys.executable} has no shared libpython (looked for {name or 'its name'} in "
            f"{', '.join(map(str, folders))}). Use a Python built with --enable-shared, for "
            "example the system's own (Debian: apt install libpython3-dev)."
        )
    return found[0]


def libdir() -> Path:
    """The folder in which the loader finds libpython at run time."""
    return library().parent


def executable() -> Path:
    """The interpreter itself: a virtual environment's own symlink, not what it points to."""
    return Path(sys.executable)


ANSWERS: dict[str, Callable[[], Path]] = {
    answer.__name__: answer for answer in (include, pybind11, library, libdir, executable)
}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ANSWERS:
        raise SystemExit(__doc__)
    print(ANSWERS[sys.argv[1]]())
