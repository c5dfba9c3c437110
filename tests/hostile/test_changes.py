"""Files that change while a model is open.

What is read afterwards is either the bytes that were there when it was opened, or an error.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memory64 import SourceChangedError

from .attack import check_refusal, check_success
from .builder import ARRAY, STRING, Pair, array, model, string
from .process import Child

# Every tensor takes several pages of the operating system, and of each kind of page: first ones
# shared with the header, last ones cut by the file's end.
CONTENT = model(rows=1000).with_pair(
    Pair(b"tokenizer.ggml.tokens", ARRAY, array(STRING, 5000, string(b"token") * 5000))
)
DATA_START = len(CONTENT.header())

REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "get_layer": ("get_layer", {"layer_id": 1}),
    "get_layer_cached": ("get_layer", {"layer_id": 0}),
    "tensor_data": ("tensor_data", {"name": "blk.1.attn_q.weight"}),
    "tensor_data_cached": ("tensor_data", {"name": "blk.0.attn_q.weight"}),
    "read": ("read", {"name": "blk.1.attn_q.weight"}),
    "load_tensor": ("load_tensor", {"name": "token_embd.weight"}),
    "preload_all_layers": ("preload_all_layers", {}),
    "strings": ("metadata", {"key": "tokenizer.ggml.tokens"}),
    "numbers": ("metadata", {"key": "tokenizer.ggml.scores"}),
}


def become_empty(path: Path) -> None:
    os.truncate(path, 0)


def lose_the_data(path: Path) -> None:
    os.truncate(path, DATA_START)


def lose_the_last_byte(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def grow(path: Path) -> None:
    with open(path, "ab") as file:
        file.write(b"more")


def be_written_over(path: Path) -> None:
    """Same size, other bytes, as lengths of strings larger than anything."""
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.write(b"\xff" * size)


def be_written_over_by_another_model(path: Path) -> None:
    with open(path, "r+b") as file:
        file.truncate(0)
        file.write(model(rows=2000).encode())


def be_deleted(path: Path) -> None:
    path.unlink()


def be_renamed(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))


def be_replaced_by_renaming(path: Path) -> None:
    """As programs save files that are safe to replace: the old one stays what it was."""
    other = path.with_suffix(".new")
    other.write_bytes(b"\xff" * path.stat().st_size)
    other.rename(path)


def lose_all_permissions(path: Path) -> None:
    path.chmod(0)


HARMFUL = [
    become_empty,
    lose_the_data,
    lose_the_last_byte,
    grow,
    be_written_over,
    be_written_over_by_another_model,
]
HARMLESS = [be_deleted, be_renamed, be_replaced_by_renaming, lose_all_permissions]

modes = pytest.mark.parametrize("memory64", [True, False], ids=["memory64", "standard"])
requests = pytest.mark.parametrize("request_name", REQUESTS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A model written a while ago: changes of one moment may bear the same time."""
    path = tmp_path / "model.gguf"
    path.write_bytes(CONTENT.encode())
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


@modes
@requests
@pytest.mark.parametrize("change", HARMFUL)
def test_changed(
    change: Callable[[Path], None], request_name: str, memory64: bool, child: Child, path: Path
) -> None:
    check_success(child.ask("open", path=str(path), enabled=memory64))
    check_success(child.ask("get_layer", layer_id=0))
    change(path)
    request, arguments = REQUESTS[request_name]
    check_refusal(child.ask(request, **arguments), SourceChangedError, str(path))
    check_success(child.ask("close"))


@pytest.mark.parametrize("change", HARMFUL)
def test_preloaded_and_changed(change: Callable[[Path], None], child: Child, path: Path) -> None:
    """Though nothing is left to be loaded, what is there can no longer be trusted."""
    check_success(child.ask("open", path=str(path), enabled=True))
    check_success(child.ask("preload_all_layers"))
    change(path)
    check_refusal(child.ask("preload_all_layers"), SourceChangedError, str(path))


@modes
@pytest.mark.parametrize("change", HARMLESS)
def test_goes_on_working(
    change: Callable[[Path], None], memory64: bool, child: Child, path: Path
) -> None:
    check_success(child.ask("open", path=str(path), enabled=memory64))
    expected = _answers(child)
    check_success(child.ask("open", path=str(path), enabled=memory64))
    change(path)
    assert _answers(child) == expected


@modes
def test_the_next_model_loads(memory64: bool, child: Child, path: Path) -> None:
    check_success(child.ask("open", path=str(path), enabled=memory64))
    expected = _answers(child)
    be_written_over(path)
    check_refusal(child.ask("get_layer", layer_id=1), SourceChangedError)
    path.write_bytes(CONTENT.encode())
    check_success(child.ask("open", path=str(path), enabled=memory64))
    assert _answers(child) == expected


def test_an_array_read_before_the_change(child: Child, path: Path) -> None:
    """What was read before the change was true, and may stay."""
    check_success(child.ask("open", path=str(path), enabled=True))
    scores = check_success(child.ask("metadata", key="tokenizer.ggml.scores"))
    be_written_over(path)
    assert check_success(child.ask("metadata", key="tokenizer.ggml.scores")) == scores


def _answers(child: Child) -> dict[str, Any]:
    return {
        name: check_success(child.ask(request, **arguments))
        for name, (request, arguments) in REQUESTS.items()
    }
