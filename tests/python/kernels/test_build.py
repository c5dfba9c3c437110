"""Compiling the engine, which set-up has done already."""

import pytest

from memory64.kernels import build


def test_a_process_looks_at_the_sources_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    digest = build._digest
    monkeypatch.setattr(build, "_digest", lambda: looks.append(1) or digest())
    build.build_engine.cache_clear()
    assert [build.engine_wasm(name)[:4] for name in build.VARIANTS] == [b"\0asm", b"\0asm"]
    assert len(looks) == 1
