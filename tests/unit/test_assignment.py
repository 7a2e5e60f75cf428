"""Assignment of people to places: exact, conserved, and never over capacity."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.assess.assignment import assign


def assigned(pairs, demand, places):
    """Assign over pairs {(person, facility): metres}; return amounts by pair and what is left."""
    keys = list(pairs)
    person = np.array([p for p, _ in keys], dtype=np.int64)
    facility = np.array([f for _, f in keys], dtype=np.int64)
    metres = np.array(list(pairs.values()), dtype=float)
    found = assign(person, facility, metres, demand=np.array(demand, float), places=np.array(places, float))
    return dict(zip(keys, found.amount.tolist(), strict=True)), found.unassigned.tolist()


def test_all_go_to_the_nearest_where_there_is_room():
    amounts, left = assigned({(0, 0): 100, (0, 1): 200, (1, 0): 300, (1, 1): 250}, [3, 2], [5, 5])
    assert amounts == {(0, 0): 3, (0, 1): 0, (1, 0): 0, (1, 1): 2}
    assert left == [0, 0]


def test_who_has_the_shorter_way_elsewhere_gives_way():
    # one place at 0, one at 1: 0 saves 300 m by going to facility 0, 1 saves 100 m
    amounts, left = assigned({(0, 0): 100, (0, 1): 400, (1, 0): 100, (1, 1): 200}, [1, 1], [1, 1])
    assert amounts == pytest.approx({(0, 0): 1, (0, 1): 0, (1, 0): 0, (1, 1): 1}, abs=1e-6)
    assert left == pytest.approx([0, 0], abs=1e-6)


def test_as_many_as_can_be_come_before_short_ways():
    # facility 0 is 1 m from both; only person 0 reaches facility 1 too, 999 m away: both get a place
    amounts, left = assigned({(0, 0): 1, (0, 1): 999, (1, 0): 1}, [1, 1], [1, 1])
    assert amounts == pytest.approx({(0, 0): 0, (0, 1): 1, (1, 0): 1}, abs=1e-6)
    assert left == pytest.approx([0, 0], abs=1e-6)


def test_parts_of_a_person_may_be_left_over():
    amounts, left = assigned({(0, 0): 10, (1, 0): 20}, [1.5, 1.5], [2.0])
    assert amounts == pytest.approx({(0, 0): 1.5, (1, 0): 0.5}, abs=1e-6)
    assert left == pytest.approx([0, 1.0], abs=1e-6)


def test_nobody_to_assign():
    assert assigned({}, [2.0], [5.0]) == ({}, [2.0])
    assert assigned({(0, 0): 5}, [0.0], [5.0]) == ({(0, 0): 0.0}, [0.0])
    assert assigned({(0, 0): 5}, [2.0], [0.0]) == ({(0, 0): 0.0}, [2.0])


@st.composite
def small_towns(draw):
    people, facilities = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    every = st.tuples(st.integers(0, people - 1), st.integers(0, facilities - 1))
    pairs = draw(st.dictionaries(every, st.integers(0, 1000), max_size=20))
    amounts = st.integers(0, 5)
    demand = draw(st.lists(amounts, min_size=people, max_size=people))
    places = draw(st.lists(amounts, min_size=facilities, max_size=facilities))
    return pairs, demand, places


@given(small_towns())
@settings(max_examples=60, deadline=None)
def test_it_is_the_cheapest_of_the_greatest_flows(town):
    pairs, demand, places = town
    amounts, left = assigned(pairs, demand, places)
    taken = [sum(a for (p, _), a in amounts.items() if p == i) for i in range(len(demand))]
    load = [sum(a for (_, f), a in amounts.items() if f == j) for j in range(len(places))]
    assert [t + u for t, u in zip(taken, left, strict=True)] == pytest.approx(demand, abs=1e-6)
    assert all(used <= room + 1e-6 for used, room in zip(load, places, strict=True))
    flow, metres = best_flow(pairs, demand, places)
    assert sum(amounts.values()) == pytest.approx(flow, abs=1e-6)
    assert sum(amounts[pair] * pairs[pair] for pair in pairs) == pytest.approx(metres, abs=1e-3)


def best_flow(pairs, demand, places):
    """Return the amount and the person-metres of the cheapest greatest flow, as networkx finds it."""
    graph = nx.DiGraph()
    graph.add_nodes_from(["from", "to"])
    for i, wanted in enumerate(demand):
        graph.add_edge("from", ("person", i), capacity=wanted, weight=0)
    for j, room in enumerate(places):
        graph.add_edge(("facility", j), "to", capacity=room, weight=0)
    for (i, j), metres in pairs.items():
        graph.add_edge(("person", i), ("facility", j), weight=metres)
    flow = nx.max_flow_min_cost(graph, "from", "to")
    return sum(flow["from"].values()), nx.cost_of_flow(graph, flow)
