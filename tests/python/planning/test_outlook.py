"""The slower of reading and computing says how long a token takes."""

import pytest

from memory64.planning import Outlook, Rate
from memory64.planning.outlook import outlook
from memory64.streaming import StreamPlan

COMPUTE, DISK = Rate(100.0, "2026-11-23"), Rate(20.0, "2026-11-23")


@pytest.mark.parametrize(
    ("kept", "streamed", "expected"),
    [(200, 0, 0.5), (190, 10, 0.5), (160, 40, 0.5), (140, 60, 1 / 3), (0, 200, 0.1)],
)
def test_it_is_the_bound(kept: int, streamed: int, expected: float) -> None:
    plan = StreamPlan((), kept, streamed, 7)
    found = outlook(1000, plan, COMPUTE, DISK)
    assert found == Outlook(1000, kept, streamed, pytest.approx(expected))


def test_nothing_is_expected_of_what_is_not_known() -> None:
    everything, some = StreamPlan((), 100, 0, 0), StreamPlan((), 60, 40, 0)
    assert outlook(1, everything, COMPUTE, None).tokens_per_second == 1.0
    assert outlook(1, some, COMPUTE, None).tokens_per_second is None
    assert outlook(1, some, None, DISK).tokens_per_second is None
