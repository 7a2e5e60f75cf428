"""
Clauses judged on a drawn prefecture, its verdicts worked out by hand.

    濮阳市 410900000000
      华龙区 410902000000
        建设街道 410902001000: 甲 001 (urban, 1,200 people), 乙 002 (urban, 800)
        东乡 410902200000: 丙 201 (rural, 1,000), 丁 202 (rural, 999)
      南县 410922000000
        城镇 410922100000: 戊 201 (rural, 3,000)

Every village is a square kilometre, in a row from west to east.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, box

import servicecircle as sc
from bench.clauses import draw
from servicecircle.assess.clauses.facts import Facts
from servicecircle.assess.clauses.judge import COLUMNS, judge_clauses
from servicecircle.assess.clauses.places import word_of
from servicecircle.assess.coverage import Coverage
from servicecircle.assess.results import EVIDENCE_COLUMNS
from servicecircle.checks.registers import Registers
from servicecircle.standards.clause import Clause, Profile
from servicecircle.standards.register import PROFILES, load_profile
from servicecircle.study import Rules

CITY, DISTRICT, COUNTY = "410900000000", "410902000000", "410922000000"
STREET, TOWN, COUNTY_TOWN = "410902001000", "410902200000", "410922100000"
JIA, YI, BING, DING, WU = "410902001001", "410902001002", "410902200201", "410902200202", "410922100201"
PEOPLE = {JIA: 1200, YI: 800, BING: 1000, DING: 999, WU: 3000}
ZONES = {
    CITY: ("濮阳市", "prefecture", ""), DISTRICT: ("华龙区", "county", CITY),
    COUNTY: ("南县", "county", CITY),
    STREET: ("建设街道", "township", DISTRICT), TOWN: ("东乡", "township", DISTRICT),
    COUNTY_TOWN: ("城镇", "township", COUNTY), JIA: ("甲社区", "village", STREET),
    YI: ("乙社区", "village", STREET), BING: ("丙村", "village", TOWN), DING: ("丁村", "village", TOWN),
    WU: ("戊村", "village", COUNTY_TOWN),
}  # fmt: skip
AS_OF = dt.date(2024, 6, 30)
NO_REGISTERS = Registers.none()


@cache
def zones(unknown=""):
    """Return the zones and their coverage; of one village the people may be unknown."""
    rows = []
    for code, (name, level, parent) in ZONES.items():
        urban = parent == STREET
        within = 0.95 if urban else 0.5
        rows.append({
            "code": code, "name": name, "level": level, "parent_code": parent,
            "area_class": ("urban" if urban else "rural") if level == "village" else "mixed",
            "circle": ("15min" if urban else "1km") if level == "village" else "own",
            "people": np.nan if code == unknown else float(PEOPLE.get(code, 0)), "people_judged": 100.0,
            "people_within": 100 * within,
            "people_doubtful": 0.0, "facilities": 1, "share_within": within, "share_low": within,
            "share_high": within, "elderly_people": 20.0, "elderly_share_within": 0.4, "state": "judged",
            "verdict": "met" if urban else "not_met", "certainty": "certain",
            "reason": "" if urban else "too_far",
        })  # fmt: skip
    places = [box(i * 1000, 0, i * 1000 + 1000, 1000) for i in range(len(rows))]
    return gpd.GeoDataFrame(rows, geometry=places, crs="EPSG:4547")


def middle(code):
    """Return the middle of a village, east of the west end."""
    return list(ZONES).index(code) * 1000 + 500


def facilities(*given):
    """Return facilities: (kind, village or None without a place, further columns)."""
    rows = []
    for number, (kind, village, *more) in enumerate(given, 1):
        row = {
            "facility_id": f"F{number}", "name": f"设施{number}", "kind": kind, "status": "operating",
            "reason": "" if village else "no_coordinates", "zone_code": village or "", "zone_hint": "",
            "snap_m": 5.0 if village else np.nan, "position_error_m": 0.0 if village else np.nan,
            "beds": np.nan, "opened": "", "opened_on": "", "opened_until": "",
            "geometry": Point(middle(village) + number, 500) if village else None,
        }  # fmt: skip
        rows.append(row | (more[0] if more else {}))
    columns = ["facility_id", "name", "kind", "status", "reason", "zone_code", "zone_hint", "snap_m",
               "position_error_m", "beds", "opened", "opened_on", "opened_until", "geometry"]  # fmt: skip
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs="EPSG:4547")


def facts_of(*given, units=None, assigned=None, unknown="", as_of=AS_OF, circle_of=None):
    registers = NO_REGISTERS
    known = {"facilities", "facilities.beds", "facilities.opened"}
    if units is not None:
        table = pd.DataFrame(units).T.rename_axis("code").astype(float)
        registers = replace(registers, units=table)
        known |= {f"units.{column}" for column in table}
    if assigned is not None:
        frame = pd.DataFrame(assigned, columns=["code", "facility_id"])
        registers = replace(registers, assigned=frame)
        known |= {"assigned"}
    registers = replace(registers, given=frozenset(known))
    return Facts.of(
        Coverage(zones(unknown), Rules()), facilities(*given), registers,
        circle_of=circle_of, as_of=as_of, basis="registered",
    )  # fmt: skip


def clause(test, *, name="a", **more):
    return Clause.model_validate({"id": name, "phrase": "条文", "kind": "one-per-unit", "test": test, **more})


def verdicts(facts, *clauses, **profile):
    return judge_clauses(facts, Profile(id="own", clauses=clauses, **profile)).verdicts


def by_zone(table, column="verdict"):
    return dict(zip(table["zone_code"], table[column], strict=True))


def holding(units, kinds=("community_daycare",), **more):
    return {"measure": "holding", "units": units, "kinds": kinds, **more}


DAYCARE = clause(holding(["社区"]), deadline="2022-12-31", force="target")
HOMES = clause(holding(["村"], ["village_happiness_home"]), name="b")


# ---------------------------------------------------------------- units that hold a facility


def test_communities_hold_a_day_care_centre_or_not():
    table = verdicts(facts_of(("community_daycare", JIA), ("community_daycare", BING)), DAYCARE)
    assert tuple(table) == COLUMNS
    assert by_zone(table) == {
        JIA: "met",
        YI: "not_met",
        STREET: "not_met",
        DISTRICT: "not_met",
        CITY: "not_met",
    }
    assert by_zone(table, "measured") == {JIA: 1, YI: 0, STREET: 0.5, DISTRICT: 0.5, CITY: 0.5}
    assert by_zone(table, "level") == {
        JIA: "社区",
        YI: "社区",
        STREET: "街道",
        DISTRICT: "县(市、区)",
        CITY: "市",
    }
    assert set(table["certainty"]) == {"certain"}
    assert by_zone(table, "unit")[CITY] == "share of units"
    jia = table[table["zone_code"].eq(JIA)].iloc[0]
    assert jia["evidence"] == "facilities=1; share_within=0.95; facility_id=F1"
    city = table[table["zone_code"].eq(CITY)].iloc[0]
    assert city["evidence"].startswith("units=2; units_judged=2; units_met=1; units_to_verify=0")


@pytest.mark.parametrize(
    "doubt", [{"snap_m": 80.0}, {"status": "unknown"}, {"zone_hint": "乙社区", "snap_m": 80.0}]
)
def test_a_facility_that_is_not_sure_leaves_its_unit_to_be_verified(doubt):
    table = verdicts(facts_of(("community_daycare", JIA, doubt)), DAYCARE)
    jia = table[table["zone_code"].eq(JIA)].iloc[0]
    assert (jia["verdict"], jia["certainty"], jia["low"], jia["high"]) == ("to_verify", "cannot_tell", 0, 1)
    city = table[table["zone_code"].eq(CITY)].iloc[0]
    assert (city["low"], city["verdict"]) == (0, "not_met" if "zone_hint" not in doubt else "to_verify")


def test_one_sure_facility_is_enough_beside_a_doubtful_one():
    table = verdicts(
        facts_of(("community_daycare", JIA), ("community_daycare", JIA, {"snap_m": 80.0})), DAYCARE
    )
    jia = table[table["zone_code"].eq(JIA)].iloc[0]
    assert (jia["verdict"], jia["certainty"], jia["low"], jia["high"]) == ("met", "likely", 1, 2)


@pytest.mark.parametrize("status", ["planned", "under_construction", "built_idle"])
def test_what_is_to_come_does_not_count_and_is_named(status):
    table = verdicts(facts_of(("community_daycare", JIA, {"status": status})), DAYCARE)
    jia = table[table["zone_code"].eq(JIA)].iloc[0]
    assert jia["verdict"] == "not_met"
    assert f"{status}=1" in jia["evidence"]
    built = clause(holding(["社区"], counted="built"))
    assert by_zone(verdicts(facts_of(("community_daycare", JIA, {"status": status})), built))[JIA] == (
        "met" if status == "built_idle" else "not_met"
    )


def test_a_facility_named_without_coordinates_is_in_the_unit_it_names():
    in_yi = {"zone_hint": "乙社区"}
    table = verdicts(facts_of(("community_daycare", None, in_yi)), DAYCARE)
    assert (by_zone(table)[JIA], by_zone(table)[YI]) == ("not_met", "met")


def test_a_facility_of_some_community_of_a_street_may_be_in_either():
    table = verdicts(facts_of(("community_daycare", None, {"zone_hint": "建设街道"})), DAYCARE)
    assert by_zone(table) == {
        JIA: "to_verify", YI: "to_verify", STREET: "not_met", DISTRICT: "not_met", CITY: "not_met",
    }  # fmt: skip
    assert by_zone(table, "high")[CITY] == 0.5  # one facility cannot be in both
    streets = clause(holding(["街道", "乡镇"]))
    found = by_zone(verdicts(facts_of(("community_daycare", None, {"zone_hint": "建设街道"})), streets))
    assert (found[STREET], found[TOWN]) == ("met", "not_met")


def test_a_facility_with_no_place_at_all_may_be_anywhere():
    table = verdicts(facts_of(("community_daycare", JIA), ("community_daycare", None)), DAYCARE)
    assert (by_zone(table)[YI], by_zone(table)[CITY]) == ("to_verify", "to_verify")
    villages = clause(holding(["村"]))
    found = verdicts(facts_of(("community_daycare", None)), villages)
    assert by_zone(found)[CITY] == "not_met"
    assert by_zone(found, "high")[CITY] == pytest.approx(1 / 3)


def test_where_the_row_names_another_unit_than_it_lies_in_both_are_doubted():
    table = verdicts(facts_of(("community_daycare", JIA, {"zone_hint": "乙社区"})), DAYCARE)
    assert (by_zone(table)[JIA], by_zone(table)[YI]) == ("to_verify", "to_verify")


def test_villages_of_1000_people_and_more_are_asked_999_are_not():
    thousand = clause(holding(["村"], ["village_happiness_home"], people_at_least=1000))
    facts = facts_of(("village_happiness_home", WU))
    table = verdicts(facts, thousand)
    assert by_zone(table) == {
        BING: "not_met", WU: "met", TOWN: "not_met", DISTRICT: "not_met", COUNTY_TOWN: "met", COUNTY: "met",
        CITY: "not_met",
    }  # fmt: skip
    assert "people=1000; basis=registered" in table[table["zone_code"].eq(BING)].iloc[0]["evidence"]


def test_people_of_the_units_table_lead_and_unknown_people_are_not_judged():
    thousand = clause(holding(["村"], ["village_happiness_home"], people_at_least=1000))
    table = verdicts(facts_of(("village_happiness_home", WU), units={DING: {"people": 1001}}), thousand)
    assert by_zone(table)[DING] == "not_met"
    unknown = verdicts(facts_of(("village_happiness_home", WU), unknown=DING), thousand)
    ding = unknown[unknown["zone_code"].eq(DING)].iloc[0]
    assert (ding["verdict"], ding["reason"], ding["missing"]) == (
        "not_judged",
        "missing_input",
        "units.people",
    )
    town = unknown[unknown["zone_code"].eq(TOWN)].iloc[0]
    assert "units=2; units_judged=1" in town["evidence"]


def test_urban_communities_only():
    table = verdicts(
        facts_of(("community_daycare", JIA)), clause(holding(["社区", "村"], area_class="urban"))
    )
    assert set(table["zone_code"]) == {JIA, YI, STREET, DISTRICT, CITY}


def test_one_home_for_several_townships():
    served = holding(["乡镇"], ["township_home"], served="assigned")
    home = ("township_home", BING)
    own = verdicts(
        facts_of(home, assigned=[(COUNTY_TOWN, "F1")]), clause(holding(["乡镇"], ["township_home"]))
    )
    assert (by_zone(own)[TOWN], by_zone(own)[COUNTY_TOWN]) == ("met", "not_met")
    table = verdicts(facts_of(home, assigned=[(COUNTY_TOWN, "F1"), (TOWN, "F1")]), clause(served))
    assert by_zone(table, "measured") == {
        TOWN: 1, COUNTY_TOWN: 1, DISTRICT: 1, COUNTY: 1, CITY: 1,
    }  # fmt: skip
    closed = ("township_home", BING, {"status": "closed"})
    table = verdicts(facts_of(closed, assigned=[(COUNTY_TOWN, "F1")]), clause(served))
    assert by_zone(table)[COUNTY_TOWN] == "not_met"


def test_county_towns_are_those_that_the_units_table_marks():
    towns = clause(holding(["县城区"], ["street_centre"]))
    lacking = verdicts(facts_of(("street_centre", WU)), towns)
    assert lacking[["zone_code", "verdict", "missing"]].to_numpy().tolist() == [
        ["", "not_judged", "units.county_town"]
    ]
    table = verdicts(facts_of(("street_centre", WU), units={COUNTY_TOWN: {"county_town": 1}}), towns)
    assert by_zone(table) == {COUNTY_TOWN: "met", COUNTY: "met", CITY: "met"}


def test_a_share_below_all_is_judged_above_and_no_single_township_fails():
    sixty = clause(
        holding(["乡镇"], ["regional_centre"]), operator=">=", threshold=60, unit="% of 乡镇", force="binding"
    )
    half = verdicts(facts_of(("regional_centre", BING)), sixty)
    assert (by_zone(half)[CITY], by_zone(half, "threshold")[CITY]) == ("not_met", 0.6)
    assert by_zone(half, "severity") == {
        TOWN: "report", COUNTY_TOWN: "report", DISTRICT: "fail", COUNTY: "fail", CITY: "fail",
    }  # fmt: skip
    both = verdicts(facts_of(("regional_centre", BING), ("regional_centre", WU)), sixty)
    assert by_zone(both)[CITY] == "met"


def test_a_yes_no_column_that_the_facility_must_meet():
    fit = clause(holding(["社区"], having="meets_standard"))
    lacking = verdicts(facts_of(("community_daycare", JIA)), fit)
    assert lacking["missing"].tolist() == ["facilities.meets_standard"]
    facts = facts_of(("community_daycare", JIA), ("community_daycare", YI))
    marked = replace(
        facts, facilities=facts.facilities.assign(meets_standard=[1.0, np.nan]),
        given=facts.given | {"facilities.meets_standard"},
    )  # fmt: skip
    table = verdicts(marked, fit)
    assert (by_zone(table)[JIA], by_zone(table)[YI]) == ("met", "to_verify")


def test_units_that_a_study_lacks_are_said():
    facts = facts_of(("community_daycare", JIA))
    streets = verdicts(
        replace(facts, units=facts.units[facts.units["word"].ne("街道")]), clause(holding(["街道"]))
    )
    assert streets[["verdict", "reason"]].to_numpy().tolist() == [["not_judged", "no_units"]]
    villages = replace(facts, units=facts.units[facts.units["level"].ne("village")])
    assert verdicts(villages, DAYCARE)["missing"].tolist() == ["zones.village"]
    flat = facts.units[facts.units["level"].eq("village")].assign(township="", county="", prefecture="")
    assert by_zone(verdicts(replace(facts, units=flat), DAYCARE)) == {
        "": "not_met",
        JIA: "met",
        YI: "not_met",
    }


def test_kinds_that_are_no_elder_care_are_missing_where_no_table_lists_one():
    university = clause(holding(["县(市、区)"], ["senior_university"]))
    assert verdicts(facts_of(("community_daycare", JIA)), university)["missing"].tolist() == [
        "facilities.senior_university"
    ]
    table = verdicts(facts_of(("senior_university", JIA)), university)
    assert by_zone(table) == {DISTRICT: "met", COUNTY: "not_met", CITY: "not_met"}


# ---------------------------------------------------------------- counts


def count(threshold, **more):
    test = {"measure": "count", "kinds": ["community_daycare"], "over": "市", **more}
    return clause(test, operator="==", threshold=threshold, unit="facilities", deadline="2022-12-31")


def test_a_count_is_at_least_the_target_and_names_what_is_planned():
    given = [
        ("community_daycare", JIA),
        ("community_daycare", YI),
        ("community_daycare", WU, {"status": "planned"}),
    ]
    row = verdicts(facts_of(*given), count(3)).iloc[0]
    assert (row["zone_code"], row["verdict"], row["measured"], row["margin"]) == (CITY, "not_met", 2, -1)
    assert row["evidence"] == "facilities=2; planned=1; counties=2; facility_id=F1, F2"
    assert verdicts(facts_of(*given), count(1)).iloc[0]["verdict"] == "met"


def test_a_status_that_is_not_known_may_make_up_the_number():
    given = [("community_daycare", JIA), ("community_daycare", YI, {"status": "unknown"})]
    row = verdicts(facts_of(*given), count(2)).iloc[0]
    assert (row["verdict"], row["low"], row["measured"], row["high"]) == ("to_verify", 1, 1, 2)


def test_a_facility_without_a_place_counts_in_the_only_city_and_perhaps_in_each_county():
    given = [("community_daycare", JIA), ("community_daycare", None)]
    assert verdicts(facts_of(*given), count(2)).iloc[0]["verdict"] == "met"
    table = verdicts(facts_of(*given), count(1, over="县(市、区)"))
    assert by_zone(table) == {DISTRICT: "met", COUNTY: "to_verify"}


def test_the_same_facility_listed_twice_may_be_one():
    twice = [("community_daycare", JIA, {"name": "日间照料中心"})] * 2
    row = verdicts(facts_of(*twice), count(2)).iloc[0]
    assert (row["verdict"], row["low"], row["measured"]) == ("to_verify", 1, 2)


def test_the_same_facility_listed_twice_is_known_where_the_first_of_its_name_lies_elsewhere():
    same = {"name": "日间照料中心"}
    given = [("community_daycare", village, same) for village in (JIA, YI, YI)]
    row = verdicts(facts_of(*given), count(3)).iloc[0]
    assert (row["verdict"], row["low"], row["measured"]) == ("to_verify", 2, 3)


@pytest.mark.parametrize(
    ("opened_on", "opened_until", "verdict"),
    [
        ("2021-05-01", "2021-05-31", "met"),
        ("2021-01-01", "2021-12-31", "met"),
        ("2020-12-31", "2020-12-31", "not_met"),
        ("2022-01-01", "2022-01-01", "not_met"),
        ("", "", "to_verify"),
    ],
)
def test_only_what_was_opened_in_the_window_counts(opened_on, opened_until, verdict):
    dates = {"opened_on": opened_on, "opened_until": opened_until}
    window = count(1, opened_from="2021-01-01", opened_to="2021-12-31")
    assert verdicts(facts_of(("community_daycare", JIA, dates)), window).iloc[0]["verdict"] == verdict


def test_a_year_that_the_window_cuts_leaves_a_doubt():
    dates = {"opened_on": "2021-01-01", "opened_until": "2021-12-31"}
    window = count(1, opened_from="2021-07-01")
    assert verdicts(facts_of(("community_daycare", JIA, dates)), window).iloc[0]["verdict"] == "to_verify"
    undated = facts_of(("community_daycare", JIA))
    undated = replace(undated, given=undated.given - {"facilities.opened"})
    assert verdicts(undated, window)["missing"].tolist() == ["facilities.opened"]


def test_beds_are_added_up_and_unknown_ones_leave_no_upper_bound():
    beds = count(100, column="beds")
    known = ("community_daycare", JIA, {"beds": 60.0})
    assert verdicts(facts_of(known, known), beds).iloc[0][["verdict", "measured"]].tolist() == ["met", 120]
    row = verdicts(facts_of(known, ("community_daycare", YI)), beds).iloc[0]
    assert (row["verdict"], row["low"], row["high"], row["unit"]) == ("to_verify", 60, np.inf, "beds")
    assert "not_given=1" in row["evidence"]


def test_people_of_every_village_in_the_table_are_those_of_the_county():
    land = {"measure": "ratio", "numerator": "land_m2", "denominator": "people"}
    asked = clause(land, levels=["县(市、区)"], operator=">=", threshold=0.2, unit="m2 land per person")
    below = {WU: {"people": 5000.0}, COUNTY: {"land_m2": 1000.0}, JIA: {"people": 9000.0}}
    rows = verdicts(facts_of(units=below), asked).set_index("zone_code")
    assert (rows["verdict"][COUNTY], rows["measured"][COUNTY]) == ("met", 0.2)
    assert rows["evidence"][COUNTY] == "land_m2=1000; people=5000"
    units = facts_of(units=below).units["people"]
    assert units[CITY] == PEOPLE.get(CITY, 0)  # the table does not tell of every village there


def test_a_facility_without_beds_given_has_at_most_a_credible_number():
    rows = facts_of(("community_daycare", JIA, {"beds": 60.0}), ("community_daycare", YI))
    near = verdicts(rows, count(1000, column="beds", most_each=1000)).iloc[0]
    assert (near["verdict"], near["high"]) == ("to_verify", 1060)
    hopeless = verdicts(rows, count(28_000, column="beds", most_each=1000)).iloc[0]
    assert (hopeless["verdict"], hopeless["certainty"], hopeless["margin"]) == ("not_met", "likely", -27_940)
    assert "not_given=1; most_each=1000" in hopeless["evidence"]


# ---------------------------------------------------------------- circles


def test_a_circle_is_judged_as_it_was_measured():
    circle = clause({"measure": "circle", "circle": "15min"}, kind="service-circle-time")
    table = verdicts(facts_of(), circle)
    assert by_zone(table) == {JIA: "met", YI: "met"}
    row = table.iloc[0]
    assert (row["measured"], row["threshold"], row["unit"], row["certainty"]) == (
        0.95,
        0.9,
        "share",
        "certain",
    )
    assert row["evidence"].endswith("facilities=1; elderly_share_within=0.4")
    rural = clause({"measure": "circle", "circle": "1km"})
    assert set(verdicts(facts_of(), rural)["reason"]) == {"too_far"}


def test_a_circle_of_its_own_kinds_is_measured_for_these():
    asked = []

    def circle_of(circle, kinds):
        asked.append((circle, kinds))
        found = zones()
        return found[found["circle"].eq(circle)].assign(share_low=0.1, verdict="not_met", reason="too_far")

    own = clause({"measure": "circle", "circle": "15min", "kinds": ["community_station"]})
    assert set(verdicts(facts_of(circle_of=circle_of), own)["measured"]) == {0.1}
    assert asked == [("15min", ("community_station",))]


def test_a_circle_that_the_study_lacks_is_missing():
    meals = clause({"measure": "circle", "circle": "meals"})
    assert verdicts(facts_of(), meals)[["verdict", "missing"]].to_numpy().tolist() == [
        ["not_judged", "rules.circles"]
    ]


def test_coverage_alone_judges_circles_and_names_what_the_others_need():
    profile = Profile(clauses=(
        clause({"measure": "circle", "circle": "15min"}, name="c"), DAYCARE,
        clause({"measure": "ratio", "numerator": "land_m2", "denominator": "people"}, name="r"),
    ))  # fmt: skip
    table = sc.judge(Coverage(zones(), Rules()), profile)
    assert set(table[table["clause_id"].eq("c")]["verdict"]) == {"met"}
    others = table[table["clause_id"].ne("c")]
    assert others[["clause_id", "verdict", "missing"]].to_numpy().tolist() == [
        ["a", "not_judged", "facilities"], ["r", "not_judged", "units"],
    ]  # fmt: skip


# ---------------------------------------------------------------- severity, order, and what changes what


def test_the_day_changes_severity_and_the_state_of_the_deadline_and_nothing_else():
    given = [("community_daycare", JIA)]
    before = verdicts(facts_of(*given, as_of=dt.date(2022, 12, 31)), DAYCARE)
    after = verdicts(facts_of(*given, as_of=dt.date(2023, 1, 1)), DAYCARE)
    assert (set(before["severity"]), set(before["deadline_state"])) == ({"warn"}, {"open"})
    assert (set(after["severity"]), set(after["deadline_state"])) == ({"fail"}, {"due"})
    moving = ["severity", "deadline_state"]
    pd.testing.assert_frame_equal(before.drop(columns=moving), after.drop(columns=moving))


@pytest.mark.parametrize(
    ("force", "draft", "severity"),
    [("binding", False, "fail"), ("shall", False, "fail"), ("strive", False, "warn"),
     ("target", False, "warn"),
     ("in_principle", False, "warn"), ("binding", True, "warn")],
)  # fmt: skip
def test_severity_follows_the_text_and_a_draft_never_fails(force, draft, severity):
    table = verdicts(
        facts_of(("community_daycare", JIA)), clause(holding(["社区"]), force=force), draft=draft
    )
    assert set(table["severity"]) == {severity}
    assert set(table["deadline_state"]) == {"none"}


def test_what_is_only_reported_is_never_judged_and_what_is_out_of_scope_has_no_row():
    reported = clause(holding(["社区"]), state="report_only")
    table = verdicts(facts_of(("community_daycare", JIA)), reported)
    assert set(table["verdict"]) == {"not_judged"}
    assert set(table["reason"]) == {"report_only"}
    assert by_zone(table, "measured")[JIA] == 1
    assert verdicts(facts_of(), clause(None, state="out_of_scope")).empty


def test_changing_one_threshold_changes_only_the_verdicts_of_its_clause():
    facts = facts_of(("community_daycare", JIA), ("village_happiness_home", BING))
    one = verdicts(facts, DAYCARE, HOMES)
    two = verdicts(facts, clause(holding(["社区"], at_least=2), deadline="2022-12-31", force="target"), HOMES)
    pd.testing.assert_frame_equal(
        one[one["clause_id"].eq("b")].reset_index(drop=True),
        two[two["clause_id"].eq("b")].reset_index(drop=True),
    )
    assert by_zone(one[one["clause_id"].eq("a")])[JIA] == "met"
    assert by_zone(two[two["clause_id"].eq("a")])[JIA] == "not_met"


def test_neither_the_order_of_rows_nor_that_of_clauses_matters():
    facts = facts_of(
        ("community_daycare", JIA), ("community_daycare", YI, {"snap_m": 80.0}), ("community_daycare", None),
        ("village_happiness_home", BING),
    )  # fmt: skip
    turned = replace(facts, facilities=facts.facilities.iloc[::-1].reset_index(drop=True))
    pd.testing.assert_frame_equal(verdicts(facts, DAYCARE, HOMES), verdicts(turned, HOMES, DAYCARE))


@pytest.mark.parametrize("more", [
    ("community_daycare", YI), ("community_daycare", None), ("community_daycare", YI, {"snap_m": 80.0}),
    ("community_daycare", YI, {"status": "unknown"}), ("village_happiness_home", DING),
    ("community_daycare", JIA, {"zone_hint": "乙社区"}),
])  # fmt: skip
def test_a_facility_more_makes_nothing_worse(more):
    given = [("community_daycare", JIA), ("village_happiness_home", BING)]
    rank = {"not_met": 0, "to_verify": 1, "met": 2}
    before = verdicts(facts_of(*given), DAYCARE, HOMES)
    after = verdicts(facts_of(*given, more), DAYCARE, HOMES)
    assert (after["verdict"].map(rank) >= before["verdict"].map(rank)).all()
    assert (after[["low", "measured", "high"]] >= before[["low", "measured", "high"]]).all(axis=None)


def test_the_evidence_names_the_facilities_of_each_unit():
    facts = facts_of(("community_daycare", JIA), ("community_daycare", YI, {"snap_m": 80.0}))
    judged = judge_clauses(facts, Profile(clauses=(DAYCARE,)))
    assert tuple(judged.evidence) == EVIDENCE_COLUMNS
    assert judged.evidence[["zone_code", "item_id", "verdict", "reason"]].to_numpy().tolist() == [
        [JIA, "F1", "met", ""], [YI, "F2", "to_verify", "doubtful"],
    ]  # fmt: skip
    assert judged.counts() == {"fail": {"met": 1, "to_verify": 4}}


@pytest.mark.parametrize(
    ("code", "name", "word"),
    [
        ("410902001000", "建设路街道", "街道"), ("410902100000", "城关镇", "乡镇"),
        ("410902200000", "东乡", "乡镇"), ("410902400000", "开发区街道办事处", "街道"),
        ("410902400000", "产业集聚区", "乡镇"), ("T1", "西街道", "街道"), ("T2", "西镇", "乡镇"),
    ],
)  # fmt: skip
def test_streets_and_townships_are_told_by_their_codes_then_by_their_names(code, name, word):
    assert word_of(code, name, "township", "mixed") == word


# ---------------------------------------------------------------- hospitals of the medical register


def test_hospitals_of_the_medical_register_are_judged_beside_those_among_the_facilities():
    """Of three hospitals two have the department; the clinic says nothing, one hospital stands in both."""
    medical = gpd.GeoDataFrame({
        "medical_id": ["M1", "M2", "M3", "M4"], "name": ["一院", "二院", "诊所", "设施1"],
        "status": "operating", "opened_on": "", "geriatric": [1.0, 0.0, np.nan, 0.0],
        "zone_code": [JIA, WU, JIA, JIA], "x_m": 0.0, "y_m": 0.0,
    }, geometry=[None] * 4, crs="EPSG:4547")  # fmt: skip
    facts = Facts.of(
        Coverage(zones(), Rules()), facilities(("hospital", JIA)).assign(geriatric=1.0),
        replace(NO_REGISTERS, medical=medical), circle_of=None, as_of=AS_OF, basis="resident",
    )  # fmt: skip
    asked = clause(
        {"measure": "facility_share", "kinds": ["hospital"], "having": "geriatric"},
        levels=["市"], operator=">=", threshold=60, unit="% of hospitals",
    )  # fmt: skip
    judged = judge_clauses(facts, Profile(clauses=(asked,)))
    assert by_zone(judged.verdicts, "measured") == {CITY: pytest.approx(2 / 3)}
    assert by_zone(judged.verdicts) == {CITY: "met"}
    assert set(judged.evidence["item_id"]) == {"F1", "M1", "M2"}


@pytest.mark.parametrize("profile", PROFILES)
def test_every_clause_is_answered_on_a_made_up_prefecture(profile):
    """The bench's inputs, a few of them: whatever is measured lies between the least and the most."""
    read = load_profile(profile)
    table = judge_clauses(draw(counties=2, townships=8, villages=40, facilities=300), read).verdicts
    judged = table[table["measured"].notna()]
    assert (judged["low"] <= judged["measured"] + 1e-9).all()
    assert (judged["measured"] <= judged["high"] + 1e-9).all()
    assert {c.id for c in read.clauses if c.state != "out_of_scope"} <= set(table["clause_id"])
