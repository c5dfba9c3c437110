"""Compiled modules, kept on disk: compiling takes from milliseconds to seconds.

A compiled module is native code, which wasmtime takes as it is. So a file counts only
where nobody but this user can have written it and where its checksum is right; anything
else is compiled anew and replaced. A file's name stands for all that the code depends on:
the module, the engine's configuration, wasmtime's version and the machine.
"""

import hashlib
import logging
import os
import stat
import tempfile
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

import wasmtime

from .user_cache import user_cache

log = logging.getLogger("memory64")

MAX_FILES = 256
_SUFFIX = ".cwasm"
_DIGEST_BYTES = hashlib.sha256().digest_size


class ModuleCache:
    """Compiled modules in a folder."""

    def __init__(self, folder: Path) -> None:
        """Keep them in ``folder``, which is made when the first one is kept."""
        self._folder = folder

    def module(self, engine: wasmtime.Engine, key: str, wasm: bytes) -> wasmtime.Module:
        """The module ``wasm``, from the folder or compiled.

        Args:
            engine: what it is to run in.
            key: the configuration of ``engine``, in any words.
            wasm: a binary module.

        Raises:
            wasmtime.WasmtimeError: it is not a valid module.
        """
        file = self._folder / (_name(key, wasm) + _SUFFIX)
        code = None
        with suppress(OSError):
            code = self._read(file)
        if code:
            with suppress(wasmtime.WasmtimeError):  # of a processor that can do more
                return wasmtime.Module.deserialize(engine, code)
        module = wasmtime.Module(engine, wasm)
        try:
            self._write(file, bytes(module.serialize()))
        except OSError as error:
            log.debug("a compiled module is not kept: %s", error)
        return module

    def _read(self, file: Path) -> bytes | None:
        """The code in ``file``, None where it is not to be trusted.

        Raises:
            OSError: there is none, or it cannot be read.
        """
        # The folder first: opening another's file may be a trap already.
        ours = _is_ours(self._folder.stat())
        if ours:
            with open(file, "rb", opener=_plainly) as opened:
                ours = _is_ours(os.fstat(opened.fileno()))
                digest, code = opened.read(_DIGEST_BYTES), opened.read()
        if not ours:
            log.warning("%s is not used: others may write to it", file)
            return None
        return code if _digest(file, code) == digest else None

    def _write(self, file: Path, code: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._folder, suffix=_SUFFIX)
        temporary = Path(name)
        try:
            with open(descriptor, "wb") as opened:
                opened.write(_digest(file, code) + code)
            temporary.replace(file)
        except BaseException:
            temporary.unlink()
            raise
        self._prune()

    def _prune(self) -> None:
        files = sorted(self._folder.glob(f"*{_SUFFIX}"), key=lambda file: file.stat().st_mtime)
        for file in files[:-MAX_FILES]:
            file.unlink(missing_ok=True)


@cache
def module_cache() -> ModuleCache:
    """The one of this user."""
    return ModuleCache(user_cache() / "modules")


def _name(key: str, wasm: bytes) -> str:
    known = f"{_wasmtime_version()} {os.uname().machine} {key} {len(wasm)} "
    return hashlib.sha256(known.encode() + wasm).hexdigest()


@cache  # it reads a file
def _wasmtime_version() -> str:
    return version("wasmtime")


def _digest(file: Path, code: bytes) -> bytes:
    """Of the code and its name, so that no file counts in the place of another."""
    return hashlib.sha256(file.name.encode() + code).digest()


def _plainly(path: str, flags: int) -> int:
    """Follow no link, and wait for nobody to write into a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _is_ours(found: os.stat_result) -> bool:
    mine = found.st_uid == os.geteuid()
    return mine and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
