"""What a guest may take."""

from dataclasses import dataclass

MAX_MEMORIES = 1
MAX_TABLES = 4
"""Without limits on their number, those on their size would mean little."""


@dataclass(frozen=True, slots=True)
class GuestLimits:
    """The most a guest may take of the machine.

    Attributes:
        memory_bytes: of its linear memory, of which it may have one. The model's regions do not
            count.
        table_elements: of each of its tables, of which it may have four.
        timeout: seconds a call may last; None for any time.
        fuel: instructions all its calls together may execute; None for any number. Counting
            them makes a guest slower.
    """

    memory_bytes: int = 1 << 30
    table_elements: int = 1 << 20
    timeout: float | None = None
    fuel: int | None = None

    def __post_init__(self) -> None:
        """Check them.

        Raises:
            ValueError: a limit is not positive.
        """
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None and not value > 0:  # nor NaN, which no time is ever above
                raise ValueError(f"{name} needs to be positive, found {value!r}")
