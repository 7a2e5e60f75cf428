"""Figures of fewer than ten people are not published, nor those from which they could be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.coverage import OWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]

FEWEST = 10.0
"""The smallest group that is published."""

SUPPRESSED = "suppressed"
_TWO = ("15min", "1km")
_COUNTS = ("within", "doubtful")
_SHARES = ("share_within", "share_low", "share_high", "share_straight")
_OF_PEOPLE = ("share_near_street", "share_when_opened")
_PARTS_OF_PEOPLE = ("gap_people", "people_by_connector", "people_off_streets", *_OF_PEOPLE)
_TIMES = ("median_seconds", "p90_seconds", "street_m_per_person")


def suppress(zones: gpd.GeoDataFrame, groups: Sequence[str]) -> gpd.GeoDataFrame:
    """
    Empty the figures of a zones table that tell of fewer than ten people, and their complements.

    What is left can be added up and taken away without leading to what is empty; such rows have the reason
    `suppressed`. Of villages only those covered and not covered are told: what is doubtful, or would be under
    another measure, is too few people in most of them.

    Parameters
    ----------
    groups
        The groups of people that the table counts beside all.
    """
    table = zones.reset_index(drop=True).copy()
    finer = [f"{g}_doubtful" for g in ("people", *groups)]
    finer += [f"{prefix}{share}" for prefix in ("", *(f"{g}_" for g in groups)) for share in _SHARES[1:]]
    finer += [*_PARTS_OF_PEOPLE[1:], "street_m_per_person"]
    table.loc[table["level"].eq("village"), [column for column in finer if column in table]] = np.nan
    sums = _sums(table)
    people = _Group.of(table, "people")
    hidden = np.zeros(len(table), dtype=bool)
    for name in ("people", *groups):
        group = _Group.of(table, name)
        total = group.small_total()
        parts = group.small_parts()
        if name != "people":
            total |= _small(people.total - group.total)
            parts |= _small(people.within - group.within)
        total = _closed(total, sums, [group.total, group.judged])
        parts = _closed(parts | total, sums, [group.within, group.doubtful, group.judged - group.within])
        for flags, columns in ((total, group.total_columns), (parts, group.part_columns)):
            known = [column for column in columns if column in table]
            table.loc[flags, known] = np.nan
        hidden |= parts
    table["reason"] = np.where(hidden, SUPPRESSED, table["reason"])
    return table


def is_small(people: pd.Series) -> pd.Series:
    """Tell which numbers of people are too small to be published."""
    return pd.Series(_small(people.to_numpy(float)), index=people.index)


class _Group:
    """The people of one group in every row: in all, judged, and how they divide."""

    def __init__(self, table: pd.DataFrame, name: str) -> None:
        everybody = name == "people"
        prefix = "" if everybody else f"{name}_"
        total = "people" if everybody else f"{name}_people"
        self.total_columns = (total, f"{name}_judged", *(_TIMES if everybody else ()))
        self.part_columns = (
            *(f"{name}_{part}" for part in _COUNTS), *(f"{prefix}{share}" for share in _SHARES),
            *(_PARTS_OF_PEOPLE if everybody else ()),
        )  # fmt: skip
        self.total = _figures(table, total)
        self.judged, self.within, self.doubtful = (
            _figures(table, f"{name}_{part}") for part in ("judged", *_COUNTS)
        )
        shares = [*(f"{prefix}{share}" for share in _SHARES), *(_OF_PEOPLE if everybody else ())]
        self.parts = [self.within, self.doubtful, *(_figures(table, s) * self.judged for s in shares)]
        if everybody:
            self.parts += [_figures(table, c) for c in ("people_by_connector", "people_off_streets")]

    @classmethod
    def of(cls, table: pd.DataFrame, name: str) -> _Group:
        """Return the figures of a group."""
        return cls(table, name)

    def small_total(self) -> Flags:
        """Tell where so few live that nothing is said of them."""
        return _any(map(_small, (self.total, self.judged, self.total - self.judged)))

    def small_parts(self) -> Flags:
        """Tell where so few are covered, or are not, that only their sum is said."""
        return _any(_small(part) | _small(self.judged - part) for part in self.parts)


def _figures(table: pd.DataFrame, column: str) -> Floats:
    if column not in table:
        return np.zeros(len(table))
    return np.asarray(np.nan_to_num(table[column].to_numpy(float)), dtype=np.float64)


def _small(people: Floats) -> Flags:
    return np.asarray((people > 1e-6) & (people < FEWEST - 1e-6))


def _any(flags: Iterable[Flags]) -> Flags:
    return np.asarray(np.logical_or.reduce(list(flags)))


def _sums(table: pd.DataFrame) -> list[tuple[int, NDArray[np.intp]]]:
    """Return which rows are the sum of which others: zones below, and the circles of a zone."""
    found = []
    below = table.groupby(["parent_code", "circle"]).indices
    single = ~table["code"].duplicated().to_numpy()
    villages = table["level"].eq("village").to_numpy() & single
    own = table.assign(own=villages | table["circle"].eq(OWN).to_numpy()).reset_index()
    own_below = own[own["own"]].groupby("parent_code")["index"].apply(np.array).to_dict()
    circles = (
        table[table["circle"].isin(_TWO)].reset_index().groupby("code")["index"].apply(np.array).to_dict()
    )
    upper = np.flatnonzero(~table["level"].eq("village").to_numpy())
    for row, code, circle in zip(upper, table["code"].iloc[upper], table["circle"].iloc[upper], strict=True):
        rows = own_below.get(code) if circle == OWN else below.get((code, circle))
        if rows is not None and len(rows):
            found.append((int(row), np.asarray(rows)))
        if circle == OWN and code in circles:
            found.append((int(row), circles[code]))
    return found


def _closed(hidden: Flags, sums: list[tuple[int, NDArray[np.intp]]], figures: Sequence[Floats]) -> Flags:
    """Hide more rows until no hidden figure, nor a small sum of them, follows from a sum that is shown."""
    hidden = hidden.copy()
    grown = True
    while grown:
        grown = False
        for whole, parts in sums:
            more = _next(hidden, whole, parts, figures)
            while more is not None:
                hidden[more] = grown = True
                more = _next(hidden, whole, parts, figures)
    return hidden


def _next(hidden: Flags, whole: int, parts: NDArray[np.intp], figures: Sequence[Floats]) -> int | None:
    """Return the row to hide next; None where a sum gives nothing away."""
    size = np.sum(figures, axis=0)
    there = parts[size[parts] > 0]
    gone = there[hidden[there]]
    left = there[~hidden[there]]
    if hidden[whole]:
        return None if len(gone) or not len(left) else int(left[np.argmin(size[left])])
    if not len(gone):
        return None
    if len(gone) > 1 and not any(0 < figure[gone].sum() < FEWEST for figure in figures):
        return None
    return int(left[np.argmin(size[left])]) if len(left) else whole
