"""One drawn county for the clauses: streets, townships, communities and villages, without a run."""

import datetime as dt

import pandas as pd

from servicecircle.assess.clauses.facts import Facts
from servicecircle.assess.clauses.judge import judge_clauses
from servicecircle.assess.clauses.scopes import with_zones
from servicecircle.standards.clause import Clause, Profile
from servicecircle.study import Rules

CITY, COUNTY, OTHER_COUNTY = "410900000000", "410902000000", "410903000000"
STREET, TOWNSHIP, OTHER_TOWNSHIP = "410902001000", "410902100000", "410903100000"
EAST, WEST, VILLAGE, FARMS = "410902001001", "410902001002", "410902100200", "410903100200"
ZONES = [
    (CITY, "市", "prefecture", "", "市"),
    (COUNTY, "甲县", "county", CITY, "县(市、区)"),
    (OTHER_COUNTY, "乙县", "county", CITY, "县(市、区)"),
    (STREET, "城关街道", "township", COUNTY, "街道"),
    (TOWNSHIP, "柳镇", "township", COUNTY, "乡镇"),
    (OTHER_TOWNSHIP, "杨镇", "township", OTHER_COUNTY, "乡镇"),
    (EAST, "东社区", "village", STREET, "社区"),
    (WEST, "西社区", "village", STREET, "社区"),
    (VILLAGE, "柳村", "village", TOWNSHIP, "村"),
    (FARMS, "杨村", "village", OTHER_TOWNSHIP, "村"),
]
"""
市 ── 甲县 ── 城关街道 ── 东社区, 西社区
   │       └─ 柳镇 ────── 柳村
   └─ 乙县 ── 杨镇 ────── 杨村
"""


def units_of(**columns):
    """Return the zones; a column is a dict of code -> value, the rest unknown."""
    units = pd.DataFrame(ZONES, columns=["code", "name", "level", "parent_code", "word"]).set_index("code")
    units["share_within"] = float("nan")
    for name, values in columns.items():
        units[name] = pd.Series(values, dtype=float).reindex(units.index)
    return with_zones(units.assign(code=units.index), units, "code").drop(columns="code")


def facility(facility_id, kind, zone, *, status="operating", sure=True, x_m=0.0, y_m=0.0, **columns):
    """Return one facility row, in the unit `zone`."""
    return {
        "facility_id": facility_id, "name": f"name {facility_id}", "kind": kind, "status": status,
        "zone": zone, "sure": sure, "x_m": x_m, "y_m": y_m,
    } | columns  # fmt: skip


def facts_of(facilities=(), *, units=None, estates=(), medical=None, family_beds=(), indicators=(), given=(),
             circle_of=None):  # fmt: skip
    """Join what a test draws."""
    units = units_of() if units is None else units
    none = pd.DataFrame()
    rows = pd.DataFrame(list(facilities) or [facility("none", "business", "")])
    return Facts(
        units=units,
        facilities=with_zones(rows, units, "zone"),
        estates=pd.DataFrame(list(estates)),
        medical=medical,
        assigned=none,
        indicators=pd.DataFrame(list(indicators), columns=["clause_id", "code", "value"]),
        given=frozenset({"facilities", *given}),
        zones=none,
        circle_of=circle_of,
        rules=Rules(),
        as_of=dt.date(2026, 6, 30),
        family_beds=pd.DataFrame(list(family_beds)),
        tasks=none,
    )


def clause_of(test, *, levels=("街道",), operator=">=", threshold=None, **fields):
    """Return a clause with a test."""
    return Clause(
        id="c", phrase="p", kind=fields.pop("kind", "k"), levels=levels, operator=operator,
        threshold=threshold, test=test, **fields,
    )  # fmt: skip


def judged(clause, facts):
    """Judge one clause: its verdict rows by zone code."""
    return judge_clauses(facts, Profile(clauses=(clause,))).verdicts.set_index("zone_code")


def verdicts(clause, facts):
    """Judge one clause: verdict and measured figure by zone code."""
    rows = judged(clause, facts)
    return {code: (row["verdict"], row["measured"]) for code, row in rows.iterrows()}


def evidence(clause, facts):
    """Judge one clause: its cases by item."""
    return judge_clauses(facts, Profile(clauses=(clause,))).evidence.set_index("item_id")
