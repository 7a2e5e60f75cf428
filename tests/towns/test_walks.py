"""How far it is: placement on the streets, ways along them, and the limit."""

from itertools import pairwise
from math import hypot, inf

import pytest

from towns.drawing import COMMUNITY, VILLAGE, Town

MM = 0.001


def exactly(metres):
    return pytest.approx(metres, abs=1e-6)


def test_two_points_on_one_segment_walk_along_it(tmp_path):
    town = Town(
        "A---------B",
        people={"A 200E 40N": 1, "A 900E": 1},
        facilities={"F": "A 700E 30S"},
    )
    answer = town.run(tmp_path)
    person = answer.person("A 200E 40N")
    assert person.metres == exactly(570)  # 40 to the street, 500 along it, 30 to the door
    assert person.straight_m == exactly(hypot(500, 70))
    assert person.snap_m == exactly(40)
    assert answer.person("A 900E").metres == exactly(230)  # 200 along, 30 to the door
    assert answer.facility("F").snap_m == exactly(30)


def test_two_points_on_one_bent_segment_take_the_shorter_way_round(tmp_path):
    town = Town(
        r"""
        A-B
        | |
        | |
        | |
        C-D
        """,
        ways={"ACDB": {}},  # one way of 400 + 200 + 400 m; A to B is 200 m
        people={"A 100S": 1, "C": 1},
        facilities={"F": "B 100S"},
    )
    answer = town.run(tmp_path)
    assert answer.person("A 100S").metres == exactly(400)  # up 100, across 200, down 100; along it: 800
    assert answer.person("C").metres == exactly(500)  # along it: 200 + 300; by A and B: 400 + 200 + 100


def test_a_facility_on_a_loop_is_reached_both_ways_round(tmp_path):
    town = Town(
        r"""
        A---B---C
            |   |
            E---D
        """,
        ways={"BCDEB": {}},  # one way that ends where it starts: 400 + 200 + 400 + 200 m
        people={"A": 1, "E 300E": 1, "E 150N": 1, "E 50N": 1},
        facilities={"F": "C 100S"},  # 500 m from B by C, 700 m by E
    )
    answer = town.run(tmp_path)
    assert len(answer.run.segments) == 2
    assert answer.person("A").metres == exactly(900)  # 400 + 500
    assert answer.person("E 300E").metres == exactly(200)  # 100 to D, 100 up
    assert answer.person("E 150N").metres == exactly(550)  # 50 up to B, 500; along the loop it is 650
    assert answer.person("E 50N").metres == exactly(550)  # 50 to E, 400 to D, 100 up; by B it is 650


def test_of_parallel_streets_the_shortest_counts(tmp_path):
    town = Town(
        r"""
        A---B---F
        |   |
        C---D
        """,
        ways={"ACDB": {}},  # 200 + 400 + 200 = 800 m beside A to B, 400 m
        people={"A": 1, "C": 1},
        facilities={"F": "F"},
    )
    answer = town.run(tmp_path)
    assert answer.person("A").metres == exactly(800)  # 400 + 400
    assert answer.person("C").metres == exactly(
        1000
    )  # 200 up to A, 400, 400; by D it is 400 + 200 + 400, the same


def decimal_street():
    """600 m east, then 400 m north, in pieces of 0.1, 0.2, 0.7 and 9.0 m that are ways of their own."""
    along = [round(ten + step, 1) for ten in range(0, 1000, 10) for step in (0.0, 0.1, 0.3, 1.0)] + [1000.0]
    spots = [(min(m, 600.0), round(max(m - 600.0, 0.0), 1)) for m in along]
    return {(a, b): {} for a, b in pairwise(spots)}


@pytest.mark.parametrize("zone", [VILLAGE, COMMUNITY])
def test_exactly_on_the_limit_is_within_and_a_millimetre_more_is_not(tmp_path, zone):
    town = Town(
        "",
        ways=decimal_street(),
        people={(0.0, 0.0): 3, (-MM, 0.0): 5},
        facilities={"F": (600.0, 400.0)},
        zones={zone: ((-9000, -9000), (9000, 9000))},  # 1 km and 15 minutes at 4 km/h: both 1000 m
    )
    answer = town.run(tmp_path)
    assert len(answer.run.segments) == 400
    on_it, beyond = answer.person((0.0, 0.0)), answer.person((-MM, 0.0))
    assert on_it.metres == exactly(1000)  # 100 x (0.1 + 0.2 + 0.7 + 9.0)
    assert on_it.seconds == exactly(900)
    assert on_it.within
    assert on_it.reason == ""
    assert beyond.metres == exactly(1000 + MM)
    assert not beyond.within
    assert beyond.reason == "detour"  # the straight line is 721 m
    assert answer.zone(zone).people_within == 3


ONE_WAYS = [  # tags of a street from west to east, and from which of its ends one may walk to its middle
    ({"oneway:foot": "yes"}, "west"),
    ({"oneway:foot": "-1"}, "east"),
    ({"foot:backward": "no"}, "west"),
    ({"foot:forward": "no"}, "east"),
    ({"oneway": "yes"}, "west east"),  # for cars
    ({"oneway:foot": "no"}, "west east"),
]


@pytest.mark.parametrize("streets", ["gpkg", "osm"])
def test_one_way_footways_lead_from_people_to_the_facility(tmp_path, streets):
    rows = [-2000.0 * i for i in range(len(ONE_WAYS))]  # far from each other
    town = Town(
        "",
        ways={((0.0, y), (400.0, y)): tags for y, (tags, _) in zip(rows, ONE_WAYS, strict=True)},
        people={(x, y): 1 for y in rows for x in (0.0, 400.0)},
        facilities={f"F{i}": (100.0, y) for i, y in enumerate(rows)},
        zones={VILLAGE: ((-9000, -19000), (9000, 9000))},
        streets=streets,
    )
    answer = town.run(tmp_path)
    for y, (_, who_may) in zip(rows, ONE_WAYS, strict=True):
        for end, x, metres in (("west", 0.0, 100), ("east", 400.0, 300)):
            person = answer.person((x, y))
            if end in who_may:
                assert person.metres == pytest.approx(metres, abs=0.05)
            else:
                assert person.metres == inf
                # its piece, connected ignoring direction, holds the facility: no island
                assert person.reason == "long_detour"


@pytest.mark.parametrize(("tags", "person", "door"), [("yes", "at", "off"), ("-1", "off", "at")])
def test_where_a_one_way_footway_begins_or_ends_is_a_junction_like_any_other(tmp_path, tags, person, door):
    # a one-way street of 400 m and a street of 500 m part at the origin. The one-way street is the first
    # of the two: what stands at the origin is placed on it, and need not walk along it
    town = Town(
        "",
        ways={((0.0, 0.0), (400.0, 0.0)): {"oneway:foot": tags}, ((0.0, 0.0), (400.0, 300.0)): {}},
        people={{"at": (0.0, 0.0), "off": (400.0, 300.0)}[person]: 1},
        facilities={"F": {"at": (0.0, 0.0), "off": (400.0, 300.0)}[door]},
    )
    answer = town.run(tmp_path)
    assert answer.segment((0.0, 0.0), (400.0, 0.0)).segment_id == 0
    assert answer.run.people.iloc[0].metres == exactly(500)
    assert answer.facility("F").people_within == 1


def test_against_a_one_way_footway_one_walks_round(tmp_path):
    town = Town(
        r"""
        A---B
        |   |
        C---D
        """,
        ways={"AB": {"oneway:foot": "yes"}},
        people={"B": 1, "A 100E": 1},
        facilities={"F": "A"},
    )
    answer = town.run(tmp_path)
    assert answer.person("B").metres == exactly(800)  # 200 + 400 + 200
    assert answer.person("A 100E").metres == exactly(1100)  # on to B, 300, and round: not 100 back
    assert answer.facility("F").people_within == 1


ISLET = r"""
A-----------B

   I--J
"""
"""1200 m of mainland; 200 m south of it an islet of 300 m, I being 300 m east of A."""


def test_on_an_islet_one_is_placed_on_the_mainland_too(tmp_path):
    town = Town(ISLET, people={"I 20S": 1, "I 150S": 1}, facilities={"F": "A 900E"})
    answer = town.run(tmp_path)
    near, far = answer.person("I 20S"), answer.person("I 150S")
    assert near.metres == exactly(820)  # 220 to the mainland, 600 along it
    assert near.snap_m == exactly(20)
    assert near.within
    # 350 m to the mainland is beyond snap_m = 300; the islet's streets lead nowhere
    assert far.snap_m == exactly(150)
    assert far.metres == inf
    assert far.reason == "island"
    assert answer.zone().people_doubtful == 1


def test_a_facility_on_an_islet_is_reached_on_it_and_from_the_mainland(tmp_path):
    town = Town(ISLET, people={"I": 1, "A 100E": 1}, facilities={"F": "J"})
    answer = town.run(tmp_path)
    assert answer.person("I").metres == exactly(300)  # along the islet; by the mainland 200 + 300 + 200
    assert answer.person("A 100E").metres == exactly(700)  # 500 along the mainland, 200 over
    assert answer.facility("F").snap_m == exactly(0)


@pytest.mark.parametrize(("islet_m", "reason"), [(1000, "island"), (1000.5, "")])
def test_a_piece_of_exactly_islet_m_is_no_islet(tmp_path, islet_m, reason):
    town = Town(
        r"""
        A------------B

        C---------D
        """,
        people={"C": 1},  # on a piece of exactly 1000 m, 200 m from the other
        facilities={"F": "A 100E"},
        rules={"islet_m": islet_m},
    )
    person = town.run(tmp_path).person("C")
    assert person.reason == reason
    assert person.metres == (inf if reason else exactly(300))


def test_off_the_streets_nobody_is_placed(tmp_path):
    town = Town("A--B", people={"A 300S": 1, "A 300.001S": 2, "A 301S": 2}, facilities={"F": "B 300S"})
    answer = town.run(tmp_path)
    assert answer.person("A 300S").metres == exactly(900)  # 300 over, 300 along, 300 over
    assert answer.person("A 300.001S").reason == "off_streets"
    farm = answer.person("A 301S")
    assert farm.metres == inf
    assert farm.snap_m == exactly(301)
    assert farm.straight_m == exactly(hypot(300, 1))
    assert farm.reason == "off_streets"
    assert answer.zone().people_doubtful == 4


def test_a_facility_off_the_streets_counts_in_a_straight_line_only(tmp_path):
    town = Town("A----B", people={"A": 4}, facilities={"F": "A 400N"})
    answer = town.run(tmp_path)
    person, zone = answer.person("A"), answer.zone()
    assert person.straight_m == exactly(400)
    assert person.metres == inf
    assert person.reason == "island"  # A is on a street whose piece holds no facility
    assert (zone.share_within, zone.share_high, zone.share_straight) == (0, 1, 1)
    assert answer.facility("F").people_within == 0


@pytest.mark.parametrize(("metres", "flagged"), [(49, False), (51, True)])
def test_a_facility_farther_than_50_m_from_the_streets_is_flagged(tmp_path, metres, flagged):
    town = Town("A----B", people={"A": 1}, facilities={"F": f"B {metres}S"})
    answer = town.run(tmp_path)
    assert ("facilities.position_doubtful" in answer.codes) == flagged
    assert answer.person("A").metres == exactly(500 + metres)


@pytest.mark.parametrize(("west", "east", "chosen"), [("F2", "F1", "F1"), ("F10", "F9", "F10")])
def test_of_facilities_equally_near_the_lowest_id_is_named(tmp_path, west, east, chosen):
    town = Town("A---B---C", people={"B": 1, "B 1E": 1}, facilities={west: "A", east: "C"})
    answer = town.run(tmp_path)
    assert answer.person("B").metres == exactly(400)
    assert answer.person("B").facility_id == chosen
    assert answer.person("B 1E").facility_id == east


@pytest.mark.parametrize("door", ["A 300E", "C 300E"])
def test_of_segments_equally_near_the_lowest_id_is_taken(tmp_path, door):
    town = Town(
        r"""
        A----B
             |
             |
             |
        C----D
        """,
        people={"A 100E 200S": 1},  # 200 m from A-B and from C-D
        facilities={"F": door},
    )
    answer = town.run(tmp_path)
    lowest = min("AB", "CD", key=lambda ends: answer.segment(*ends).segment_id)
    same_street = door[0] == lowest[0]
    # 200 over and 200 along; or 200 over, 400 to the corner, 400 down or up, 200 back
    assert answer.person("A 100E 200S").metres == exactly(400 if same_street else 1200)


def test_no_way_is_shorter_than_the_straight_line(tmp_path):
    town = Town(
        r"""
        A----B----C
         \       /
          D-----E
        """,
        people={f"{letter} {i}7E {i}3S": 1 for i, letter in enumerate("ABCDE", 1)},
        facilities={"F": "C 11W 3N", "G": "D 40S"},
    )
    people = town.run(tmp_path).run.people
    assert (people["metres"] >= people["straight_m"]).all()
