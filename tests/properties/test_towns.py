"""What holds of any town, whatever its streets, people and facilities."""

from dataclasses import replace
from math import fsum, isnan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import servicecircle as sc
from properties.networks import examples
from towns.drawing import ORIGIN, Town

CODES = ("410902001001", "410902001201", "410902100201", "410902200202")
FIGURES = [
    "people", "people_judged", "people_within", "people_doubtful", "share_within", "share_low", "share_high",
    "share_straight", "median_seconds", "p90_seconds", "facilities", "units", "units_met", "units_not_met",
    "units_to_verify", "units_with_facility", "gap_people", "state", "certainty", "verdict", "reason",
]  # fmt: skip
WALKS = ["people", "zone_code", "circle", "metres", "straight_m", "snap_m", "facility_id", "within", "reason"]


@st.composite
def towns(draw):
    """Draw a town of four villages in 2 x 2 km: some in the street grid, some beside it."""
    chance = np.random.default_rng(draw(st.integers(0, 10**6)))
    spots = [(float(x + chance.integers(0, 90)), float(y + chance.integers(0, 90)))
             for x in range(0, 2000, 500) for y in range(0, 2000, 500)]  # fmt: skip
    ways = {}
    for _ in range(22):
        a, b = chance.choice(len(spots), 2, replace=False)
        if np.hypot(*np.subtract(spots[a], spots[b])) < 900:
            one_way = [None, None, None, "yes", "-1"][chance.integers(5)]
            ways[spots[a], spots[b]] = {"oneway:foot": one_way}

    def point():
        return float(chance.integers(-300, 2300)) + 0.317, float(chance.integers(-300, 2300)) + 0.719

    people = {point(): round(float(chance.exponential(9)) + 0.01, 2) for _ in range(30)}
    people |= {spots[i]: 5.0 for i in range(3)}
    kinds = ["community_daycare", "street_centre", "village_happiness_home", "medical"]
    facilities = {f"F{i}": {"at": point(), "kind": str(chance.choice(kinds))} for i in range(4)}
    facilities["F0"]["kind"] = kinds[0]
    boxes = [
        ((0, 0), (1000, 1000)),
        ((1000, 0), (2000, 1000)),
        ((0, 1000), (1000, 2000)),
        ((1000, 1000), (2000, 2000)),
    ]
    speed = draw(st.sampled_from([2.5, 4.0]))
    return Town(
        "", ways=ways, people=people, facilities=facilities, zones=dict(zip(CODES, boxes, strict=True)),
        rules={"walk_kmh": speed, "share_required": 0.5},
    )  # fmt: skip


def shuffled(table, number):
    """Return a dict in another order."""
    keys = list(table)
    order = np.random.default_rng(number).permutation(len(keys))
    return {keys[i]: table[keys[i]] for i in order}


def same(first, second, *, to=0.0):
    """Assert that two runs tell the same figures of every zone and person."""
    for frame, columns, keys in (("zones", FIGURES, ["code", "circle"]), ("people", WALKS, ["person_id"])):
        one, two = (getattr(answer.run, frame).set_index(keys)[columns] for answer in (first, second))
        pd.testing.assert_frame_equal(one, two, rtol=0, atol=to, check_exact=None if to else True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("towns")


@examples(6)
@given(town=towns())
def test_sums_shares_and_limits(folder, town):
    answer = town.run(folder)
    people, zones, gaps = answer.run.people, answer.run.zones, answer.run.gaps
    totals = answer.run.manifest["totals"]
    judged = people["reason"].ne("outside_zones")
    assert totals["raw"] == pytest.approx(fsum(town.people.values()), abs=1e-9)
    listed = totals.get("not_judged_outside_zones", 0.0)
    assert totals["judged"] + listed == pytest.approx(totals["raw"], abs=1e-9)
    assert totals["judged"] == pytest.approx(fsum(people["people"][judged]), abs=1e-9)
    own = zones[zones["level"].eq("village") | zones["circle"].eq("own")]
    for _, level in own.groupby("level"):
        assert fsum(level["people"]) == pytest.approx(totals["judged"], abs=1e-9)
    for code in CODES:
        here = people[people["zone_code"].eq(code)]
        zone = answer.zone(code)
        assert zone.people == pytest.approx(fsum(here["people"]), abs=1e-9)
        assert zone.people_within == pytest.approx(fsum(here["people"][here["within"]]), abs=1e-9)
        assert zone.gap_people == pytest.approx(fsum(gaps["people"][gaps["zone_code"].eq(code)]), abs=1e-9)
    some = zones[zones["people_judged"].gt(0)]
    assert (some["share_low"] <= some["share_within"]).all()
    assert (some["share_within"] <= some["share_high"]).all()
    assert (some["share_high"] <= some["share_straight"] + 1e-12).all()
    limit_m = people["circle"].map({"15min": town.rules["walk_kmh"] * 250, "1km": 1000.0})
    assert (people["within"] == (people["metres"] <= limit_m + 1e-6)).all()
    assert (people.loc[judged, "metres"] >= people.loc[judged, "straight_m"]).all()
    assert (people["within"] == people["reason"].eq("")).all()
    served = people[people["within"]].groupby("facility_id")["people"].sum()
    for facility, nearest_to_it in served.items():
        assert answer.facility(facility).people_within >= nearest_to_it - 1e-9


@examples(3)
@given(town=towns(), at=st.tuples(st.integers(-200, 2200), st.integers(-200, 2200)))
def test_more_facilities_speed_or_limit_never_cover_fewer(folder, town, at):
    before = town.run(folder).run.zones.set_index(["code", "circle"])["people_within"]
    fresh = {"at": (float(at[0]), float(at[1])), "kind": "community_station"}
    for more in (
        replace(town, facilities={**town.facilities, "A": fresh}),
        replace(town, rules={**town.rules, "walk_kmh": town.rules["walk_kmh"] * 1.3}),
        replace(town, rules={**town.rules, "urban_minutes": 19, "rural_metres": 1234}),
    ):
        after = more.run(folder).run.zones.set_index(["code", "circle"])["people_within"]
        assert (after >= before).all()


@examples(3)
@given(town=towns(), number=st.integers(0, 99))
def test_the_order_of_rows_never_shows(folder, town, number):
    turned = {way[::-1] if i % 2 else way: _turned(tags) if i % 2 else tags
              for i, (way, tags) in enumerate(town.ways.items())}  # fmt: skip
    mixed = replace(
        town, people=shuffled(town.people, number), facilities=shuffled(town.facilities, number),
        zones=shuffled(town.zones, number),
    )  # fmt: skip
    answer = town.run(folder)
    same(answer, mixed.run(folder))
    same(answer, replace(mixed, ways=shuffled(turned, number)).run(folder), to=1e-6)


def _turned(tags):
    """Return the tags of a way for the same way drawn from its end."""
    return {"oneway:foot": {"yes": "-1", "-1": "yes", None: None}[tags["oneway:foot"]]}


@examples(2)
@given(town=towns())
def test_the_ids_of_osm_ways_never_show(folder, town):
    town = replace(town, streets="osm.pbf")
    backwards = dict(reversed(town.ways.items()))
    same(town.run(folder), replace(town, ways=backwards).run(folder), to=1e-6)


@examples(2)
@given(town=towns(), shift=st.tuples(st.integers(-30, 30), st.integers(-30, 30)))
def test_the_place_on_earth_never_shows(folder, town, shift):
    moved = replace(town, origin=(ORIGIN[0] + 1000.0 * shift[0], ORIGIN[1] + 1000.0 * shift[1]))
    same(town.run(folder), moved.run(folder), to=1e-6)


@examples(2)
@given(town=towns())
def test_twice_is_the_same(folder, town):
    study = sc.Study.from_file(town.write(folder))
    first, second = sc.run(study), sc.run(study)
    for name in ("zones", "verdicts", "gaps", "facilities", "people", "segments", "circles", "reach"):
        one, two = (pd.DataFrame(getattr(run, name)) for run in (first, second))
        pd.testing.assert_frame_equal(one, two, check_exact=True)
    volatile = {"timings", "started_at"}
    assert {k: v for k, v in first.manifest.items() if k not in volatile} == {
        k: v for k, v in second.manifest.items() if k not in volatile
    }


def test_an_unreached_quantile_is_empty_and_never_a_number(folder):
    town = Town("A---B", people={"A": 1, "B 290N": 1, "A 900S": 3}, facilities={"F": "B"})
    zone = town.run(folder).zone()
    assert isnan(zone.median_seconds)
    assert isnan(zone.p90_seconds)
