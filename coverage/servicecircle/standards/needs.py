"""Which inputs a clause is judged on, and what further inputs would allow."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle import words
from servicecircle.kinds import KINDS, satisfying

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from servicecircle.standards.clause import Clause, Profile
    from servicecircle.words import Language

Needs = frozenset[str]

ALWAYS = frozenset({"facilities", "zones", "people", "units.people"})
"""What every study has."""

_OF_FACILITIES = frozenset({"beds", "nursing_beds", "occupied_beds", "floor_area_m2", "site_area_m2"})
_FIELD_OF = {"opened_on": "opened", "opened_until": "opened", "has_functions": "functions"}
"""Columns that are read out of another field."""

_WHOLE = frozenset({"estates", "medical", "family_beds", "assigned", "indicators", "tasks"})
"""Registers that are asked for by their table, where there is none at all."""


def needs(clause: Clause) -> Needs:
    """
    Return the inputs that a clause is judged on, as `table.column`.

    Facilities, zones and people are in every study and are not named; but a kind that lists of elder-care
    facilities may do without, such as hospitals, is (`facilities.hospital`). Clauses out of scope need none.
    """
    if clause.test is None or clause.state == "out_of_scope":
        return frozenset()
    named = _NEEDS.get(clause.test.measure, _nothing)(clause.test, clause)
    return frozenset(named | _unlisted(clause.test)) - ALWAYS


def lacking(clause: Clause, given: Collection[str]) -> Needs:
    """Return the inputs that a clause waits for; a register that is not there at all by its table's name."""
    missing = (need for need in needs(clause) if need not in given)
    tables = ((need, need.partition(".")[0]) for need in missing)
    return frozenset(table if table in _WHOLE and table not in given else need for need, table in tables)


def unlocks(profile: Profile, given: Collection[str]) -> pd.DataFrame:
    """
    Return what further inputs would allow, the most clauses first.

    Parameters
    ----------
    given
        What there is, as `Registers.given` tells it.

    Returns
    -------
    input (inputs that are needed together, joined by ` + `), clauses (how many), clause_ids.
    """
    waiting: dict[str, list[str]] = defaultdict(list)
    for clause in profile.clauses:
        if missing := lacking(clause, given):
            waiting[" + ".join(sorted(missing))].append(clause.id)
    rows = [(name, len(ids), tuple(ids)) for name, ids in waiting.items()]
    rows.sort(key=lambda row: (-row[1], row[0]))
    return pd.DataFrame(rows, columns=["input", "clauses", "clause_ids"])


def called(need: str, language: Language) -> str:
    """Return what an input is called, such as `单位表：常住人口`; of several (`a + b`), all."""
    if " + " in need:
        return " + ".join(called(one, language) for one in need.split(" + "))
    scaffold = words.table("scaffold")
    table, _, column = need.partition(".")
    at = 0 if language == "zh" else 1
    title = str(scaffold["sheets"][table][at]) if table in scaffold["sheets"] else table
    field = _FIELD_OF.get(column, column)
    if table == "family_beds" and field == "beds":
        field = "family_beds"
    if column in KINDS and table == "facilities":
        return f"{title}{'：' if at == 0 else ': '}{KINDS[column].zh if at == 0 else KINDS[column].en}"
    header = scaffold.get(table, {}).get(field, {}).get("header", (column, column))[at]
    return f"{title}{'：' if at == 0 else ': '}{header}" if column else title


def of_unit(column: str) -> str:
    """Return the table and column that a test names by a column alone."""
    if "." in column:
        return column
    return f"facilities.{column}" if column in _OF_FACILITIES else f"units.{column}"


def _unlisted(test: Any) -> set[str]:
    """Return the kind that a test asks for where it is no elder-care facility: a list may do without any."""
    kinds = getattr(test, "kinds", ())
    return (
        {f"facilities.{kinds[0]}"} if kinds and satisfying(kinds).isdisjoint(satisfying(["any"])) else set()
    )


def _nothing(_test: Any, _clause: Clause) -> set[str]:
    return set()


def _holding(test: Any, _clause: Clause) -> set[str]:
    found = {f"facilities.{test.having}"} if test.having else set()
    return found | ({"units.county_town"} if "县城区" in test.units else set())


def _count(test: Any, _clause: Clause) -> set[str]:
    found = {f"facilities.{test.column}"} if test.column else set()
    return found | ({"facilities.opened_on"} if test.opened_from or test.opened_to else set())


def _range(test: Any, _clause: Clause) -> set[str]:
    return {f"facilities.{test.column}"}


def _facility_share(test: Any, _clause: Clause) -> set[str]:
    return {f"facilities.{test.having}"} if test.having else set()


def _bed_share(test: Any, _clause: Clause) -> set[str]:
    found = {"facilities.beds"}
    found |= {f"facilities.{test.part}"} if test.part else set()
    found |= {"facilities.operator_type"} if test.operators else set()
    return found | ({"facilities.owner"} if test.owners else set())


def _total(test: Any, _clause: Clause) -> set[str]:
    dated = getattr(test, "opened_from", None) or getattr(test, "opened_to", None)
    return {f"{test.column}.opened_on"} if dated and "." not in test.column else {of_unit(test.column)}


def _ratio(test: Any, _clause: Clause) -> set[str]:
    return {of_unit(test.numerator), of_unit(test.denominator)}


def _estates(test: Any, _clause: Clause) -> set[str]:
    found = {"estates.households", "estates.floor_area_m2"}
    return found if test.stage == "any" else found | {"estates.stage"}


def _nearness(_test: Any, _clause: Clause) -> set[str]:
    return {"medical"}


def _report(test: Any, clause: Clause) -> set[str]:
    found = {f"facilities.{test.having}"} if test.having else set()
    if test.column:
        found.add(f"facilities.{test.column}" if test.kinds else of_unit(test.column))
    named = set(test.needs)
    if "indicators" in named:
        named = named - {"indicators"} | {f"indicators.{clause.id}"}
    if "family_beds" in named:  # either table tells them
        named = named - {"family_beds"} | {"units.family_beds"}
    return found | named


def _indicator(_test: Any, clause: Clause) -> set[str]:
    return {f"indicators.{clause.id}"}


_NEEDS: dict[str, Callable[[Any, Clause], set[str]]] = {
    "holding": _holding, "count": _count, "range": _range, "facility_share": _facility_share,
    "bed_share": _bed_share, "total": _total, "ratio": _ratio, "estate_area": _estates,
    "nearness": _nearness, "report": _report, "indicator": _indicator,
}  # fmt: skip
