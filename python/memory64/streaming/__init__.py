"""Models larger than memory: what of a walk through them stays, and what streams past."""

from .plan import StreamPlan, plan_stream
from .reading import Reading
from .streamer import Streamer, StreamStats
from .walk import Block, Walk

__all__ = ["Block", "Reading", "StreamPlan", "StreamStats", "Streamer", "Walk", "plan_stream"]
