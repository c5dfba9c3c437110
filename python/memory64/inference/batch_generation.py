"""Text for several prompts at once: each pass through the layers serves all of them."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from ..closeable import Closeable
from ..errors import CapacityError, OutOfBoundsError
from ..memory import Cancelled, never
from .engine import Engine
from .generation import Continuation, FinishReason, GenerateOptions, check_options, reason_of
from .live_stats import StatsTeller
from .sampling import MAX_SEED
from .sequence import TokenSequence, check_tokens
from .together import Share, see_together, share_out
from .tokenizer import Tokenizer

BatchPiece = tuple[int, str]
"""The number of a prompt, and what comes next of its text; ``""`` tells that it has ended."""


class GenerationBatch(Iterator[BatchPiece], Closeable):
    """An iterator over pieces of several texts, as they come; ``close`` it to stop early.

    Attributes:
        results: of each prompt ``text``, ``usage``, ``finish_reason`` and ``logprobs`` so far;
            final once its empty piece has come. Times are those of the batch, the wait for a
            place in it included.
        memory_bytes: what the keys and values of those that are computed together take at most.
    """

    def __init__(
        self,
        engine: Engine,
        new_sequence: Callable[[int], TokenSequence],
        tokenizer: Tokenizer,
        prompts: Sequence[Sequence[int]],
        capacities: Sequence[int],
        options: GenerateOptions,
    ) -> None:
        """Begin; nothing is computed and no memory taken before the first piece is asked for.

        Args:
            engine: computes them.
            new_sequence: makes one of a given capacity.
            tokenizer: the model's.
            prompts: tokens, at least one of each.
            capacities: how many tokens each text may have with its prompt.
            options: the same for all but for the seed, to which a prompt's number is added.

        Raises:
            TypeError, ValueError: an option is not what it should be, or a prompt is empty.
            OutOfBoundsError: there is no such token.
            CapacityError: a prompt is longer than what the model was made for.
        """
        check_options(options)
        for index, (prompt, capacity) in enumerate(zip(prompts, capacities, strict=True)):
            _check(index, prompt, engine.dimensions.vocabulary, capacity)
        self.results = tuple(
            Continuation(tokenizer, prompt, _options_of(index, options))
            for index, prompt in enumerate(prompts)
        )
        together = sorted(capacities)[-engine.logits_rows :]
        self.memory_bytes = sum(map(engine.cache_bytes, together))
        waiting = map(_Waiting, range(len(prompts)), self.results, capacities)
        work = _Work(engine, new_sequence, waiting, options.get("cancelled") or never)
        # Its frame must not know this object: nobody would notice that nobody holds it.
        self._steps = work.steps()
        self._pieces: deque[BatchPiece] = deque()
        self._teller = StatsTeller(options.get("on_stats"), engine.weights.stats)

    def step(self) -> list[BatchPiece]:
        """The pieces of one step, which is at most one token of each text; none at the end.

        Raises:
            CapacityError: there is no room for the keys and values of a single prompt.
            LogitsError: the model computed what is not a number.
            CancelledError: ``cancelled`` returned True.
            GuestTrapError, SourceChangedError, ClosedError: as for ``Session.logits``.
        """
        if self._pieces:
            left = list(self._pieces)
            self._pieces.clear()
            return left
        self._teller.begin()
        try:
            pieces = next(self._steps, [])
        except BaseException as error:
            self._end(reason_of(error))
            raise
        tell = self._teller.look if pieces else self._teller.end
        tell(sum(result.usage.tokens for result in self.results))
        return pieces

    def __next__(self) -> BatchPiece:
        """The next piece of any text; raises as ``step``."""
        if not self._pieces:
            self._pieces += self.step()
        if not self._pieces:
            raise StopIteration
        return self._pieces.popleft()

    def texts(self) -> list[str]:
        """All texts, each whole; raises as ``step``."""
        while self.step():
            pass
        return [result.text for result in self.results]

    def close(self) -> None:
        """Stop; twice is fine."""
        self._steps.close()
        self._pieces.clear()
        self._end("closed")

    def _end(self, reason: FinishReason) -> None:
        for result in self.results:
            result.end(reason)
        self._teller.stop()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A text without a place in the batch yet."""

    index: int
    continuation: Continuation
    capacity: int


@dataclass(frozen=True, slots=True)
class _Live:
    """A text with a place in the batch."""

    index: int
    continuation: Continuation
    sequence: TokenSequence

    def share(self, count: int) -> Share:
        """What it has of the next batch: so many of the tokens it has not seen."""
        unseen = self.continuation.unseen
        return Share(self.sequence, unseen[:count], count == len(unseen))


class _Work:
    """What a batch does, and how far it is."""

    def __init__(
        self,
        engine: Engine,
        new_sequence: Callable[[int], TokenSequence],
        waiting: Iterable[_Waiting],
        cancelled: Cancelled,
    ) -> None:
        self._engine = engine
        self._new_sequence = new_sequence
        self._waiting = deque(waiting)
        self._live: list[_Live] = []
        self._cancelled = cancelled
        self._began = 0.0  # later by the time that the caller took between the steps

    def steps(self) -> Generator[list[BatchPiece]]:
        """The pieces of each step that gives any."""
        self._began = perf_counter()
        try:
            while self._waiting or self._live:
                self._admit()
                if pieces := self._pass():
                    given = perf_counter()
                    yield pieces
                    self._began += perf_counter() - given
        finally:
            for live in self._live:
                live.sequence.close()

    def _admit(self) -> None:
        """Give places to those that wait, as long as there is room."""
        while self._waiting and len(self._live) < self._engine.logits_rows:
            first = self._waiting[0]
            try:
                sequence = self._new_sequence(first.capacity)
            except CapacityError:
                if not self._live:
                    raise
                return  # until another has ended
            self._live.append(_Live(first.index, first.continuation, sequence))
            self._waiting.popleft()

    def _pass(self) -> list[BatchPiece]:
        """One pass through the layers, and the pieces that it gives."""
        counts = share_out([len(live.continuation.unseen) for live in self._live])
        shares = [live.share(count) for live, count in zip(self._live, counts, strict=True)]
        rows = see_together(
            self._engine, [share for share in shares if share.tokens], cancelled=self._cancelled
        )
        for live, count in zip(self._live, counts, strict=True):
            del live.continuation.unseen[:count]
        heard = [live for live in self._live if not live.continuation.unseen]
        pieces: list[BatchPiece] = []
        for live, logits in zip(heard, rows, strict=True):
            pieces += self._accept(live, logits)
        return pieces

    def _accept(self, live: _Live, logits: NDArray[np.float32]) -> Iterator[BatchPiece]:
        continuation = live.continuation
        piece = continuation.accept(logits, live.sequence)
        usage = continuation.usage
        usage.seconds = perf_counter() - self._began
        usage.first_token_seconds = usage.first_token_seconds or usage.seconds
        if piece:
            yield live.index, piece
        if continuation.finish_reason is not None:
            self._live.remove(live)
            live.sequence.close()
            yield live.index, ""


def _options_of(index: int, options: GenerateOptions) -> GenerateOptions:
    """Those of one prompt: each has a seed of its own, so that none depends on the others."""
    seed = options.get("seed")
    if not index or seed is None:
        return options
    return {**options, "seed": (seed + index) % (MAX_SEED + 1)}


def _check(index: int, prompt: Sequence[int], vocabulary: int, capacity: int) -> None:
    try:
        check_tokens(prompt, vocabulary, capacity)
    except (CapacityError, OutOfBoundsError, ValueError) as error:
        raise type(error)(f"prompt {index}: {error}") from error
