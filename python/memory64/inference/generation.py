"""Text, piece by piece, as the model makes it."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from time import perf_counter
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from ..closeable import Closeable
from ..errors import CancelledError
from ..memory import Cancelled, never
from ..streaming import StreamStats
from .live_stats import LiveStats, StatsTeller
from .logprobs import TokenLogprob, token_logprob
from .sampler import Sampler
from .sampling import Sampling
from .sequence import TokenSequence
from .text_stream import StopStrings, TextStream
from .tokenizer import Tokenizer

FinishReason = Literal["end", "stop", "length", "closed", "error"]


class GenerateOptions(TypedDict, total=False):
    """How text is generated: what ``generate`` and ``chat`` take beyond their first argument.

    Attributes:
        max_tokens: how many tokens at most; as many as fit by default.
        stop: texts that end the generation and are not given out.
        temperature, top_k, top_p, min_p, repeat_penalty, repeat_last_n, seed: see ``Sampling``.
        logprobs: keep the log-probability of each token in ``Generation.logprobs``, and those
            of so many others beside it.
        cancelled: asked every few milliseconds; True stops the generation.
        on_stats: told about once a second how it goes on, and at its end, by the thread that
            asks for pieces.
    """

    max_tokens: int
    stop: Sequence[str]
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    repeat_penalty: float
    repeat_last_n: int
    seed: int | None
    logprobs: int
    cancelled: Cancelled
    on_stats: Callable[[LiveStats], object]


@dataclass(slots=True)
class Usage:
    """What a generation took so far.

    Attributes:
        prompt_tokens: of the prompt.
        cached_tokens: how many of these the session had seen already.
        tokens: made by the model, the one that ended the text not counted.
        first_token_seconds: until the prompt was seen and the first token known.
        seconds: in all, without the caller's time between the pieces.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    tokens: int = 0
    first_token_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def tokens_per_second(self) -> float:
        """Tokens after the first, over the time they took."""
        later = self.seconds - self.first_token_seconds
        return (self.tokens - 1) / later if self.tokens > 1 and later > 0 else 0.0


class Generation(Iterator[str], Closeable):
    """An iterator over pieces of text, each whole UTF-8; ``close`` it to stop early."""

    def __init__(
        self,
        turn: AbstractContextManager[TokenSequence],
        tokenizer: Tokenizer,
        prompt: Sequence[int],
        options: GenerateOptions,
        stream_stats: Callable[[], StreamStats | None],
    ) -> None:
        """Begin; nothing is computed before the first piece is asked for.

        Args:
            turn: entered for as long as the generation lasts. The beginning that its tokens
                share with ``prompt`` is not computed again.
            tokenizer: the model's.
            prompt: tokens, at least one.
            options: see there.
            stream_stats: how the weights go through memory.

        Raises:
            TypeError, ValueError: an option is not what it should be.
        """
        check_options(options)
        self._teller = StatsTeller(options.get("on_stats"), stream_stats)
        self._work = Continuation(tokenizer, prompt, options)
        # Its frame must not know this object: nobody would notice that nobody holds it.
        self._pieces = self._work.pieces(turn)

    @property
    def usage(self) -> Usage:
        """Counts and times, final when the iterator has ended."""
        return self._work.usage

    @property
    def finish_reason(self) -> FinishReason | None:
        """None while it goes on.

        Then ``"end"``: the model ended its text, ``"stop"``: a stop string came, ``"length"``:
        no more tokens were allowed or fitted, ``"closed"``: it was stopped, ``"error"``: what was
        raised ended it.
        """
        return self._work.finish_reason

    @property
    def logprobs(self) -> list[TokenLogprob]:
        """Of each token so far, if they were asked for."""
        return self._work.logprobs

    def __next__(self) -> str:
        """The next piece, never empty.

        Raises:
            CapacityError: the session has no room for the prompt.
            SessionBusyError: another call is using the session.
            LogitsError: the model computed what is not a number.
            CancelledError: ``cancelled`` returned True.
            GuestTrapError, SourceChangedError, ClosedError: as for ``Session.logits``.
        """
        self._teller.begin()
        started = perf_counter()
        try:
            piece = next(self._pieces)
        except StopIteration:
            self._teller.end(self.usage.tokens)
            raise
        except BaseException as error:
            self._end(reason_of(error))
            raise
        finally:
            self.usage.seconds += perf_counter() - started
        self._teller.look(self.usage.tokens)
        return piece

    def close(self) -> None:
        """Stop; twice is fine."""
        self._pieces.close()
        self._end("closed")

    def _end(self, reason: FinishReason) -> None:
        self._work.end(reason)
        self._teller.stop()


class Continuation:
    """How a prompt goes on: what the model's logits become, one token after the other.

    Attributes:
        unseen: the tokens that the model has to see next: the prompt, then the token before.
        text: what came so far.
        usage, finish_reason, logprobs: as those of ``Generation``.
    """

    def __init__(
        self, tokenizer: Tokenizer, prompt: Sequence[int], options: GenerateOptions
    ) -> None:
        """Begin, with options that were checked; see ``Generation``."""
        self.unseen = list(prompt)
        self.text = ""
        self.usage = Usage(prompt_tokens=len(prompt))
        self.finish_reason: FinishReason | None = None
        self.logprobs: list[TokenLogprob] = []
        self._tokenizer = tokenizer
        self._sampler = Sampler(_sampling(options))
        self._stream = TextStream(tokenizer)
        self._stops = StopStrings(options.get("stop", ()))
        self._max_tokens = options.get("max_tokens")
        self._logprobs = options.get("logprobs")
        self._cancelled = options.get("cancelled") or never

    def pieces(self, turn: AbstractContextManager[TokenSequence]) -> Generator[str]:
        """All of it, computed for it alone."""
        with turn as sequence:
            started = perf_counter()
            usage = self.usage
            usage.cached_tokens = sequence.keep_common(self.unseen)
            del self.unseen[: usage.cached_tokens]
            while self.finish_reason is None:
                logits = sequence.see(self.unseen, cancelled=self._cancelled)
                piece = self.accept(logits, sequence)
                usage.first_token_seconds = usage.first_token_seconds or perf_counter() - started
                if piece:
                    yield piece

    def accept(self, logits: NDArray[np.float32], sequence: TokenSequence) -> str:
        """Pick the next token; the text that is certain with it, which may be none.

        Args:
            logits: of what may follow the tokens of ``sequence``.
            sequence: has seen all that was ``unseen``.

        Raises:
            LogitsError: they are not numbers.
        """
        token = self._sampler.pick(logits, sequence.tokens)
        self.unseen = [token]
        piece = ""
        if self._tokenizer.is_end(token):
            self.finish_reason = "end"
        else:
            self.usage.tokens += 1
            if self._logprobs is not None:
                self.logprobs.append(token_logprob(logits, token, self._logprobs))
            piece = self._stops.feed(self._stream.feed(token))
            if self._stops.found is not None:
                self.finish_reason = "stop"
            elif self.usage.tokens == self._max_tokens or not sequence.room:
                self.finish_reason = "length"
        if self.finish_reason is not None:
            piece += self._stops.feed(self._stream.finish()) + self._stops.finish()
        self.text += piece
        return piece

    def end(self, reason: FinishReason) -> None:
        """Nothing more is accepted, for this reason unless there was another one before."""
        self.finish_reason = self.finish_reason or reason


def check_options(options: GenerateOptions) -> None:
    """Raise unless all of them are options, and what they should be.

    Raises:
        TypeError, ValueError: one is not.
    """
    if unknown := options.keys() - GenerateOptions.__annotations__.keys():
        raise TypeError(f"there is no option {sorted(unknown)[0]!r}")
    _check_function("cancelled", options.get("cancelled"))
    _check_function("on_stats", options.get("on_stats"))
    check_count("max_tokens", options.get("max_tokens"), 1)
    check_count("logprobs", options.get("logprobs"), 0)
    StopStrings(options.get("stop", ()))
    _sampling(options)


def reason_of(error: BaseException) -> FinishReason:
    """Why a text ends that this ended: who cancels or interrupts it wants it to end."""
    stopped = isinstance(error, CancelledError) or not isinstance(error, Exception)
    return "closed" if stopped else "error"


def _sampling(options: GenerateOptions) -> Sampling:
    given: dict[str, Any] = dict(options)
    names = given.keys() & {field.name for field in fields(Sampling)}
    return Sampling(**{name: given[name] for name in names})


def _check_function(name: str, value: object) -> None:
    if not (value is None or callable(value)):
        raise TypeError(f"{name} needs to be a function, found {value!r}")


def check_count(name: str, value: object, least: int) -> int | None:
    """The value, where it is a whole number of at least ``least``, or None."""
    if value is None or (type(value) is int and value >= least):
        return value
    raise ValueError(f"{name} needs to be a whole number of at least {least}, found {value!r}")
