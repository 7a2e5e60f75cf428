"""What single facilities are asked for: sizes, beds, upgrades, and shares of their beds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.clauses.answer import Answer, told
from servicecircle.assess.clauses.items import (
    STATUSES,
    as_items,
    cases_by_zone,
    facilities_of,
    judge_items,
    judge_share,
    nothing_of,
)
from servicecircle.assess.clauses.scopes import scopes, unit_level

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from servicecircle.assess.clauses.facts import Facts
    from servicecircle.standards.clause import BedShareTest, Clause, FacilityShareTest, RangeTest
    from servicecircle.units import Floats

M2_PER_MU = 2000 / 3
"""15 mu are a hectare; the register reads 3 mu as 2,000 m2."""


def judge_range(clause: Clause, test: RangeTest, facts: Facts) -> list[Answer]:
    """
    Judge a column of each facility: the worst per unit, the share of facilities that meet above.

    A facility answers in the unit of its own position, whatever the unit is called.
    """
    rows = named(facilities_of(facts, test.kinds, test.counted))
    threshold, unit = asked_of(clause)
    items = as_items(rows, column_of(rows, test.column), clause, threshold=threshold)
    return judge_items(
        items, clause, facts, unit=unit, missing=f"facilities.{test.column}",
        nothing=nothing_of(facts, test.kinds), kind="facility",
    )  # fmt: skip


def judge_facility_share(clause: Clause, test: FacilityShareTest, facts: Facts) -> list[Answer]:
    """
    Judge the share of facilities that have a yes/no column, or that got as far as a status.

    Where less than all of them is asked for, a unit with fewer is told of, but fails nothing.
    """
    rows = named(facilities_of(facts, test.kinds, test.among))
    if test.opened_from is not None:
        rows = opened_since(rows, test.opened_from)
    yes = having_of(rows, test.having) if test.having else _got_as_far(rows, test.counted or "operating")
    items = as_items(rows, yes, clause, threshold=1.0)
    asked, level = share_asked(clause), unit_level(clause.levels)
    answers = judge_share(
        items, clause, facts, missing=f"facilities.{test.having or 'status'}",
        nothing=nothing_of(facts, test.kinds), kind="facility", case_unit="yes", threshold=asked,
    )  # fmt: skip
    if asked is None or asked >= 1 or level in {"prefecture", "county"}:
        return answers
    units = set(items[level])
    return [replace(answer, one_of_some=answer.zone_code in units) for answer in answers]


def judge_bed_share(clause: Clause, test: BedShareTest, facts: Facts) -> list[Answer]:
    """
    Judge a share of beds: of a kind of bed, or of the homes that some operators run.

    Pooled, the beds of a zone are added up; else each facility is judged by its own share. An unknown part
    may be none of the beds or all of them; beyond a facility whose beds are unknown nothing is known.
    """
    rows = _beds(named(facilities_of(facts, test.kinds, "operating")), test)
    share = (rows["part_low"] / rows["beds"]).where(rows["part_low"].eq(rows["part_high"]))
    asked, nothing = share_asked(clause), nothing_of(facts, test.kinds)
    items = as_items(rows, share.to_numpy(float), clause, threshold=np.nan if asked is None else asked)
    if not test.pooled:
        return judge_items(
            items, clause, facts, unit="share", missing=_lacking(rows, test), nothing=nothing, kind="facility"
        )
    level, beds = unit_level(clause.levels), _Beds.of(items, test)
    shown = items.assign(
        threshold=np.nan, meets=np.nan,
        reason_given=np.where(items["measured"].isna(), "no_value", "pooled"),
    )  # fmt: skip
    cases = cases_by_zone(shown, "share", "facility", level)
    blank = Answer("", None, None, None, asked, "share", clause.operator or ">=")
    return [
        beds.at(scope.rows, replace(blank, zone_code=scope.code, cases=cases.get(scope.code, ())))
        if len(scope.rows)
        else replace(blank, zone_code=scope.code, missing=nothing, reason="" if nothing else "no_facilities")
        for scope in scopes(facts, items, level)
    ]


def asked_of(clause: Clause) -> tuple[float, str]:
    """Return what a clause asks of a facility, land in square metres, and its unit."""
    figure = np.nan if clause.threshold is None else clause.threshold
    return (figure * M2_PER_MU, "m2") if clause.unit.startswith(("mu", "亩")) else (figure, clause.unit)


def share_asked(clause: Clause) -> float | None:
    """Return the share that a clause asks for, 0..1; the documents write per cent."""
    return None if clause.threshold is None else clause.threshold / 100


def named(rows: pd.DataFrame) -> pd.DataFrame:
    """Name facilities as the items of an answer."""
    return rows.assign(item_id=rows["facility_id"], item_name=rows["name"])


def column_of(rows: pd.DataFrame, column: str) -> Floats:
    """Return a column as numbers; unknown for every row where the table lacks it."""
    if column not in rows:
        return np.full(len(rows), np.nan)
    return pd.to_numeric(rows[column], errors="coerce").to_numpy(float)


def having_of(rows: pd.DataFrame, column: str) -> Floats:
    """Return a yes/no column; a regional centre is a home that was transformed, whether or not it is said."""
    yes = column_of(rows, column)
    if column != "transformed":
        return yes
    return np.where(np.isnan(yes) & rows["kind"].eq("regional_centre").to_numpy(), 1.0, yes)


def opened_since(rows: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """Keep the facilities opened since a day; those of unknown date may be among them."""
    opened = rows["opened_on"] if "opened_on" in rows else pd.Series("", index=rows.index)
    kept = rows.assign(sure=rows["sure"] & opened.ne(""), counted=rows["counted"] & opened.ne(""))
    return kept[opened.eq("") | opened.ge(day.isoformat())]


def _got_as_far(rows: pd.DataFrame, counted: str) -> Floats:
    """Tell which facilities count as built, accepted or operating; of an unknown status nothing is known."""
    reached = rows["status"].isin(STATUSES.get(counted, frozenset())).to_numpy(float)
    if counted == "accepted":
        said = column_of(rows, "accepted")
        reached = np.where(np.isnan(said), reached, said)
    unknown = rows["status"].eq("unknown").to_numpy()
    return np.where(unknown & (reached == 0), np.nan, reached)


def _beds(rows: pd.DataFrame, test: BedShareTest) -> pd.DataFrame:
    """Add the beds of each facility, and the least and most of them that are asked for."""
    if test.owners:
        owner = _text(rows, "owner")
        rows = rows.assign(sure=rows["sure"] & owner.ne(""), counted=rows["counted"] & owner.ne(""))
        rows = rows[owner.isin(test.owners) | owner.eq("")]
    beds = column_of(rows, "beds")
    if test.operators:
        run_by = _text(rows, "operator_type")
        share = run_by.isin(test.operators).to_numpy(float)
        part = np.where(run_by.eq(""), np.nan, share * beds)
    else:
        part = column_of(rows, test.part)
        if test.part == "occupied_beds":
            part = np.where(np.isnan(part), column_of(rows, "occupancy") * beds, part)
    unknown = np.isnan(part)
    low, high = np.where(unknown, 0.0, part), np.where(unknown, beds, part)
    return pd.DataFrame(rows.assign(beds=beds, part_low=low, part_high=high).loc[beds != 0])


def _text(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows[column].fillna("") if column in rows else pd.Series("", index=rows.index, dtype=object)


def _lacking(rows: pd.DataFrame, test: BedShareTest) -> str:
    if rows["beds"].isna().all():
        return "facilities.beds"
    if test.owners and _text(rows, "owner").eq("").all():
        return "facilities.owner"
    return "facilities.operator_type" if test.operators else f"facilities.{test.part}"


@dataclass(frozen=True, slots=True, eq=False)
class _Beds:
    """
    Beds of some facilities, the least and most of them that are asked for, and which rows count and are sure.

    Parameters
    ----------
    items, test
        The facilities, and what is asked of them.
    """

    items: pd.DataFrame
    test: BedShareTest
    beds: Floats
    low: Floats
    high: Floats
    counted: NDArray[np.bool_]
    sure: NDArray[np.bool_]

    @classmethod
    def of(cls, items: pd.DataFrame, test: BedShareTest) -> _Beds:
        """Take the figures of facilities, as `_beds` returns them."""
        beds, low, high = (items[name].to_numpy(float) for name in ("beds", "part_low", "part_high"))
        counted, sure = (items[name].to_numpy(bool) for name in ("counted", "sure"))
        return cls(items, test, beds, low, high, counted, sure)

    def at(self, rows: NDArray[np.int64], blank: Answer) -> Answer:
        """Answer for some of the facilities, their beds added up."""
        beds, low, high, sure = self.beds[rows], self.low[rows], self.high[rows], self.sure[rows]
        given = ~np.isnan(beds)
        known = given & (low == high)
        counts = known & self.counted[rows]
        taken = counts if counts.any() else known
        judged, part = float(beds[taken].sum()), float(low[taken].sum())
        figures = told({
            "facilities": len(rows), "beds": float(beds[given].sum()), "beds_judged": judged,
            "beds_of_part": part, "beds_not_given": int((~given).sum()),
            "part_unknown": int((given & ~known).sum()), "doubtful": int((~sure).sum()),
        })  # fmt: skip
        if judged == 0:
            lacking = _lacking(self.items.iloc[rows], self.test)
            return replace(blank, missing=lacking, evidence=figures)
        least = _least(beds, low, sure) if given.all() else 0.0
        most = 1 - _least(beds, beds - high, sure) if given.all() else 1.0
        return replace(blank, low=least, measured=part / judged, high=most, evidence=figures)


def _least(beds: Floats, part: Floats, sure: NDArray[np.bool_]) -> float:
    """Return the least share of beds that are `part`, over all choices of the doubtful facilities."""
    every, have = float(beds[sure].sum()), float(part[sure].sum())
    more, of_them = beds[~sure], part[~sure]
    for k in np.argsort(of_them / more, kind="stable").tolist():
        if every and of_them[k] / more[k] >= have / every:
            break
        every, have = every + float(more[k]), have + float(of_them[k])
    return have / every
