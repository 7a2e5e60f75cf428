"""Households: measured where they live, and shown only as cells in which no single one can be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

CELL_M = 100.0
_SAME = ["zone_code", "circle", "judged", "within", "doubtful", "by_line", "reason", "connector"]
"""Households of one cell that differ in any of these stay in rows of their own."""

_WALK = ["metres", "straight_m", "seconds", "snap_m"]
_NAMES = ["facility_id", "nearest_id"]


def as_cells(people: pd.DataFrame, groups: Sequence[str]) -> pd.DataFrame:
    """
    Add the measured households of each square of 100 m up into one row at its centre.

    A cell is parted by zone, circle and result, so that every sum stays what it was. Its walk is the mean
    over its people; its facility is that of most of them, the first by its id at a tie.

    Parameters
    ----------
    people
        As `measure_people` returns them.
    groups
        Names of the group columns.
    """
    if people.empty:
        return people
    column, row = (np.floor(people[axis].to_numpy() / CELL_M).astype(np.int64) for axis in ("x_m", "y_m"))
    cells = people.assign(column=column, row=row)
    keys = ["row", "column", *_SAME]
    number = cells.groupby(keys, sort=True, dropna=False).ngroup().to_numpy()
    order = np.argsort(number, kind="stable")
    cells, number = cells.iloc[order].reset_index(drop=True), number[order]
    first = np.flatnonzero(np.diff(number, prepend=-1))
    added = cells.loc[first, keys].reset_index(drop=True)
    for name in ("people", *groups):
        added[name] = np.add.reduceat(cells[name].to_numpy(np.float64), first)
    share = _shares(cells["people"].to_numpy(np.float64), number, first)
    for name in _WALK:
        walks = cells[name].to_numpy(np.float64)
        added[name] = np.add.reduceat(
            np.multiply(walks, share, out=np.zeros(len(cells)), where=share > 0), first
        )
    for name in _NAMES:
        added[name] = _of_most(cells[name], cells["people"], number)
    added["x_m"], added["y_m"] = (added["column"] + 0.5) * CELL_M, (added["row"] + 0.5) * CELL_M
    added["person_id"] = np.arange(len(added), dtype=np.int64)
    return added[[name for name in people.columns if name in added]]


def _shares(people: np.ndarray, number: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return each row's share of its cell's people; equal ones where a cell holds members of groups only."""
    there: np.ndarray = np.add.reduceat(people, first)[number]
    count = np.bincount(number)[number]
    shares: np.ndarray = np.divide(people, there, out=1.0 / count, where=there > 0)
    return shares


def _of_most(names: pd.Series, people: pd.Series, number: np.ndarray) -> np.ndarray:
    """Return, cell by cell, the name that most people share; None where they have none."""
    named = pd.DataFrame({"cell": number, "name": names, "people": people})
    told = named.groupby(["cell", "name"], sort=True)["people"].sum().reset_index()
    most = told.sort_values(["cell", "people", "name"], ascending=[True, False, True]).drop_duplicates("cell")
    found = most.set_index("cell")["name"].reindex(np.arange(number.max() + 1))
    return np.array([None if pd.isna(name) else name for name in found], dtype=object)
