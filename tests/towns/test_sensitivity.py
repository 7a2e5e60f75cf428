"""The same walks under other limits, speeds and measures; the wide and the strict basis."""

import numpy as np
import pytest

from servicecircle.assess.sensitivity import both_bases
from towns.drawing import COMMUNITY, VILLAGE, Town

TOWN = Town(
    r"""
F---------------A
|
|
|
|
B
""",
    # by streets and straight: 790, 900, 1000, 1180 m on the line to A; B 500 m south; the last by the corner:
    # 500 + 600 m by streets, hypot(500, 600) = 781 m straight
    people={
        "F 790E": {"people": 1, "elderly": 1}, "F 900E": {"people": 2, "elderly": 0},
        "F 1000E": {"people": 4, "elderly": 0}, "F 1180E": {"people": 8, "elderly": 4},
        "B": {"people": 16, "elderly": 0},
    },
    facilities={"F": "F"},
    zones={VILLAGE: ("F 90E 90N", "A 90E 90S"), COMMUNITY: ("B 90W 90N", "B 90E 90S")},
    study_people={"groups": {"elderly": "elderly"}},
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return TOWN.run(tmp_path_factory.mktemp("town")).run


@pytest.fixture(scope="module")
def within(run):
    table = run.tables["sensitivity"]

    def of(circle, group, limit, walk_m_s=None, measure="network"):
        rows = table[
            table["circle"].eq(circle) & table["group"].eq(group) & table["measure"].eq(measure)
            & table["limit"].eq(limit)
        ]  # fmt: skip
        rows = rows[rows["walk_m_s"].eq(walk_m_s) if walk_m_s else rows["walk_m_s"].isna()]
        assert len(rows) == 1
        return rows.iloc[0]["people_within"]

    return of


def test_limits_in_metres(within):
    assert within("own", "people", 800) == 16 + 1
    assert within("own", "people", 1000) == 16 + 1 + 2 + 4  # exactly 1000 m is inside
    assert within("1km", "people", 1000) == 1 + 2 + 4
    assert within("15min", "people", 1000) == 16
    assert within("own", "elderly", 1000) == 1


@pytest.mark.parametrize(
    ("minutes", "walk_m_s", "people"),
    [
        (12, 0.8, 0), (12, 1.0, 0), (12, 1.11, 1), (12, 1.33, 1 + 2),  # 576, 720, 799.2, 957.6 m
        (15, 0.8, 0), (15, 1.0, 1 + 2), (15, 1.11, 1 + 2), (15, 1.33, 1 + 2 + 4 + 8),  # 720, 900, 999, 1197 m
    ],
)  # fmt: skip
def test_minutes_at_several_speeds(within, minutes, walk_m_s, people):
    assert within("1km", "people", minutes, walk_m_s) == people


def test_no_walk_is_cut_off_at_the_limit_of_the_study(within):
    assert within("own", "elderly", 15, 1.33) == 1 + 4


def test_the_straight_line_stands_beside(tmp_path):
    # 300 + 500 m round the corner, hypot(300, 500) = 583 m straight
    corner = Town("F--A\n   |\n   |\n   |\n   |\n   B", people={"B": 3}, facilities={"F": "F"})
    table = corner.run(tmp_path).run.tables["sensitivity"]
    rows = table[table["circle"].eq("own") & table["limit"].eq(15) & table["walk_m_s"].eq(0.8)]
    assert dict(zip(rows["measure"], rows["share_within"], strict=True)) == {"network": 0, "straight": 1}


def test_wide_and_strict_shares_stand_in_the_summary(run):
    summary = run.manifest["summary"]
    assert summary["all"]["people"]["wide_share"] == pytest.approx(23 / 31)
    assert summary["all"]["people"]["strict_share"] == pytest.approx(17 / 31)
    assert summary["all"]["elderly"]["wide_share"] == pytest.approx(1 / 5)
    assert summary["circles"]["1km"]["people"]["strict_share"] == pytest.approx(1 / 15)
    assert summary["all"]["people"]["wide_share"] == summary["all"]["people"]["share_within"]


def test_every_share_is_of_the_judged(run):
    table = run.tables["sensitivity"]
    assert len(table) == 3 * 2 * 2 * 10  # own and two circles, two groups, two measures, ten limits
    some = table[table["people_judged"] > 0]
    assert some["share_within"].tolist() == (some["people_within"] / some["people_judged"]).tolist()
    assert table.loc[table["people_judged"].eq(0), "share_within"].isna().all()
    more = table.groupby(["circle", "group", "measure"])
    for _, rows in more:
        assert rows.sort_values("limit_m")["people_within"].is_monotonic_increasing


def test_a_further_circle_is_told_as_reach_and_count(tmp_path):
    meals = {"id": "meals", "name": "meal network", "minutes": 9, "kinds": ["meal_point"]}
    town = Town(
        "A----B----C----D",
        people={"A": 1, "C": 2, "D": 4},
        facilities={"F": "A", "M": {"at": "D", "kind": "meal_point"}},
        rules={"circles": [meals]},
    )
    run = town.run(tmp_path).run
    # 9 minutes at 4 km/h are 600 m: D 0 and C 500 m, A 1500 m
    told = run.manifest["summary"]["further_circles"]["meals"]
    assert told["facilities"] == 1
    assert told["people"] == {"judged": 7, "within": 6, "share_within": 6 / 7}
    assert set(run.reach["circle"]) >= {"1km", "meals"}
    table = run.tables["sensitivity"]
    rows = table[table["circle"].eq("meals") & table["limit"].eq(1000) & table["measure"].eq("network")]
    assert rows["people_within"].tolist() == [6]


def test_where_everybody_is_inside_the_share_is_a_whole():
    chance = np.random.default_rng(1)
    for count in range(9, 200):
        weight = chance.random(count) * (chance.random(count) > 0.2)
        metres = np.where(weight > 0, 100.0, 5000.0)  # outside are only places without people
        assert both_bases(metres, weight) == {"wide_share": 1.0, "strict_share": 1.0}
