"""Messages to a prompt, by the template in the model's file, which nobody has to trust."""

from .template import ChatTemplate, Message

__all__ = ["ChatTemplate", "Message"]
