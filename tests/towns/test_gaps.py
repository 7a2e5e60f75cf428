"""Gaps: people of one village that are not covered, joined where they are near each other."""

import pytest
from pyproj import Transformer

from towns.drawing import ORIGIN, VILLAGE, Town

NEXT = "410902200202"
STREET = "A-----------------B"
"""1800 m; the facility stands at B, so all people in the first 800 m are too far away."""


def gaps_of(tmp_path, people, **options):
    return Town(STREET, people=people, facilities={"F": "B"}, **options).run(tmp_path)


def test_people_join_at_150_m_and_not_beyond(tmp_path):
    answer = gaps_of(tmp_path, {"A": 10, "A 150E": 30, "A 300.001E": 5, "A 450E": 3, "A 700E": 0.5})
    gaps = answer.run.gaps.set_index("gap_id")
    # 0 to 150 m joins; 150.001 m does not; 149.999 m does; 250 m does not
    assert list(gaps["people"]) == [40, 8, 0.5]
    assert list(gaps.index[:2]) == [f"{VILLAGE}-1", f"{VILLAGE}-2"]
    assert gaps.index[2] not in {f"{VILLAGE}-3"}  # under one person: listed, unranked
    assert set(gaps["class"]) == {"certain"}
    assert set(gaps["reason"]) == {"too_far"}
    assert gaps["people"].sum() == answer.zone().gap_people == 48.5
    assert [len(shape.geoms) for shape in gaps.geometry] == [2, 2, 1]


def test_a_chain_of_short_hops_is_one_gap(tmp_path):
    answer = gaps_of(tmp_path, {"A": 1, "A 150E": 1, "A 300E": 1, "A 450E": 1})
    assert list(answer.run.gaps["people"]) == [4]


def test_the_join_distance_is_a_rule(tmp_path):
    answer = gaps_of(tmp_path, {"A": 1, "A 200E": 2}, rules={"gap_join_m": 200})
    assert list(answer.run.gaps["people"]) == [3]


def test_figures_and_place_of_a_gap(tmp_path):
    answer = gaps_of(tmp_path, {"A": 10, "A 100E": 10, "A 150E 30N": 30})
    gap = answer.run.gaps.iloc[0]
    # walks of 1800, 1700 and 1650 + 30 = 1680 m: half of 50 people is reached with the 30 at 1680 m
    assert gap.metres == pytest.approx(1680, abs=1e-6)
    assert gap.seconds == pytest.approx(1512, abs=1e-6)
    # straight lines of 1800, 1700 and hypot(1650, 30) m
    assert gap.straight_m == pytest.approx((1650**2 + 30**2) ** 0.5, abs=1e-6)
    # the mean is (10 x 0 + 10 x 100 + 30 x 150) / 50 = 110 m east, 18 m north: 20.6 m from the row at 100 m
    to_degrees = Transformer.from_crs("EPSG:4547", "EPSG:4326", always_xy=True)
    assert (gap.lon, gap.lat) == pytest.approx(to_degrees.transform(ORIGIN[0] + 100, ORIGIN[1]), abs=1e-9)
    assert gap.nearest_facility == "facility F"
    assert gap.zone_name == f"zone {VILLAGE}"


def test_gaps_stay_inside_their_village_and_rank_by_people(tmp_path):
    zones = {VILLAGE: ("A 90W 900N", "A 100E 900S"), NEXT: ("A 100E 900N", "B 90E 900S")}
    people = {"A 90E": 1, "A 120E": 7, "A 400E": 9}
    answer = gaps_of(tmp_path, people, zones=zones)
    gaps = answer.run.gaps.set_index("gap_id")["people"]
    assert dict(gaps) == {f"{VILLAGE}-1": 1, f"{NEXT}-1": 9, f"{NEXT}-2": 7}
    assert answer.zone(VILLAGE).gap_people == 1
    assert answer.zone(NEXT).gap_people == 16


def test_classes_of_gaps(tmp_path):
    town = Town(
        r"""
        W--------N---F------B
                            |
                            |
                            |
                            D
        """,
        people={"W": 1, "D": 2, "F 400N": 4, "N": 8},
        facilities={"F": "F"},
    )
    answer = town.run(tmp_path)
    gaps = answer.run.gaps.set_index("people")
    assert dict(gaps["class"]) == {1: "certain", 2: "detour", 4: "to_verify"}
    assert dict(gaps["reason"]) == {1: "too_far", 2: "detour", 4: "off_streets"}
    assert answer.zone().gap_people == 7
