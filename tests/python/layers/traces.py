"""Recorded requests for layers, and what a policy makes of them."""

import random
from collections.abc import Iterator, Sequence
from itertools import cycle, islice

from memory64.layers.policies import Policy

LENGTH = 4000


def circular(layers: int) -> list[int]:
    """From the first to the last, and over again."""
    return list(islice(cycle(range(layers)), LENGTH))


def back_and_forth(layers: int) -> list[int]:
    """From the first to the last and back."""
    there_and_back = [*range(layers), *range(layers - 2, 0, -1)]
    return list(islice(cycle(there_and_back), LENGTH))


def at_random(layers: int) -> list[int]:
    """Any layer as likely as any other."""
    rng = random.Random(1)
    return [rng.randrange(layers) for _ in range(LENGTH)]


def hot_set_with_scans(layers: int) -> list[int]:
    """Mostly the first quarter; now and then all of them."""
    return list(islice(_hot_set_with_scans(layers), LENGTH))


def two_walks(layers: int) -> list[int]:
    """Two circular walks in turns, half the layers apart."""
    return [(step + offset) % layers for step in range(LENGTH // 2) for offset in (0, layers // 2)]


TRACES = {
    trace.__name__: trace
    for trace in (circular, back_and_forth, at_random, hot_set_with_scans, two_walks)
}


def hits(policy: Policy, trace: Sequence[int], room: int) -> list[bool]:
    """Which requests find their layer, where so many have room."""
    cached: set[int] = set()
    found = []
    for layer_id in trace:
        policy.used(layer_id)
        found.append(layer_id in cached)
        if layer_id in cached:
            continue
        if len(cached) == room:
            victim = next(policy.victims())
            cached.remove(victim)
            policy.removed(victim)
        cached.add(layer_id)
        policy.admitted(layer_id)
    return found


def most_hits(trace: Sequence[int], room: int) -> list[bool]:
    """Belady's optimum: what is needed again last goes, and what was asked for always comes."""
    next_use: dict[int, int] = {}
    found = []
    for step, layer_id in enumerate(trace):
        found.append(layer_id in next_use)
        if layer_id not in next_use and len(next_use) == room:
            del next_use[max(next_use, key=next_use.__getitem__)]
        next_use[layer_id] = _next(trace, step)
    return found


def _next(trace: Sequence[int], step: int) -> int:
    try:
        return trace.index(trace[step], step + 1)
    except ValueError:
        return len(trace)


def _hot_set_with_scans(layers: int) -> Iterator[int]:
    rng = random.Random(1)
    while True:
        yield from (rng.randrange(layers // 4) for _ in range(3 * layers))
        yield from range(layers)
