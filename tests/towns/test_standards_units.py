"""
Clauses judged on drawn towns, from the study file to the verdicts.

The town of these tests is a street, `A` to `D`, 500 m between letters, through three villages of one 乡
and one community of a 街道 beyond:

    A----B----C----D          west 201: A   middle 202: B   east 203: C   community 001: D
"""

from __future__ import annotations

import csv

import pytest

import servicecircle as sc
from towns.drawing import COMMUNITY, VILLAGE, Town

WEST, MIDDLE, EAST = VILLAGE, "410902200202", "410902200203"
TOWNSHIP, STREET, COUNTY, CITY = "410902200000", "410902001000", "410902000000", "410900000000"
DRAWING = "A----B----C----D"
PROFILE = """
name = "own"
[[clauses]]
id = "villages"
phrase = "村村有幸福院"
kind = "share-of-units"
operator = "=="
threshold = 100
unit = "% of villages"
force = "binding"
[clauses.test]
measure = "holding"
units = ["村"]
kinds = ["village_happiness_home"]

[[clauses]]
id = "stations"
phrase = "一刻钟服务圈（服务站）"
kind = "service-circle-time"
deadline = 2025-12-31
[clauses.test]
measure = "circle"
circle = "15min"
kinds = ["community_station"]

[[clauses]]
id = "count"
phrase = "建设三处"
kind = "count-target"
operator = ">="
threshold = 3
unit = "facilities"
[clauses.test]
measure = "count"
kinds = ["village_happiness_home"]
over = "市"
"""


def town(**more):
    zones = {
        code: {"box": (f"{letter} 200W 200N", f"{letter} 200E 200S"), "name": name}
        for code, letter, name in (
            (WEST, "A", "西村"), (MIDDLE, "B", "中村"), (EAST, "C", "东村"), (COMMUNITY, "D", "南社区"),
        )
    }  # fmt: skip
    home = {"kind": "village_happiness_home"}
    given = {
        "people": {"A": 10, "B": 10, "C": 10, "D": 10},
        "facilities": {"H1": {"at": "A", **home}, "H2": {"at": "B", **home}, "K": {"at": "D"}},
        "zones": zones, "rules": {"profile": "own.toml"},
    }  # fmt: skip
    return Town(DRAWING, **{**given, **more})


def run(tmp_path, drawn, profile=PROFILE):
    (tmp_path / "own.toml").write_text(profile, "utf-8")
    return drawn.run(tmp_path).run


def of(verdicts, clause_id):
    rows = verdicts[verdicts["clause_id"].eq(clause_id)]
    return dict(zip(rows["zone_code"], rows["verdict"], strict=True))


def test_villages_hold_homes_and_people_reach_them_and_both_are_told(tmp_path):
    found = run(tmp_path, town())
    assert of(found.verdicts, "villages") == {
        WEST: "met", MIDDLE: "met", EAST: "not_met", TOWNSHIP: "not_met", COUNTY: "not_met", CITY: "not_met",
    }  # fmt: skip
    rows = found.verdicts[found.verdicts["clause_id"].eq("villages")].set_index("zone_code")
    assert rows["measured"][CITY] == pytest.approx(2 / 3)
    assert rows["unit"][CITY] == "share of units"
    # the east village holds no home, and all its people reach one: B is 500 m away
    assert rows["evidence"][EAST] == "facilities=0; share_within=1"
    assert set(rows["severity"]) == {"fail"}


def test_a_circle_is_measured_again_for_the_kinds_that_a_clause_names(tmp_path):
    found = run(tmp_path, town())
    assert of(found.verdicts, "stations")[COMMUNITY] == "not_met"  # a day-care centre is no station
    zones = found.zones
    assert zones.loc[zones["code"].eq(COMMUNITY), "verdict"].tolist() == ["met"]
    station = town(facilities={"S": {"at": "C", "kind": "community_station"}})
    (tmp_path / "two").mkdir()
    again = run(tmp_path / "two", station)
    rows = again.verdicts[again.verdicts["clause_id"].eq("stations")].set_index("zone_code")
    assert rows["measured"][COMMUNITY] == 1
    assert (rows["deadline_state"].iloc[0], rows["severity"].iloc[0]) == ("due", "fail")


def test_a_count_of_the_whole_city(tmp_path):
    found = run(tmp_path, town())
    row = found.verdicts[found.verdicts["clause_id"].eq("count")].iloc[0]
    assert (row["zone_code"], row["level"], row["measured"], row["verdict"]) == (CITY, "市", 2, "not_met")
    assert row["evidence"] == "facilities=2; counties=1; facility_id=H1, H2"


def test_a_run_can_be_judged_by_another_profile(tmp_path):
    found = run(tmp_path, town())
    puyang = sc.judge(found, "puyang")
    assert of(puyang, "puyang-village-home-100")[EAST] == "not_met"
    assert of(puyang, "puyang-urban-15min")[COMMUNITY] == "met"
    assert of(puyang, "puyang-rural-1km")[TOWNSHIP] == "met"
    assert not puyang.duplicated(["zone_code", "clause_id"]).any()
    assert set(sc.judge(found, "luohe")["severity"]) <= {"warn", "report"}


def test_verdicts_and_what_they_rest_on_are_written(tmp_path):
    found = run(tmp_path, town())
    folder = found.write(tmp_path / "out")
    with (folder / "verdicts.csv").open(encoding="utf-8-sig") as stream:
        rows = {(row["zone_code"], row["clause_id"]): row for row in csv.DictReader(stream)}
    east = rows[EAST, "villages"]
    assert (east["verdict"], east["low"], east["high"], east["level"]) == ("not_met", "0", "0", "村")
    with (folder / "evidence.csv").open(encoding="utf-8-sig") as stream:
        held = [
            (row["zone_code"], row["item_id"])
            for row in csv.DictReader(stream)
            if row["clause_id"] == "villages"
        ]
    assert held == [(WEST, "H1"), (MIDDLE, "H2")]
    assert found.manifest["summary"]["standards"]["fail"]["met"] == 2


def test_the_same_verdicts_whatever_the_order_of_the_facilities(tmp_path):
    turned = dict(reversed(town().facilities.items()))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = run(tmp_path / "a", town()), run(tmp_path / "b", town(facilities=turned))
    assert one.verdicts.equals(two.verdicts)
    assert one.evidence.equals(two.evidence)
