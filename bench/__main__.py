"""Run the benches named on the command line, or all of them."""

import argparse
import sys
from collections.abc import Callable

from bench import (
    addon,
    batch,
    cached_layer,
    cold_layer,
    dequantize,
    event_loop,
    far_bytes,
    guests,
    inference,
    larger_than_memory,
    opening,
    start_up,
    walk,
    warm_layer,
)
from bench.errors import BenchError
from bench.machine import facts
from bench.table import Table, keep, show

BENCHES: dict[str, Callable[[], Table]] = {
    "opening": opening.run,
    "far-bytes": far_bytes.run,
    "start-up": start_up.run,
    "cold-layer": cold_layer.run,
    "walk": walk.run,
    "warm-layer": warm_layer.run,
    "cached-layer": cached_layer.run,
    "event-loop": event_loop.run,
    "guests": guests.run,
    "addon": addon.run,
    "dequantize": dequantize.run,
    "inference": inference.run,
    "batch": batch.run,
    "larger-than-memory": larger_than_memory.run,
}


def main() -> int:
    """Returns 1 where a bench could not be run; a missed target is a result like any other."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("name", nargs="*", metavar="NAME", help=f"any of: {', '.join(BENCHES)}")
    chosen = parser.parse_args().name or list(BENCHES)
    if unknown := [name for name in chosen if name not in BENCHES]:
        parser.error(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    return max([_run(name) for name in chosen])


def _run(name: str) -> int:
    machine = facts()
    try:
        table = BENCHES[name]()
    except (BenchError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    show(table, machine)
    keep(name, table, machine)
    return 0


if __name__ == "__main__":
    sys.exit(main())
