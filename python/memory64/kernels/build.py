"""The engine's modules: C, compiled by the clang and linker that the package ``ziglang`` brings.

Set-up compiles them; so does whoever needs them first after their sources were changed.
"""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import GuestError

SOURCES = Path(__file__).parents[1] / "guest" / "engine"
BUILT = SOURCES / "build"
VARIANTS = {"relaxed": ["-mrelaxed-simd"], "plain": []}
"""Names of the modules, each with the compiler's options beyond those of all."""

_STAMP = BUILT / "sources.sha256"
_TARGET = "--target=wasm64-freestanding"
_OPTIONS = [
    *("-std=c23", "-O3", "-msimd128", "-mbulk-memory", "-matomics", "-Wall", "-Wextra"),
    "-ffp-contract=off",  # values are to be those of the `gguf` package, to the last bit
]
_STACK_BYTES = 1 << 20


def engine_wasm(variant: str) -> bytes:
    """The module of that name, compiled first if need be.

    Raises:
        GuestError: it is not there, and no compiler is installed; or the compiler failed.
    """
    build_engine()
    return (BUILT / f"{variant}.wasm").read_bytes()


@cache  # it reads all sources, which takes a millisecond
def build_engine() -> None:
    """Compile the modules, unless they are those of the sources as they are.

    Raises:
        GuestError: the compiler is not installed, or has found errors.
    """
    digest = _digest()
    if _STAMP.exists() and _STAMP.read_text() == digest:
        return
    if find_spec("ziglang") is None:
        raise GuestError(
            "the engine that runs models has not been compiled, and there is no compiler: "
            "pip install 'memory64[guest]'"
        )
    BUILT.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=BUILT) as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        for variant, options in VARIANTS.items():
            _build(Path(folder), variant, options, pool)
        for variant in VARIANTS:
            Path(folder, f"{variant}.wasm").replace(BUILT / f"{variant}.wasm")
    _STAMP.write_text(digest)


def _build(folder: Path, variant: str, options: list[str], pool: ThreadPoolExecutor) -> None:
    def compile_one(source: Path) -> Path:
        made = folder / f"{source.stem}.{variant}.o"
        _zig(folder, "cc", "-c", _TARGET, *_OPTIONS, *options, "-o", str(made), str(source))
        return made

    objects = list(pool.map(compile_one, sorted(SOURCES.glob("*.c"))))
    _zig(
        *(folder, "wasm-ld", "-mwasm64", "--no-entry", "--import-memory", "--strip-debug"),
        *("--stack-first", "-z", f"stack-size={_STACK_BYTES}", "--export=__stack_pointer"),
        *("-o", str(folder / f"{variant}.wasm"), *map(str, objects)),
    )


def _zig(folder: Path, *arguments: str) -> None:
    caches = {f"ZIG_{which}_CACHE_DIR": str(folder / "cache") for which in ("GLOBAL", "LOCAL")}
    done = subprocess.run(
        [sys.executable, "-m", "ziglang", *arguments],
        env=os.environ | caches,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise GuestError(f"the engine was not compiled:\n{done.stderr.strip()}")


def _digest() -> str:
    """Of all that the modules are made from."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for source in sorted(SOURCES.glob("*.[ch]")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()
