"""The examples over real models, each compared with something that knows nothing of guests."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from gguf import dequantize
from numpy.typing import NDArray

from memory64 import Guest, GuestTrapError, load_model
from memory64.guest.build import build_guest
from tests.oracle import reader

from .rust import build_rust

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "guests"
NOT_FOUND = 2


def built(name: str, folder: Path, *, wasm64: bool = False) -> Path:
    return build_guest(EXAMPLES / name, folder / "guest.wasm", wasm64=wasm64)


def image(path: Path, layer_id: int) -> bytes:
    """What the guest gets for a layer: its tensors, each filled up to the file's alignment."""
    read = reader(path)
    aligned = b""
    for tensor in read.tensors:
        if tensor.name.startswith(f"blk.{layer_id}."):
            aligned += bytes(-len(aligned) % read.alignment) + tensor.data.tobytes()
    return aligned


def tensor_bytes(path: Path, name: str) -> NDArray[np.uint8]:
    [found] = [each for each in reader(path).tensors if each.name == name]
    return np.asarray(found.data).reshape(-1).view(np.uint8)


def test_hash_layers(smollm2: Path, tmp_path: Path) -> None:
    with load_model(smollm2, memory64=True) as model:
        guest = Guest(built("hash_layers.c", tmp_path), model)
        for layer_id in range(model.layer_count):
            assert guest.call("hash_layer", layer_id) == zlib.crc32(image(smollm2, layer_id))
        assert guest.memory_bytes < 4 << 20
        assert guest.call("hash_layer", model.layer_count) == -NOT_FOUND


@pytest.mark.parametrize("wasm64", [False, True])
def test_in_place_beyond_4_gib(beyond_4gib: Path, tmp_path: Path, wasm64: bool) -> None:
    with load_model(beyond_4gib) as model:
        guest = Guest(built("in_place.c", tmp_path, wasm64=wasm64), model)
        last = model.gguf.layer(model.layer_count - 1)[-1]
        offset = model.runtime.span(last).offset
        assert offset > 1 << 32
        words = np.fromfile(beyond_4gib, "<u8", last.nbytes // 8, offset=last.file_offset)
        assert words.any()
        total = guest.call("sum", offset, words.size)
        assert isinstance(total, int)
        assert total % (1 << 64) == words.sum(dtype=np.uint64)
        assert guest.call("region_bytes") == model.runtime.size_bytes
        with pytest.raises(GuestTrapError, match="out of bounds"):
            guest.call("sum", model.runtime.size_bytes - 8, 2)


@pytest.mark.parametrize("name", ["blk.0.attn_q.weight", "blk.29.ffn_down.weight"])
def test_matvec(smollm2: Path, tmp_path: Path, name: str) -> None:
    [tensor] = [each for each in reader(smollm2).tensors if each.name == name]
    with load_model(smollm2, memory64=True) as model:
        weights = model.gguf.tensor(name)
        rows, columns = weights.shape
        x = np.random.default_rng(4).standard_normal(columns).astype(np.float32)
        guest = Guest(built("matvec.c", tmp_path), model)

        def place(data: bytes) -> int:
            pointer = guest.call("allocate", len(data))
            assert isinstance(pointer, int)
            guest.write(pointer, data)
            return pointer

        text, at_x, at_y = place(name.encode()), place(x.tobytes()), place(bytes(4 * rows))
        assert guest.call("matvec", text, len(name), at_x, at_y, rows) == rows
        y = np.frombuffer(guest.read(at_y, 4 * rows), np.float32)
        assert guest.call("matvec", text, len(name) - 1, at_x, at_y, rows) == -NOT_FOUND
        assert guest.call("matvec", text, len(name), at_x, at_y, rows - 1) == -9
    exact = dequantize(tensor.data, tensor.tensor_type).astype(np.float64)
    # float32 sums of `columns` numbers: far below one part in 2**24 for each of them.
    bound = columns * 2.0**-24 * (np.abs(exact) @ np.abs(x.astype(np.float64)))
    assert (np.abs(y - exact @ x) <= bound).all()


def test_sum(smollm2: Path) -> None:
    with load_model(smollm2, memory64=True) as model:
        guest = Guest(EXAMPLES / "sum.wat", model)
        for layer_id in (0, 17, 29):
            wanted = np.frombuffer(image(smollm2, layer_id), np.uint8).sum(dtype=np.int64)
            assert guest.call("sum", layer_id) == wanted
        assert guest.call("sum", 30) == -NOT_FOUND


def test_byte_histogram_in_rust(smollm2: Path, tmp_path: Path) -> None:
    module = build_rust((EXAMPLES / "byte_histogram.rs").read_text(), tmp_path)
    with load_model(smollm2, memory64=True) as model:
        guest = Guest(module, model)
        name, counts = guest.call("name"), guest.call("counts")
        assert isinstance(name, int)
        assert isinstance(counts, int)
        for tensor in ("token_embd.weight", "blk.7.ffn_up.weight", "output_norm.weight"):
            guest.write(name, tensor.encode())
            assert guest.call("histogram", len(tensor)) == 0
            wanted = np.bincount(tensor_bytes(smollm2, tensor), minlength=256)
            assert np.frombuffer(guest.read(counts, 8 * 256), "<u8").tolist() == wanted.tolist()
        assert guest.call("histogram", 3) == -NOT_FOUND


def test_the_guide_shows_the_examples_as_they_are() -> None:
    guide = (ROOT / "docs" / "guests.md").read_text()
    for name in ("hash_layers.c", "byte_histogram.rs", "sum.wat"):
        assert (EXAMPLES / name).read_text() in guide
