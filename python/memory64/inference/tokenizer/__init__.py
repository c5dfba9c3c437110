"""Text to tokens and back, by what the model's file says of its vocabulary."""

from .tokenizer import Tokenizer

__all__ = ["Tokenizer"]
