"""Zones: urban or rural, villages as points, borders, and the levels above."""

from dataclasses import replace
from math import isnan

import pytest

from towns.drawing import COMMUNITY, VILLAGE, Town

URBAN_1, RURAL_1, RURAL_2 = "410902001001", "410902001201", "410902200201"
"""A community and a village of the 街道 410902001000, and a village of the 乡 410902200000."""

LEVELS = Town(
    "A---B---C---D---E",
    people={
        "A": {"people": 10, "elderly": 1},
        "B": {"people": 20, "elderly": 2},
        "C": {"people": 30, "elderly": 30},
        "D": {"people": 40, "elderly": 4},
        "E": {"people": 50, "elderly": 5},
    },
    facilities={"F": "A"},
    zones={
        URBAN_1: {"box": ("A 90W 90N", "B 90E 90S"), "report_unit": "开发区"},
        RURAL_1: {"box": ("C 90W 90N", "D 90E 90S"), "report_unit": ""},
        RURAL_2: {"box": ("E 90W 90N", "E 90E 90S"), "report_unit": "开发区"},
    },
    rules={"walk_kmh": 3.2},
    study_people={"groups": {"elderly": "elderly"}},
)
"""
A to F 0 m, B 400, C 800, D 1200, E 1600 m. 15 minutes at 3.2 km/h are 800 m, which judge A and B; the rural
kilometre judges C (within), D and E (too far). 3.2 km/h is 8 m in 9 s.
"""


@pytest.fixture(scope="module")
def levels(tmp_path_factory):
    return LEVELS.run(tmp_path_factory.mktemp("levels"))


FIGURES = [
    "people", "people_judged", "people_within", "people_doubtful", "units", "units_judged", "units_met",
    "units_not_met", "units_to_verify", "units_with_facility", "gap_people",
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "circle", "figures"),
    [
        (URBAN_1, "15min", [30, 30, 30, 0, 1, 1, 1, 0, 0, 1, 0]),
        (RURAL_1, "1km", [70, 70, 30, 0, 1, 1, 0, 1, 0, 0, 40]),  # F serves it from over the border
        (RURAL_2, "1km", [50, 50, 0, 0, 1, 1, 0, 1, 0, 0, 50]),
        ("410902001000", "15min", [30, 30, 30, 0, 1, 1, 1, 0, 0, 1, 0]),
        ("410902001000", "1km", [70, 70, 30, 0, 1, 1, 0, 1, 0, 0, 40]),
        ("410902001000", "own", [100, 100, 60, 0, 2, 2, 1, 1, 0, 1, 40]),
        ("410902200000", "own", [50, 50, 0, 0, 1, 1, 0, 1, 0, 0, 50]),
        ("410902000000", "15min", [30, 30, 30, 0, 1, 1, 1, 0, 0, 1, 0]),
        ("410902000000", "1km", [120, 120, 30, 0, 2, 2, 0, 2, 0, 0, 90]),
        ("410902000000", "own", [150, 150, 60, 0, 3, 3, 1, 2, 0, 1, 90]),
        ("410900000000", "own", [150, 150, 60, 0, 3, 3, 1, 2, 0, 1, 90]),
    ],
)
def test_upper_levels_sum_people_under_each_rule(levels, code, circle, figures):
    zone = levels.zone(code, circle)
    assert [zone[column] for column in FIGURES] == figures
    share = zone.people_within / zone.people_judged  # 60 / 150 = 0.4: never the mean of 1, 3/7 and 0
    assert zone.share_within == pytest.approx(share, abs=1e-12)
    assert zone.verdict == ("met" if share == 1 else "not_met")


def test_quantiles_of_a_level_are_those_of_its_people(levels):
    county = levels.zone("410902000000", "own")
    # cumulative 10, 30, 60, 100, 150: 75 is reached at D, 1200 m; 135 at E, 1600 m
    assert county.median_seconds == pytest.approx(1200 * 9 / 8, abs=1e-6)
    assert county.p90_seconds == pytest.approx(1600 * 9 / 8, abs=1e-6)
    rural = levels.zone("410902000000", "1km")
    # cumulative 30, 70, 120: 60 at D; 108 at E
    assert rural.median_seconds == pytest.approx(1350, abs=1e-6)
    assert levels.zone(RURAL_1).median_seconds == pytest.approx(1350, abs=1e-6)  # 30, 70: 35 at D


def test_groups_are_counted_beside_all_people(levels):
    county, village = levels.zone("410902000000", "own"), levels.zone(RURAL_1)
    assert [county[f"elderly_{c}"] for c in ("people", "judged", "within", "doubtful")] == [42, 42, 33, 0]
    assert county.elderly_share_within == pytest.approx(33 / 42, abs=1e-12)
    assert village.elderly_share_within == pytest.approx(30 / 34, abs=1e-12)


def test_classes_units_and_names_of_the_levels(levels):
    assert levels.zone("410902001000", "own").area_class == "mixed"
    assert levels.zone("410902200000", "own").area_class == "rural"
    assert levels.zone("410902000000", "own").area_class == "mixed"
    assert levels.zone(URBAN_1).report_unit == "开发区"
    parents = {code: levels.zone(code).parent_code for code in (URBAN_1, RURAL_1, RURAL_2)}
    assert parents == {URBAN_1: "410902001000", RURAL_1: "410902001000", RURAL_2: "410902200000"}
    assert set(levels.run.zones["level"]) == {"prefecture", "county", "township", "village"}
    limits = levels.run.zones.groupby("circle")[["limit", "limit_unit"]].first()
    assert list(limits.loc["15min"]) == [15, "min"]
    assert list(limits.loc["1km"]) == [1000, "m"]
    own = levels.run.zones[levels.run.zones["circle"] == "own"]
    assert own["limit"].isna().all()
    assert not (levels.run.zones["level"].eq("village") & levels.run.zones["circle"].eq("own")).any()


def test_a_point_on_a_border_or_in_an_overlap_goes_to_the_lowest_code(tmp_path):
    town = Town(
        "A---B---C",
        people={"B": 1, "B 50W": 2, "B 50E": 4, "C": 8},
        facilities={"F": "B"},
        # the later code first in the file; they share the strip from B to 50 m west of it
        zones={"410902200202": ("B 50W 90N", "C 90E 90S"), VILLAGE: ("A 90W 90N", "B 90S")},
    )
    answer = town.run(tmp_path)
    assert [answer.person(p).zone_code for p in ("B", "B 50W")] == [VILLAGE] * 2
    assert [answer.person(p).zone_code for p in ("B 50E", "C")] == ["410902200202"] * 2
    assert answer.zone(VILLAGE).people == 3
    # the facility on the border stands in the lowest code too: the other village has none of its own
    assert answer.zone(VILLAGE).units_with_facility == 1
    assert answer.zone("410902200202").units_with_facility == 0
    assert answer.zone("410902200202").people_within == 12


WEST, EAST = "410902001201", "410902002201"
POINTS = Town(
    "A---------B----------------------------------------C",
    people={"A 340E": 1, "A 490E": 2, "A 3600E": 4, "A 3600.001E": 8, "C": 16},
    facilities={"F": "A"},
    zones={WEST: {"at": "A 100E"}, EAST: {"at": "A 600E"}},
)
"""Two village points 500 m apart; people at 340, 490, 3600, 3600.001 and 5100 m."""


def test_village_points_take_the_people_within_three_kilometres(tmp_path):
    answer = POINTS.run(tmp_path)
    found = {n: answer.person(p).zone_code for p, n in POINTS.people.items()}
    # 240 and 260 m; 390 and 110 m; 3000 m; 3000.001 m; 4500 m
    assert found == {1: WEST, 2: EAST, 4: EAST, 8: "", 16: ""}


def test_village_points_take_the_people_of_their_township(tmp_path):
    west, east = ("A 90W 90N", "A 500E 90S"), ("A 500E 90N", "C 90E 90S")
    answer = replace(POINTS, townships={"410902001000": west, "410902002000": east}).run(tmp_path)
    # at 490 m one is 110 m from the eastern point and 390 m from the western one, in the western township
    found = {n: answer.person(p).zone_code for p, n in POINTS.people.items()}
    assert found == {1: WEST, 2: WEST, 4: EAST, 8: EAST, 16: EAST}
    assert answer.zone(WEST).facilities == 1


IN = "41090200"
"""Six digits of the county, and the first two of a township."""

LADDER = [  # code, further columns, class, rung
    (IN + "1002", {"circle": "1km"}, "rural", "given"),
    (IN + "1202", {"circle": "15min"}, "urban", "given"),
    (IN + "1003", {"circle": "1km", "area_class": "111"}, "rural", "given"),
    *((IN + "2" + number, {}, "urban", "committee") for number in ("001", "199", "400", "497")),
    *((IN + "2" + number, {}, "rural", "committee") for number in ("200", "399", "500", "597")),
    (IN + "3201", {"area_class": "111", "name": "社区"}, "rural", "committee"),
    (IN + "3001", {"area_class": "220", "name": "王村"}, "urban", "committee"),
    (IN + "3498", {"area_class": "220"}, "rural", "class_code"),
    ("410902200598", {"area_class": "121"}, "urban", "class_code"),
    ("410902200498", {"area_class": "210"}, "rural", "class_code"),
    ("410902001598", {}, "urban", "township"),
    ("410902099598", {}, "urban", "township"),
    ("410902100598", {"name": "王村"}, "urban", "township"),
    ("410902199598", {}, "urban", "township"),
    ("410902201498", {"name": "社区"}, "rural", "township"),
    ("410902399498", {}, "rural", "township"),
    ("410902400598", {}, "urban", "township"),  # 新城街道, by its name
    ("410902401498", {}, "rural", "township"),  # 东乡
    ("410902402598", {}, "urban", "township"),  # 西镇
    ("410902403498", {"name": "幸福社区"}, "urban", "name"),  # 管委会: the unit's own name decides
    ("410902403598", {"name": "张庄村"}, "rural", "name"),
    ("410902404498", {"name": "李庄居委会"}, "urban", "name"),
    ("410902404598", {"name": "王村社区"}, "urban", "name"),  # 社区 stands before 村
    ("410902405498", {"name": "国营农场"}, "urban", "default"),
    ("D-1", {"area_class": "112"}, "urban", "class_code"),  # no division code: no digits to read
    ("D-2", {"area_class": "220", "name": "社区"}, "rural", "class_code"),
    ("D-3", {"name": "第三居委会"}, "urban", "name"),
    ("D-4", {"name": "李村"}, "rural", "name"),
    ("D-5", {"name": "农场"}, "urban", "default"),
]


TOWNSHIPS = {"400": "新城街道", "401": "东乡", "402": "西镇", "403": "管委会", "404": "开发区", "405": "园区"}


def strip(number, **columns):
    """Return a zone beside the others."""
    return {**columns, "box": ((100.0 * number, 50.0), (100.0 * number + 90, -50.0))}


def test_each_rung_of_the_ladder(tmp_path):
    blank = {"name": "某地", "area_class": "", "circle": ""}
    named = {f"410902{number}000": {"name": name} for number, name in TOWNSHIPS.items()}
    town = Town(
        "A---B",
        people={"A": 1},
        facilities={"F": "B"},
        zones={code: strip(i, **{**blank, **columns}) for i, (code, columns, _, _) in enumerate(LADDER)},
        townships={code: strip(i, **columns) for i, (code, columns) in enumerate(named.items(), 100)},
        rules={"default_class": "urban"},
    )
    answer = town.run(tmp_path)
    zones = answer.run.zones.drop_duplicates("code").set_index("code")
    found = {code: tuple(zones.loc[code, ["area_class", "area_class_source"]]) for code, *_ in LADDER}
    assert found == {code: (area_class, rung) for code, _, area_class, rung in LADDER}
    circle_of = {"urban": "15min", "rural": "1km"}
    for code, _, area_class, _ in LADDER:
        assert zones["circle"][code] == circle_of[area_class]
    disagreeing = {f.subject for f in answer.run.findings if f.code == "zones.class_disagrees"}
    assert {IN + "3201", IN + "3001"} <= disagreeing


def test_a_zone_may_name_a_circle_of_the_study(tmp_path):
    town = Town(
        "A----B----C----D",
        people={"A": 1, "D": 2},
        facilities={"F": {"at": "B", "kind": "meal_point"}, "G": "A"},
        zones={
            COMMUNITY: {"box": ("A 90W 90N", "B 90E 90S"), "circle": "meals"},
            VILLAGE: {"box": ("C 90W 90N", "D 90E 90S"), "circle": ""},
        },
        rules={"circles": [{"id": "meals", "applies": "rural", "metres": 450, "kinds": ["meal_point"]}]},
    )
    answer = town.run(tmp_path)
    assert answer.person("A").circle == "meals"
    assert answer.person("A").metres == pytest.approx(500, abs=1e-6)  # to the meal point, not to G
    assert not answer.person("A").within  # 450 m
    assert answer.person("D").circle == "1km"
    assert isnan(answer.zone("410902000000", "own").limit)
    assert answer.zone("410902000000", "meals").people == 3  # its own village, and the rural one
    assert answer.zone(VILLAGE, "meals").people_within == 0
    assert answer.zone(VILLAGE, "1km").people == 2
