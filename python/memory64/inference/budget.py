"""What a model's weights may take of the memory."""

from dataclasses import dataclass


@dataclass(slots=True)
class Budget:
    """Memory, and who has a part in it.

    Attributes:
        usable_bytes: what the process may use.
        capacity_bytes: what weights may take at most.
        reserved_bytes: left to something else: keys, values, what is computed.
    """

    usable_bytes: int
    capacity_bytes: int
    reserved_bytes: int = 0

    @property
    def left_bytes(self) -> int:
        """What nothing else takes."""
        return self.usable_bytes - self.reserved_bytes

    @property
    def weights_bytes(self) -> int:
        """What weights may take."""
        return max(0, min(self.left_bytes, self.capacity_bytes))
