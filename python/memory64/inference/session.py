"""A conversation with a model: what it has seen stays in memory for what comes next."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from ..closeable import Closeable
from ..errors import ClosedError, SessionBusyError
from ..memory import Cancelled, never
from .chat_template import Message
from .engine import Wanted
from .generation import GenerateOptions, Generation
from .language import Language, Prompt
from .saved_session import read_session, write_session
from .sequence import TokenSequence


class Session(Closeable):
    """Tokens that the model has seen, with their keys and values.

    What a prompt has in common with the tokens seen before is not computed again. It does
    one thing at a time. A context manager: ``close`` gives the memory back.
    """

    def __init__(self, sequence: TokenSequence, language: Language, model: bytes) -> None:
        """Made by ``Memory64Model.session``; ``model`` is its fingerprint."""
        self._sequence = sequence
        self._language = language
        self._model = model
        self._using = Lock()
        self._closed = False

    @property
    def tokens(self) -> tuple[int, ...]:
        """What was seen so far."""
        return tuple(self._sequence.tokens)

    @property
    def context_length(self) -> int:
        """How many tokens there is room for."""
        return self._sequence.capacity

    @property
    def memory_bytes(self) -> int:
        """What keys and values take once the session is full; they take it as tokens come."""
        return self._sequence.nbytes

    def logits(self, tokens: Sequence[int], *, cancelled: Cancelled = never) -> NDArray[np.float32]:
        """Let the model see more tokens; what it expects after each of them.

        Args:
            tokens: at least one.
            cancelled: asked every few milliseconds; True stops the work.

        Returns:
            float32 of shape [len(tokens), vocabulary]: for each token the logits of the next.

        Raises:
            CapacityError: there is no room for them.
            OutOfBoundsError: there is no such token.
            SessionBusyError: another call is using the session.
            CancelledError: ``cancelled`` returned True.
            GuestTrapError: the model's file made the engine trap.
            SourceChangedError: the model's file was changed since it was loaded.
            ClosedError: the session or the model is closed.
        """
        with self._turn() as sequence:
            rows = list(sequence.see_each(tokens, Wanted.LOGITS, cancelled=cancelled))
            return np.concatenate(rows)

    def generate(self, prompt: Prompt, **options: Unpack[GenerateOptions]) -> Generation:
        """Continue a text, piece by piece: ``for piece in session.generate("Once upon")``.

        Args:
            prompt: all of the text, what was seen before included; or its tokens.
            options: see ``GenerateOptions``.

        Raises:
            TokenizerError: the model's file has no tokenizer that is known.
            TypeError, ValueError: an option is not what it should be.
        """
        return self._generation(self._language.prompt(prompt), options)

    def chat(self, messages: Iterable[Message], **options: Unpack[GenerateOptions]) -> Generation:
        """Answer a conversation: ``session.chat([{"role": "user", "content": "Hello"}])``.

        Args:
            messages: all of them, those seen before included.
            options: see ``GenerateOptions``.

        Raises:
            ChatTemplateError: the model's file has no chat template, or one that fails.
            TokenizerError, TypeError, ValueError: as for ``generate``.
        """
        return self._generation(self._language.conversation(messages), options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the session to a file, from which ``restore`` continues exactly.

        Raises:
            SourceError: the file cannot be written.
            SessionBusyError, ClosedError: as for ``logits``.
        """
        with self._turn() as sequence:
            write_session(path, sequence, self._model)

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Become the session that ``save`` wrote.

        Raises:
            SourceNotFoundError, SourceError: it cannot be read, or is no such file.
            CapacityError: there is no room for its tokens.
            SessionBusyError, ClosedError: as for ``logits``.
        """
        with self._turn() as sequence:
            read_session(path, sequence, self._model)

    def clear(self) -> None:
        """Forget all tokens.

        Raises:
            SessionBusyError, ClosedError: as for ``logits``.
        """
        with self._turn() as sequence:
            sequence.tokens.clear()

    def close(self) -> None:
        """Give the memory back; twice is fine.

        Raises:
            SessionBusyError: a generation has not ended; close that first.
        """
        if not self._closed:
            with self._turn() as sequence:
                self._closed = True
                sequence.close()

    def _generation(self, prompt: Sequence[int], options: GenerateOptions) -> Generation:
        stats = self._sequence.stream_stats
        return Generation(self._turn(), self._language.tokenizer, prompt, options, stats)

    @contextmanager
    def _turn(self) -> Iterator[TokenSequence]:
        if not self._using.acquire(blocking=False):
            raise SessionBusyError(
                "the session is in use: wait for the other call, or close its generation"
            )
        try:
            if self._closed:
                raise ClosedError("the session has been closed")
            yield self._sequence
        finally:
            self._using.release()
