"""``memory64 generate`` and ``memory64 chat``, run as users run them."""

import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from memory64 import load_model

COMMAND = [sys.executable, "-m", "memory64"]
PROMPT = "The capital of France is"


def run(*arguments: str | Path, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], input=said, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def continued(smollm2: Path) -> str:
    with load_model(smollm2) as model:
        return "".join(model.generate(PROMPT, max_tokens=12, temperature=0))


def test_generate_prints_what_the_model_says(smollm2: Path, continued: str) -> None:
    options = ["--max-tokens", "12", "--temperature", "0"]
    result = run("generate", smollm2, PROMPT, *options)
    assert (result.returncode, result.stdout, result.stderr) == (0, continued + "\n", "")
    assert run("generate", smollm2, "-", *options, said=PROMPT).stdout == continued + "\n"


def test_statistics_are_lines_of_their_own(smollm2: Path, continued: str) -> None:
    options = ["--max-tokens", "12", "--temperature", "0", "--stats"]
    result = run("generate", smollm2, PROMPT, *options)
    assert (result.returncode, result.stdout) == (0, continued + "\n")
    last = result.stderr.splitlines()[-1]
    assert last.startswith("12 tokens, ")
    assert "keeps 96.6 MB, streams 0 bytes" in last
    result = run("chat", smollm2, *options, said="Hello\n")
    assert result.returncode == 0
    assert " tokens, " in result.stderr


def test_statistics_on_a_terminal_are_below_the_text(smollm2: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*COMMAND, "generate", str(smollm2), PROMPT, "--temperature", "0", "--stats"]
    environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm"}
    with subprocess.Popen(
        [*command, "--max-tokens", "12"], stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # which a terminal's end is
            while data := os.read(ours, 1 << 16):
                shown += data
        assert process.wait(30) == 0
    os.close(ours)
    lines = shown.decode().splitlines()
    [at] = [index for index, line in enumerate(lines) if "tokens of prompt" in line]
    assert "12 tokens, " in lines[at - 1]
    assert "Paris" in shown.decode()


def test_generate_stops_where_it_is_told(smollm2: Path, continued: str) -> None:
    word = continued.split()[2]
    result = run("generate", smollm2, PROMPT, "--temperature", "0", "--stop", word)
    assert result.stdout == continued[: continued.index(word)] + "\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-tokens", "0"], "max-tokens"),
        (["--temperature", "-1"], "temperature"),
        (["--top-p", "2"], "top-p"),
        (["--threads", "0"], "threads"),
    ],
)
def test_generate_used_wrongly_says_how(tiny: Path, arguments: list[str], message: str) -> None:
    result = run("generate", tiny, PROMPT, *arguments)
    assert result.returncode == 2
    assert message in result.stderr


def test_chat_in_a_context_the_model_was_not_made_for(smollm2: Path) -> None:
    result = run("chat", smollm2, "-c", "99999")
    assert result.returncode == 2
    assert "from 1 to 8192" in result.stderr


def test_chat_answers_line_by_line(smollm2: Path) -> None:
    said = "What is\\\n2+2?\n\n/clear\nName three colors.\n/exit\nnever read\n"
    result = run("chat", smollm2, "--temperature", "0", "--max-tokens", "60", said=said)
    assert result.returncode == 0
    first, rest = result.stdout.split("\n", 1)
    assert "4" in first
    assert "Red" in rest


def test_chat_needs_a_model_that_chats(gemma: Path) -> None:
    result = run("chat", gemma, said="Hello\n")
    assert result.returncode == 1
    assert "[ERR_MEMORY64_CHAT_TEMPLATE]" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_ctrl_c_stops_a_text(smollm2: Path) -> None:
    command = [*COMMAND, "generate", str(smollm2), "Once upon a time", "--temperature", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read() == b""


def test_ctrl_c_stops_an_answer_and_not_the_conversation(smollm2: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*COMMAND, "chat", str(smollm2), "--temperature", "0"]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE) as process:
        assert process.stdout
        os.write(ours, b"Write a very long story.\n")
        assert len(process.stdout.read(40)) == 40  # well under way
        process.send_signal(signal.SIGINT)
        os.write(ours, b"Name three colors.\n/exit\n")
        rest = process.stdout.read().decode()
        assert process.wait(30) == 0
        # The end of the first answer, the second one, and a prompt after each.
        assert rest.count("\n> ") == 2
        assert rest.removesuffix("> ").split("\n> ")[1].strip()
    os.close(ours)
    os.close(theirs)
