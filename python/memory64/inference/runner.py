"""Everything that runs a model, made when it is first asked for."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import CapacityError
from ..gguf import GGUFDirectory
from ..kernels import usable_cores
from ..layers import Memory64LayerManager
from ..memory import Cancelled, Memory64Runtime
from ..streaming import StreamStats
from .batch_generation import GenerationBatch
from .engine import Engine, Wanted
from .generation import GenerateOptions, Generation, check_count
from .language import Language
from .saved_session import fingerprint
from .sequence import TokenSequence, check_tokens
from .session import Session

DEFAULT_CONTEXT = 4096
"""Tokens of a session that does not say; fewer where the model was made for fewer."""
SHARE_OF_CACHES = 4
"""And fewer where their keys and values would take more than one of so many parts of the memory,
which a model that streams has better use for."""

Pooling = Literal["mean", "last"]


class Runner:
    """The engine and the language of one model."""

    def __init__(
        self,
        gguf: GGUFDirectory,
        runtime: Memory64Runtime,
        language: Language,
        threads: int | None,
        manager: Memory64LayerManager,
    ) -> None:
        """Make the engine, which reads nothing of the weights.

        Args:
            gguf: the model.
            runtime: where it is placed.
            language: its tokenizer and chat template.
            threads: as many as the process may use cores by default.
            manager: of the model's layers.

        Raises:
            UnsupportedArchitectureError, UnsupportedQuantTypeError, GGUFFormatError,
            CapacityError: as for ``Engine``.
        """
        self._language = language
        self._engine = Engine(gguf, runtime, threads or usable_cores(), manager)
        self._gguf = gguf

    def stream_stats(self) -> StreamStats | None:
        """How the weights were walked through so far."""
        return self._engine.weights.stats()

    def session_bytes(self, context_length: int | None) -> int:
        """What the keys and values of a session take once it is full."""
        return self._engine.cache_bytes(self._capacity(context_length))

    def session(self, context_length: int | None) -> Session:
        """A new session."""
        sequence = self._sequence(self._capacity(context_length))
        return Session(sequence, self._language, fingerprint(self._gguf))

    def generate(self, prompt: Sequence[int], options: GenerateOptions) -> Generation:
        """Continue a text in a session of its own."""
        turn = self._turn(self._room_for(prompt, options))
        return Generation(turn, self._language.tokenizer, prompt, options, self.stream_stats)

    def generate_batch(
        self, prompts: Sequence[Sequence[int]], options: GenerateOptions
    ) -> GenerationBatch:
        """Continue several texts, each in a sequence of its own."""
        capacities = [self._room_for(prompt, options) for prompt in prompts]
        tokenizer = self._language.tokenizer
        return GenerationBatch(
            self._engine, self._sequence, tokenizer, prompts, capacities, options
        )

    def embed(
        self, tokens: Sequence[int], pooling: Pooling, cancelled: Cancelled
    ) -> NDArray[np.float32]:
        """What the last layer makes of a text: float32 of shape [dim]."""
        if pooling not in ("mean", "last"):
            raise ValueError(f"pooling needs to be 'mean' or 'last', found {pooling!r}")
        capacity = self._engine.dimensions.context_length
        check_tokens(tokens, self._engine.dimensions.vocabulary, capacity)
        with self._turn(len(tokens)) as sequence:
            rows = np.concatenate(
                list(sequence.see_each(tokens, Wanted.HIDDEN, cancelled=cancelled))
            )
        return np.asarray(rows[-1] if pooling == "last" else rows.mean(axis=0))

    def close(self) -> None:
        """Wait for a call under way and give the memory back."""
        self._engine.close()

    def _room_for(self, prompt: Sequence[int], options: GenerateOptions) -> int:
        most = check_count("max_tokens", options.get("max_tokens"), 1)
        longest = len(prompt) + (most or self._default_context)
        return min(longest, self._engine.dimensions.context_length)

    @contextmanager
    def _turn(self, capacity: int) -> Iterator[TokenSequence]:
        with closing(self._sequence(capacity)) as sequence:
            yield sequence

    def _sequence(self, capacity: int) -> TokenSequence:
        try:
            return TokenSequence(self._engine, capacity)
        except CapacityError as error:
            raise CapacityError(
                f"{self._gguf.name}: no room for the keys and values of {capacity} tokens, which "
                f"take {self._engine.cache_bytes(capacity)} bytes; take a shorter context_length: "
                f"{error}"
            ) from error

    @property
    def _default_context(self) -> int:
        """Tokens for who does not say how many."""
        most = self._engine.weights.usable_bytes // SHARE_OF_CACHES // self._engine.cache_bytes(1)
        return max(1, min(DEFAULT_CONTEXT, most))

    def _capacity(self, context_length: int | None) -> int:
        longest = self._engine.dimensions.context_length
        if context_length is None:
            return min(self._default_context, longest)
        if type(context_length) is not int or not 0 < context_length <= longest:
            raise ValueError(
                f"context_length needs to be a whole number from 1 to {longest}, for which the "
                f"model was made, found {context_length!r}"
            )
        return context_length
