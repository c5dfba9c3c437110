"""Runs a model: from text to tokens, through the layers, to text."""

from .batch_generation import GenerationBatch
from .chat_template import Message
from .generation import Continuation, GenerateOptions, Generation, Usage
from .language import Language, Prompt
from .live_stats import LiveStats
from .logprobs import TokenLogprob
from .runner import Runner
from .session import Session

__all__ = [
    "Continuation",
    "GenerateOptions",
    "Generation",
    "GenerationBatch",
    "Language",
    "LiveStats",
    "Message",
    "Prompt",
    "Runner",
    "Session",
    "TokenLogprob",
    "Usage",
]
