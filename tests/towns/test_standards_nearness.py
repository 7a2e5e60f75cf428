"""Nearness, hubs and other figures that are reported and never judged."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from servicecircle.assess.hubs import link_hubs
from servicecircle.kinds import satisfying
from towns.standards_town import (
    CITY,
    COUNTY,
    EAST,
    FARMS,
    OTHER_COUNTY,
    OTHER_TOWNSHIP,
    STREET,
    TOWNSHIP,
    VILLAGE,
    WEST,
    clause_of,
    evidence,
    facility,
    facts_of,
    judged,
    units_of,
)


def reported(test, facts, levels=("社区",)):
    """Report one clause: measured figure by zone, and its rows."""
    clause = clause_of(test, levels=levels, operator="qualitative", state="report_only")
    rows = judged(clause, facts)
    assert set(rows["verdict"]) == {"not_judged"}
    assert set(rows["severity"]) == {"report"}
    return rows


def figures(row):
    """Return the figures of an answer's evidence."""
    return {
        name: float(value) for name, _, value in (part.partition("=") for part in row["evidence"].split("; "))
    }


# Near a medical institution

NEAR = {"measure": "nearness", "kinds": ["community_daycare"], "metres": 500}
CLINICS = pd.DataFrame({"medical_id": ["m"], "name": ["clinic"], "x_m": [0.0], "y_m": [0.0]})


def daycares(*metres, zone=EAST):
    return [facility(f"d{i}", "community_daycare", zone, x_m=float(m)) for i, m in enumerate(metres)]


def test_share_of_facilities_near_a_clinic():
    """At 100, 500 (within), 501 and 900 m: 2 of 4; the median is the second, the ninth tenth the last."""
    rows = reported(NEAR, facts_of(daycares(100, 500, 501, 900), medical=CLINICS))
    city = rows.loc[CITY]
    assert (city["measured"], city["unit"]) == (0.5, "share of facilities")
    told = figures(city)
    assert (told["near"], told["facilities"], told["near_m"]) == (2, 4, 500)
    assert (told["straight_m_median"], told["straight_m_p90"], told["straight_m_max"]) == (500, 900, 900)


def test_a_facility_without_a_place_is_told_of_and_not_counted():
    rows = [*daycares(100), facility("x", "community_daycare", EAST, x_m=math.nan, y_m=math.nan)]
    city = reported(NEAR, facts_of(rows, medical=CLINICS)).loc[CITY]
    assert city["measured"] == 1
    assert (figures(city)["facilities"], figures(city)["located"]) == (2, 1)
    clause = clause_of(NEAR, levels=("社区",), state="report_only")
    cases = evidence(clause, facts_of(rows, medical=CLINICS))
    assert cases["reason"].to_dict() == {"d0": "report_only", "x": "no_coordinates"}


def test_no_clinics_are_a_missing_input():
    assert set(reported(NEAR, facts_of(daycares(100)))["missing"]) == {"medical"}


def test_a_clinic_that_is_only_planned_is_near_to_nothing():
    planned = CLINICS.assign(status="planned")
    assert set(reported(NEAR, facts_of(daycares(100), medical=planned))["missing"]) == {"medical"}


@pytest.mark.parametrize("x_m", [0, 450, 950, 5000])
def test_one_clinic_more_never_brings_fewer_near(x_m):
    facts = facts_of(daycares(100, 500, 501, 900, 1400), medical=CLINICS)
    more = pd.concat([CLINICS, CLINICS.assign(medical_id="n", x_m=float(x_m))], ignore_index=True)
    before, after = (
        reported(NEAR, drawn).loc[CITY, "measured"]
        for drawn in (facts, facts_of(daycares(100, 500, 501, 900, 1400), medical=more))
    )
    assert after >= before


# Hubs and spokes

HUBS, SPOKES = ("street_centre", "township_home"), ("community_station", "village_happiness_home")
DRAWN = [
    facility("h1", "street_centre", EAST, x_m=0.0),
    facility("h2", "street_centre", WEST, x_m=1000.0),
    facility("h3", "township_home", TOWNSHIP, x_m=5000.0),
    facility("s1", "community_station", EAST, x_m=300.0),  # 300 m to h1, 700 m to h2
    facility("s2", "community_station", WEST, x_m=800.0),  # 200 m to h2
    facility("s3", "village_happiness_home", FARMS, x_m=5100.0),  # h3 is 100 m away, in another township
    facility("s4", "community_station", WEST, x_m=math.nan, y_m=math.nan),
]


def links(facilities, walk_to=None):
    """Link drawn facilities: each spoke with its hub."""
    facts = facts_of(facilities)
    hubs, spokes = satisfying(HUBS), satisfying(SPOKES)
    table = link_hubs(facts.facilities, facts.units["name"], walk_to, hubs=hubs, spokes=spokes)
    return table[table["spoke_id"].ne("")].set_index("spoke_id")


def test_each_spoke_has_the_nearest_hub_of_its_township():
    table = links(DRAWN)
    assert table["hub_id"].to_dict() == {"s1": "h1", "s2": "h2", "s3": "", "s4": "h1"}
    assert table["straight_m"].dropna().to_dict() == {"s1": 300, "s2": 200}
    assert table["metres"].isna().all()  # no streets are drawn
    assert table["hub_state"].to_dict() == {"s1": "linked", "s2": "linked", "s3": "orphan", "s4": "linked"}
    assert table["township"].to_dict() == {"s1": STREET, "s2": STREET, "s3": OTHER_TOWNSHIP, "s4": STREET}
    assert table.loc["s1", "hub_name"] == "name h1"


def around(from_xy, to_xy):
    """Walk as if a river barred the way to whatever lies at x = 1000, and nowhere from x = 800."""
    metres = np.abs(from_xy[:, None, 0] - to_xy[None, :, 0]) + 5000 * (to_xy[None, :, 0] == 1000)
    metres[from_xy[:, 0] == 800] = np.inf
    metres = np.where(np.isnan(metres), np.inf, metres)
    nearest = np.where(np.isfinite(metres.min(axis=1)), metres.argmin(axis=1), -1)
    return metres.min(axis=1), nearest


def test_along_the_streets_another_hub_may_be_nearer():
    """s5 is 300 m from h2 and 700 m from h1, but a river is between; from s2 no way leads anywhere."""
    table = links([*DRAWN, facility("s5", "community_station", WEST, x_m=700.0)], around)
    assert table["hub_id"].to_dict() == {"s1": "h1", "s2": "h2", "s3": "", "s4": "h1", "s5": "h1"}
    assert table["metres"].dropna().to_dict() == {"s1": 300, "s5": 700}
    assert table.loc["s2", "straight_m"] == 200


def test_distances_are_those_along_the_streets():
    """Of four with a hub, one walks 300 m, one 700 m, one has no way and one no place."""
    test = {"measure": "hub", "hubs": HUBS, "spokes": SPOKES}
    rows = [*DRAWN, facility("s5", "community_station", WEST, x_m=700.0)]
    facts = replace(facts_of(rows), walk_to=around)
    told = figures(reported(test, facts, ("街道", "村")).loc[STREET])
    assert (told["with_hub"], told["metres_median"], told["metres_max"], told["no_way"]) == (4, 300, 700, 1)
    assert "straight_m_median" not in told
    why = evidence(clause_of(test, levels=("街道", "村"), state="report_only"), facts)["reason"].to_dict()
    assert why == {
        "s1": "report_only", "s2": "no_way", "s3": "no_hub", "s4": "no_coordinates", "s5": "report_only",
    }  # fmt: skip


def test_a_clinic_across_the_river_is_not_near():
    """In a straight line 3 of 4 are within 500 m of the clinic at 1000; one more has no way at all."""
    clinics = CLINICS.assign(x_m=1000.0)
    facts = facts_of(daycares(600, 700, 800, 1600), medical=clinics)
    assert reported(NEAR, facts).loc[CITY, "measured"] == 0.75
    city = reported(NEAR, replace(facts, walk_to=around)).loc[CITY]
    assert city["measured"] == 0
    assert (figures(city)["no_way"], figures(city)["metres_median"]) == (1, 5400)


def test_hubs_without_spokes_and_spokes_without_hubs():
    rows = reported({"measure": "hub", "hubs": HUBS, "spokes": SPOKES}, facts_of(DRAWN), ("街道", "村"))
    assert rows["measured"].dropna().to_dict() == {
        STREET: 1,
        OTHER_TOWNSHIP: 0,
        COUNTY: 1,
        OTHER_COUNTY: 0,
        CITY: 0.75,
    }
    told = figures(rows.loc[CITY])
    assert (
        told["spoke_facilities"],
        told["orphan_spokes"],
        told["hubs"],
        told["hubs_without_spokes"],
    ) == (4, 1, 3, 1)


@pytest.mark.parametrize("zone", [EAST, WEST, TOWNSHIP, FARMS])
def test_one_hub_more_never_orphans_a_spoke(zone):
    test = {"measure": "hub", "hubs": HUBS, "spokes": SPOKES}
    before = reported(test, facts_of(DRAWN), ("街道", "村"))
    after = reported(test, facts_of([*DRAWN, facility("h9", "street_centre", zone)]), ("街道", "村"))
    assert (after["measured"].fillna(0) >= before["measured"].fillna(0)).all()


def test_the_order_of_rows_does_not_matter():
    pd.testing.assert_frame_equal(links(DRAWN), links(DRAWN[::-1]))


def test_no_spokes_are_no_links():
    assert links(DRAWN[:3]).empty


# Other figures


def test_facilities_are_counted_as_they_run():
    """Two run in the street, one is planned; 乙县 has none."""
    rows = [*DRAWN[:2], facility("p", "street_centre", EAST, status="planned")]
    test = {"measure": "report", "figure": "facilities", "kinds": ["street_centre"]}
    found = reported(test, facts_of(rows), ("县(市、区)",))
    assert found["measured"].to_dict() == {COUNTY: 2, OTHER_COUNTY: 0, CITY: 2}
    assert figures(found.loc[COUNTY])["not_operating"] == 1


def test_each_tier_is_asked_for_its_own_kind():
    """
    Two counties, two townships, two villages: 甲县 has its county facility, 柳村 its happiness home.

    A happiness home is no facility of its township: 2 of 6 units hold theirs, 1 of the 2 below 甲县.
    """
    kinds = ["county_support_facility", "regional_centre", "village_happiness_home"]
    test = {
        "measure": "report", "figure": "units_with", "kinds": kinds, "units": ["县(市、区)", "乡镇", "村"],
    }  # fmt: skip
    rows = [facility("a", "county_support_facility", EAST), facility("b", "village_happiness_home", VILLAGE)]
    found = reported(test, facts_of(rows))
    assert found.loc[CITY, "measured"] == pytest.approx(2 / 6)
    assert found.loc[COUNTY, "measured"] == 0.5  # of 柳镇 and 柳村
    assert found.loc[TOWNSHIP, "measured"] == 1
    assert found.loc[CITY, "unit"] == "share of units"


def test_central_villages_are_those_the_table_marks():
    test = {
        "measure": "report", "figure": "units_with", "kinds": ["village_happiness_home"], "units": ["村"],
        "needs": ["units.central_village"],
    }  # fmt: skip
    rows = [facility("b", "village_happiness_home", VILLAGE)]
    units = units_of(central_village={VILLAGE: 1, FARMS: 0})
    assert reported(test, facts_of(rows, units=units)).loc[CITY, "measured"] == 1
    assert reported(test, facts_of(rows)).loc[CITY, "missing"] == "units.central_village"


def test_share_of_homes_that_have_a_clinic():
    test = {
        "measure": "report",
        "figure": "having_share",
        "kinds": ["care_institution"],
        "having": "in_house_clinic",
    }
    rows = [facility(f"c{i}", "care_institution", VILLAGE, in_house_clinic=float(i == 0)) for i in range(4)]
    assert reported(test, facts_of(rows), ("不限",)).loc[CITY, "measured"] == 0.25
    assert reported(test, facts_of([facility("c", "care_institution", VILLAGE)]), ("不限",)).loc[
        CITY, "missing"
    ] == "facilities.in_house_clinic"  # fmt: skip


def test_columns_are_reported_per_unit():
    land = {"measure": "report", "figure": "column", "column": "land_m2", "needs": ["units.land_m2"]}
    facts = facts_of(units=units_of(land_m2={COUNTY: 2000, OTHER_COUNTY: 500}))
    found = reported(land, facts, ("县(市、区)",))
    assert found["measured"].to_dict() == {COUNTY: 2000, OTHER_COUNTY: 500, CITY: 2500}
    assert set(reported(land, facts_of(), ("县(市、区)",))["missing"]) == {"units.land_m2"}
    beds = {"measure": "report", "figure": "column", "column": "beds", "kinds": ["care_institution"]}
    rows = [facility("c", "care_institution", VILLAGE, beds=80.0)]
    assert reported(beds, facts_of(rows), ("县(市、区)",)).loc[COUNTY, "measured"] == 80


def test_share_of_the_elderly_within_either_circle():
    """甲县: 60 of 100 elderly in its communities and 30 of 100 in its villages: 90 of 200."""
    rows = {
        "15min": [(EAST, 100, 60, 10), (COUNTY, 100, 60, 10)],
        "1km": [(VILLAGE, 100, 30, 0), (COUNTY, 100, 30, 0)],
    }

    def circle_of(circle, kinds):
        assert kinds == ("community_daycare",)
        columns = ["code", "elderly_judged", "elderly_within", "elderly_doubtful"]
        return pd.DataFrame(rows[circle], columns=columns)

    test = {"measure": "report", "figure": "people_within_share", "kinds": ["community_daycare"]}
    found = reported(test, facts_of(circle_of=circle_of))
    assert found["measured"].to_dict() == {EAST: 0.6, COUNTY: 0.45}
    assert figures(found.loc[COUNTY]) == {"elderly_judged": 200, "elderly_within": 90, "elderly_doubtful": 10}


def test_what_nothing_measures_names_what_it_needs():
    test = {"measure": "report", "figure": "none", "needs": ["indicators"]}
    assert set(reported(test, facts_of())["missing"]) == {"indicators"}
