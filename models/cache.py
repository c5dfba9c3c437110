"""Where large model files are kept, and how they come to be there whole or not at all."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

FOLDER_VARIABLE = "MEMORY64_MODEL_CACHE"


def folder() -> Path:
    """The folder of cached model files, created when missing.

    `$MEMORY64_MODEL_CACHE` where it is set, else `.cache/models` under the project's root.
    """
    project = Path(__file__).resolve().parents[1]
    chosen = Path(os.environ.get(FOLDER_VARIABLE) or project / ".cache" / "models").resolve()
    chosen.mkdir(parents=True, exist_ok=True)
    return chosen


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """The absolute path of the cached file `name`; `make(path)` writes it when it is missing.

    Test runners start several processes that want the same file: a lock lets one of them make it
    while the others wait. A file appears under its own name only when it is complete, so an
    interrupted run leaves nothing that could be mistaken for a model.
    """
    path = folder() / name
    if path.exists():
        return path
    with open(path.with_name(f".{name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _make_whole(path, make)
    return path


def _make_whole(path: Path, make: Callable[[Path], None]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        make(partial)
        _flush(partial)
        partial.rename(path)
        _flush(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
