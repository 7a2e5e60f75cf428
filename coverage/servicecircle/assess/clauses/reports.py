"""Figures that go with clauses which state none: measured and reported, never judged."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.clauses.answer import told
from servicecircle.assess.clauses.facilities import column_of, having_of, named
from servicecircle.assess.clauses.items import (
    as_items,
    facilities_of,
    judge_share,
    nothing_of,
)
from servicecircle.assess.clauses.nearness import operating, reported
from servicecircle.assess.clauses.ratios import figures_of, input_of, zones_asked
from servicecircle.assess.clauses.scopes import (
    ORDER,
    WHOLE,
    codes_at,
    count_marked,
    levels_above,
    scopes,
    unit_level,
)
from servicecircle.kinds import KINDS, satisfying

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicecircle.assess.clauses.answer import Answer
    from servicecircle.assess.clauses.facts import Facts
    from servicecircle.standards.clause import Clause, ReportTest

CIRCLES = ("15min", "1km")
"""The two circles of a study; between them each person stands under one."""


def judge_report(clause: Clause, test: ReportTest, facts: Facts) -> list[Answer]:
    """Report a figure per unit and zone above; which input lacks where there is none."""
    answers = _FIGURES[test.figure](clause, test, facts)
    if any(answer.measured is not None for answer in answers):
        return answers
    lacking = [need for need in test.needs if need not in facts.given]
    missing = [*lacking, *(answer.missing for answer in answers if answer.missing), ""][0]
    return [replace(answer, missing=missing) for answer in answers]


def _facilities(clause: Clause, test: ReportTest, facts: Facts) -> list[Answer]:
    """Count the facilities in operation, and those that would be more once opened."""
    rows = facilities_of(facts, test.kinds, "listed")
    running = rows["status"].eq("operating").to_numpy(bool)
    answers = []
    for scope in scopes(facts, rows, unit_level(clause.levels)):
        count = int(running[scope.rows].sum())
        figures = {"facilities": count, "not_operating": len(scope.rows) - count}
        answers.append(reported(scope.code, float(count), "facilities", evidence=told(figures)))
    return answers


def _units_with(clause: Clause, test: ReportTest, facts: Facts) -> list[Answer]:
    """
    Report the share of units that hold a facility of theirs, for the zones above them.

    Of several tiers of units each is asked for the kinds that serve it: a county for a county's facility.
    """
    words = test.units or clause.levels
    units = facts.units[facts.units["word"].isin(words)]
    for column in ("central_village", "county_town"):
        if f"units.{column}" in test.needs:
            units = units[column_of(units, column) == 1]
    rows = operating(facts, test.kinds)
    held = np.zeros(len(units), dtype=bool)
    for word, level in zip(words, (unit_level((word,)) for word in words), strict=True):
        serving = [kind for kind in satisfying(test.kinds) if word in KINDS[kind].level]
        theirs = rows[rows["kind"].isin(serving)] if serving else rows
        held |= (units["word"].eq(word) & units.index.isin(theirs[level])).to_numpy(bool)
    above = units[list(ORDER)]
    found = count_marked(above.mask(above.eq(units.index, axis=0), ""), held)
    answers = []
    for code in _above(facts, words):
        count, holding = found.get(code, (0, 0))
        figures = told({"units": count, "units_with_facility": holding})
        answers.append(reported(code, holding / count if count else None, "share", evidence=figures))
    return answers


def _above(facts: Facts, words: tuple[str, ...]) -> list[str]:
    return [code for level in levels_above(unit_level(words)) for code in codes_at(facts, level)] or [WHOLE]


def _having_share(clause: Clause, test: ReportTest, facts: Facts) -> list[Answer]:
    rows = named(facilities_of(facts, test.kinds, "operating"))
    items = as_items(rows, having_of(rows, test.having), clause, threshold=1.0)
    return judge_share(
        items, clause, facts, missing=f"facilities.{test.having}", nothing=nothing_of(facts, test.kinds),
        kind="facility", case_unit="yes", threshold=None,
    )  # fmt: skip


def _column(clause: Clause, test: ReportTest, facts: Facts) -> list[Answer]:
    """Report a column of the units table, or the sum of one of the facilities'."""
    column = f"facilities.{test.column}" if test.kinds else test.column
    figures = figures_of(facts, column, test.kinds)
    codes = zones_asked(clause, facts)
    level = facts.units["level"]
    above = levels_above(unit_level(clause.levels))
    codes += [code for code in facts.units.index[level.isin(above)] if code not in set(codes)]
    answers = []
    for code in codes:
        known = float(figures["known"][code])
        value = None if math.isnan(known) else known
        lacking = "" if value is not None else input_of(column)
        answers.append(reported(code, value, _unit_of(test.column), missing=lacking))
    return answers


def _unit_of(column: str) -> str:
    if column.endswith("_m2"):
        return "m2"
    return "beds" if column.endswith("beds") else column


def _people_within_share(clause: Clause, test: ReportTest, facts: Facts) -> list[Answer]:
    """Report the share of the elderly, else of all people, within their circle of the clause's facilities."""
    if facts.circle_of is None:
        return [reported(WHOLE, None, "share", missing="facilities")]
    zones = pd.concat([facts.circle_of(circle, test.kinds) for circle in CIRCLES])
    whom = "elderly" if "elderly_judged" in zones and zones["elderly_judged"].gt(0).any() else "people"
    sums = zones.groupby("code")[[f"{whom}_judged", f"{whom}_within", f"{whom}_doubtful"]].sum()
    sums = sums[sums[f"{whom}_judged"].gt(0)]
    asked = set(_above(facts, clause.levels)) | set(zones_asked(clause, facts))
    return [
        reported(
            str(code), within / judged, "share",
            evidence=told({f"{whom}_judged": judged, f"{whom}_within": within, f"{whom}_doubtful": doubtful}),
        )
        for code, judged, within, doubtful in sums[sums.index.isin(asked)].itertuples()
    ] or [reported(WHOLE, None, "share", missing="people")]  # fmt: skip


def _none(clause: Clause, test: ReportTest, facts: Facts) -> list[Answer]:
    del clause, facts
    return [reported(WHOLE, None, "", missing=test.needs[0] if test.needs else "indicators")]


_FIGURES: dict[str, Callable[[Clause, ReportTest, Facts], list[Answer]]] = {
    "facilities": _facilities, "units_with": _units_with, "people_within_share": _people_within_share,
    "having_share": _having_share, "column": _column, "none": _none,
}  # fmt: skip
