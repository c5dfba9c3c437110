"""The engine's kernels, built and instantiated alone, with numpy arrays for arguments."""

import ctypes
import subprocess
import sys
from pathlib import Path

import numpy as np
import wasmtime
from numpy.typing import NDArray

import memory64

ENGINE = Path(memory64.__file__).parent / "guest" / "engine"
SOURCES = ("activations.c", "dequantize.c", "floats.c", "matmul.c")
OPTIONS = (
    "--target=wasm64-freestanding",
    "-O3",
    "-msimd128",
    "-mbulk-memory",
    "-ffp-contract=off",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-nostdlib",
    "-Wl,--no-entry",
    "-Wl,--import-memory",
    "-Wl,-z,stack-size=131072",
    f"-I{ENGINE}",
)
PAGES = 512
PAGE = 65536
ARGUMENTS_START = 1 << 20


def build(module: Path, *, relaxed: bool) -> Path:
    """Compile the kernels and their exports."""
    sources = [Path(__file__).with_name("exports.c"), *(ENGINE / name for name in SOURCES)]
    options = [*OPTIONS, "-mrelaxed-simd"] if relaxed else OPTIONS
    compiler = [sys.executable, "-m", "ziglang", "cc"]
    subprocess.run([*compiler, *options, "-o", module, *sources], check=True)
    return module


class Kernels:
    """An instance. What is put into its memory ends where the memory does, or as told."""

    def __init__(self, module: Path) -> None:
        config = wasmtime.Config()
        config.wasm_memory64 = True
        config.wasm_relaxed_simd = True
        engine = wasmtime.Engine(config)
        self._store = wasmtime.Store(engine)
        limits = wasmtime.Limits(PAGES, PAGES)
        memory = wasmtime.Memory(self._store, wasmtime.MemoryType(limits, is_64=True))
        base = ctypes.addressof(memory.data_ptr(self._store).contents)
        self._bytes = np.frombuffer((ctypes.c_ubyte * (PAGES * PAGE)).from_address(base), np.uint8)
        compiled = wasmtime.Module.from_file(engine, str(module))
        self._exports = wasmtime.Instance(self._store, compiled, [memory]).exports(self._store)
        self._free = ARGUMENTS_START

    def _call(self, name: str, *arguments: int) -> int:
        return self._exports[name](self._store, *arguments)

    def _room(self, size: int) -> int:
        start = -(-self._free // 64) * 64
        self._free = start + size
        assert self._free < PAGES * PAGE
        return start

    def _put(self, array: NDArray, start: int | None = None) -> int:
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        start = self._room(data.size) if start is None else start
        self._bytes[start : start + data.size] = data
        return start

    def _put_last(self, array: NDArray) -> int:
        """Where the memory ends: a read beyond the array traps."""
        return self._put(array, PAGES * PAGE - array.nbytes)

    def dequantize(self, type_: int, blocks: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
        self._free = ARGUMENTS_START
        out = self._room(4 * count + 4)
        self._bytes[out : out + 4 * count + 4] = 0x77
        self._call("dequantize", type_, self._put_last(blocks), out, count)
        written = self._bytes[out : out + 4 * count + 4].view(np.float32)
        assert written[count:].tobytes() == b"wwww"  # nothing is written beyond the end
        return written[:count].copy()

    def matmul(
        self,
        type_: int,
        rows: NDArray[np.uint8],
        x: NDArray[np.float32],
        first: int = 0,
        count: int | None = None,
    ) -> NDArray[np.float32]:
        """``x @ weights.T``; columns of rows that were not asked for are NaN."""
        self._free = ARGUMENTS_START
        (tokens, columns), (row_count, row_bytes) = x.shape, rows.shape
        matrix = np.zeros(32, np.uint8)
        matrix[:16].view(np.uint64)[:] = self._put_last(rows), row_bytes
        matrix[16:28].view(np.uint32)[:] = type_, row_count, columns
        values = self._put(x)
        activations = self._room(self._call("activations_bytes", tokens, columns))
        out = self._put(np.full((tokens, row_count), np.nan, np.float32))
        self._call("quantize", activations, values, tokens, columns)
        count = row_count - first if count is None else count
        arguments = (first, count, activations, values, tokens, out, row_count)
        self._call("matmul", self._put(matrix), *arguments)
        size = 4 * tokens * row_count
        return self._bytes[out : out + size].view(np.float32).reshape(tokens, row_count).copy()
