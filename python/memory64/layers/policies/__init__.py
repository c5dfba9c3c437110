"""Which layers leave when room is needed: a class for each rule."""

from .auto import Auto
from .choice import NAMED, Kept, PolicyChoice, check_choice, make_policy
from .cyclic import Cyclic
from .lru import LRU
from .pinned import Pinned
from .policy import Policy

__all__ = [
    "LRU",
    "NAMED",
    "Auto",
    "Cyclic",
    "Kept",
    "Pinned",
    "Policy",
    "PolicyChoice",
    "check_choice",
    "make_policy",
]
