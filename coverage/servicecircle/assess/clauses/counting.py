"""Numbers of facilities, and sums of a column of theirs, against the number that a document asks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.clauses.answer import Answer, Case
from servicecircle.assess.clauses.holding import COUNTY_TOWN, LATER, ids_of, not_listed
from servicecircle.assess.clauses.items import facilities_of
from servicecircle.assess.clauses.scopes import WHOLE, codes_at

if TYPE_CHECKING:
    from servicecircle.assess.clauses.facts import Facts
    from servicecircle.standards.clause import Clause, CountTest

_LEVEL_OF = {"市": "prefecture", "县(市、区)": "county", COUNTY_TOWN: COUNTY_TOWN}


def judge_count(clause: Clause, test: CountTest, facts: Facts) -> list[Answer]:
    """
    Count facilities, or add up a column of theirs, in each zone that the target is set for.

    "56 built" is read as at least 56. A facility whose day of opening is not known may lie in the window.
    """
    unit = test.column or "count"
    missing = _lacking(test, facts)
    if missing:
        return [Answer(WHOLE, None, None, None, clause.threshold, unit, missing=missing)]
    rows = _opened(facilities_of(facts, test.kinds, test.counted), test)
    to_come = facilities_of(facts, test.kinds, "listed")
    to_come = to_come[to_come["status"].isin(LATER) & ~to_come.index.isin(rows.index)]
    return [
        _answer(code, _inside(rows, code, facts), _inside(to_come, code, facts), clause, test, facts)
        for code in areas(clause, test, facts)
    ]


def areas(clause: Clause, test: CountTest, facts: Facts) -> list[str]:
    """Return the zones that a target is set for: prefectures where it names none, or the whole study."""
    words = clause.levels if test.over is None else (test.over,)
    level = next((_LEVEL_OF[word] for word in words if word in _LEVEL_OF), "prefecture")
    if level == COUNTY_TOWN:
        return list(facts.units.index[facts.units["county_town"].eq(1)])
    return codes_at(facts, level) or [WHOLE]


def _lacking(test: CountTest, facts: Facts) -> str:
    if not_listed(test.kinds, facts):
        return f"facilities.{test.kinds[0]}"
    if test.over == COUNTY_TOWN and "units.county_town" not in facts.given:
        return "units.county_town"
    if test.column and f"facilities.{test.column}" not in facts.given:
        return f"facilities.{test.column}"
    dated = test.opened_from or test.opened_to
    return "facilities.opened" if dated and "facilities.opened" not in facts.given else ""


def _opened(rows: pd.DataFrame, test: CountTest) -> pd.DataFrame:
    """Keep what was opened in the window; a day that is not known, or a year that it cuts, leaves a doubt."""
    if not test.opened_from and not test.opened_to:
        return rows
    first, last = rows["opened_on"].fillna(""), rows["opened_until"].fillna("")
    start = test.opened_from.isoformat() if test.opened_from else ""
    end = test.opened_to.isoformat() if test.opened_to else "9999-12-31"
    dated = first.ne("")
    surely = dated & first.ge(start) & last.le(end)
    kept = rows.assign(
        sure=rows["sure"] & surely, counted=rows["counted"] & dated & first.between(start, end)
    )
    return kept[~dated | (last.ge(start) & first.le(end))]


def _inside(rows: pd.DataFrame, code: str, facts: Facts) -> pd.DataFrame:
    """Return the facilities of a zone; those of no zone known may be in it."""
    if code == WHOLE:
        return rows
    held = rows[facts.units["level"][code]]
    astray = held.eq("") & rows["unplaced"]
    here = rows.assign(sure=rows["sure"] & ~astray)
    if "counted" in here:
        here["counted"] &= ~astray
    return pd.DataFrame(here[held.eq(code) | astray])


def _answer(
    code: str, rows: pd.DataFrame, to_come: pd.DataFrame, clause: Clause, test: CountTest, facts: Facts
) -> Answer:
    size = rows[test.column].to_numpy(float) if test.column else np.ones(len(rows))
    known = np.where(np.isnan(size), 0.0, size)
    sure, counted = rows["sure"].to_numpy(bool), rows["counted"].to_numpy(bool)
    silent = int(np.isnan(size).sum())
    most = math.inf if test.most_each is None else test.most_each
    return Answer(
        code, float(known[sure & counted].sum()), float(known[counted].sum()),
        float(known.sum()) + (silent * most if silent else 0.0), clause.threshold,
        test.column or "count", clause.operator if clause.operator in {"<=", "between"} else ">=",
        clause.threshold_upper,
        evidence=_evidence(code, rows[counted], to_come, facts) + _unstated(test, silent),
        cases=tuple(_cases(rows, size, test)),
    )  # fmt: skip


def _evidence(code: str, counted: pd.DataFrame, to_come: pd.DataFrame, facts: Facts) -> str:
    parts = [f"facilities={len(counted)}"]
    parts += [f"{status}={count}" for status in LATER if (count := int(to_come["status"].eq(status).sum()))]
    if code and facts.units["level"][code] == "prefecture":
        inside = facts.units["prefecture"].eq(code) & facts.units["level"].eq("county")
        parts.append(f"counties={int(inside.sum())}")
    if len(counted):
        parts.append(f"facility_id={ids_of(list(counted['facility_id']))}")
    return "; ".join(parts)


def _unstated(test: CountTest, silent: int) -> str:
    """Name how many facilities do not state the column, and the most that each is taken to have."""
    if not silent:
        return ""
    told = f"; not_given={silent}"
    return told if test.most_each is None else f"{told}; most_each={test.most_each:g}"


def _cases(rows: pd.DataFrame, size: np.ndarray, test: CountTest) -> list[Case]:
    return [
        Case(
            "facility", str(row["facility_id"]), str(row["name"]),
            None if math.isnan(figure) else float(figure), None,
            "met" if row["sure"] and row["counted"] else "to_verify",
            "" if row["sure"] and row["counted"] else "doubtful", test.column or "count",
        )
        for row, figure in zip(rows.to_dict("records"), size, strict=True)
    ]  # fmt: skip
