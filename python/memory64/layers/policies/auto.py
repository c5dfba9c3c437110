"""What would have hit more often so far decides."""

from collections.abc import Iterator

from .cyclic import Cyclic
from .lru import LRU
from .policy import Policy

MEMORY_WALKS = 8
"""A hit counts less with time, 1/e of it after this many requests for each layer."""

CLEARLY_MORE = 1.25
"""Times the hits that make the other one take over: what the one kept is of little use to the
other, so that changing often costs more than it gains."""


class Auto:
    """Goes by ``LRU`` until the requests show that ``Cyclic`` would hit more, or back again.

    Either is tried out on what is asked for, without any memory, with as much room as there
    turned out to be. A circular walk is known for one when it begins its third time round.
    """

    def __init__(self) -> None:
        """Begin as LRU."""
        self._leading, self._other = Candidate(LRU(), LRU()), Candidate(Cyclic(), Cyclic())
        self._asked: set[int] = set()
        self._cached: set[int] = set()
        self._room: int | None = None

    def used(self, layer_id: int) -> None:
        """Let both try the request; see which of them leads."""
        self._asked.add(layer_id)
        fading = 1 - 1 / (MEMORY_WALKS * len(self._asked))
        for candidate in (self._leading, self._other):
            candidate.policy.used(layer_id)
            candidate.score = candidate.score * fading + candidate.trial.ask(layer_id, self._room)
        if self._other.score > self._leading.score * CLEARLY_MORE + 1:
            self._leading, self._other = self._other, self._leading

    def admitted(self, layer_id: int) -> None:
        """Tell both."""
        self._cached.add(layer_id)
        for candidate in (self._leading, self._other):
            candidate.policy.admitted(layer_id)

    def removed(self, layer_id: int) -> None:
        """Tell both."""
        self._cached.remove(layer_id)
        for candidate in (self._leading, self._other):
            candidate.policy.removed(layer_id)

    def victims(self) -> Iterator[int]:
        """Those of the policy that leads."""
        self._room = len(self._cached)
        return self._leading.policy.victims()


class Candidate:
    """A policy that orders what is cached, and its twin that is tried out."""

    def __init__(self, policy: Policy, twin: Policy) -> None:
        """Begin with no hit."""
        self.policy = policy
        self.trial = Trial(twin)
        self.score = 0.0


class Trial:
    """Which layers a policy would hold if it had decided from the beginning."""

    def __init__(self, policy: Policy) -> None:
        """Begin with no layer."""
        self._policy = policy
        self._held: set[int] = set()

    def ask(self, layer_id: int, room: int | None) -> bool:
        """Ask for a layer where so many have room, None for any number; whether it would hit."""
        if room is not None:
            self._shrink(room)
        hit = layer_id in self._held
        self._policy.used(layer_id)
        if not hit:
            if room is not None:
                self._shrink(room - 1)
            self._held.add(layer_id)
            self._policy.admitted(layer_id)
        return hit

    def _shrink(self, count: int) -> None:
        while len(self._held) > max(count, 0):
            victim = next(self._policy.victims())
            self._held.remove(victim)
            self._policy.removed(victim)
