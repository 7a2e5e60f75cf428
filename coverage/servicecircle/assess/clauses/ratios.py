"""Totals, ratios and the office's own indicators: figures of the units table, added up from below."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.clauses.answer import Answer, told
from servicecircle.assess.clauses.facilities import column_of, share_asked
from servicecircle.assess.clauses.items import facilities_of
from servicecircle.assess.clauses.scopes import (
    ORDER,
    WHOLE,
    codes_at,
    levels_named,
    unit_level,
    with_zones,
)
from servicecircle.kinds import KINDS
from servicecircle.standards.needs import of_unit

if TYPE_CHECKING:
    import datetime as dt

    from servicecircle.assess.clauses.facts import Facts
    from servicecircle.standards.clause import Clause, IndicatorTest, RatioTest, TotalTest
    from servicecircle.units import Floats

_TOWNS = "units.county_town"
_PER_CENT_FROM = 1.5
"""An indicator in per cent above it was written as 60, not as 0.6."""


@dataclass(frozen=True, slots=True)
class Sum:
    """A figure of a zone at its least, as known, and at its most; `known` is None where nothing is given."""

    low: float
    known: float | None
    high: float


def judge_total(clause: Clause, test: TotalTest, facts: Facts) -> list[Answer]:
    """Judge the sum of a column; where some zones below lack it, the sum of the others is its least."""
    own = figures_of(facts, test.column, clause.facilities, opened=(test.opened_from, test.opened_to))
    towns = clause.levels == ("县城区",)
    if towns:
        own = _of_towns(own, facts)
    lacks = _TOWNS if towns and _TOWNS not in facts.given else input_of(test.column)
    answers = []
    for code in zones_asked(clause, facts):
        found = _sum_of(own, code)
        lacking = found.known is None
        answers.append(
            Answer(
                code, None if lacking else found.low, found.known, None if lacking else found.high,
                clause.threshold, clause.unit, clause.operator or ">=",
                missing=lacks if lacking else "", evidence=_told({test.column: found}),
            )
        )  # fmt: skip
    return answers


def judge_ratio(clause: Clause, test: RatioTest, facts: Facts) -> list[Answer]:
    """
    Judge one column for every `per` of another, sums over sums.

    Where the lower column is known in part only, nothing follows; where the upper is, its least.
    """
    upper = figures_of(facts, test.numerator, clause.facilities)
    lower = figures_of(facts, test.denominator, clause.facilities)
    return [
        _ratio_at(code, clause, test, _sum_of(upper, code), _sum_of(lower, code))
        for code in zones_asked(clause, facts)
    ]


def _ratio_at(code: str, clause: Clause, test: RatioTest, upper: Sum, lower: Sum) -> Answer:
    share = clause.unit.startswith("%")
    threshold, unit = (share_asked(clause), "share") if share else (clause.threshold, clause.unit)
    operator = _operator(clause, share=share)
    evidence = _told({test.numerator: upper, test.denominator: lower})
    if lower.known is None or lower.low != lower.high:
        missing = input_of(test.denominator)
    else:
        partial = operator == "rounds_to" and upper.low != upper.high
        missing = input_of(test.numerator) if upper.known is None or partial else ""
    if missing or upper.known is None:
        return Answer(
            code, None, None, None, threshold, unit, operator, missing=missing, evidence=evidence
        )  # fmt: skip
    if lower.low == 0:
        return Answer(
            code, None, None, None, threshold, unit, operator, reason="no_people", evidence=evidence
        )
    low, measured, high = (
        figure * test.per / lower.low for figure in (upper.low, upper.known, upper.high)
    )  # fmt: skip
    return Answer(code, low, measured, high, threshold, unit, operator, evidence=evidence)


def _operator(clause: Clause, *, share: bool) -> str:
    """Return how a ratio is compared; a pattern of shares such as 90/7/3 is met to the whole per cent."""
    if clause.operator == "==":
        return "rounds_to" if share and clause.kind == "demand-split" else ">="
    return clause.operator or ">="


def judge_indicator(clause: Clause, _test: IndicatorTest, facts: Facts) -> list[Answer]:
    """Judge a figure that the office states itself, for each zone that it is stated for."""
    table = facts.indicators
    rows = table[table["clause_id"].eq(clause.id)] if "clause_id" in table else table
    given = dict(zip(rows["code"], rows["value"], strict=True)) if len(rows) else {}
    level = unit_level(clause.levels)
    asked = codes_at(facts, level) if level in {"prefecture", "county"} else []
    if WHOLE in given and len(asked) == 1:
        given = {asked[0]: given[WHOLE]} | {code: value for code, value in given.items() if code}
    if WHOLE not in given and not asked:
        asked = [*given] or [WHOLE]
    elif WHOLE in given:
        asked = []
    return [_indicator(code, clause, given.get(code, math.nan)) for code in sorted({*asked, *given})]


def _indicator(code: str, clause: Clause, value: float) -> Answer:
    share = clause.unit.startswith("%")
    threshold = share_asked(clause) if share else clause.threshold
    if clause.operator == "exists" and threshold is None:
        threshold = 1.0
    if share and value > _PER_CENT_FROM:
        value /= 100
    unit, operator = "share" if share else clause.unit, clause.operator or ">="
    if math.isnan(value):
        missing = f"indicators.{clause.id}"
        return Answer(code, None, None, None, threshold, unit, operator, missing=missing)
    return Answer(
        code, value, value, value, threshold, unit, operator, clause.threshold_upper,
        evidence=told({"stated": value}),
    )  # fmt: skip


def zones_asked(clause: Clause, facts: Facts) -> list[str]:
    """Return the zones of the levels that a clause names; the whole study where it has none of them."""
    word_of = facts.units["word"]
    codes: list[str] = []
    for level in levels_named(clause.levels):
        at = codes_at(facts, level)
        if level in {"township", "village"}:
            at = [code for code in at if word_of[code] in clause.levels]
        codes += at
    return codes or [WHOLE]


def figures_of(
    facts: Facts,
    column: str,
    kinds: tuple[str, ...],
    *,
    opened: tuple[dt.date | None, dt.date | None] = (None, None),
) -> pd.DataFrame:
    """
    Return a column's figure of every zone, and of the whole study, as `low, known, high`; NaN is unknown.

    A bare column is one of the units table, added up from below where a zone states none itself;
    `facilities.x` adds up the facilities in operation of some kinds, and `family_beds` that register where it
    is given: a zone without rows of theirs has none.
    """
    table, _, name = column.rpartition(".")
    if table == "facilities" or (not table and name not in facts.units and name in facts.facilities):
        rows = facilities_of(facts, tuple(k for k in kinds if k in KINDS) or ("any",), "operating")
        return _of_rows(rows, column_of(rows, name), facts)
    if column in {"family_beds", "family_beds.beds"} and len(facts.family_beds):
        return _of_rows(_dated(with_zones(facts.family_beds, facts.units, "code"), opened), None, facts)
    return added_up(column_of(facts.units, name), facts.units)


def input_of(column: str) -> str:
    """Return the input that a column stands in."""
    return "family_beds" if column.startswith("family_beds") else of_unit(column)


def _dated(rows: pd.DataFrame, opened: tuple[dt.date | None, dt.date | None]) -> pd.DataFrame:
    """Keep the family beds opened between two days; those of unknown date may be among them."""
    since, until = opened
    day = rows["opened_on"].astype(str)
    inside = (day.ge(str(since)) | (since is None)) & (day.le(str(until)) | (until is None))
    undated = day.eq("") & (since is not None or until is not None)
    kept = rows.assign(counted=inside & ~undated, sure=inside & ~undated)
    return kept[inside | undated]


def _of_rows(rows: pd.DataFrame, value: Floats | None, facts: Facts) -> pd.DataFrame:
    value = column_of(rows, "beds") if value is None else value
    unknown = np.isnan(value)
    parts = pd.DataFrame(
        {
            "low": np.where(rows["sure"].to_numpy(bool) & ~unknown, value, 0.0),
            "known": np.where(rows["counted"].to_numpy(bool), value, 0.0),
            "high": np.where(unknown, np.inf, value),
        },
        index=rows.index,
    )
    sums = [parts.groupby(rows[level]).sum(min_count=1) for level in ORDER]
    whole = parts.assign(code=WHOLE).groupby("code").sum(min_count=1)
    found = pd.concat([*(part[part.index != WHOLE] for part in sums), whole])
    return found.reindex([*facts.units.index, WHOLE], fill_value=0.0)


def added_up(own: Floats, units: pd.DataFrame) -> pd.DataFrame:
    """Add up figures from below where a zone states none; a part that lacks leaves no upper bound."""
    sums = pd.DataFrame({"low": own, "known": own, "high": own}, index=units.index)
    sums.loc[WHOLE] = np.nan
    if np.isnan(own).all():
        return sums
    level = units["level"].reindex(sums.index, fill_value=WHOLE)
    parent = units["parent_code"].where(units["parent_code"].isin(units.index), WHOLE)
    for upper in (*reversed(ORDER[:-1]), WHOLE):
        below = sums.loc[parent.index]
        parts = below.assign(high=below["high"].fillna(np.inf)).groupby(parent).sum(min_count=1)
        parts = parts[parts["known"].notna()]
        silent = sums.index[level.eq(upper) & sums["known"].isna()]
        sums.loc[silent] = parts.reindex(silent)
    return sums


def _of_towns(figures: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Return for each county what its county town has: the zones so marked, and none within another."""
    town = column_of(facts.units, "county_town") == 1
    inside = facts.units["parent_code"].isin(facts.units.index[town])
    towns = facts.units.index[town & ~inside]
    of_towns = figures.loc[towns]
    sums = (
        of_towns.assign(high=of_towns["high"].fillna(np.inf)).groupby(facts.units["county"]).sum(min_count=1)
    )
    return pd.DataFrame(sums[sums["known"].notna()]).reindex(figures.index)


def _sum_of(figures: pd.DataFrame, code: str) -> Sum:
    low, known, high = (float(figures[name][code]) for name in ("low", "known", "high"))
    return Sum(low, None if math.isnan(known) else known, high)


def _told(sums: dict[str, Sum]) -> str:
    figures = {name: figure.known for name, figure in sums.items() if figure.known is not None}
    return told(figures)
