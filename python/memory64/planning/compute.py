"""How fast the engine gets through weights that are in memory."""

import hashlib
from contextlib import closing
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from ..gguf import GGUFDirectory
from ..inference.engine import Engine, KVCache, Piece, Wanted
from ..inference.saved_session import fingerprint
from ..kernels.build import engine_wasm
from ..layers import Memory64LayerManager, usable_bytes
from ..memory import Cancelled, Memory64Runtime, MemoryLayout

SAMPLE_BYTES = 384 << 20
"""Of layers: beyond what processors keep of them."""
SHARE_OF_SAMPLE = 4
"""And at most one of so many parts of the memory: what streams would time the disk."""
SECONDS = 0.5
MIN_PASSES = 3
MAX_PASSES = 64
_PROCESSORS = Path("/proc/cpuinfo")


class Speed(NamedTuple):
    """How fast the engine was.

    Attributes:
        bytes_per_second: of weights.
        streamed: whether some of them were read from the disk meanwhile, as there was no room.
    """

    bytes_per_second: float
    streamed: bool


def compute_key(gguf: GGUFDirectory, threads: int) -> str:
    """What the rate belongs to."""
    model = f"{fingerprint(gguf).hex()} {_engine_digest()}"
    return f"compute {model} on {_processor()}, {threads} threads"


def measure_compute(gguf: GGUFDirectory, threads: int, cancelled: Cancelled) -> Speed:
    """How fast the engine is when one token follows another.

    By a model of some of the layers, spread over all of them as their types are: the head is
    timed apart, since each model has it once.

    Raises:
        CancelledError: ``cancelled`` became true.
        As ``Engine`` otherwise.
    """
    sample = gguf.with_layers(_spread(gguf))
    with Memory64Runtime(MemoryLayout.for_model(sample)) as runtime:
        manager = Memory64LayerManager(runtime, sample)
        with closing(manager), closing(Engine(sample, runtime, threads, manager)) as engine:
            cache = engine.new_cache(2 * (MAX_PASSES + 1))
            passes = _Passes(engine, cache, cancelled)
            layers, whole = passes.seconds(Wanted.NOTHING), passes.seconds(Wanted.LOGITS)
            nbytes, plan = engine.weights.walk.nbytes, engine.weights.plan
    layer_bytes = sum(map(sample.layer_bytes, range(sample.layer_count)))
    all_layer_bytes = sum(map(gguf.layer_bytes, range(gguf.layer_count)))
    seconds = layers * all_layer_bytes / layer_bytes + max(whole - layers, 0.0)
    speed = (nbytes - layer_bytes + all_layer_bytes) / seconds
    return Speed(speed, streamed=plan is not None and plan.streamed_bytes > 0)


class _Passes:
    """Tokens through a model, one after the other."""

    def __init__(self, engine: Engine, cache: KVCache, cancelled: Cancelled) -> None:
        self._engine = engine
        self._cache = cache
        self._cancelled = cancelled
        self._position = 0

    def seconds(self, wanted: Wanted) -> float:
        """Of the fastest pass but the first, which brings the weights in.

        What slows one down is not the machine, as a rule, but what else runs at the moment, and
        the rate is kept for longer.
        """
        self._pass(wanted)
        times: list[float] = []
        while len(times) < MIN_PASSES or (sum(times) < SECONDS and len(times) < MAX_PASSES):
            started = perf_counter()
            self._pass(wanted)
            times.append(perf_counter() - started)
        return min(times)

    def _pass(self, wanted: Wanted) -> None:
        piece = Piece(self._cache, self._position, [0])
        self._engine.compute([piece], wanted, cancelled=self._cancelled)
        self._position += 1


def _spread(gguf: GGUFDirectory) -> list[int]:
    """As many layers as the sample has, from the first to the last one."""
    sizes = [gguf.layer_bytes(layer_id) for layer_id in range(gguf.layer_count)]
    sample = min(SAMPLE_BYTES, usable_bytes() // SHARE_OF_SAMPLE)
    count = max(1, min(len(sizes), sample * len(sizes) // sum(sizes)))
    return [index * len(sizes) // count for index in range(count)]


@cache  # it reads the module
def _engine_digest() -> str:
    return hashlib.sha256(engine_wasm("relaxed")).hexdigest()[:16]


def _processor() -> str:
    try:
        lines = _PROCESSORS.read_text().splitlines()
    except OSError:
        return "an unknown processor"
    models = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(models, "an unknown processor")
