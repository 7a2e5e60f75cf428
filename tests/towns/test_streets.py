"""Which streets count, and where they meet."""

import pytest

from towns.drawing import Town

WALKED = {
    "footway": {"highway": "footway"},
    "path": {"highway": "path"},
    "cycleway": {"highway": "cycleway"},
    "bridleway": {"highway": "bridleway"},
    "track": {"highway": "track"},
    "service": {"highway": "service"},
    "steps": {"highway": "steps"},
    "primary": {"highway": "primary"},
    "trunk link": {"highway": "trunk_link"},
    "trunk": {"highway": "trunk"},
    "lift for walkers": {"highway": "elevator", "foot": "yes"},
    "private, but yes": {"highway": "service", "access": "private", "foot": "yes"},
    "closed, but designated": {"highway": "service", "access": "no", "foot": "designated"},
    "closed, but permissive": {"highway": "service", "access": "no", "foot": "permissive"},
    "closed, but destination": {"highway": "service", "access": "no", "foot": "destination"},
    "closed, but customers": {"highway": "service", "access": "private", "foot": "customers"},
    "residents only": {"highway": "residential", "access": "destination"},
    "one-way for cars": {"highway": "residential", "oneway": "yes"},
}
NOT_WALKED = {
    "motorway": {"highway": "motorway"},
    "motorway link": {"highway": "motorway_link"},
    "motorway on foot": {"highway": "motorway", "foot": "yes"},
    "motorroad": {"highway": "trunk", "motorroad": "yes"},
    "construction": {"highway": "construction"},
    "proposed": {"highway": "proposed"},
    "planned": {"highway": "planned"},
    "abandoned": {"highway": "abandoned"},
    "razed": {"highway": "razed"},
    "raceway": {"highway": "raceway"},
    "guideway": {"highway": "bus_guideway"},
    "busway": {"highway": "busway"},
    "rest area": {"highway": "rest_area"},
    "services": {"highway": "services"},
    "lift": {"highway": "elevator"},
    "platform": {"highway": "platform"},
    "platform on foot": {"highway": "platform", "foot": "yes"},
    "no foot": {"highway": "residential", "foot": "no"},
    "private foot": {"highway": "residential", "foot": "private"},
    "sidepath": {"highway": "primary", "foot": "use_sidepath"},
    "trunk without walkers": {"highway": "trunk", "foot": "no"},
    "closed": {"highway": "service", "access": "no"},
    "private": {"highway": "service", "access": "private"},
    "private, and no": {"highway": "service", "access": "private", "foot": "no"},
}


@pytest.mark.parametrize(
    ("streets", "walk_trunk"), [("gpkg", True), ("gpkg", False), ("osm", False), ("osm.pbf", True)]
)
def test_what_people_walk_on(tmp_path, streets, walk_trunk):
    ways = {
        ((0.0, -100.0 * i), (500.0, -100.0 * i)): {**tags, "name": name}
        for i, (name, tags) in enumerate((WALKED | NOT_WALKED).items())
    }
    square = ((900.0, 0.0), (990.0, 0.0), (990.0, 90.0), (900.0, 0.0))
    ways[square] = {"highway": "pedestrian", "area": "yes", "name": "outline of a square"}
    town = Town(
        "",
        ways=ways,
        people={(0.0, 0.0): 1},
        facilities={"F": (100.0, 0.0)},
        rules={"walk_trunk": walk_trunk},
        streets=streets,
    )
    expected = {*WALKED, "outline of a square"} - (set() if walk_trunk else {"trunk", "trunk link"})
    assert set(town.run(tmp_path).run.segments["name"]) == expected


def test_people_who_rely_on_trunk_roads_are_said(tmp_path):
    town = Town(
        r"""
        A---B---C
        |       |
        D-------E
        """,
        ways={"ABC": {"highway": "trunk"}},
        people={"A": 7, "E": 2},
        facilities={"F": "B 390E"},
    )
    answer = town.run(tmp_path)
    assert answer.person("A").metres == pytest.approx(790, abs=1e-6)
    # without the trunk road F stands 10 m from C: A walks 200 + 800 + 200 + 10 m; E, 200 + 10 m, needs it not
    assert answer.run.manifest["summary"]["people_more"]["trunk_relied"]["1km"] == 7
    assert "streets.trunk_relied" in answer.codes


def test_gates_are_walked_through(tmp_path):
    town = Town(
        "A---B---C", ways={"ABC": {}}, people={"A": 1}, facilities={"F": "C"}, streets="osm", gates="B"
    )
    assert town.run(tmp_path).person("A").metres == pytest.approx(800, abs=0.05)


def test_a_node_outside_the_extract_breaks_the_way(tmp_path):
    town = Town(
        "A---B---C---D---E",
        ways={"ABCDE": {}},
        people={"A": 1},
        facilities={"F": "D 210W"},
        streets="osm.pbf",
        clipped="C",
    )
    answer = town.run(tmp_path)
    assert sorted(answer.run.segments["length_m"]) == pytest.approx([400, 400], abs=0.05)  # A-B and D-E
    assert answer.person("A").reason == "island"  # F is 990 m away in a straight line, on the other half


CROSSING = r"""
    A
    |
B---+---C
    |
    D
"""


@pytest.mark.parametrize(
    ("streets", "tags", "meet"),
    [
        ("gpkg", {}, True),  # lines that cross
        ("gpkg", {"bridge": "yes"}, False),
        ("gpkg", {"tunnel": "yes"}, False),
        ("gpkg", {"layer": "1"}, False),
        ("osm", {}, False),  # ways meet at common nodes only
        ("osm", {"bridge": "yes"}, False),
    ],
)
def test_where_streets_cross_without_a_common_vertex(tmp_path, streets, tags, meet):
    town = Town(
        CROSSING,
        ways={"AD": tags},
        people={"B": 1},
        facilities={"F": "A"},
        rules={"islet_m": 0},
        streets=streets,
    )
    answer = town.run(tmp_path)
    assert len(answer.run.segments) == (4 if meet else 2)
    person = answer.person("B")
    if meet:
        assert person.metres == pytest.approx(600, abs=1e-6)  # 400 + 200
    else:
        assert person.reason == "island"


@pytest.mark.parametrize("tags", [{"layer": "0"}, {"bridge": "no", "tunnel": "no"}])
def test_a_level_that_says_nothing_is_the_ground(tmp_path, tags):
    town = Town(CROSSING, ways={"AD": tags}, people={"B": 1}, facilities={"F": "A"}, rules={"islet_m": 0})
    assert town.run(tmp_path).person("B").metres == pytest.approx(600, abs=1e-6)


def test_a_line_that_ends_on_another_meets_it(tmp_path):
    town = Town(
        r"""
          A

        B---C
        """,
        ways={("A", "B 200E"): {}},
        people={"B": 1},
        facilities={"F": "A"},
    )
    assert town.run(tmp_path).person("B").metres == pytest.approx(400, abs=1e-6)  # 200 + 200


def test_a_bridge_ends_where_the_street_goes_on(tmp_path):
    town = Town(
        "A---B---C---D",
        ways={"BC": {"bridge": "yes", "layer": "1"}},
        people={"A": 1},
        facilities={"F": "C 200E"},
    )
    assert town.run(tmp_path).person("A").metres == pytest.approx(1000, abs=1e-6)  # 400 + 400 + 200


def test_segments_carry_the_walk_at_both_ends_and_in_the_middle(tmp_path):
    town = Town(
        "A----B----C",
        people={"A": 1},
        facilities={"F": "B 100E"},
        zones={"410902200201": ((-900, 900), (500, -900)), "410902200202": ((500, 900), (3000, -900))},
    )
    answer = town.run(tmp_path)
    west, east = answer.segment("A", "B"), answer.segment("B", "C")
    # 4 km/h is 10 m in 9 s. A 600 m, B 100 m, C 400 m; middles 350 m and 150 m
    assert sorted([west.seconds_u, west.seconds_v]) == pytest.approx([90, 540])
    assert west.seconds_mid == pytest.approx(315)
    assert sorted([east.seconds_u, east.seconds_v]) == pytest.approx([90, 360])
    assert east.seconds_mid == pytest.approx(135)
    assert (west.zone_code, east.zone_code) == ("410902200201", "410902200202")
    assert west.length_m == pytest.approx(500, abs=1e-9)


def test_where_all_streets_are_trunk_roads_everybody_relies_on_them(tmp_path):
    town = Town(
        "A----B",
        ways={"AB": {"highway": "trunk"}},
        people={"A": 7},
        facilities={"F": "B"},
    )
    answer = town.run(tmp_path)
    assert answer.person("A").within
    assert answer.run.manifest["summary"]["people_more"]["trunk_relied"]["1km"] == 7
