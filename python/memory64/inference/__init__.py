"""Runs a model: from text to tokens, through the layers, to text."""

from .chat_template import Message
from .generation import GenerateOptions, Generation, Usage
from .language import Language, Prompt
from .logprobs import TokenLogprob
from .runner import Runner
from .session import Session

__all__ = [
    "GenerateOptions",
    "Generation",
    "Language",
    "Message",
    "Prompt",
    "Runner",
    "Session",
    "TokenLogprob",
    "Usage",
]
