"""Compiled modules on disk: found again, and never one that was not meant."""

import hashlib
import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import wasmtime

from memory64.memory import modules
from memory64.memory.modules import MAX_FILES, ModuleCache

KEY = "a configuration"


def answers(number: int) -> bytes:
    return bytes(
        wasmtime.wat2wasm(f'(module (func (export "f") (result i32) (i32.const {number})))')
    )


@pytest.fixture
def engine() -> wasmtime.Engine:
    return wasmtime.Engine()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "compiled" / "modules"


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What has been compiled, and not found."""
    compiled = []

    class Module(wasmtime.Module):
        def __init__(self, engine: wasmtime.Engine, wasm: bytes) -> None:
            compiled.append(wasm)
            super().__init__(engine, wasm)

    monkeypatch.setattr(modules.wasmtime, "Module", Module)
    return compiled


def answer(engine: wasmtime.Engine, module: wasmtime.Module) -> int:
    store = wasmtime.Store(engine)
    return int(wasmtime.Instance(store, module, []).exports(store)["f"](store))  # type: ignore


def kept(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_a_second_time_it_is_found(
    engine: wasmtime.Engine, folder: Path, compilations: list[bytes]
) -> None:
    for _ in range(3):
        assert answer(engine, ModuleCache(folder).module(engine, KEY, answers(1))) == 1
    assert compilations == [answers(1)]
    assert len(kept(folder)) == 1
    assert folder.stat().st_mode & 0o777 == 0o700
    assert kept(folder)[0].stat().st_mode & 0o777 == 0o600


def test_another_module_and_another_key_are_compiled(
    engine: wasmtime.Engine, folder: Path, compilations: list[bytes]
) -> None:
    cache = ModuleCache(folder)
    assert answer(engine, cache.module(engine, KEY, answers(1))) == 1
    assert answer(engine, cache.module(engine, KEY, answers(2))) == 2
    assert answer(engine, cache.module(engine, "another", answers(1))) == 1
    assert len(compilations) == len(kept(folder)) == 3


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def empty(file: Path) -> None:
    os.truncate(file, 0)


def only_a_digest(file: Path) -> None:
    file.write_bytes(hashlib.sha256(b"").digest())


def another_digest(file: Path) -> None:
    file.write_bytes(bytes(32) + file.read_bytes()[32:])


def writable_by_others(file: Path) -> None:
    file.chmod(0o602)


def writable_by_the_group(file: Path) -> None:
    file.chmod(0o620)


def folder_writable_by_others(file: Path) -> None:
    file.parent.chmod(0o777)


def someone_else_s(file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(file, 65534, -1)


def folder_someone_else_s(file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(file.parent, 65534, -1)


def a_link(file: Path) -> None:
    file.symlink_to(file.rename(file.with_suffix(".moved")))


def a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, mode=0o600)


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    "spoil",
    [
        flip_a_bit,
        cut,
        empty,
        only_a_digest,
        another_digest,
        writable_by_others,
        writable_by_the_group,
        folder_writable_by_others,
        someone_else_s,
        folder_someone_else_s,
        a_link,
        a_pipe,
        a_folder,
    ],
)
def test_a_file_not_to_be_trusted_is_not_used(
    engine: wasmtime.Engine,
    folder: Path,
    compilations: list[bytes],
    spoil: Callable[[Path], None],
) -> None:
    cache = ModuleCache(folder)
    cache.module(engine, KEY, answers(1))
    spoil(kept(folder)[0])
    assert answer(engine, cache.module(engine, KEY, answers(1))) == 1
    assert len(compilations) == 2


@pytest.mark.parametrize("spoil", [flip_a_bit, cut, another_digest, writable_by_others, a_link])
def test_it_is_replaced(
    engine: wasmtime.Engine,
    folder: Path,
    compilations: list[bytes],
    spoil: Callable[[Path], None],
) -> None:
    cache = ModuleCache(folder)
    cache.module(engine, KEY, answers(1))
    spoil(kept(folder)[0])
    for _ in range(2):
        cache.module(engine, KEY, answers(1))
    assert len(compilations) == 2


def test_code_under_the_name_of_another_module_never_runs(
    engine: wasmtime.Engine, folder: Path
) -> None:
    """Though it is right in itself."""
    cache = ModuleCache(folder)
    cache.module(engine, KEY, answers(1))
    [first] = kept(folder)
    cache.module(engine, KEY, answers(2))
    [second] = set(kept(folder)) - {first}
    second.write_bytes(first.read_bytes())
    assert answer(engine, cache.module(engine, KEY, answers(2))) == 2


def test_code_of_another_configuration_is_compiled_anew(
    engine: wasmtime.Engine, folder: Path
) -> None:
    config = wasmtime.Config()
    config.consume_fuel = True
    fuelled = wasmtime.Engine(config)
    ModuleCache(folder).module(engine, KEY, answers(1))
    store = wasmtime.Store(fuelled)
    store.set_fuel(1000)
    module = ModuleCache(folder).module(fuelled, KEY, answers(1))
    wasmtime.Instance(store, module, []).exports(store)["f"](store)  # type: ignore[operator]
    assert store.get_fuel() < 1000


@pytest.mark.parametrize("folder", [Path("/dev/null/cache"), Path("/proc/cache")], ids=str)
def test_a_folder_that_cannot_be_made(engine: wasmtime.Engine, folder: Path) -> None:
    assert answer(engine, ModuleCache(folder).module(engine, KEY, answers(1))) == 1


def test_an_invalid_module_leaves_nothing(engine: wasmtime.Engine, folder: Path) -> None:
    with pytest.raises(wasmtime.WasmtimeError):
        ModuleCache(folder).module(engine, KEY, b"\0asm")
    assert kept(folder) == []


def test_the_oldest_go(engine: wasmtime.Engine, folder: Path) -> None:
    cache = ModuleCache(folder)
    cache.module(engine, KEY, answers(1))
    [first] = kept(folder)
    os.utime(first, (2e9, 2e9))
    for number in range(MAX_FILES + 5):
        file = folder / f"{number:04}.cwasm"
        file.touch()
        os.utime(file, (number, number))
    cache.module(engine, KEY, answers(2))
    names = [file.name for file in kept(folder)]
    assert len(names) == MAX_FILES
    assert first.name in names
    assert "0006.cwasm" not in names
    assert "0007.cwasm" in names


def test_several_processes_at_once(engine: wasmtime.Engine, folder: Path) -> None:
    script = """
import sys, wasmtime
from pathlib import Path
from memory64.memory.modules import ModuleCache
from tests.python.memory.test_modules import answer, answers
engine = wasmtime.Engine()
sys.stdin.read()
for _ in range(20):
    for number in range(5):
        module = ModuleCache(Path(sys.argv[1])).module(engine, "", answers(number))
        assert answer(engine, module) == number
        if number % 2:
            for file in Path(sys.argv[1]).iterdir():
                file.unlink(missing_ok=True)
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, folder],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0, 0, 0]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MEMORY64_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a/modules"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/memory64/modules"),
        ({"HOME": "/c"}, "/c/.cache/memory64/modules"),
    ],
)
def test_where_it_is(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("MEMORY64_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert modules.module_cache.__wrapped__()._folder == Path(expected)


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As containers have them: no entry in the list of users, and no variable."""

    def nobody(number: int) -> None:
        raise KeyError(number)

    for name in ("MEMORY64_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    folder = modules.module_cache.__wrapped__()._folder
    assert folder.parts[-3:] == (f"cache-{os.geteuid()}", "memory64", "modules")
