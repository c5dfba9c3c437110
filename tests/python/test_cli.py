"""The command line, run as users run it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from models import generate
from models.split import split
from models.writer import text
from tests.oracle import reader


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "memory64", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_info_as_json_says_what_the_oracle_says(gemma: Path) -> None:
    facts = json.loads(run("info", gemma, "--json").stdout)
    oracle = reader(gemma)
    assert facts["architecture"] == "gemma3"
    assert facts["size_bytes"] == gemma.stat().st_size
    assert facts["tensors"] == len(oracle.tensors)
    assert facts["layers"] == 18
    outside = [t.n_bytes for t in oracle.tensors if not t.name.startswith("blk.")]
    assert facts["outside_layers_bytes"] == sum(outside)
    assert facts["loading"]["memory64"] is False
    assert facts["loading"]["layers_that_fit"] >= 1


def test_info_as_a_table(smollm2: Path) -> None:
    result = run("info", smollm2)
    assert result.returncode == 0
    for fact in ("llama", "98.4 MB", "272: ", "Q4_1 210", "30 of 2.2 MB", "standard"):
        assert fact in result.stdout


def test_info_of_a_split_model(tiny: Path, tmp_path: Path) -> None:
    parts = split(tiny, tmp_path, 2)
    facts = json.loads(run("info", parts[1], "--json").stdout)
    assert facts["files"] == 2
    assert facts["size_bytes"] == sum(part.stat().st_size for part in parts)


def test_layers_times_each_layer(tiny: Path) -> None:
    result = json.loads(run("layers", tiny, "--json").stdout)
    assert [row["layer"] for row in result["layers"]] == [0, 1, 2, 3]
    for row in result["layers"]:
        assert min(row["cold_ms"], row["warm_ms"], row["cached_ms"]) > 0
    assert result["statistics"]["cache_hits"] == 4
    assert result["statistics"]["cache_misses"] == 8
    assert result["statistics"]["hit_rate"] == pytest.approx(1 / 3)


def test_layers_as_a_table(tiny: Path) -> None:
    result = run("layers", tiny)
    assert result.returncode == 0
    assert "cold ms" in result.stdout
    assert "4 hits, 8 misses" in result.stdout
    assert result.stderr == ""  # no progress bar where there is no terminal


def test_errors_are_one_line_with_the_code(tmp_path: Path) -> None:
    for command in ("info", "layers"):
        result = run(command, tmp_path / "none.gguf")
        assert result.returncode == 1
        assert result.stderr.count("\n") == 1
        assert "none.gguf: no such file [ERR_MEMORY64_SOURCE_NOT_FOUND]" in result.stderr
        assert result.stdout == ""


def test_a_name_cannot_speak_to_the_terminal(tmp_path: Path) -> None:
    name = "x [/foo] [bold]y \x1b[31mred\x07"
    path = generate.tiny(tmp_path / "m.gguf", metadata={"general.name": text(name)})
    result = run("info", path)
    assert result.returncode == 0
    assert "x [/foo] [bold]y \ufffd[31mred\ufffd" in result.stdout


def test_help_and_version() -> None:
    assert "layers" in run("--help").stdout
    assert "cold" in run("layers", "--help").stdout
    assert run("--version").stdout.strip() == "0.1.0"
    assert run("info").returncode == 2
