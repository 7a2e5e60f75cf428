"""The headline figures of a run, for the whole and for each township, from the table of zones alone."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING

from servicecircle.assess.coverage import OWN
from servicecircle.assess.suppress import SUPPRESSED

if TYPE_CHECKING:
    import pandas as pd

HEADLINES = ("met_rate", "unit_coverage", "elderly_share", "people_share")
"""Villages that meet the circle, of those judged; villages with a facility, of all; people in reach, of those
judged."""

WHOLE = ""
"""Stands for the whole study in place of a zone's code."""

Key = tuple[str, str]
"""Zone code (`WHOLE` for all) and headline."""


def headlines(zones: pd.DataFrame) -> dict[Key, float]:
    """
    Return each headline share of the whole and of each township.

    A share that nobody is judged for, or that is not known for some village, is left out. Villages count
    once, under their own circle.

    Parameters
    ----------
    zones
        Rows as `zones.csv` has them, of all levels.
    """
    villages = villages_of(zones)
    townships = zones.loc[zones["level"].eq("township"), "code"].unique()
    by_parent = dict(list(villages.groupby("parent_code")))
    parts = {WHOLE: villages, **{str(code): by_parent[code] for code in townships if code in by_parent}}
    found: dict[Key, float] = {}
    for code, rows in parts.items():
        judged = rows.loc[rows["state"].eq("judged")]
        figures = {
            "met_rate": (float(judged["verdict"].eq("met").sum()), float(len(judged))),
            "unit_coverage": (float(rows["units_with_facility"].gt(0).sum()), float(len(rows))),
            "elderly_share": _people(rows, "elderly_within", "elderly_judged"),
            "people_share": _people(rows, "people_within", "people_judged"),
        }
        found |= {(code, name): part / whole for name, (part, whole) in figures.items() if whole}
    return found


def villages_of(zones: pd.DataFrame) -> pd.DataFrame:
    """Return the zones of the lowest level, once each, under their own circle."""
    level = zones["level"].iloc[-1] if len(zones) else ""
    return zones.loc[zones["level"].eq(level) & zones["circle"].ne(OWN)].drop_duplicates("code")


def _people(rows: pd.DataFrame, part: str, whole: str) -> tuple[float, float]:
    """Return people in reach of people judged; nobody where some village's figures are suppressed."""
    if whole not in rows or rows["reason"].eq(SUPPRESSED).any():
        return 0.0, 0.0
    return fsum(rows[part].fillna(0.0)), fsum(rows[whole].fillna(0.0))
