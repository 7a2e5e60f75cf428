"""Capacity beside reach: floating catchments, places, and near but full."""

import warnings

import numpy as np
import pandas as pd
import pytest
from access import Access, weights
from hypothesis import given
from hypothesis import strategies as st

from servicecircle.assess.capacity import WEIGHTS, Reach, floating_catchments, step_weights
from towns.drawing import Town


def reach_of(pairs, limit_m=1000.0):
    """Return a reach over pairs {(person, facility): metres}."""
    person, facility = np.array(list(pairs), dtype=np.int64).reshape(-1, 2).T
    metres = np.array(list(pairs.values()), dtype=float)
    return Reach(person, facility, metres, np.full(len(metres), limit_m))


def test_weights_step_down_at_the_thirds_of_the_way():
    reach = reach_of(
        {(0, 0): 0.0, (0, 1): 300.0, (1, 0): 300.1, (1, 1): 600.0, (2, 0): 600.1, (2, 1): 900.0}, 900
    )
    assert step_weights(reach).tolist() == [1, 1, 0.68, 0.68, 0.22, 0.22]


def test_two_steps_by_hand():
    # facility 0: 10 beds for 100 near and 50 in the middle third, 10 / (100 + 34)
    # facility 1: 6 beds for 50 in the farthest, 6 / (50 * 0.22)
    reach = reach_of({(0, 0): 100, (1, 0): 500, (1, 1): 900})
    access = floating_catchments(
        reach, demand=np.array([100.0, 50.0, 7.0]), supply=np.array([10.0, 6.0]), weight=step_weights(reach)
    )
    assert access.tolist() == pytest.approx([10 / 134, 0.68 * 10 / 134 + 0.22 * 6 / 11, 0])


@given(
    st.dictionaries(st.tuples(st.integers(0, 7), st.integers(0, 3)), st.floats(0, 1000), max_size=25),
    st.lists(st.floats(0.1, 50), min_size=8, max_size=8),
    st.lists(st.integers(0, 90), min_size=4, max_size=4),
)
def test_what_people_get_is_what_the_facilities_they_reach_have(pairs, people, beds):
    demand, supply = np.array(people), np.array(beds, dtype=float)
    reach = reach_of(pairs)
    access = floating_catchments(reach, demand=demand, supply=supply, weight=step_weights(reach))
    reached = sorted({facility for _, facility in pairs})
    assert demand @ access == pytest.approx(supply[reached].sum())


HOSPITALS = {1: (100, 15), 2: (50, 20), 3: (10, 100)}
"""The three tracts of PySAL access' own example (tests/test_hospital_example.py): people and doctors."""

COSTS = {
    "gridlock": {(1, 3): 40, (2, 3): 40, (3, 1): 40, (3, 2): 40, (1, 2): 80, (2, 1): 80},
    "faster_inbound": {(1, 3): 20, (2, 3): 20, (3, 1): 40, (3, 2): 40, (1, 2): 80, (2, 1): 80},
    "faster_outbound": {(1, 3): 40, (2, 3): 40, (3, 1): 20, (3, 2): 20, (1, 2): 80, (2, 1): 80},
    "faster_both_ways": {(1, 3): 20, (2, 3): 20, (3, 1): 20, (3, 2): 20, (1, 2): 40, (2, 1): 40},
}


@pytest.mark.parametrize("scenario", COSTS)
def test_it_agrees_with_pysal_access(scenario):
    costs = {(tract, tract): 1 for tract in HOSPITALS} | COSTS[scenario]
    near = {pair: float(cost) for pair, cost in costs.items() if cost <= 60}
    reach = reach_of({(a - 1, b - 1): cost for (a, b), cost in near.items()}, 60.0)
    demand, supply = np.array(list(HOSPITALS.values()), dtype=float).T
    ours = floating_catchments(reach, demand=demand, supply=supply, weight=step_weights(reach))
    assert ours.tolist() == pytest.approx(by_pysal(costs), abs=1e-12)


def by_pysal(costs):
    tracts = pd.DataFrame([(t, *of) for t, of in HOSPITALS.items()], columns=["geoid", "pop", "doc"])
    table = pd.DataFrame([(*pair, cost) for pair, cost in costs.items()], columns=["origin", "dest", "cost"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Access(
            demand_df=tracts, demand_index="geoid", demand_value="pop", supply_df=tracts,
            supply_index="geoid", supply_value="doc", cost_df=table, cost_origin="origin", cost_dest="dest",
            cost_name="cost",
        )  # fmt: skip
        steps = weights.step_fn(dict(zip((20, 40, 60), WEIGHTS, strict=True)))
        found = model.enhanced_two_stage_fca(name="e2sfca", max_cost=60, weight_fn=steps)
    return found["e2sfca_doc"].loc[list(HOSPITALS)].tolist()


# ---------------------------------------------------------------- a drawn town

NEAR, FAR, ALONE = "410902200201", "410902200202", "410902200203"


def town_of(beds, **rules):
    return Town(
        "A----F----B                 C",
        ways={((2700.0, 0.0), (2900.0, 0.0)): {}},
        people={"A": 100, "B": 150, "C": 50},
        facilities={"F": {"at": "F", "beds": beds}, "H": {"at": "F", "beds": 99, "status": "planned"}},
        zones={
            NEAR: ("A 90W 90N", "F 90E 90S"),
            FAR: ("B 90W 90N", "B 90E 90S"),
            ALONE: ("C 90W 90N", "C 90E 90S"),
        },
        rules=rules,
    )  # fmt: skip


def test_near_and_enough(tmp_path):
    run = town_of(beds=10).run(tmp_path).run
    rows = run.tables["capacity"].set_index("code")
    # A and B are both 500 m away: 10 beds for 250 people, 40 of 1,000
    assert rows.loc[[NEAR, FAR], "access_per_1000"].tolist() == pytest.approx([40, 40])
    assert rows.loc[[NEAR, FAR, ALONE], "capacity_class"].tolist() == [
        "near_enough",
        "near_enough",
        "far_short",
    ]
    assert rows.loc[[NEAR, FAR, ALONE], "beds"].tolist() == [10, 0, 0]
    assert rows.loc[[NEAR, FAR, ALONE], "beds_reached"].tolist() == [10, 10, 0]
    assert rows.loc[NEAR, "beds_per_1000"] == pytest.approx(100)
    assert rows.loc[[NEAR, FAR, ALONE], "places_needed"].tolist() == pytest.approx([4, 6, 2])
    assert rows.loc[[NEAR, FAR, ALONE], "places_assigned"].tolist() == pytest.approx([4, 6, 0])
    totals = run.manifest["summary"]["capacity"]
    assert (totals["beds"], totals["facilities"], totals["places_unassigned"]) == (10, 1, pytest.approx(2))
    assert totals["classes"] == {"near_enough": 2, "near_full": 0, "far_enough": 0, "far_short": 1}
    whole = rows.loc["410902200000"]
    assert (whole["places_needed"], whole["places_assigned"]) == (pytest.approx(12), pytest.approx(10))
    assert whole["capacity_class"] == ""


def test_near_but_full(tmp_path):
    run = town_of(beds=5).run(tmp_path).run
    rows = run.tables["capacity"].set_index("code")
    assert rows.loc[[NEAR, FAR, ALONE], "capacity_class"].tolist() == ["near_full", "near_full", "far_short"]
    assert rows["places_assigned"][[NEAR, FAR]].sum() == pytest.approx(5)
    assert run.manifest["summary"]["capacity"]["facilities_full"] == 1
    more = town_of(beds=5, beds_per_1000=20).run(tmp_path / "more").run.tables["capacity"].set_index("code")
    assert more.loc[[NEAR, FAR], "capacity_class"].tolist() == ["near_enough", "near_enough"]


def test_unknown_beds_are_no_verdict(tmp_path):
    town = town_of(beds=5)
    facilities = {**town.facilities, "K": {"at": "F", "beds": None}}
    rows = (
        Town(**{**vars(town), "facilities": facilities})
        .run(tmp_path)
        .run.tables["capacity"]
        .set_index("code")
    )
    assert rows.loc[[NEAR, FAR, ALONE], "capacity_class"].tolist() == ["", "", "far_short"]
    assert rows.loc[[NEAR, FAR, ALONE], "beds_unknown"].tolist() == [1, 1, 0]


def test_no_table_without_beds(tmp_path):
    run = town_of(beds=None).run(tmp_path).run
    town = Town("A----B", people={"A": 1}, facilities={"F": "B"}).run(tmp_path / "none").run
    assert "capacity" not in run.tables
    assert "capacity" not in town.tables
    assert "capacity" not in town.manifest["summary"]
