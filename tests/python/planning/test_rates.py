"""Rates on disk: found again, and never one that cannot be."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from memory64.planning.rates import MAX_RATES, Rate, Rates, kept_rates


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "made" / "rates.json"


def test_a_rate_is_found_again(file: Path) -> None:
    kept = Rates(file).keep("disk", 2.5e9)
    assert kept == Rate(2.5e9, date.today().isoformat())
    Rates(file).keep("compute", 9e9)
    assert Rates(file).find("disk") == kept
    assert Rates(file).find("another") is None
    Rates(file).keep("disk", 1.0)
    assert Rates(file).find("disk") == Rate(1.0, kept.measured)
    assert [each.name for each in file.parent.iterdir()] == ["rates.json"]


@pytest.mark.parametrize(
    "found",
    [
        "no JSON",
        [],
        {"disk": 1},
        {"disk": {"bytes_per_second": 1.0}},
        {"disk": {"bytes_per_second": 0.0, "measured": "2026-11-23"}},
        {"disk": {"bytes_per_second": float("nan"), "measured": "2026-11-23"}},
        {"disk": {"bytes_per_second": "fast", "measured": "2026-11-23"}},
        {"disk": {"bytes_per_second": 1.0, "measured": "\x1b[31m"}},
        {"disk": {"bytes_per_second": 1.0, "measured": 7}},
    ],
    ids=str,
)
def test_what_is_no_rate_does_not_count(file: Path, found: Any) -> None:
    file.parent.mkdir()
    file.write_text(found if isinstance(found, str) else json.dumps(found))
    assert Rates(file).find("disk") is None
    Rates(file).keep("disk", 3.0)
    assert Rates(file).find("disk")


def test_a_rate_that_cannot_be_kept_is_a_rate(file: Path) -> None:
    file.parent.write_text("a file where the folder would be")
    assert Rates(file).keep("disk", 3.0).bytes_per_second == 3.0
    assert Rates(file).find("disk") is None


def test_the_oldest_go(file: Path) -> None:
    file.parent.mkdir()
    old = {"bytes_per_second": 1.0, "measured": "2020-01-01"}
    kept = {f"{index}": old | {"measured": "2026-01-01"} for index in range(MAX_RATES)}
    file.write_text(json.dumps({"old": old} | kept))
    Rates(file).keep("new", 2.0)
    assert Rates(file).find("old") is None
    assert Rates(file).find("new")
    assert len(json.loads(file.read_text())) == MAX_RATES


def test_where_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEMORY64_CACHE", str(tmp_path))
    kept_rates().keep("disk", 2.0)
    assert (tmp_path / "rates.json").exists()
