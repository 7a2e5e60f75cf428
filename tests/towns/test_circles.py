"""Circles, and which facilities count for them."""

import pytest
import shapely

from towns.drawing import COMMUNITY, VILLAGE, Town

LONG = r"""
A---------------F----B----------C
                |
                |
                |
                D
"""
"""From F 1600 m west, 500 + 1100 m east and 400 m south."""


def test_fifteen_minutes_at_four_kmh_are_the_kilometre(tmp_path):
    answer = Town(LONG, people={"D": 5}, facilities={"F": "F"}).run(tmp_path)
    circle = answer.circle("F")  # one row: both limits are 1000 m
    assert circle.street_m == pytest.approx(1000 + 1000 + 400, abs=1e-6)
    assert circle.people_within == 5


def test_other_speeds_make_two_circles(tmp_path):
    people = {"B 300E": 1, "B 301E": 2, "B 500E": 4, "B 501E": 8, "D 250E": 16}
    answer = Town(LONG, people=people, facilities={"F": "F"}, rules={"walk_kmh": 3.2}).run(tmp_path)
    minutes, metres = answer.circle("F", 15), answer.circle("F", 1000)
    assert (minutes.cutoff_unit, metres.cutoff_unit) == ("min", "m")
    assert minutes.street_m == pytest.approx(800 + 800 + 400, abs=1e-6)  # 15 minutes at 3.2 km/h are 800 m
    assert metres.street_m == pytest.approx(1000 + 1000 + 400, abs=1e-6)
    assert minutes.people_within == 1 + 16  # 800 and 400 + 250 m; not 801 m
    assert metres.people_within == 1 + 2 + 4 + 16
    for circle in (minutes, metres):
        assert circle.geometry.is_valid
        assert circle.geometry.geom_type in {"Polygon", "MultiPolygon"}
        assert circle.area_m2 == pytest.approx(circle.geometry.area)
    assert metres.geometry.contains(minutes.geometry.buffer(-1))


def test_people_are_never_counted_with_the_polygon(tmp_path):
    town = Town(LONG, people={"B 510E": 1, "B 200S": 2}, facilities={"F": "F"})
    answer = town.run(tmp_path)
    drawn = answer.circle("F").geometry
    inside, outside = (shapely.Point(town.xy(place)) for place in town.people)
    assert drawn.contains(inside)  # 10 m past the end, and drawn 25 m wide
    assert not answer.person("B 510E").within  # 1010 m
    assert not drawn.contains(outside)
    assert answer.person("B 200S").within  # 500 + 200 m
    assert answer.circle("F").people_within == 2
    assert answer.facility("F").people_within == 2
    wide = Town(LONG, people=town.people, facilities={"F": "F"}, rules={"circle_buffer_m": 250}).run(
        tmp_path / "wide"
    )
    assert wide.circle("F").geometry.contains(outside)
    assert wide.circle("F").street_m == answer.circle("F").street_m
    assert wide.zone().people_within == answer.zone().people_within == 2


def test_a_circle_obeys_one_way_footways_and_the_way_to_the_street(tmp_path):
    town = Town(
        "A-----------F-----------B",
        ways={"AF": {"oneway:foot": "yes"}, "FB": {"oneway:foot": "yes"}},
        people={"A 500E": 1, "B 500W": 2},
        facilities={"F": "F 100W 60N"},
    )
    answer = town.run(tmp_path)
    # the door is 60 m from the street, 1100 m from A: 940 m are left, and only from the west one may come
    assert answer.circle("F").street_m == pytest.approx(940, abs=1e-6)
    assert answer.circle("F").people_within == 1  # 600 + 60 m


KINDS = {  # kind -> for whom it counts
    "street_centre": "urban", "community_daycare": "urban rural", "community_station": "urban rural",
    "community_facility": "urban rural", "community_place": "urban rural", "embedded_institution": "urban",
    "home_care_station": "urban rural", "regional_centre": "urban rural", "village_happiness_home": "rural",
    "any_rural": "rural", "township_home": "", "care_institution": "", "meal_point": "", "medical": "",
}  # fmt: skip
STATUSES = (
    "operating", "built_idle", "accepted", "under_construction", "planned", "suspended", "closed", "unknown",
    "",
)  # fmt: skip


def stations(facilities):
    """Stand each facility on a street of its own, far from the next, with a community and a village on it."""
    rows = [-50_000.0 * i for i in range(len(facilities))]
    named = zip(rows, facilities.items(), strict=True)
    return Town(
        "",
        ways={((0.0, y), (1400.0, y)): {} for y in rows},
        people={(x, y): 1 for y in rows for x in (0.0, 1400.0)},
        facilities={name: {"at": (700.0, y), **facility} for y, (name, facility) in named},
        zones={f"4109{i}{kind}": ((x - 100, y + 100), (x + 100, y - 100))
               for i, y in enumerate(rows, 20) for kind, x in (("001001", 0.0), ("200201", 1400.0))},
    )  # fmt: skip


def test_which_kinds_count_for_whom(tmp_path):
    town = stations({kind: {"kind": kind} for kind in KINDS})
    answer = town.run(tmp_path)
    served = {}
    for kind, (_, y) in zip(KINDS, (f["at"] for f in town.facilities.values()), strict=True):
        urban, rural = answer.person((0.0, y)), answer.person((1400.0, y))
        assert (urban.circle, rural.circle) == ("15min", "1km")
        served[kind] = " ".join(word for word, p in (("urban", urban), ("rural", rural)) if p.within)
        assert answer.facility(kind).used == bool(KINDS[kind])
    assert served == KINDS
    # four kinds are left out for all, two more for communities and two for villages: what they would add
    assert answer.run.manifest["summary"]["people_more"]["other_kinds"] == {"15min": 4 + 2, "1km": 4 + 2}
    assert "coverage.kinds_left_out" in answer.codes


def test_only_operating_facilities_count(tmp_path):
    town = stations({f"F{i}": {"status": status} for i, status in enumerate(STATUSES)})
    answer = town.run(tmp_path)
    assert [answer.facility(name).used for name in town.facilities] == [s == "operating" for s in STATUSES]
    assert answer.facility("F8").status == "unknown"  # an empty cell
    within = {name: answer.person((0.0, f["at"][1])).within for name, f in town.facilities.items()}
    assert [name for name, is_within in within.items() if is_within] == ["F0"]
    # 在建拟建投用后: built, accepted, under construction, planned
    assert answer.run.manifest["summary"]["people_more"]["when_opened"] == {"15min": 4, "1km": 4}


def test_without_a_status_column_all_operate(tmp_path):
    town = Town("A----B", people={"A": 1}, facilities={"F": {"at": "B", "status": None}})
    answer = town.run(tmp_path)
    assert answer.facility("F").status == "operating"
    assert answer.person("A").within
    assert answer.run.manifest["findings"]["facilities.no_status"] == 1


def test_kinds_can_be_chosen(tmp_path):
    town = Town(
        "A----B----C",
        people={"A": 1},
        facilities={"F": {"at": "B", "kind": "medical"}, "G": "C"},
        rules={"rural_kinds": ["medical"]},
    )
    assert town.run(tmp_path).person("A").metres == pytest.approx(500, abs=1e-6)


def test_further_circles_stand_beside_the_two(tmp_path):
    meals = {"id": "meals", "name": "助餐服务圈", "applies": "all", "minutes": 9, "kinds": ["meal_point"]}
    town = Town(
        "A----B----C----D",
        people={"A": 1, "C": 2, "D": 4},
        facilities={"F": "A", "M": {"at": "D", "kind": "meal_point"}},
        zones={COMMUNITY: ("A 90W 90N", "B 90E 90S"), VILLAGE: ("C 90W 90N", "D 90E 90S")},
        rules={"circles": [meals]},
    )
    answer = town.run(tmp_path)
    # 9 minutes at 4 km/h are 600 m. The meal point at D: D 0, C 500, A 1500 m. F: A 0, C 1000, D 1500 m
    village, community = answer.zone(VILLAGE, "meals"), answer.zone(COMMUNITY, "meals")
    assert (village.people_within, village.people, village.limit, village.limit_unit) == (6, 6, 9, "min")
    assert (community.people_within, community.people) == (0, 1)
    assert (community.facilities, village.facilities) == (0, 1)
    assert answer.zone(VILLAGE, "1km").people_within == 2
    assert answer.zone("410902000000", "meals").people_within == 6
    # the further circle never changes anyone's own rule
    assert answer.zone("410902000000", "own").people_within == 3
    assert answer.zone("410902000000", "own").people == 7
    assert answer.person("D").circle == "1km"
    assert answer.person("D").facility_id == "F"
    assert answer.circle("M").cutoff == 9
    assert answer.circle("M").street_m == pytest.approx(600, abs=1e-6)
    assert answer.circle("M").people_within == 6
