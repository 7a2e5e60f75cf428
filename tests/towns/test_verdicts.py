"""Why people are not within, and what follows for their zone."""

from dataclasses import replace
from math import hypot, inf, isnan

import pytest

from towns.drawing import COMMUNITY, VILLAGE, Town

TOWN = r"""
W--------N---F------B
                    |
                    |
                    |
                    D
"""
NEAR, FAR, DETOUR, FARM = "N", "W", "D", "F 400N"
"""
To F at 4 km/h, 10 m in 9 s: N 400 m, 360 s. W 1300 m, 1170 s, too far in a straight line too.
D 700 + 400 m, 990 s, a detour: hypot(700, 400) = 806 m straight. The farm is 400 m from any street: off the
streets, and doubtful, as its straight line of 400 m is inside the limit.
"""


def town_of(near=0.0, detour=0.0, farm=0.0, far=0.0, **options):
    people = {NEAR: near, DETOUR: detour, FARM: farm, FAR: far}
    return Town(TOWN, people={p: n for p, n in people.items() if n}, facilities={"F": "F"}, **options)


def test_reasons(tmp_path):
    answer = town_of(near=1, detour=2, farm=4, far=8).run(tmp_path)
    told = {p: answer.person(p).reason for p in (NEAR, DETOUR, FARM, FAR)}
    assert told == {NEAR: "", DETOUR: "detour", FARM: "off_streets", FAR: "too_far"}
    assert answer.person(DETOUR).straight_m == pytest.approx(hypot(700, 400), abs=1e-6)
    zone = answer.zone()
    assert (zone.people, zone.people_judged) == (15, 15)
    assert (zone.people_within, zone.people_doubtful, zone.gap_people) == (1, 4, 14)
    assert zone.share_within == zone.share_low == pytest.approx(1 / 15, abs=1e-12)
    assert zone.share_high == pytest.approx(5 / 15, abs=1e-12)
    assert zone.share_straight == pytest.approx(7 / 15, abs=1e-12)  # near, detour and farm


@pytest.mark.parametrize(
    ("near", "detour", "farm", "far", "verdict", "certainty", "median_s", "p90_s"),
    [
        (90, 10, 0, 0, "met", "certain", 360, 360),  # 0.9 exactly; 90 of 100 at 360 s are 0.9 of them
        (899, 101, 0, 0, "not_met", "certain", 360, 990),
        (96, 0, 4, 0, "met", "certain", 360, 360),  # 4 % doubtful
        (95, 0, 5, 0, "met", "likely", 360, 360),  # 5 % is not under 5 %
        (80, 0, 20, 0, "to_verify", "cannot_tell", 360, None),  # 0.8 to 1.0; the 90th is unreached
        (80, 10, 10, 0, "to_verify", "cannot_tell", 360, 990),  # 0.8 to 0.9: not under 0.9
        (50, 40, 10, 0, "not_met", "likely", 360, 990),  # 0.5 to 0.6, 10 % doubtful
        (50, 6, 4, 40, "not_met", "certain", 360, 1170),  # 0.5 to 0.54, 4 % doubtful
        (50, 0, 50, 0, "to_verify", "cannot_tell", 360, None),  # half off the streets is not over half
        (48, 1, 51, 0, "not_judged", "", None, None),
    ],
)  # fmt: skip
def test_shares_become_verdicts(tmp_path, near, detour, farm, far, verdict, certainty, median_s, p90_s):
    zone = town_of(near, detour, farm, far).run(tmp_path).zone()
    judged = near + detour + farm + far
    assert zone.state == ("streets_unmapped" if verdict == "not_judged" else "judged")
    assert (zone.verdict, zone.certainty) == (verdict, certainty)
    assert zone.share_low == pytest.approx(near / judged, abs=1e-12)
    assert zone.share_high == pytest.approx((near + farm) / judged, abs=1e-12)
    for seconds, expected in ((zone.median_seconds, median_s), (zone.p90_seconds, p90_s)):
        assert isnan(seconds) if expected is None else seconds == pytest.approx(expected, abs=1e-6)
    assert zone.gap_people == judged - near
    counts = {"met": zone.units_met, "not_met": zone.units_not_met, "to_verify": zone.units_to_verify}
    assert counts == {name: int(name == verdict) for name in counts}
    assert zone.units_judged == int(verdict != "not_judged")


def test_the_share_required_is_ones_own_choice(tmp_path):
    answer = town_of(80, 20, rules={"share_required": 0.8}).run(tmp_path)
    assert answer.zone().verdict == "met"
    rows = answer.run.verdicts[answer.run.verdicts["zone_code"] == VILLAGE]
    rows = rows[rows["clause_id"] == "puyang-rural-1km"]
    assert (rows["measured"] == 0.8).all()
    assert (rows["threshold"] == 0.8).all()
    assert set(rows["verdict"]) == {"met"}
    lines = answer.run.manifest["summary"]["reference_lines"]
    assert lines == {"0.8": 1, "0.9": 0, "1.0": 0}


def test_people_far_from_any_street_leave_their_zone_unmapped_even_when_placed(tmp_path):
    # with snap_m = 500 the farm is placed: 400 m over, at F; but 400 m is more than 300 m from any segment
    answer = town_of(near=40, farm=60, rules={"snap_m": 500}).run(tmp_path)
    assert answer.person(FARM).metres == pytest.approx(400, abs=1e-6)
    assert answer.person(FARM).within
    assert (answer.zone().state, answer.zone().verdict) == ("streets_unmapped", "not_judged")
    assert "coverage.streets_unmapped" in answer.codes


def test_the_first_reason_that_holds(tmp_path):
    town = Town(
        r"""
        F---------A
                  |
                  |
        B---------C
                            J--K
        """,
        people={
            "F 700N": 1,  # off the streets, 700 m
            "F 1001N": 2,  # off the streets, and too far: too_far stands first
            "B": 3,  # 300 m straight, 1000 + 300 + 1000 m round: more than twice
            "B 100E": 4,  # hypot(100, 300) = 316 m straight, 2200 m round
            "C": 5,  # 1044 m straight
            "J": 6,  # on an island, and too far
        },
        facilities={"F": "F"},
        rules={"islet_m": 0},
    )
    answer = town.run(tmp_path)
    assert {n: answer.person(p).reason for p, n in town.people.items()} == {
        1: "off_streets", 2: "too_far", 3: "long_detour", 4: "long_detour", 5: "too_far", 6: "too_far",
    }  # fmt: skip
    assert answer.person("B").metres == pytest.approx(2300, abs=1e-6)
    assert answer.person("J").metres == inf
    assert answer.zone().people_doubtful == 1 + 3 + 4


RIVER = r"""
F---------A
          |
P---------B
"""


@pytest.mark.parametrize(
    ("doubt_detour", "reason"), [(2.0, "long_detour"), (10.99, "long_detour"), (11.01, "detour")]
)
def test_a_river_with_one_bridge_is_to_verify(tmp_path, doubt_detour, reason):
    town = Town(RIVER, people={"P": 9}, facilities={"F": "F"}, rules={"doubt_detour": doubt_detour})
    answer = town.run(tmp_path)
    # 200 m over the river, 1000 + 200 + 1000 = 2200 m over the bridge: eleven times
    assert answer.person("P").reason == reason
    assert answer.zone().verdict == ("to_verify" if reason == "long_detour" else "not_met")
    assert answer.run.gaps.iloc[0]["class"] == ("to_verify" if reason == "long_detour" else "detour")


def test_no_counting_facility_stands_before_all_other_reasons(tmp_path):
    town = Town(
        "A----B----C",
        people={"A": 3, "A 900N": 2},
        facilities={"F": {"at": "B", "status": "planned"}, "G": {"at": "A", "kind": "township_home"}},
    )
    answer = town.run(tmp_path)
    for place in town.people:
        person = answer.person(place)
        assert person.reason == "no_counting_facility"
        assert (person.metres, person.straight_m) == (inf, inf)
    zone = answer.zone()
    assert (zone.verdict, zone.certainty, zone.people_doubtful) == ("not_met", "certain", 0)
    assert (zone.share_low, zone.share_high, zone.share_straight) == (0, 0, 0)
    assert answer.run.gaps.iloc[0]["class"] == "certain"


def test_measured_in_a_straight_line(tmp_path):
    answer = town_of(near=1, detour=2, farm=4, far=8, rules={"measure": "straight"}).run(tmp_path)
    assert answer.person(DETOUR).within
    assert answer.person(DETOUR).reason == ""
    assert answer.person(DETOUR).metres == pytest.approx(1100, abs=1e-6)  # both are always computed
    assert answer.person(FAR).reason == "too_far"
    zone = answer.zone()
    assert (zone.people_within, zone.people_doubtful, zone.gap_people) == (7, 0, 8)
    assert zone.share_within == zone.share_straight == zone.share_high == pytest.approx(7 / 15, abs=1e-12)
    assert zone.share_low == pytest.approx(1 / 15, abs=1e-12)  # by the streets


def test_zones_without_people_and_without_class(tmp_path):
    town = Town(
        "A----B----C",
        people={"A": 3, "C": 5},
        facilities={"F": "A"},
        zones={VILLAGE: ("A 90W 90N", "A 90E 90S"), "410902200202": ("B 90W 90N", "B 90E 90S"),
               "X": {"box": ("C 90W 90N", "C 90E 90S"), "name": "农场"}},
        rules={"default_class": "none"},
    )  # fmt: skip
    answer = town.run(tmp_path)
    empty, unruled = answer.zone("410902200202"), answer.zone("X")
    assert (empty.state, empty.verdict, empty.people) == ("no_people", "not_judged", 0)
    assert (unruled.state, unruled.verdict) == ("no_class", "not_judged")
    assert (unruled.people, unruled.people_judged) == (5, 0)
    for zone in (empty, unruled):
        assert isnan(zone.share_within)
        assert isnan(zone.share_low)
        assert isnan(zone.share_high)
        assert isnan(zone.share_straight)
        assert isnan(zone.median_seconds)
    person = answer.person("C")
    assert person.reason == "no_class"
    assert not person.within
    totals = answer.run.manifest["totals"]
    assert totals["judged"] == 3
    assert totals["not_judged_no_class"] == 5


def test_people_in_no_zone_are_listed(tmp_path):
    town = Town(
        "A----B----C",
        people={"A": 3, "C": 5},
        facilities={"F": "A"},
        zones={VILLAGE: ("A 90W 90N", "A 90E 90S")},
    )
    answer = town.run(tmp_path)
    outside = answer.person("C")
    assert (outside.zone_code, outside.reason, outside.within) == ("", "outside_zones", False)
    totals = answer.run.manifest["totals"]
    assert (totals["raw"], totals["judged"], totals["not_judged_outside_zones"]) == (8, 3, 5)
    assert "people.outside_zones" in answer.codes


def test_urban_people_are_placed_within_200_m_and_rural_ones_within_300(tmp_path):
    people = {"A 200N": 1, "A 201N": 1, "C 300N": 1, "C 301N": 1}
    town = Town(
        "A----B----C",
        people=people,
        facilities={"F": "B"},
        zones={COMMUNITY: ("A 900N 900W", "B 900S"), VILLAGE: ("B 900N", "C 900E 900S")},
    )
    answer = town.run(tmp_path)
    assert [answer.person(p).reason for p in people] == ["", "off_streets", "", "off_streets"]
    one = replace(town, rules={"snap_m": 150}, people={"A 150N": 1, "C 151N": 1})
    answer = one.run(tmp_path / "one number")
    assert [answer.person(p).reason for p in one.people] == ["", "off_streets"]
