"""What does asking for a layer cost that is resident already?"""

from pathlib import Path
from time import perf_counter

from bench.measure import js_driver, microseconds
from bench.table import Row, Table, at_most
from memory64 import load_model
from models import generate

LAYER = 3
BATCHES = 50
CALLS = 1000

GUIDE = "the documented guide: < 1 ms"


def run() -> Table:
    path = generate.llama_7b()
    js = js_driver("round_trips", path, LAYER)["getLayer"]
    table = Table("7B model: what does a layer cost that is resident already?")
    table.add(
        Row("Python, get_layer", microseconds(_in_python(path)), at_most(20), GUIDE),
        Row("JavaScript, await getLayer", microseconds(js["sequential"]), at_most(100), GUIDE),
        Row("JavaScript, 1000 calls at once, each", microseconds(js["pipelined"]), None, GUIDE),
    )
    return table


def _in_python(path: Path) -> list[float]:
    """Seconds a call takes, batch by batch: a single one is near the clock's own cost."""
    seconds = []
    with load_model(path) as model:
        model.get_layer(LAYER)
        for _ in range(BATCHES):
            started = perf_counter()
            for _ in range(CALLS):
                model.get_layer(LAYER)
            seconds.append((perf_counter() - started) / CALLS)
    return seconds
