"""How long from starting a program to holding its first layer?

The program tells when each of its steps was over. The page cache holds the file, as it does for
anybody who starts a program twice.
"""

import json
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise

from bench.errors import BenchError
from bench.measure import JS, ROOT, Sample, in_turns, milliseconds
from bench.page_cache import fill
from bench.table import Row, Table, at_most
from models import generate

ROUNDS = 7
WHOLE = "whole"

Seconds = dict[str, float]


def run() -> Table:
    path = generate.llama_7b()
    fill(path)
    node = ["node", str(JS / "first_layer.mjs"), str(path)]
    python = [sys.executable, "-m", "bench.py.first_layer", str(path)]
    results = in_turns(
        {"node": partial(_program, node), "python": partial(_program, python)}, ROUNDS
    )
    table = Table("How long from starting a program to the first layer of the 7B model?")
    first = Row("node, from start to first layer", _at(results["node"], WHOLE), at_most(400))
    table.add(first, *_steps(results["node"]))
    first = Row("python, from start to first layer", _at(results["python"], WHOLE))
    table.add(first, *_steps(results["python"]))
    return table


def _program(command: list[str]) -> Seconds:
    """The seconds of each step, in order, and of the whole until its line was read."""
    started = time.time()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        line = child.stdout.readline()
        read = time.time()
    if child.returncode:
        raise BenchError(f"{' '.join(command)} exited with {child.returncode}")
    over = {"": started, **json.loads(line)["over"], "its line is read": read}
    steps = {name: end - start for (_, start), (name, end) in pairwise(over.items())}
    return {WHOLE: read - started, **steps}


def _steps(results: list[Seconds]) -> list[Row]:
    return [Row(f"    {name}", _at(results, name)) for name in results[0] if name != WHOLE]


def _at(results: list[Seconds], name: str) -> Sample:
    return milliseconds(seconds[name] for seconds in results)
