"""How a model fits into memory."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import ceil
from pathlib import Path

from ..gguf import GGUFDirectory, TensorInfo
from ..inference.architecture import dimensions
from ..inference.budget import Budget
from ..inference.description import describe
from ..inference.instance import activations_bytes
from ..inference.places import Room, cache_bytes, places_for
from ..inference.steps import walk_through
from ..kernels import kernels
from ..layers import usable_bytes
from ..layers.limits import KEEP_FREE_FRACTION
from ..memory import Span
from ..streaming import StreamPlan, plan_stream

CONTEXT_LENGTH = 512
"""Tokens whose keys and values are planned for, unless another number is given: a page of text."""
STEP_BYTES = 512 << 20
MAX_STEPS = 6
_STATUS = Path("/proc/self/status")


class Fit:
    """The weights of a model beside all else that running it takes.

    Attributes:
        walk: the weights as a pass reads them.
        memory_bytes: what the process has.
        context_length: tokens of a session.
        session_bytes: what their keys and values take.
    """

    def __init__(
        self,
        gguf: GGUFDirectory,
        span: Callable[[TensorInfo], Span],
        *,
        memory_bytes: int | None = None,
        capacity_bytes: int | None = None,
        context_length: int | None = None,
        in_place: bool = True,
    ) -> None:
        """Check the model; nothing of its weights is read.

        Args:
            gguf: the model.
            span: where a tensor lies in the flat space.
            memory_bytes: what the process has; what there is by default.
            capacity_bytes: of weights in memory at most.
            context_length: ``CONTEXT_LENGTH`` by default, or fewer where the model was made for
                fewer.
            in_place: whether the weights are used where they lie in the file: what is copied
                from there stays in memory.

        Raises:
            UnsupportedArchitectureError, UnsupportedQuantTypeError: it cannot be run.
            GGUFFormatError: its numbers or tensors contradict each other.
            ValueError: the model was not made for so many tokens, or there is no such memory.
        """
        found = dimensions(gguf)
        describe(gguf, found, lambda info: span(info).offset)
        room = Room()
        places_for(room, found, activations_bytes(kernels()))
        self.walk = walk_through(gguf, span)
        self.context_length = _within(
            "context_length", context_length, found.context_length, CONTEXT_LENGTH
        )
        self.session_bytes = cache_bytes(found, self.context_length)
        usable = usable_bytes() if memory_bytes is None else _usable_of(memory_bytes)
        self.memory_bytes = memory_bytes or _memory_of(usable)
        self._in_place = in_place
        capacity = self.walk.nbytes if capacity_bytes is None else capacity_bytes
        self._budget = Budget(usable, capacity, room.size + self.session_bytes)

    def plan(self, more_bytes: int = 0) -> StreamPlan:
        """What stays and what streams, with so much more memory.

        Raises:
            CapacityError: there is no room for the largest step.
        """
        usable = self._budget.usable_bytes + _without_free(more_bytes)
        budget = replace(self._budget, usable_bytes=usable).weights_bytes
        return plan_stream(self.walk, budget if self._in_place else self.walk.nbytes)

    def steps(self) -> Iterator[int]:
        """Growing sizes of more memory, the last of which lets as much stay as memory can."""
        wanted = min(self.walk.nbytes, self._budget.capacity_bytes)
        missing = max(0, wanted - self._budget.left_bytes) / (1 - KEEP_FREE_FRACTION)
        steps = ceil(missing / STEP_BYTES) if self.plan().streamed_bytes else 0
        stride = -(-steps // MAX_STEPS)
        for step in range(stride, steps, stride or 1):
            yield step * STEP_BYTES
        if steps:
            yield steps * STEP_BYTES


def _within(name: str, value: int | None, most: int, default: int) -> int:
    if value is None:
        return min(default, most)
    if type(value) is not int or not 0 < value <= most:
        raise ValueError(
            f"{name} needs to be a whole number from 1 to {most}, for which the model was made, "
            f"found {value!r}"
        )
    return value


def _usable_of(memory_bytes: int) -> int:
    if type(memory_bytes) is not int or memory_bytes <= 0:
        raise ValueError(f"memory_bytes needs to be a positive number, found {memory_bytes!r}")
    return _without_free(memory_bytes - _own_bytes())


def _memory_of(usable: int) -> int:
    return int(usable / (1 - KEEP_FREE_FRACTION)) + _own_bytes()


def _without_free(nbytes: int) -> int:
    """What may be used of memory that is added."""
    return int(nbytes * (1 - KEEP_FREE_FRACTION))


def _own_bytes() -> int:
    """What the interpreter and its libraries take."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon:"))
