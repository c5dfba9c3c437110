"""The command line, run as users run it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from models import generate
from models.split import split
from models.writer import text, u32
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


def test_info_says_what_running_it_takes(smollm2: Path, tmp_path: Path) -> None:
    running = json.loads(run("info", smollm2, "--json").stdout)["running"]
    assert running["kept_bytes"] == running["weights_bytes"]
    assert running["streamed_bytes"] == 0
    words = " ".join(run("info", smollm2).stdout.split())
    assert "needs 96.6 MB for each token; all of it stays in memory" in words
    other = generate.tiny(tmp_path / "m.gguf", metadata={"llama.embedding_length": u32(250)})
    assert (
        "embedding_length" in json.loads(run("info", other, "--json").stdout)["running"]["problem"]
    )
    result = run("info", other)
    assert result.returncode == 0
    assert "embedding_length" in result.stdout


def test_plan_as_json(smollm2: Path) -> None:
    arguments = ["--memory", "1.5G", "--context-length", "100", "--threads", "1", "--json"]
    plan = json.loads(run("plan", smollm2, *arguments).stdout)
    assert (plan["memory_bytes"], plan["context_length"]) == (3 << 29, 100)
    assert plan["kept_bytes"] == plan["weights_bytes"] == 96_576_768
    assert plan["threads"] == 1
    assert plan["tokens_per_second"] > 0
    measured = plan["compute_rate"]
    again = json.loads(run("plan", smollm2, *arguments).stdout)
    assert again["compute_rate"] == measured
    anew = json.loads(run("plan", smollm2, "--measure", *arguments).stdout)
    assert anew["compute_rate"] != measured


def test_plan_as_a_table(smollm2: Path) -> None:
    result = run("plan", smollm2, "--memory", "170M")
    assert (result.returncode, result.stderr) == (0, "")
    words = " ".join(result.stdout.split())
    for fact in (
        "178.3 MB, a tenth of it left free",
        "11.8 MB for 512 tokens",
        "96.6 MB of weights: ",
        " stay in memory, ",
        "with memory of stays streams tokens a second",
        "715.1 MB 96.6 MB 0 bytes ",
    ):
        assert fact in words, words
    whole = " ".join(run("plan", smollm2).stdout.split())
    assert "96.6 MB of weights: all of it stays in memory" in whole
    assert "Disk not needed" in whole


def test_plan_used_wrongly_says_how(smollm2: Path) -> None:
    for arguments, message in (
        (["--memory", "1.5X"], "'1.5X' is not a size"),
        (["--memory", "1.5"], "'1.5' is not a size"),
        (["--memory", "0"], "memory_bytes needs to be a positive number"),
        (["--context-length", "9000"], "from 1 to 8192"),
    ):
        result = run("plan", smollm2, *arguments)
        assert (result.returncode, result.stdout) == (2, "")
        assert message in " ".join(result.stderr.replace("│", " ").split())
    result = run("plan", smollm2, "--memory", "1M")
    assert result.returncode == 1
    assert "[ERR_MEMORY64_CAPACITY]" in result.stderr


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


GUEST = """(module
  (import "env" "memory64_layer_count" (func $layers (result i32)))
  (import "env" "memory64_is_enabled" (func $enabled (result i32)))
  (memory (export "memory") 1)
  (func (export "facts") (result i32 i32) (call $layers) (call $enabled))
  (func (export "add") (param i32 i64) (result i64)
    (i64.add (i64.extend_i32_s (local.get 0)) (local.get 1)))
  (func (export "halve") (param f32 f64) (result f32 f64)
    (f32.mul (f32.const 0.5) (local.get 0)) (f64.mul (f64.const 0.5) (local.get 1)))
  (func (export "none"))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "bad name \\1b[31m") unreachable)
  (func (export "spin") (loop $l (br $l))))"""

PRINTS = """(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\06\\00\\00\\00")
  (data (i32.const 16) "hello\\n")
  (func $print (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12))))
  (func (export "answer") (result i32) (i32.const 42))
  (func (export "spin") (call $print) (loop $l (br $l))))"""


@pytest.fixture
def guest(tmp_path: Path) -> Path:
    path = tmp_path / "guest.wat"
    path.write_text(GUEST)
    return path


@pytest.fixture
def prints(tmp_path: Path) -> Path:
    path = tmp_path / "prints.wat"
    path.write_text(PRINTS)
    return path


def test_run_names_what_a_guest_exports(guest: Path, tiny: Path) -> None:
    result = run("run", guest, "--model", tiny)
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "facts () -> (i32, i32)",
        "add (i32, i64) -> i64",
        "halve (f32, f64) -> (f32, f64)",
        "none () -> ()",
        "grow (i32) -> i32",
        "bad name \ufffd[31m () -> ()",
        "spin () -> ()",
    ]


@pytest.mark.parametrize(
    ("call", "printed"),
    [
        (["facts"], ["4", "1"]),
        (["add", "3", "7"], ["10"]),
        (["add", "-3", "-0x10"], ["-19"]),
        (["add", "--", "-3", "7"], ["4"]),
        (["add", "0xffffffff", "0"], ["-1"]),
        (["add", "007", "9223372036854775807"], ["-9223372036854775802"]),
        (["halve", "3", "-1e3"], ["1.5", "-500.0"]),
        (["halve", "-inf", "nan"], ["-inf", "nan"]),
        (["none"], []),
    ],
    ids=" ".join,
)
def test_run_prints_one_result_a_line(
    guest: Path, tiny: Path, call: list[str], printed: list[str]
) -> None:
    result = run("run", guest, "--model", tiny, "--call", *call)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == printed


@pytest.mark.parametrize(
    ("size", "grown"), [("131072", "1"), ("128K", "1"), ("1m", "1"), ("1G", "1"), ("64K", "-1")]
)
def test_run_limits_memory(guest: Path, tiny: Path, size: str, grown: str) -> None:
    result = run("run", guest, "--model", tiny, "--memory", size, "--call", "grow", "1")
    assert result.stdout.strip() == grown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--timeout", "0.05", "--call", "spin"], "0.05 s [ERR_MEMORY64_GUEST_TIMEOUT]"),
        (["--fuel", "1000", "--call", "spin"], "fuel of 1000 [ERR_MEMORY64_GUEST_TRAP]"),
        (
            ["--call", "bad name \x1b[31m"],
            "wasm trap: wasm `unreachable` instruction executed; 0: ",
        ),
        (["--call", "nix"], "no function 'nix'"),
        (["--memory", "1K"], "[ERR_MEMORY64_GUEST_MODULE]"),
    ],
)
def test_run_fails_in_one_line(guest: Path, tiny: Path, options: list[str], message: str) -> None:
    result = run("run", guest, "--model", tiny, *options)
    assert (result.returncode, result.stdout) == (1, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_guest_needs_wasi_to_print(prints: Path, tiny: Path) -> None:
    result = run("run", prints, "--model", tiny)
    assert result.returncode == 1
    assert "wasi_snapshot_preview1.fd_write" in result.stderr


def test_run_with_wasi_starts_the_guest(prints: Path, guest: Path, tiny: Path) -> None:
    assert run("run", prints, "--model", tiny, "--wasi").stdout == "hello\n"
    answer = run("run", prints, "--model", tiny, "--wasi", "--call", "answer")
    assert answer.stdout == "42\n"
    assert "facts" in run("run", guest, "--model", tiny, "--wasi").stdout  # it has no _start


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--call", "add", "1"], "takes 2 arguments"),
        (["--call", "add", "1", "0.5"], "an integer of 64"),
        (["--call", "add", "1", "x"], "'x' is not a number"),
        (["--call", "add", "4294967296", "1"], "an integer of 32"),
        (["--timeot", "5"], "'--timeot' is an argument for no"),
        (["--memory", "6X"], "'6X' is not a size"),
        (["--timeout", "0"], "timeout needs to be positive"),
        (["--fuel", "-1"], "fuel needs to be positive"),
    ],
)
def test_run_used_wrongly_says_how(
    guest: Path, tiny: Path, options: list[str], message: str
) -> None:
    result = run("run", guest, "--model", tiny, *options)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


def test_ctrl_c_stops_a_guest(prints: Path, tiny: Path) -> None:
    command = [sys.executable, "-m", "memory64", "run", str(prints), "--model", str(tiny)]
    with subprocess.Popen(
        [*command, "--wasi", "--call", "spin"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"hello\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == b""


def test_help_and_version() -> None:
    assert "layers" in run("--help").stdout
    assert "cold" in run("layers", "--help").stdout
    assert "--timeout" in run("run", "--help").stdout
    assert run("--version").stdout.strip() == "0.1.0"
    assert run("info").returncode == 2
    assert run("run", "guest.wat").returncode == 2
