"""One contract for every policy, each one's own rule, and all beside Belady's optimum."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory64.layers.policies import LRU, NAMED, Cyclic, Pinned, PolicyChoice, make_policy
from tests.python.layers.traces import TRACES, back_and_forth, circular, hits, most_hits

LAYERS = 32
LEARNED = 1000
"""Requests after which a policy knows the walk."""

CHOICES: dict[str, PolicyChoice] = {
    **{name: name for name in NAMED},  # type: ignore[dict-item]
    "pinned": {"pinned": [1, 4]},
}
ROOMS = (2, 3, 8, 16, 24, 31)

every_policy = pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
layer_ids = st.integers(0, 5)
EVENTS = st.lists(st.tuples(st.sampled_from(["admit", "use", "remove"]), layer_ids))


@every_policy
@given(events=EVENTS)
def test_victims_are_exactly_the_cached_layers(
    choice: PolicyChoice, events: list[tuple[str, int]]
) -> None:
    policy = make_policy(choice)
    cached: set[int] = set()
    for event, layer_id in events:
        if event == "use":
            policy.used(layer_id)
        elif event == "admit" and layer_id not in cached:
            policy.admitted(layer_id)
            cached.add(layer_id)
        elif event == "remove" and layer_id in cached:
            policy.removed(layer_id)
            cached.remove(layer_id)
        victims = list(policy.victims())
        assert sorted(victims) == sorted(cached)


@every_policy
@given(trace=st.lists(layer_ids, max_size=60), room=st.integers(1, 6))
def test_nothing_hits_more_than_the_optimum(
    choice: PolicyChoice, trace: list[int], room: int
) -> None:
    assert sum(hits(make_policy(choice), trace, room)) <= sum(most_hits(trace, room))


@given(trace=st.lists(layer_ids, max_size=12), room=st.integers(1, 4))
def test_the_optimum_is_one(trace: list[int], room: int) -> None:
    """No choice of victims whatsoever hits more."""

    def most(step: int, cached: frozenset[int]) -> int:
        if step == len(trace):
            return 0
        layer_id = trace[step]
        if layer_id in cached:
            return 1 + most(step + 1, cached)
        if len(cached) < room:
            return most(step + 1, cached | {layer_id})
        return max(most(step + 1, cached - {victim} | {layer_id}) for victim in cached)

    assert sum(most_hits(trace, room)) == most(0, frozenset())


@given(uses=st.lists(layer_ids))
def test_lru_orders_by_last_use(uses: list[int]) -> None:
    policy = LRU()
    for layer_id in range(6):
        policy.admitted(layer_id)
    for layer_id in uses:
        policy.used(layer_id)
    history = [*range(6), *uses]
    expected = sorted(range(6), key=lambda layer_id: -history[::-1].index(layer_id))
    assert list(policy.victims()) == expected


def test_cyclic_keeps_longest_what_was_brought_ahead_of_its_use() -> None:
    policy = Cyclic()
    for layer_id in (3, 4, 5):
        policy.admitted(layer_id)
    policy.used(3)
    assert list(policy.victims()) == [3, 5, 4]


@given(order=st.permutations(range(9)), room=st.integers(1, 9))
def test_cyclic_is_the_optimum_on_a_circular_walk_in_any_order(order: list[int], room: int) -> None:
    trace = order * 9
    assert hits(Cyclic(), trace, room) == most_hits(trace, room)


@pytest.mark.parametrize("room", range(2, LAYERS + 1))
@pytest.mark.parametrize("choice", ["cyclic", "auto"])
def test_the_optimum_on_a_circular_walk(choice: PolicyChoice, room: int) -> None:
    trace = circular(LAYERS)
    rounds = slice(LEARNED, LEARNED + 50 * (LAYERS - 1))
    if room == LAYERS:
        assert all(hits(make_policy(choice), trace, room)[rounds])
        return
    expected = 50 * (room - 1)  # of the L - 1 requests in each round, C - 1
    assert sum(hits(make_policy(choice), trace, room)[rounds]) == expected
    assert sum(most_hits(trace, room)[rounds]) == expected


@pytest.mark.parametrize("room", range(2, LAYERS))
def test_auto_knows_a_circular_walk_in_its_third_round(room: int) -> None:
    found = hits(make_policy("auto"), circular(LAYERS), room)
    assert sum(found[3 * LAYERS : 4 * LAYERS]) >= room - 2


@pytest.mark.parametrize("room", ROOMS)
def test_the_optimum_back_and_forth(room: int) -> None:
    trace = back_and_forth(LAYERS)
    assert hits(LRU(), trace, room) == hits(make_policy("auto"), trace, room)
    # But for its end, which the optimum knows beforehand.
    assert sum(most_hits(trace, room)) - sum(hits(LRU(), trace, room)) < room


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("name", TRACES)
def test_auto_loses_little_by_learning(name: str, room: int) -> None:
    trace = TRACES[name](LAYERS)
    lru, cyclic, auto = (
        sum(hits(make_policy(choice), trace, room)[LEARNED:])
        for choice in ("lru", "cyclic", "auto")
    )
    assert auto >= 0.9 * lru
    assert auto >= 0.7 * cyclic


def test_auto_changes_its_mind() -> None:
    walk, scans = circular(LAYERS), TRACES["hot_set_with_scans"](LAYERS)
    room = LAYERS // 4
    found = hits(make_policy("auto"), walk + scans + walk, room)
    assert sum(found[len(walk) + LEARNED : 2 * len(walk)]) > 1.5 * sum(
        hits(Cyclic(), walk + scans, room)[len(walk) + LEARNED :]
    )
    assert sum(found[-(LAYERS - 1) :]) == room - 1


@given(trace=st.lists(layer_ids, max_size=60), room=st.integers(3, 6))
def test_pinned_layers_are_read_once(trace: list[int], room: int) -> None:
    kept = [2, 5]
    found = hits(Pinned(kept), trace, room)
    for layer_id in kept:
        asked = [hit for asked_for, hit in zip(trace, found, strict=True) if asked_for == layer_id]
        assert all(asked[1:])


def test_where_pinned_layers_have_no_room_the_first_stay() -> None:
    policy = Pinned([7, 1, 4])
    for layer_id in (1, 2, 4, 7):
        policy.used(layer_id)
        policy.admitted(layer_id)
    assert list(policy.victims()) == [2, 4, 1, 7]


@pytest.mark.parametrize(
    "choice",
    ["mru", "pinned", None, 3, {}, {"pinned": 3}, {"pinned": "012"}, {"pinned": [0.5]},
     {"pinned": [True]}, {"pinned": [0], "lru": []}],
)  # fmt: skip
def test_what_is_no_policy_is_told_with_those_known(choice: PolicyChoice) -> None:
    with pytest.raises(ValueError, match=r"known are 'lru', 'cyclic', 'auto' and {'pinned'"):
        make_policy(choice)
