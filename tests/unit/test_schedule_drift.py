"""What holds a run back: each limit, worked out by hand."""

import dataclasses

import pandas as pd
import pytest

from servicecircle.outputs.reading import RunFrames
from servicecircle.schedule.drift import Measured, changed_verdicts, drifts, measure
from servicecircle.schedule.facts import reasons
from servicecircle.schedule.states import Fact
from servicecircle.scheduling import Drift

WAS = Measured(
    as_of="2026-06-30",
    rows={"facilities": 100.0, "people": 5000.0, "zones_village": 20.0},
    people=100_000.0,
    street_km=1200.0,
    kinds={"community_station": 20.0, "village_happiness_home": 6.0},
    shares={
        ("", "met_rate"): 0.5,
        ("", "people_share"): 0.6249,
        ("T1", "met_rate"): 0.5,
        ("T1", "people_share"): 0.5,
    },
    villages={"T1": 4},
    names={"T1": "城关镇"},
    inputs={("facilities", "f.xlsx"): "b", ("people", "p.tif"): "x"},
)  # fmt: skip


def now(**changed):
    return dataclasses.replace(WAS, **changed)


def codes(found, limits=None, **more):
    return [fact.code for fact in drifts(WAS, found, limits or Drift(), **more)]


def test_the_same_run_again_is_published():
    assert codes(WAS) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"rows": {**WAS.rows, "facilities": 120.0}}, []),  # a fifth is the limit itself
        ({"rows": {**WAS.rows, "facilities": 121.0}}, ["drift.rows"]),
        ({"rows": {**WAS.rows, "facilities": 0.0}}, ["drift.rows"]),  # an empty sheet
        ({"rows": {"facilities": 100.0, "people": 5000.0}}, ["drift.rows"]),  # a table is gone
        ({"rows": {**WAS.rows, "tasks": 9.0}}, ["drift.rows"]),  # a table is new
        ({"people": 105_000.0}, []),
        ({"people": 94_999.0}, ["drift.people"]),
        ({"street_km": 1080.0}, []),
        ({"street_km": 600.0}, ["drift.street_km"]),  # half a PBF
        ({"kinds": {**WAS.kinds, "community_station": 26.0}}, []),
        ({"kinds": {**WAS.kinds, "community_station": 27.0}}, ["drift.kinds"]),
        ({"kinds": {**WAS.kinds, "village_happiness_home": 8.0}}, []),  # two more: a third, but few
        ({"kinds": {"community_station": 20.0}}, ["drift.kinds"]),
        ({"kinds": {**WAS.kinds, "medical": 3.0}}, ["drift.kinds"]),
        ({"shares": {**WAS.shares, ("", "met_rate"): 0.6}}, []),
        ({"shares": {**WAS.shares, ("", "met_rate"): 0.39}}, ["drift.share"]),
        ({"shares": {**WAS.shares, ("T1", "people_share"): 0.7}}, []),  # twice the limit of the whole
        ({"shares": {**WAS.shares, ("T1", "people_share"): 0.71}}, ["drift.township_share"]),
        ({"shares": {**WAS.shares, ("T1", "met_rate"): 1.0}}, []),  # two of its four villages
        (
            {"shares": {**WAS.shares, ("T1", "met_rate"): 1.0}, "villages": {"T1": 40}},
            ["drift.township_share"],
        ),
        ({"shares": {**WAS.shares, ("T2", "met_rate"): 1.0}}, []),  # a new township has nothing to compare
        ({"as_of": "2026-06-29"}, ["drift.older"]),
        ({"as_of": "2026-07-31"}, []),
    ],
)
def test_each_limit(changed, expected):
    assert codes(now(**changed)) == expected


def test_limits_are_the_studys():
    assert codes(now(people=101_000.0), Drift(people=0.005)) == ["drift.people"]
    assert codes(now(people=150_000.0), Drift(people=0.5)) == []


def test_a_file_of_an_earlier_report_is_an_old_copy():
    earlier = [{("facilities", "f.xlsx"): "a", ("people", "p.tif"): "x"}]
    assert codes(now(inputs={**WAS.inputs, ("facilities", "f.xlsx"): "a"}), earlier=earlier) == [
        "drift.old_file"
    ]
    assert codes(now(inputs={**WAS.inputs, ("facilities", "f.xlsx"): "c"}), earlier=earlier) == []
    assert codes(now(inputs=WAS.inputs), earlier=[WAS.inputs]) == []


def test_a_reason_says_what_was_what_is_and_how_to_go_on():
    found = drifts(WAS, now(people=90_000.0, street_km=600.0), Drift())
    zh, en = reasons(found, "zh"), reasons(found, "en")
    assert zh[0] == "总人口由 100,000 人变为 90,000 人，变化 10.00%，超过限值 5.00%。"
    assert en[1] == "Streets: 1,200 km before, 600 km now, a change of 50.00% beyond the limit of 10.00%."
    assert len(zh) == len(en) == 4
    kinds = drifts(WAS, now(kinds={"community_station": 20.0, "medical": 3.0}), Drift())
    assert reasons(kinds, "zh")[0] == "社区卫生服务机构由 0 处变为 3 处，变化 —，超过限值 30.00%。"


def test_points_are_the_difference_of_the_shares_as_printed():
    found = drifts(WAS, now(shares={**WAS.shares, ("", "people_share"): 0.8001}), Drift())
    assert (
        reasons(found, "zh")[0] == "人口覆盖率由 62.4% 变为 80.0%，变化 +17.6 个百分点，限值 10.0 个百分点。"
    )


def test_a_name_that_attacks_stays_a_name():
    fact = Fact(code="drift.older", facts={"before": "{0.__class__}\n\x1b[2J", "now": "\u202ex"})
    said = reasons([fact], "en")[0]
    assert "{0.__class__}" in said
    assert said.isprintable()


def test_what_is_measured_is_what_was_written():
    zones = pd.DataFrame(
        [
            ("T1", "城关镇", "township", "", "own", "judged", "met", 0.0, 30.0, 40.0, ""),
            ("V1", "东村", "village", "T1", "1km", "judged", "met", 1.0, 20.0, 20.0, ""),
            ("V2", "西村", "village", "T1", "1km", "judged", "not_met", 0.0, 10.0, 20.0, "detour"),
            ("V2", "西村", "village", "T1", "meals", "judged", "met", 0.0, 20.0, 20.0, ""),
        ],
        columns=[
            "code", "name", "level", "parent_code", "circle", "state", "verdict", "units_with_facility",
            "people_within", "people_judged", "reason",
        ],
    )  # fmt: skip
    manifest = {
        "study": {"id": "s", "as_of": "2026-06-30"},
        "counts": {
            "facilities": 3,
            "people_rows": 9,
            "street_km": 1.5,
            "zones": {"village": 2, "township": 1},
        },
        "totals": {"scaled": 40.0},
        "inputs": [{"role": "people", "name": "p.csv", "sha256": "aa"}],
    }
    facilities = pd.DataFrame({"kind": ["medical", "medical", ""]})
    none = pd.DataFrame()
    found = measure(RunFrames(manifest, zones, none, none, facilities, none))
    assert found.rows == {"facilities": 3, "people": 9, "zones_village": 2, "zones_township": 1}
    assert (found.people, found.street_km, found.kinds) == (40.0, 1.5, {"medical": 2.0})
    assert found.shares["", "met_rate"] == 0.5
    assert found.shares["T1", "people_share"] == 0.75
    assert (found.villages, found.names) == ({"T1": 2}, {"T1": "城关镇"})
    later = zones.assign(verdict=["met", "not_met", "not_met", "met"])
    assert changed_verdicts(zones, later) == {"changed": 1, "better": 0, "worse": 1}
