"""Where a guest's module comes from."""

from collections.abc import Callable
from pathlib import Path

import pytest
import wasmtime

from memory64 import GuestModuleError, SourceError, SourceNotFoundError

from .conftest import MakeGuest
from .modules import ECHO

WASM = bytes(wasmtime.wat2wasm(ECHO))


@pytest.mark.parametrize("content", [ECHO.encode(), WASM], ids=["wat", "wasm"])
@pytest.mark.parametrize("path_type", [Path, str])
def test_a_file(
    guest: MakeGuest, tmp_path: Path, content: bytes, path_type: Callable[[Path], str | Path]
) -> None:
    """What it is shows in its content, not in its name."""
    path = tmp_path / "guest"
    path.write_bytes(content)
    path_or_text = path_type(path)
    # The fixture would take text for WAT.
    source = Path(path_or_text)
    assert guest(source).call("i32", 3) == 3


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("content", [ECHO.encode(), WASM], ids=["wat", "wasm"])
def test_bytes(guest: MakeGuest, kind: Callable[[bytes], object], content: bytes) -> None:
    assert guest(kind(content)).call("i32", 3) == 3


def test_no_such_file(guest: MakeGuest, tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match=r"there is no guest '.*nowhere\.wasm'"):
        guest(tmp_path / "nowhere.wasm")


@pytest.mark.parametrize("name", ["", "zero\0byte"])
def test_what_cannot_be_read(guest: MakeGuest, tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        guest(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "at least one module field"),
        (b"\xff\xfe\x00garbage", "no magic number"),
        (b"(module (func", "no magic number"),
        (b"(module " + b"(" * 100_000, "no magic number"),
        (WASM[:-1], "not a valid module"),
        (WASM[:8] + b"\xff" * 100, "not a valid module"),
        (b"\0asm\x0d\0\x01\0", "not a valid module"),
        (b"\0asm", "not a valid module"),
        (b"(component)", "component"),
    ],
)
def test_no_module(guest: MakeGuest, content: bytes, text: str) -> None:
    with pytest.raises(GuestModuleError, match=text) as caught:
        guest(content)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("imports", "named"),
    [
        ('(import "env" "nothing" (func))', "env.nothing"),
        ('(import "env" "table" (table 1 funcref))', "env.table"),
        ('(import "memory64" "region_other" (memory i64 1))', "memory64.region_other"),
        ('(import "" "" (func)) (import "a" "b" (global i32))', "., a.b"),
    ],
)
def test_a_missing_import_is_named(guest: MakeGuest, imports: str, named: str) -> None:
    with pytest.raises(GuestModuleError, match="imports what there is not: ") as caught:
        guest(f'(module {imports} (memory (export "memory") 1))')
    assert str(caught.value).endswith(named)


@pytest.mark.parametrize(
    "imports",
    [
        '(import "env" "memory64_read" (func (param i32)))',
        '(import "env" "memory64_stats" (global i64))',
        '(import "memory64" "region_weights" (memory 1))',
    ],
)
def test_an_import_of_the_wrong_type(guest: MakeGuest, imports: str) -> None:
    with pytest.raises(GuestModuleError, match="incompatible import type"):
        guest(f'(module {imports} (memory (export "memory") 1))')
