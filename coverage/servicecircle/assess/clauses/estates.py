"""Elder-care floor area of housing estates, for every 100 households."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.clauses.facilities import column_of, share_asked
from servicecircle.assess.clauses.items import as_items, judge_items, judge_share
from servicecircle.assess.clauses.scopes import ORDER, with_zones
from servicecircle.units import TOLERANCE_M

if TYPE_CHECKING:
    from servicecircle.assess.clauses.answer import Answer
    from servicecircle.assess.clauses.facts import Facts
    from servicecircle.standards.clause import Clause, EstateTest
    from servicecircle.units import Floats

_EMPTY = ("item_id", "households", "measured", "threshold", "margin", "meets", "counted", "sure")
_LOCAL = "local_m2_per_100_households"


def judge_estate_area(clause: Clause, test: EstateTest, facts: Facts) -> list[Answer]:
    """
    Judge the floor area of estates: the worst of a village, the share of estates that meet above.

    Provided is the area that the register credits to an estate, wherever it lies; a facility shared by
    several is credited there and not looked up again among the facilities, so that none counts twice. An
    estate of unknown stage that meets is no doubt; one that falls short may be of the other stage.
    """
    items = estate_items(clause, test, facts)
    missing, nothing = _lacking(items), "estates" if facts.estates.empty else ""
    if not test.share:
        unit = f"m2 per {_households(clause)} households".replace(" 1 households", " household")
        return judge_items(
            items, clause, facts, unit=unit, missing=missing, nothing=nothing, kind="estate", case_unit="m2"
        )
    return judge_share(
        items, clause, facts, missing=missing, nothing=nothing, kind="estate", case_unit="m2",
        threshold=share_asked(clause),
    )  # fmt: skip


def estate_items(clause: Clause, test: EstateTest, facts: Facts) -> pd.DataFrame:
    """Return the estates that a test asks, each with what is due, what is provided, and whether it meets."""
    if facts.estates.empty:
        return pd.DataFrame(columns=[*_EMPTY, *ORDER])
    rows = facts.estates if ORDER[0] in facts.estates else with_zones(facts.estates, facts.units, "zone_code")
    if test.stage != "any":
        rows = rows[rows["stage"].isin([test.stage, ""])]
    sure = rows["stage"].ne("") | (test.stage == "any")
    rows = rows.assign(item_id=rows["estate_id"], item_name=rows["name"], counted=sure, sure=sure)
    per = _households(clause)
    due_100_m2 = _standard(clause, test, rows, facts)
    due_m2 = due_100_m2 * column_of(rows, "households") / 100
    rows = rows.assign(due_100_m2=due_100_m2, due_m2=due_m2, pool=rows["item_id"])
    if test.pool_below_m2:
        rows = _pooled(rows, test, small_only=clause.threshold == test.pool_below_m2)
    due, provided, households = (_sum(rows, of) for of in ("due_m2", "floor_area_m2", "households"))
    known = np.where(households > 0, households, np.nan)
    pooled = rows["pool"].ne(rows["item_id"])
    shown = rows.assign(
        shown=rows["floor_area_m2"],
        shown_threshold=rows["due_m2"],
        reason_given=np.where(pooled, "pooled", ""),
    )
    threshold = np.where(pooled, due * per / known, rows["due_100_m2"] * per / 100)
    return as_items(shown, provided * per / known, clause, threshold=threshold)


def _standard(clause: Clause, test: EstateTest, rows: pd.DataFrame, facts: Facts) -> Floats:
    """Return the area due for 100 households; a county's own standard for new estates can only raise it."""
    standard = test.standard_m2
    if standard is None and clause.threshold is not None:
        standard = clause.threshold * 100 / _households(clause)
    asked = np.full(len(rows), np.nan if standard is None else standard)
    if test.stage == "existing" or _LOCAL not in facts.units:
        return asked
    for level in ORDER:
        asked = np.fmax(asked, facts.units[_LOCAL].reindex(rows[level]).to_numpy(float))
    return asked


def _households(clause: Clause) -> int:
    """Return for how many households a clause states its area: for 100, or for each."""
    return 1 if clause.unit.startswith("m2 per household") else 100


def _pooled(rows: pd.DataFrame, test: EstateTest, *, small_only: bool) -> pd.DataFrame:
    """
    Pool the estates of known stage whose duty is small, community by community.

    Parameters
    ----------
    small_only
        The clause speaks of no others.
    """
    small = rows["due_m2"] < test.pool_below_m2 - TOLERANCE_M
    together = small & rows["sure"] & rows["village"].ne("")
    pooled = rows.assign(pool=rows["pool"].where(~together, "pool of " + rows["village"]))
    return pooled[small | rows["due_m2"].isna()] if small_only else pooled


def _sum(rows: pd.DataFrame, column: str) -> Floats:
    """Add up a column over each row's pool; unknown where one of the pool is."""
    values = pd.Series(column_of(rows, column), index=rows.index)
    unknown = values.isna().groupby(rows["pool"]).transform("any")
    return values.groupby(rows["pool"]).transform("sum").mask(unknown).to_numpy(float)


def _lacking(items: pd.DataFrame) -> str:
    if len(items) and items["households"].isna().all():
        return "estates.households"
    return "estates.floor_area_m2"
