"""Sizes and beds of facilities: ranges, shares of facilities, shares of beds."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from towns.standards_town import (
    CITY,
    COUNTY,
    EAST,
    OTHER_COUNTY,
    STREET,
    TOWNSHIP,
    VILLAGE,
    WEST,
    clause_of,
    evidence,
    facility,
    facts_of,
    judged,
    verdicts,
)


def centre(facility_id, zone=EAST, **columns):
    return facility(facility_id, "street_centre", zone, **columns)


def range_of(column, **asked):
    return clause_of({"measure": "range", "kinds": ["street_centre"], "column": column}, **asked)


FLOOR = range_of("floor_area_m2", threshold=2000, unit="m2 gross floor area")


@pytest.mark.parametrize(
    ("asked", "areas", "verdict", "measured"),
    [
        ({"operator": ">=", "threshold": 2000}, [2000, 2400], "met", 2000),  # exactly met is met
        ({"operator": ">=", "threshold": 2000}, [1999, 2400], "not_met", 1999),  # the worst
        ({"operator": "<=", "threshold": 5000}, [5000, 300], "met", 5000),
        ({"operator": "<=", "threshold": 5000}, [5001, 300], "not_met", 5001),
        ({"operator": "between", "threshold": 50, "threshold_upper": 100}, [50, 100], "met", 50),
        ({"operator": "between", "threshold": 50, "threshold_upper": 100}, [60, 101], "not_met", 101),
        ({"operator": "between", "threshold": 50, "threshold_upper": 100}, [49, 60], "not_met", 49),
    ],
)
def test_the_worst_facility_decides_for_its_unit(asked, areas, verdict, measured):
    rows = [centre(f"f{i}", floor_area_m2=float(area)) for i, area in enumerate(areas)]
    found = verdicts(range_of("floor_area_m2", **asked), facts_of(rows))
    assert found[STREET] == (verdict, measured)
    share = sum(1 for area in areas if _inside(asked, area)) / 2
    assert found[COUNTY] == found[CITY] == ("met" if share == 1 else "not_met", share)
    assert found[OTHER_COUNTY][0] == "not_judged"


def _inside(asked, area):
    if asked["operator"] == "<=":
        return area <= asked["threshold"]
    return asked["threshold"] <= area <= asked.get("threshold_upper", math.inf)


def test_land_is_judged_in_square_metres():
    """3 mu are 2,000 m2: 1,999 m2 are not enough."""
    clause = range_of("site_area_m2", threshold=3, unit="mu (1 mu = 666.67 m2; 3 mu = 2000 m2)")
    enough = judged(clause, facts_of([centre("a", site_area_m2=2000.0)])).loc[STREET]
    assert (enough["verdict"], enough["threshold"], enough["unit"]) == ("met", 2000, "m2")
    assert verdicts(clause, facts_of([centre("a", site_area_m2=1999.0)]))[STREET] == ("not_met", 1999)


def test_each_definition_of_beds_is_a_column_of_its_own():
    """One centre with 120 beds, 60 of them long-stay, 40 embedded: three documents, three answers (O6)."""
    facts = facts_of([centre("a", beds=120.0, long_stay_beds=60.0, embedded_beds=40.0)])
    long_stay = range_of("long_stay_beds", operator="between", threshold=50, threshold_upper=100)
    assert verdicts(long_stay, facts)[STREET] == ("met", 60)
    assert verdicts(range_of("embedded_beds", threshold=50), facts)[STREET] == ("not_met", 40)
    assert verdicts(range_of("beds", threshold=50), facts)[STREET] == ("met", 120)


def test_a_column_that_is_not_there_is_named():
    row = judged(FLOOR, facts_of([centre("a")])).loc[STREET]
    assert (row["verdict"], row["missing"], row["reason"]) == (
        "not_judged", "facilities.floor_area_m2", "missing_input",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "known", "verdict"),
    [(">=", 2400, "to_verify"), (">=", 1000, "not_met"), ("<=", 1000, "to_verify"), ("<=", 2400, "not_met")],
)
def test_an_unknown_area_may_be_the_worst(operator, known, verdict):
    """Two centres, one of unknown area: 2,400 m2 of the other do not say that both reach 2,000 m2."""
    rows = [centre("a", floor_area_m2=float(known)), centre("b", floor_area_m2=math.nan)]
    clause = range_of("floor_area_m2", operator=operator, threshold=2000)
    facts = facts_of(rows)
    assert verdicts(clause, facts)[STREET] == (verdict, known)
    above = judged(clause, facts).loc[CITY]
    low, high = (0.5, 1.0) if verdict == "to_verify" else (0.0, 0.5)
    assert (above["low"], above["high"]) == (low, high)
    assert evidence(clause, facts).loc["b", ["verdict", "reason"]].tolist() == ["not_judged", "no_value"]


def test_a_doubtful_facility_makes_no_verdict_sure():
    """One sure centre of 2,400 m2; another of 100 m2 may be closed, or lie in another street."""
    sure = centre("a", floor_area_m2=2400.0)
    for doubt in ({"status": "unknown"}, {"sure": False}):
        found = judged(FLOOR, facts_of([sure, centre("b", floor_area_m2=100.0, **doubt)])).loc[STREET]
        assert (found["verdict"], found["low"], found["high"]) == ("to_verify", 100, 2400)
    closed = centre("b", floor_area_m2=100.0, status="closed")
    assert verdicts(FLOOR, facts_of([sure, closed]))[STREET] == ("met", 2400)


def test_doubts_on_both_sides_of_a_range_are_still_doubts():
    """60 beds are sure; another centre may be there with 120, and a third has no figure: 0 to 120."""
    rows = [centre("a", beds=60.0), centre("b", beds=120.0, sure=False), centre("c", beds=math.nan)]
    clause = range_of("beds", operator="between", threshold=50, threshold_upper=100)
    row = judged(clause, facts_of(rows)).loc[STREET]
    assert (row["verdict"], row["low"], row["high"]) == ("to_verify", 0, 120)


def test_only_facilities_that_run_are_measured():
    planned = centre("b", floor_area_m2=10.0, status="planned")
    assert verdicts(FLOOR, facts_of([centre("a", floor_area_m2=2000.0), planned]))[STREET] == ("met", 2000)


def test_no_facility_of_the_kind_is_no_verdict():
    rows = judged(FLOOR, facts_of([facility("a", "business", EAST)]))
    assert set(rows["verdict"]) == {"not_judged"}
    assert set(rows["missing"]) == {"facilities.street_centre"}


def test_every_facility_stands_once_in_the_evidence():
    rows = [centre("a", floor_area_m2=2000.0), centre("b", COUNTY, floor_area_m2=10.0)]
    cases = evidence(FLOOR, facts_of(rows))
    assert cases["zone_code"].to_dict() == {"a": STREET, "b": COUNTY}  # b: its street is not known
    assert cases["verdict"].to_dict() == {"a": "met", "b": "not_met"}
    assert set(cases["unit"]) == {"m2 gross floor area"}


# Shares of facilities


def homes(*upgraded):
    return [
        facility(f"h{i}", "township_home", VILLAGE, upgraded=float(yes)) for i, yes in enumerate(upgraded)
    ]


UPGRADED = clause_of(
    {"measure": "facility_share", "kinds": ["township_home"], "having": "upgraded"},
    levels=("乡镇",), operator="==", threshold=100, unit="% of township homes upgraded",
)  # fmt: skip


@pytest.mark.parametrize(
    ("upgraded", "verdict", "low", "measured", "high"),
    [
        ([1, 1, 1], "met", 1, 1, 1),
        ([1, 1, 0, 1], "not_met", 0.75, 0.75, 0.75),
        ([1, 1, math.nan], "to_verify", 2 / 3, 1, 1),  # 2 of 3, or all 3
        ([1, 0, math.nan], "not_met", 1 / 3, 0.5, 2 / 3),
    ],
)
def test_share_of_homes_upgraded(upgraded, verdict, low, measured, high):
    row = judged(UPGRADED, facts_of(homes(*upgraded))).loc[CITY]
    assert row["verdict"] == verdict
    assert row[["low", "measured", "high"]].tolist() == pytest.approx([low, measured, high])
    assert (row["threshold"], row["unit"]) == (1, "share of facilities")


def test_a_planned_home_is_no_home_that_lacks_its_upgrade():
    clause = UPGRADED.model_copy(update={"test": UPGRADED.test.model_copy(update={"among": "built"})})
    rows = [*homes(1, 1), facility("p", "township_home", VILLAGE, status="planned", upgraded=0.0)]
    assert verdicts(clause, facts_of(rows))[CITY] == ("met", 1)


def test_share_of_homes_needs_the_column():
    rows = [facility("h", "township_home", VILLAGE)]
    assert judged(UPGRADED, facts_of(rows)).loc[CITY, "missing"] == "facilities.upgraded"


def test_a_regional_centre_is_a_home_transformed():
    """Of 5 homes 2 were transformed, and 1 is listed as a regional centre by now: 3 of 5 are 60 %."""
    test = {
        "measure": "facility_share",
        "kinds": ["township_home", "regional_centre"],
        "having": "transformed",
    }
    rows = [facility(f"h{i}", "township_home", VILLAGE, transformed=float(i < 2)) for i in range(4)]
    rows.append(facility("r", "regional_centre", VILLAGE, transformed=math.nan))
    found = judged(clause_of(test, levels=("乡镇",), threshold=60), facts_of(rows))
    assert (found.loc[CITY, "verdict"], found.loc[CITY, "measured"]) == ("met", 0.6)
    assert found.loc[TOWNSHIP, "severity"] == "report"  # 60 % is asked of all, not of a township


@pytest.mark.parametrize(
    ("counted", "share"),
    [("built", 4 / 6), ("accepted", 3 / 6), ("operating", 2 / 6)],
)
def test_built_accepted_and_running_rates(counted, share):
    """Six listed: 2 run, 1 is accepted, 1 built and idle, 1 being built, 1 planned; the closed one is not."""
    statuses = ["operating", "operating", "accepted", "built_idle", "under_construction", "planned", "closed"]
    rows = [centre(f"f{i}", status=status) for i, status in enumerate(statuses)]
    test = {"measure": "facility_share", "kinds": ["street_centre"], "counted": counted}
    assert verdicts(clause_of(test, threshold=100), facts_of(rows))[CITY] == ("not_met", pytest.approx(share))


def test_an_acceptance_that_is_written_decides():
    """The centre runs, but its row says that it was not accepted."""
    test = {"measure": "facility_share", "kinds": ["street_centre"], "counted": "accepted"}
    facts = facts_of([centre("a", accepted=0.0), centre("b", accepted=math.nan)])
    assert verdicts(clause_of(test, threshold=100), facts)[CITY] == ("not_met", 0.5)


def test_only_new_premises_where_the_clause_says_so():
    test = {
        "measure": "facility_share", "kinds": ["any"], "having": "barrier_free", "among": "built",
        "opened_from": "2021-01-01",
    }  # fmt: skip
    clause = clause_of(test, levels=("市",), operator="==", threshold=100)
    old = centre("a", barrier_free=0.0, opened_on="2019-05-01")
    new = centre("b", barrier_free=1.0, opened_on="2021-01-01")
    undated = centre("c", barrier_free=0.0, opened_on="")
    assert verdicts(clause, facts_of([old, new]))[CITY] == ("met", 1)
    assert verdicts(clause, facts_of([old, new, undated]))[CITY] == ("to_verify", 1)


# Shares of beds


def home(facility_id, beds, nursing=math.nan, **columns):
    return facility(
        facility_id, "care_institution", VILLAGE, beds=float(beds), nursing_beds=float(nursing), **columns
    )


def bed_share(threshold=55, levels=("市",), operator=">=", **test):
    test = {"measure": "bed_share", "kinds": ["care_institution"], "part": "nursing_beds"} | test
    return clause_of(test, levels=levels, operator=operator, threshold=threshold, unit="% of beds")


@pytest.mark.parametrize(
    ("homes_", "verdict", "low", "measured", "high"),
    [
        ([(100, 80), (100, 30)], "met", 0.55, 0.55, 0.55),  # 110 of 200, though one home has 30 %
        ([(100, 80), (100, 29)], "not_met", 0.545, 0.545, 0.545),
        ([(100, 90), (100, math.nan)], "to_verify", 0.45, 0.9, 0.95),  # 90 to 190 of 200
        ([(300, 290), (100, math.nan)], "met", 0.725, 290 / 300, 0.975),
        ([(300, 60), (100, math.nan)], "not_met", 0.15, 0.2, 0.4),
        ([(100, 80), (math.nan, math.nan)], "to_verify", 0.0, 0.8, 1.0),  # nothing known of one home
    ],
)
def test_nursing_beds_pooled(homes_, verdict, low, measured, high):
    rows = [home(f"h{i}", beds, nursing) for i, (beds, nursing) in enumerate(homes_)]
    row = judged(bed_share(), facts_of(rows)).loc[CITY]
    assert row["verdict"] == verdict
    assert row[["low", "measured", "high"]].tolist() == pytest.approx([low, measured, high])


def test_nursing_beds_of_each_home():
    """55 of 100 and 90 of 100: both meet; 54 of 100: the worst home decides for the township, half above."""
    clause = bed_share(levels=("乡镇",), pooled=False)
    assert verdicts(clause, facts_of([home("a", 100, 55), home("b", 100, 90)]))[TOWNSHIP] == ("met", 0.55)
    found = verdicts(clause, facts_of([home("a", 100, 54), home("b", 100, 90)]))
    assert (found[TOWNSHIP], found[CITY]) == (("not_met", 0.54), ("not_met", 0.5))


def test_beds_that_are_not_given_are_named():
    facts = facts_of([home("a", 100)])
    assert judged(bed_share(), facts).loc[CITY, "missing"] == "facilities.nursing_beds"
    facts = facts_of([home("a", math.nan)])
    assert judged(bed_share(), facts).loc[CITY, "missing"] == "facilities.beds"


def test_a_home_that_may_be_closed_can_turn_the_share():
    """60 of 100 sure; a doubtful home with 0 of 20 would make it 60 of 120 = 50 %."""
    rows = [home("a", 100, 60), home("b", 20, 0, status="unknown")]
    row = judged(bed_share(), facts_of(rows)).loc[CITY]
    assert row["verdict"] == "to_verify"
    assert row[["low", "measured", "high"]].tolist() == pytest.approx([0.5, 0.6, 0.6])


def test_operators_and_owners_are_two_things():
    """300 beds private, 100 public and privately run, 100 public: private 60 %, run by government 20 %."""
    rows = [
        home("a", 300, operator_type="private", owner="private"),
        home("b", 100, operator_type="public_private", owner="public"),
        home("c", 100, operator_type="public", owner="public"),
    ]
    private = bed_share(60, part="", operators=["private"])
    government = bed_share(40, operator="<=", part="", operators=["public"])
    assert verdicts(private, facts_of(rows))[CITY] == ("met", 0.6)
    assert verdicts(government, facts_of(rows))[CITY] == ("met", 0.2)
    rows.append(home("d", 100, operator_type="", owner=""))  # 300 to 400 of 600 private
    found = judged(private, facts_of(rows)).loc[CITY]
    assert (found["verdict"], found["low"], found["high"]) == ("to_verify", 0.5, pytest.approx(2 / 3))


def test_occupancy_of_public_homes():
    """Public: 70 of 100 and 50 % of 100 occupied, 120 of 200; the empty private home does not count."""
    rows = [
        home("a", 100, owner="public", occupied_beds=70.0, occupancy=math.nan),
        home("b", 100, owner="public", occupied_beds=math.nan, occupancy=0.5),
        home("c", 400, owner="private", occupied_beds=0.0, occupancy=math.nan),
    ]
    clause = bed_share(60, levels=("县(市、区)",), part="occupied_beds", owners=["public"])
    found = verdicts(clause, facts_of(rows))
    assert found[COUNTY] == found[CITY] == ("met", 0.6)
    assert judged(clause, facts_of([home("a", 100, owner="")])).loc[COUNTY, "missing"] == "facilities.owner"


# What holds of every drawing


CLAUSES = [FLOOR, UPGRADED, bed_share(), bed_share(levels=("乡镇",), pooled=False)]


KINDS = ["street_centre", "township_home", "care_institution"]


def drawn(seed):
    """Return 12 facilities with figures that are known, unknown, sure and doubtful by turns."""
    rows = []
    for i in range(12):
        n = (i * 7 + seed * 5) % 11
        rows.append(
            facility(
                f"f{i}", KINDS[i % 3], [EAST, WEST, VILLAGE][n % 3],
                status=["operating", "operating", "unknown"][(n + i) % 3], sure=n % 4 != 0,
                floor_area_m2=math.nan if n == 3 else 1800.0 + 50 * n, upgraded=[1.0, 0.0, math.nan][n % 3],
                beds=math.nan if n == 9 else 10.0 * (n + 1), nursing_beds=math.nan if n == 5 else 6.0 * n,
            )
        )  # fmt: skip
    return rows


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("clause", CLAUSES)
def test_bounds_hold_the_figure_and_the_order_of_rows_does_not_matter(seed, clause):
    rows = drawn(seed)
    found = judged(clause, facts_of(rows))
    known = found[found["measured"].notna() & found["verdict"].ne("not_judged")]
    assert (known["low"] <= known["measured"] + 1e-12).all()
    assert (known["measured"] <= known["high"] + 1e-12).all()
    pd.testing.assert_frame_equal(found, judged(clause, facts_of(rows[::-1])))


@pytest.mark.parametrize("seed", range(8))
def test_a_doubt_less_only_narrows(seed):
    """Once every facility is sure, the share lies within the bounds found before."""
    rows = [row | {"status": "operating"} for row in drawn(seed)]
    before = judged(bed_share(), facts_of(rows)).loc[CITY]
    after = judged(bed_share(), facts_of([row | {"sure": True} for row in rows])).loc[CITY]
    assert before["low"] <= after["low"] + 1e-12
    assert after["high"] <= before["high"] + 1e-12


def test_one_threshold_changes_one_clause():
    facts = replace(facts_of([centre("a", floor_area_m2=1000.0)]), circle_of=None)
    assert verdicts(FLOOR, facts)[STREET][0] == "not_met"
    assert verdicts(FLOOR.model_copy(update={"threshold": 1000}), facts)[STREET][0] == "met"
