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

log = logging.getLogger("memory64")

MAX_FILES = 256
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
        file = self._folder / f"{_name(key, wasm)}.cwasm"
        if code := self._read(file):
            with suppress(wasmtime.WasmtimeError):  # of a processor that can do more
                return wasmtime.Module.deserialize(engine, code)
        module = wasmtime.Module(engine, wasm)
        try:
            self._write(file, bytes(module.serialize()))
        except OSError as error:
            log.debug("a compiled module is not kept: %s", error)
        return module

    def _read(self, file: Path) -> bytes | None:
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        with open(descriptor, "rb") as opened:
            if not (_is_ours(self._folder.stat()) and _is_ours(os.fstat(descriptor))):
                log.warning("%s is not used: others may write to it", file)
                return None
            digest, code = opened.read(_DIGEST_BYTES), opened.read()
        return code if hashlib.sha256(code).digest() == digest else None

    def _write(self, file: Path, code: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._folder)
        temporary = Path(name)
        try:
            with open(descriptor, "wb") as opened:
                opened.write(hashlib.sha256(code).digest() + code)
            temporary.replace(file)
        except BaseException:
            temporary.unlink()
            raise
        self._prune()

    def _prune(self) -> None:
        files = sorted(self._folder.glob("*.cwasm"), key=lambda file: file.stat().st_mtime)
        for file in files[:-MAX_FILES]:
            file.unlink(missing_ok=True)


@cache
def module_cache() -> ModuleCache:
    """The one of this user: below ``MEMORY64_CACHE``, or where caches go."""
    named = os.environ.get("MEMORY64_CACHE")
    if named:
        return ModuleCache(Path(named) / "modules")
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return ModuleCache(Path(caches) / "memory64" / "modules")


def _name(key: str, wasm: bytes) -> str:
    known = f"{version('wasmtime')} {os.uname().machine} {key} {len(wasm)} "
    return hashlib.sha256(known.encode() + wasm).hexdigest()


def _is_ours(found: os.stat_result) -> bool:
    mine = found.st_uid == os.geteuid()
    return mine and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
