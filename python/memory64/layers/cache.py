"""Which layers are resident: room, pins and counts. Loads nothing itself."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from weakref import WeakSet

from ..errors import CapacityError
from .policies import Policy
from .prefetch import LayerWalk


@dataclass(frozen=True, slots=True)
class CacheStats:
    """How layers were found when they were asked for, and what is resident.

    Every request that was served counts once: as a miss where the layer was loaded for it,
    otherwise as a hit, also where it waited for a load under way. One that failed or was
    cancelled, preloading and pinning count as neither.
    """

    cache_hits: int
    cache_misses: int
    evictions: int
    """Layers dropped to make room for others."""
    prefetches: int
    """Layers loaded ahead of the request for them."""
    prefetch_hits: int
    """Those of ``cache_hits`` that found what was loaded, or being loaded, ahead of them."""
    stall_seconds: float
    """What the requests together waited for their layers."""
    cached_layers: int
    max_cached: int
    resident_bytes: int
    peak_bytes: int
    """The largest ``resident_bytes`` there has been."""
    capacity_bytes: int

    @property
    def hit_rate(self) -> float:
        """Hits among all requests, 0.0 to 1.0; 0.0 before the first."""
        requests = self.cache_hits + self.cache_misses
        return self.cache_hits / requests if requests else 0.0


@dataclass(slots=True)
class Residency:
    """A layer that takes room."""

    nbytes: int
    ahead: bool
    """Nobody has asked for it yet."""
    pins: int = 0
    loading: bool = True


class LayerCache:
    """The residency of layers under a limit in layers and one in bytes.

    Not safe by itself: every call is made under the manager's lock.
    """

    def __init__(
        self, policy: Policy, max_cached: int, capacity_bytes: int, evict: Callable[[int], None]
    ) -> None:
        """Begin empty; ``evict(layer_id)`` gives a dropped layer's memory back."""
        self.max_cached = max_cached
        self.capacity_bytes = capacity_bytes
        self.lent_bytes = 0
        """Of the capacity: what somebody else has in memory of the same model."""
        self.walks: WeakSet[LayerWalk] = WeakSet()
        """What is near on one of them goes last."""
        self._hits = 0
        self._misses = 0
        self._prefetches = 0
        self._prefetch_hits = 0
        self._stall_seconds = 0.0
        self._policy = policy
        self._evict = evict
        self._layers: dict[int, Residency] = {}
        self._evictions = 0
        self._resident_bytes = 0
        self._peak_bytes = 0

    def find(self, layer_id: int) -> Residency | None:
        """How the layer is held, None where it is not."""
        return self._layers.get(layer_id)

    def count(self, layer_id: int, *, hit: bool, waited: float) -> None:
        """A request was served, for which somebody waited so many seconds."""
        layer = self._layers[layer_id]
        self._hits += hit
        self._misses += not hit
        self._prefetch_hits += layer.ahead
        self._stall_seconds += waited
        layer.ahead = False

    def use(self, layer_id: int) -> None:
        """A layer is asked for, resident or not."""
        self._policy.used(layer_id)

    def admit(self, layer_id: int, nbytes: int) -> bool:
        """Make room for a layer that is about to be loaded, and count it as resident.

        Returns:
            False where room has to be waited for, because layers being loaded take it.

        Raises:
            CapacityError: the layer is larger than the capacity, or pinned layers take
                the room; nothing was dropped then.
        """
        if not self._fits_beside(nbytes, self._held()):
            raise self._refusal(layer_id, nbytes)
        if not self._fits_beside(nbytes, self._held(loading=True)):
            return False
        self._admit(layer_id, Residency(nbytes, ahead=False))
        return True

    def admit_ahead(self, layer_id: int, nbytes: int) -> bool:
        """Make room for a layer that will be asked for, as ``admit`` does for one that is.

        Returns:
            False where layers that are held, in use or about to be used take the room.
        """
        free = {at for at in self._layers if self._droppable(at) and self._steps_to(at) == math.inf}
        if not self._fits_beside(nbytes, [self._layers[at] for at in self._layers.keys() - free]):
            return False
        self._admit(layer_id, Residency(nbytes, ahead=True))
        return True

    def loaded(self, layer_id: int) -> None:
        """The admitted layer's bytes are there."""
        layer = self._layers[layer_id]
        layer.loading = False
        self._prefetches += layer.ahead

    def drop(self, layer_id: int) -> None:
        """Give up a layer: evicted, cleared, or not loaded after all."""
        layer = self._layers.pop(layer_id)
        self._policy.removed(layer_id)
        self._resident_bytes -= layer.nbytes
        self._evict(layer_id)

    def clear(self) -> None:
        """Drop every layer that is neither pinned nor loading."""
        for layer_id in list(filter(self._droppable, self._layers)):
            self.drop(layer_id)

    @property
    def held_bytes(self) -> int:
        """Of layers that cannot be dropped now."""
        return _nbytes(self._held(loading=True))

    def pin(self, layer_id: int) -> None:
        """Keep a resident layer until unpinned as often as pinned."""
        self._layers[layer_id].pins += 1

    def unpin(self, layer_id: int) -> None:
        """Take one pin back.

        Raises:
            ValueError: the layer is not pinned.
        """
        layer = self._layers.get(layer_id)
        if layer is None or layer.pins == 0:
            raise ValueError(f"layer {layer_id} is not pinned")
        layer.pins -= 1

    def stats(self) -> CacheStats:
        """The counts at this moment."""
        return CacheStats(
            cache_hits=self._hits,
            cache_misses=self._misses,
            evictions=self._evictions,
            prefetches=self._prefetches,
            prefetch_hits=self._prefetch_hits,
            stall_seconds=self._stall_seconds,
            cached_layers=len(self._layers),
            max_cached=self.max_cached,
            resident_bytes=self._resident_bytes,
            peak_bytes=self._peak_bytes,
            capacity_bytes=self.capacity_bytes,
        )

    def _admit(self, layer_id: int, layer: Residency) -> None:
        while not self._fits_beside(layer.nbytes, list(self._layers.values())):
            victims = filter(self._droppable, self._policy.victims())
            self.drop(max(victims, key=self._steps_to))
            self._evictions += 1
        self._layers[layer_id] = layer
        self._policy.admitted(layer_id)
        self._resident_bytes += layer.nbytes
        self._peak_bytes = max(self._peak_bytes, self._resident_bytes)

    def _steps_to(self, layer_id: int) -> float:
        """How soon a walk needs the layer."""
        return min((walk.steps_to(layer_id) for walk in self.walks), default=math.inf)

    def _droppable(self, layer_id: int) -> bool:
        layer = self._layers[layer_id]
        return layer.pins == 0 and not layer.loading

    def _held(self, *, loading: bool = False) -> list[Residency]:
        """The layers that are pinned, and those being loaded where these are asked for."""
        layers = self._layers.values()
        return [layer for layer in layers if layer.pins > 0 or (loading and layer.loading)]

    def _fits_beside(self, nbytes: int, layers: list[Residency]) -> bool:
        return (
            len(layers) < self.max_cached
            and _nbytes(layers) + nbytes <= self.capacity_bytes - self.lent_bytes
        )

    def _refusal(self, layer_id: int, nbytes: int) -> CapacityError:
        pinned = self._held()
        held = f", of which {len(pinned)} pinned layers take {_nbytes(pinned)}"
        return CapacityError(
            f"layer {layer_id} needs {nbytes} bytes; the capacity is {self.capacity_bytes} bytes "
            f"in at most {self.max_cached} layers" + (held if pinned else "")
        )


def _nbytes(layers: Iterable[Residency]) -> int:
    return sum(layer.nbytes for layer in layers)
