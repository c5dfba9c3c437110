"""Who we are measured against; what is no package of this project is installed when wanted."""

import subprocess
import sys
import venv
from functools import cache
from typing import Any

from bench.measure import ROOT, json_from

READER = "gguf-py GGUFReader"
GGUF_PY = "gguf-py"
LIBGGUF = "libgguf"
HUGGINGFACE = "@huggingface/gguf"
LLAMA_CPP = "llama.cpp"
NODE_LLAMA_CPP = "node-llama-cpp"

FOLDER = ROOT / "bench"
PEERS_VENV = FOLDER / ".venv"
PEERS_PYTHON = PEERS_VENV / "bin" / "python"
LLAMA_CPP_PACKAGE = "llama-cpp-python"

OWN_PACKAGES_ONLY = {"PYTHONPATH": ""}
"""Not this project's."""


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
    return make_environment("llama_cpp", LLAMA_CPP_PACKAGE, "--no-binary", LLAMA_CPP_PACKAGE)


def make_environment(module: str, package: str, *options: str) -> str | None:
    """Let the peers' Python have a module, installed if need be; returns why it has not."""
    python = str(PEERS_PYTHON)
    has = [python, "-c", f"import {module}"]
    if PEERS_PYTHON.exists() and not subprocess.run(has, capture_output=True).returncode:
        return None
    print(f"installing {package} into bench/.venv; compiling takes minutes", file=sys.stderr)
    if not PEERS_PYTHON.exists():
        venv.create(PEERS_VENV, with_pip=True)
    install = [python, "-m", "pip", "install", "--quiet", *options, package]
    pip = subprocess.run(install, capture_output=True, text=True)
    if pip.returncode == 0:
        return None
    return f"could not be installed: {pip.stderr.strip().splitlines()[-1:]}"


def llama_cpp_driver(*arguments: object, driver: str = "run_llama_cpp") -> Any:
    """What `bench/py/DRIVER.py` measured."""
    return json_from(llama_cpp_command(*arguments, driver=driver), **OWN_PACKAGES_ONLY)


def llama_cpp_command(*arguments: object, driver: str = "run_llama_cpp") -> list[str]:
    """What runs `bench/py/DRIVER.py`."""
    return [str(PEERS_PYTHON), str(FOLDER / "py" / f"{driver}.py"), *map(str, arguments)]
