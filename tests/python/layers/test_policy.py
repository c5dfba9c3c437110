"""One contract for every policy, and each one's own rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory64.layers import LRU, POLICIES, Policy

EVENTS = st.lists(st.tuples(st.sampled_from(["admit", "use", "remove"]), st.integers(0, 5)))


@pytest.mark.parametrize("policy_class", POLICIES.values(), ids=POLICIES)
@given(events=EVENTS)
def test_victims_are_exactly_the_cached_layers(
    policy_class: type[Policy], events: list[tuple[str, int]]
) -> None:
    policy = policy_class()
    cached: set[int] = set()
    for event, layer_id in events:
        if event == "admit" and layer_id not in cached:
            policy.admitted(layer_id)
            cached.add(layer_id)
        elif event == "use" and layer_id in cached:
            policy.used(layer_id)
        elif event == "remove" and layer_id in cached:
            policy.removed(layer_id)
            cached.remove(layer_id)
        victims = list(policy.victims())
        assert sorted(victims) == sorted(cached)


@given(uses=st.lists(st.integers(0, 5)))
def test_lru_orders_by_last_use(uses: list[int]) -> None:
    policy = LRU()
    for layer_id in range(6):
        policy.admitted(layer_id)
    for layer_id in uses:
        policy.used(layer_id)
    history = [*range(6), *uses]
    expected = sorted(range(6), key=lambda layer_id: -history[::-1].index(layer_id))
    assert list(policy.victims()) == expected
