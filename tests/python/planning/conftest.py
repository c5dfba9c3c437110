"""What does not depend on what else this process has done."""

import pytest

MIB = 1 << 20


@pytest.fixture(autouse=True)
def own_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory64.planning.fit._own_bytes", lambda: 30 * MIB)
