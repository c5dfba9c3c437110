"""What a model's file says of its language: the tokenizer and the chat template."""

from collections.abc import Iterable, Sequence
from functools import cached_property

from ..gguf import GGUFDirectory
from .chat_template import ChatTemplate, Message
from .tokenizer import Tokenizer

Prompt = str | Sequence[int]
"""A text, or the tokens of one."""


class Language:
    """Both are made when they are first asked for, which takes a moment."""

    def __init__(self, gguf: GGUFDirectory) -> None:
        """Read nothing yet."""
        self._gguf = gguf

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer, or ``TokenizerError``."""
        return Tokenizer.from_metadata(self._gguf.metadata)

    @cached_property
    def template(self) -> ChatTemplate:
        """The chat template, or ``ChatTemplateError``."""
        return ChatTemplate.from_metadata(self._gguf.metadata, self.tokenizer)

    def prompt(self, prompt: Prompt, name: str = "prompt") -> list[int]:
        """The tokens of a prompt, as they are where they are tokens already.

        Raises:
            TypeError: it is neither; the message calls it by its name.
        """
        if isinstance(prompt, str):
            return self.tokenizer.tokenize(prompt, parse_special=True)
        if isinstance(prompt, bytes) or not isinstance(prompt, Iterable):
            raise TypeError(f"{name} needs to be a text or its tokens, found {prompt!r}")
        return list(prompt)

    def conversation(self, messages: Iterable[Message]) -> list[int]:
        """The tokens of a conversation, up to where the model is to answer."""
        return self.template.tokens(messages)
