"""Where a test answers: the zones that a clause speaks of, and every zone above them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from servicecircle.assess.clauses.facts import Facts

ORDER = ("prefecture", "county", "township", "village")
WHOLE = ""
"""Code of the whole study, which answers where there is no upper zone."""

LEVEL_OF = {
    "市": "prefecture", "不限": "prefecture", "县(市、区)": "county", "县城区": "county", "街道": "township",
    "乡镇": "township", "社区": "village", "村": "village", "住宅小区": "village", "家庭": "village",
}  # fmt: skip
"""The level of zones that the documents' word for a unit is about."""


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """
    One zone that a test answers for.

    Parameters
    ----------
    code
        The zone; "" is the whole study.
    rows
        The facilities, estates or zones in it, by their place in their frame.
    own
        Those of them that lie in no lower zone which answers: the cases of its evidence.
    """

    code: str
    rows: NDArray[np.int64]
    own: NDArray[np.int64]


def unit_level(levels: tuple[str, ...]) -> str:
    """Return the lowest level that a clause names; the prefecture where it names none."""
    return levels_named(levels)[-1]


def levels_named(levels: tuple[str, ...]) -> list[str]:
    """Return every level that a clause names, the highest first; the prefecture where it names none."""
    named = {LEVEL_OF[word] for word in levels} or {"prefecture"}
    return [level for level in ORDER if level in named]


def levels_above(level: str) -> tuple[str, ...]:
    """Return the levels above one, the nearest first."""
    return tuple(reversed(ORDER[: ORDER.index(level)]))


def scopes(facts: Facts, rows: pd.DataFrame, level: str) -> Iterator[Scope]:
    """
    Part rows by the units of a level and by the zones above them.

    Parameters
    ----------
    rows
        Rows with the codes of their zones in the columns of `ORDER`.

    Yields
    ------
    Each village or township that holds rows, each county and prefecture; the whole study where it has no
    zone above the units.
    """
    owned = _places(homes(rows, level))
    none = np.empty(0, np.int64)
    held = {WHOLE: {WHOLE: np.arange(len(rows))}}
    for code, at in zones_for(facts, rows, level):
        if at not in held:
            held[at] = _places(rows[at].to_numpy(object))
        yield Scope(code, held[at].get(code, none), owned.get(code, none))


def _places(codes: NDArray[np.object_]) -> dict[str, NDArray[np.int64]]:
    """Return the places at which each code stands."""
    found = pd.Series(codes).groupby(codes, sort=False).indices
    return {str(code): np.asarray(places, dtype=np.int64) for code, places in found.items()}


def zones_for(facts: Facts, rows: pd.DataFrame, level: str) -> list[tuple[str, str]]:
    """Return the zones that `scopes` parts rows by, as code and level; the whole study is of level ""."""
    if level in {"county", "prefecture"}:
        zones = [(code, level) for code in codes_at(facts, level)]
    else:
        zones = [(str(code), level) for code in sorted(set(rows[level])) if code]
    upper = [(code, above) for above in levels_above(level) for code in codes_at(facts, above)]
    if not upper and not (level == ORDER[0] and zones):
        upper = [(WHOLE, WHOLE)]
    return zones + upper


def count_marked(rows: pd.DataFrame, marks: NDArray[np.bool_]) -> dict[str, tuple[int, int]]:
    """Count the rows in every zone and in the whole study, and those of them that are marked."""
    found = {WHOLE: (len(rows), int(marks.sum()))}
    for level in ORDER:
        at, codes = pd.factorize(rows[level].to_numpy(object))
        every, marked = np.bincount(at, minlength=len(codes)), np.bincount(at[marks], minlength=len(codes))
        counted = zip(codes, every.tolist(), marked.tolist(), strict=True)
        found |= {str(code): (count, of_them) for code, count, of_them in counted if code}
    return found


def homes(rows: pd.DataFrame, level: str) -> NDArray[np.object_]:
    """Return the lowest zone that each row lies in, from a level upwards."""
    home = rows[level].to_numpy(object)
    for above in levels_above(level):
        home = np.where(home == "", rows[above].to_numpy(object), home)
    return home


def codes_at(facts: Facts, level: str) -> list[str]:
    """Return the zones of a level, by code."""
    return sorted(facts.units.index[facts.units["level"].eq(level)])


def with_zones(rows: pd.DataFrame, units: pd.DataFrame, column: str) -> pd.DataFrame:
    """Add the codes of the zones of every level that hold each row, from its own zone's code upwards."""
    at = rows[column].astype(object)
    placed = rows.assign(**dict.fromkeys(ORDER, ""))
    for _ in ORDER:
        zone = units.reindex(at)
        for level in ORDER:
            placed[level] = placed[level].where(zone["level"].ne(level).to_numpy(), at)
        at = pd.Series(zone["parent_code"].fillna("").to_numpy(), index=rows.index, dtype=object)
    return placed
