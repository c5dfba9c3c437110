"""The chat template of a model."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from ...errors import ChatTemplateError
from ..tokenizer import Tokenizer

if TYPE_CHECKING:
    from jinja2 import Template

Message = Mapping[str, Any]
"""Most often of "role" and "content"."""

KEY = "tokenizer.chat_template"
MAX_CHARACTERS = 1 << 18
"""Ten times the longest known."""


class ChatTemplate:
    """Makes the prompt that a model was trained to answer. Any thread may use it."""

    def __init__(self, source: str, tokenizer: Tokenizer) -> None:
        """Take the Jinja ``source``, and the tokenizer of the model."""
        self.source = source
        self._tokenizer = tokenizer

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], tokenizer: Tokenizer) -> Self:
        """The template in a model's metadata.

        Raises:
            ChatTemplateError: there is none. A base model has none, and would go on with whatever
                another model's template makes, instead of answering it.
        """
        source = metadata.get(KEY)
        if not isinstance(source, str):
            raise ChatTemplateError(
                f"the model has no {KEY}: it was not trained to chat; "
                "let it go on with a text instead"
            )
        return cls(source, tokenizer)

    def tokens(
        self,
        messages: Iterable[Message],
        *,
        add_generation_prompt: bool = True,
        **variables: Any,
    ) -> list[int]:
        """The tokens of the prompt for ``messages``; see ``render``.

        BOS stands before them once, whether or not the template writes it.
        """
        prompt = self.render(messages, add_generation_prompt=add_generation_prompt, **variables)
        tokens = self._tokenizer.tokenize(prompt, add_special=False, parse_special=True)
        before = list(self._tokenizer.special.before)
        return tokens if tokens[:1] == before else before + tokens

    def render(
        self,
        messages: Iterable[Message],
        *,
        add_generation_prompt: bool = True,
        **variables: Any,
    ) -> str:
        """The prompt for ``messages``, with the special tokens written out.

        Args:
            messages: mappings, most often of "role" and "content"; of what JSON knows.
            add_generation_prompt: end where the model's answer begins.
            variables: others that the template knows, such as ``tools``; of what JSON knows.

        Raises:
            ChatTemplateError: the template is wrong, refuses the messages, does what a chat
                template need not do, or works for too long.
            TypeError: a message is made of what JSON does not know.
        """
        asked = {
            "tools": None,
            "documents": None,
            **variables,
            "messages": list(messages),
            "add_generation_prompt": add_generation_prompt,
            "bos_token": self._written(self._tokenizer.special.bos),
            "eos_token": self._written(self._tokenizer.special.eos),
        }
        # A copy that is plain: without classes of the caller's, or one part in two places.
        given = json.loads(json.dumps(asked))
        with _told():
            # Programs that never chat must not pay for the import of Jinja.
            from .meter import metered

            with metered(given):
                return self._compiled.render(given)

    def _written(self, token: int | None) -> str:
        return "" if token is None else self._tokenizer.piece(token).decode("utf-8", "replace")

    @cached_property
    def _compiled(self) -> "Template":
        from .rewriting import counted
        from .sandbox import Sandbox

        if len(self.source) > MAX_CHARACTERS:
            raise ChatTemplateError(
                f"the chat template has {len(self.source)} characters, at most {MAX_CHARACTERS} "
                "are read"
            )
        sandbox = Sandbox()
        return sandbox.from_string(counted(sandbox.parse(self.source)))


@contextmanager
def _told() -> Iterator[None]:
    """Tell what a template did: it may raise anything."""
    try:
        yield
    except ChatTemplateError:
        raise
    except Exception as error:
        line = getattr(error, "lineno", None)
        where = "the chat template" if line is None else f"line {line} of the chat template"
        raise ChatTemplateError(f"{where}: {error or type(error).__name__}") from error
