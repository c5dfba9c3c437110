"""Who we are measured against; what is no package of this project is installed when wanted."""

import json
import os
import subprocess
import sys
import venv
from functools import cache
from typing import Any

from bench.errors import BenchError
from bench.measure import ROOT

READER = "gguf-py GGUFReader"
HUGGINGFACE = "@huggingface/gguf"
LLAMA_CPP = "llama.cpp"
NODE_LLAMA_CPP = "node-llama-cpp"

FOLDER = ROOT / "bench"
LLAMA_CPP_VENV = FOLDER / ".venv"
LLAMA_CPP_PACKAGE = "llama-cpp-python"


@cache
def why_no_packages() -> str | None:
    """None where the packages of bench/package.json are there or could be installed."""
    if all((FOLDER / "node_modules" / name).is_dir() for name in (HUGGINGFACE, NODE_LLAMA_CPP)):
        return None
    print("installing what the benches compare with into bench/node_modules", file=sys.stderr)
    # Without node-llama-cpp's optional packages: 725 MB for graphics cards.
    command = ["npm", "install", "--prefix", str(FOLDER), "--no-package-lock", "--no-audit"]
    npm = subprocess.run(
        [*command, "--no-fund", "--omit=optional", "--ignore-scripts"],
        capture_output=True,
        text=True,
    )
    if npm.returncode == 0:
        return None
    complaints = [line for line in npm.stderr.splitlines() if line.startswith("npm error")]
    return f"could not be installed: {' '.join(complaints[:2]) or 'npm gave no reason'}"


@cache
def why_no_llama_cpp() -> str | None:
    """None where llama-cpp-python is in an environment of its own or could be compiled there."""
    python = LLAMA_CPP_VENV / "bin" / "python"
    if python.exists() and not subprocess.run([python, "-c", "import llama_cpp"]).returncode:
        return None
    print(f"compiling {LLAMA_CPP_PACKAGE} into bench/.venv: some ten minutes", file=sys.stderr)
    venv.create(LLAMA_CPP_VENV, with_pip=True)
    options = ["--quiet", "--no-binary", LLAMA_CPP_PACKAGE]
    pip = subprocess.run(
        [str(python), "-m", "pip", "install", *options, LLAMA_CPP_PACKAGE],
        capture_output=True,
        text=True,
    )
    if pip.returncode == 0:
        return None
    return f"could not be installed: {pip.stderr.strip().splitlines()[-1:]}"


def llama_cpp_driver(*arguments: object) -> Any:
    """What `bench/py/run_llama_cpp.py` measured."""
    driver = FOLDER / "py" / "run_llama_cpp.py"
    command = [str(LLAMA_CPP_VENV / "bin" / "python"), str(driver), *map(str, arguments)]
    # Its own package only: not this project's.
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""}
    )
    if done.returncode:
        raise BenchError(f"llama.cpp exited with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)
