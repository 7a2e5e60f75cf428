"""Census totals: what the lowest level says, in place of what the model says."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from servicecircle import words
from servicecircle.checks.census import differing, find_figures, read_figures, say_basis
from servicecircle.checks.codes import LEVELS, read_code
from servicecircle.errors import InputError
from servicecircle.sources.cells import is_blank
from servicecircle.sources.columns import listed, match_columns
from servicecircle.sources.tables import read_table
from servicecircle.units import within

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import geopandas as gpd

    from servicecircle.checks.census import Figure
    from servicecircle.findings import Findings
    from servicecircle.sources.tables import Table
    from servicecircle.units import Floats

MEASURES = ("people", "elderly", "households")
_WORTH_TELLING = 0.01


def read_totals(
    path: Path,
    known: Iterable[str],
    groups: Iterable[str],
    *,
    basis: str,
    year: int | None,
    findings: Findings,
) -> pd.DataFrame:
    """
    Return census figures by zone code: people, elderly, households and the groups, NaN where a cell is blank.

    Figures of the other basis are left out: resident and registered people are never added up together.

    Raises
    ------
    InputError
        The table cannot be read, has no code column, or none of the figures.
    """
    table = read_table(path, what="[people] totals", findings=findings)
    measures = tuple(dict.fromkeys((*MEASURES, *groups)))
    code = match_columns(table.frame, ("code",), {}, where=str(path)).get("code")
    figures = find_figures(table, measures, {}, basis=basis, year=year, findings=findings)
    if code is None or not figures:
        raise InputError("people.totals_columns", where=str(path), columns=listed(table.frame.columns))
    for measure, figure in differing(figures, basis).items():
        say_basis("people.totals_basis", figure, basis, findings, subject=path.name)
        del figures[measure]
    codes = [read_code(cell).text for cell in table.frame[code]]
    totals = pd.DataFrame({"code": codes, "row": table.rows})
    for measure in measures:
        totals[measure] = math.nan
        if measure in figures:
            totals[measure] = _column(table, figures[measure], totals, findings)
    return _known_once(totals, set(known), findings).set_index("code")[list(measures)]


def _column(table: Table, figure: Figure, totals: pd.DataFrame, findings: Findings) -> Floats:
    """Return a measure's totals, NaN where there are none; what is no total is listed."""
    people = totals["people"].to_numpy(dtype=np.float64) if "people" in totals else None
    values = read_figures(table, figure, people=people, findings=findings)
    cells = table.frame[figure.column]
    bad = np.array([not is_blank(c) and not v >= 0 for c, v in zip(cells, values, strict=True)], dtype=bool)
    if figure.share:  # without people there is nothing to take a part of
        bad &= np.asarray(totals["people"].notna())
    for row in totals[bad].to_dict("records"):
        findings.note("people.total_unusable", subject=row["code"], row=row["row"], column=figure.column)
    return np.where(bad, math.nan, values)


def _known_once(totals: pd.DataFrame, known: set[str], findings: Findings) -> pd.DataFrame:
    """Return the rows whose code is a zone's and stands for the first time; the others are listed."""
    twice = totals["code"].duplicated()
    unknown = ~twice & ~totals["code"].isin(known)
    for row in totals[twice].to_dict("records"):
        findings.note("people.total_repeated", subject=row["code"], row=row["row"])
    for row in totals[unknown].to_dict("records"):
        touched = None if math.isnan(row["people"]) else row["people"]
        findings.note(
            "people.total_unknown_code", subject=row["code"], row=row["row"], people_touched=touched
        )
    return totals[~twice & ~unknown]


def apply_totals(
    rows: pd.DataFrame,
    zones: gpd.GeoDataFrame,
    table: pd.DataFrame,
    *,
    measures: Iterable[str],
    findings: Findings,
) -> pd.DataFrame:
    """
    Return the people scaled to the totals, each measure by itself.

    A zone's total goes to the units below it that have no total of a lower level, less what those have. Where
    the model has nobody there, one row at the zone's representative point takes them.

    Parameters
    ----------
    rows
        zone_code, x_m, y_m and the measures.
    zones
        As `check_zones` returns them.
    table
        As `read_totals` returns it.
    """
    rows = rows.copy()
    shapes = zones.set_index("code").geometry
    added: dict[str, dict[str, Any]] = {}
    for measure in measures:
        totals = {str(code): float(total) for code, total in table[measure].dropna().items()}
        if not totals:
            continue
        before = math.fsum(rows[measure])
        plan = _plan(zones, sums_by_zone(rows, measure), totals, measure, findings)
        rows[measure] *= rows["zone_code"].map(plan.factors).fillna(1.0)
        for code, (units, people) in plan.additions.items():
            place = _place(shapes, code, units)
            if place is None:
                findings.note("people.total_no_place", subject=code, people_touched=people)
            else:
                added.setdefault(place["zone_code"], place)[measure] = people
        after = math.fsum((*rows[measure], *(row.get(measure, 0.0) for row in added.values())))
        facts = called("measure", measure) | {"count": len(totals), "before": before, "after": after}
        findings.note("people.scaled", **facts)
    if not added:
        return rows
    return pd.concat([rows, pd.DataFrame(list(added.values()))], ignore_index=True).fillna(
        dict.fromkeys(measures, 0.0)
    )


def called(fact: str, measure: str) -> dict[str, Any]:
    """Return what a measure is called, as facts of a finding in both languages."""
    return {fact: words.label("column", measure, "en"), f"{fact}_zh": words.label("column", measure, "zh")}


def sums_by_zone(rows: pd.DataFrame, measure: str) -> dict[str, float]:
    """Return the exact sum of a measure in each zone."""
    return {str(code): math.fsum(values) for code, values in rows.groupby("zone_code")[measure]}


@dataclass(slots=True)
class _Plan:
    """Factors by unit; by zone, the people that get a row of their own, and the units that may hold it."""

    factors: dict[str, float] = field(default_factory=dict)
    additions: dict[str, tuple[list[str], float]] = field(default_factory=dict)


def _plan(
    zones: gpd.GeoDataFrame,
    modelled: Mapping[str, float],
    totals: Mapping[str, float],
    measure: str,
    findings: Findings,
) -> _Plan:
    """Climb from the units: `held` is what totals say of a zone, `free` its units that none speaks for."""
    plan = _Plan()
    held: dict[str, float] = {}
    free = {code: [code] for code in zones.loc[zones["unit"], "code"]}
    children = zones.groupby("parent_code")["code"].agg(list).to_dict()
    for level in reversed(LEVELS):
        for code in zones.loc[zones["level"] == level, "code"]:
            below = children.get(code, [])
            held[code] = math.fsum(held[c] for c in below)
            free.setdefault(code, [unit for c in below for unit in free[c]])
            if code not in totals:
                continue
            total, below_it = totals[code], held[code]
            facts = called("measure", measure) | {
                "total": total,
                "below": below_it,
                "difference": below_it - total,
            }
            if free[code] and _spend(plan, code, free[code], total - below_it, modelled):
                held[code], free[code] = total, []
            elif free[code]:
                findings.note("people.totals_exceed", subject=code, **facts)
            elif abs(below_it - total) > _WORTH_TELLING * total:
                findings.note("people.totals_differ", subject=code, **facts)
    return plan


def _spend(plan: _Plan, code: str, units: list[str], people: float, modelled: Mapping[str, float]) -> bool:
    """Give people to the units; not where the lower totals already exceed the zone's own."""
    if not within(0.0, people):
        return False
    people = max(people, 0.0)
    there = math.fsum(modelled.get(unit, 0.0) for unit in units)
    if there > 0:
        plan.factors |= dict.fromkeys(units, people / there)
    elif people > 0:
        plan.additions[code] = units, people
    return True


def _place(shapes: gpd.GeoSeries, code: str, units: list[str]) -> dict[str, Any] | None:
    """Return the zone's representative point, in the unit it lies in or nearest to."""
    placed = [unit for unit in units if shapes[unit] is not None]
    if not placed:
        return None
    point = shapely.point_on_surface(shapes[code] if shapes[code] is not None else shapes[placed[0]])
    nearest = placed[int(np.argmin(shapely.distance(shapes[placed].to_numpy(), point)))]
    return {"zone_code": nearest, "x_m": point.x, "y_m": point.y}
