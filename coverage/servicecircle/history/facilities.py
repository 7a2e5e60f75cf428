"""Facilities of two runs, row by row: opened, closed, moved; and any mix of the two lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.history.gaps import metres_between

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    import geopandas as gpd
    from numpy.typing import NDArray

    Marks = NDArray[np.bool_]

MOVED_FROM_M = 30.0
"""A facility of the same id farther from its old place than this has moved; nearer, its place was mended."""

OPERATING = "operating"
COLUMNS = ("change", "facility_id", "name", "kind", "metres", "lon", "lat", "old_lon", "old_lat")


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """
    Two lists of facilities laid side by side by id.

    Parameters
    ----------
    old, new
        Their rows under one index of all ids; NaN where an id is not in the list.
    opened, closed, moved, mended
        What became of each id. One whose kind changed is both closed and opened.
    metres
        How far it is from its old place, where both are known.
    """

    old: pd.DataFrame
    new: pd.DataFrame
    opened: Marks
    closed: Marks
    moved: Marks
    mended: Marks
    metres: NDArray[np.float64]

    @classmethod
    def of(cls, old: pd.DataFrame, new: pd.DataFrame) -> Pairs:
        """Compare two lists with `facility_id, kind, status, lon, lat, reason`."""
        ids = sorted({*old["facility_id"], *new["facility_id"]})
        a, b = (pd.DataFrame(f).drop_duplicates("facility_id").set_index("facility_id").reindex(ids)
                for f in (old, new))  # fmt: skip
        was, now = a["status"].eq(OPERATING).to_numpy(), b["status"].eq(OPERATING).to_numpy()
        alike = a["kind"].eq(b["kind"]).to_numpy()
        stays = was & now & alike
        metres = _apart(a, b)
        moved = stays & (metres > MOVED_FROM_M)
        located = [f[["lon", "lat"]].notna().all(axis=1).to_numpy() for f in (a, b)]
        told = _reasons(a).ne(_reasons(b)).to_numpy()
        mended = stays & ~moved & ((metres > 0) | (located[0] != located[1]) | told)
        return cls(a, b, now & ~stays, was & ~stays, moved, mended, metres)

    @property
    def parts(self) -> list[str]:
        """The parts that a change of figures may be put down to."""
        marks = {"closed": self.closed, "moved": self.moved, "opened": self.opened}
        found = [f"facilities_{name}" for name, marked in marks.items() if marked.any()]
        return [*found, *(["mending"] if self.mended.any() else [])]

    def listed(self) -> pd.DataFrame:
        """Return the facilities that opened, closed or moved, a row each."""
        rows = []
        for change, marks in (("opened", self.opened), ("closed", self.closed), ("moved", self.moved)):
            frame = self.old if change == "closed" else self.new
            part = frame.loc[marks, ["name", "kind", "lon", "lat"]].reset_index()
            was = self.old.loc[marks, ["lon", "lat"]].to_numpy() if change == "moved" else np.nan
            metres = self.metres[marks] if change == "moved" else np.nan
            part = part.assign(change=change, metres=metres)
            part[["old_lon", "old_lat"]] = was
            rows.append(part[list(COLUMNS)])
        filled = [part for part in rows if len(part)]
        return pd.concat(filled, ignore_index=True) if filled else rows[0]

    def mixed(
        self, old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, chosen: AbstractSet[str]
    ) -> gpd.GeoDataFrame:
        """Return the list in which the chosen parts are as in `new`, all else as in `old`; in one CRS."""
        ids = self.old.index
        stays = self.old["status"].eq(OPERATING).to_numpy() & ~self.closed
        as_new = (self.moved & ("facilities_moved" in chosen)) | (~self.moved & ("mending" in chosen))
        left = stays | (self.closed & ("facilities_closed" not in chosen))
        from_old = old.loc[old["facility_id"].isin(ids[left & ~(stays & as_new)])]
        from_new = new.loc[
            new["facility_id"].isin(ids[(stays & as_new) | (self.opened & ("facilities_opened" in chosen))])
        ]
        both = from_old["facility_id"].isin(from_new["facility_id"])  # the kind changed: two for a moment
        from_old = from_old.assign(
            facility_id=from_old["facility_id"].where(~both, from_old["facility_id"] + "~")
        )
        parts = [part for part in (from_old, from_new) if len(part)] or [old.iloc[:0]]
        mixed = pd.concat(parts, ignore_index=True)
        return mixed.sort_values("facility_id", ignore_index=True)


def _reasons(facilities: pd.DataFrame) -> pd.Series[str]:
    """Return why each is not on the map; a history's first version kept no facilities at all."""
    known = "reason" in facilities.columns
    return facilities["reason"].fillna("") if known else pd.Series("", index=facilities.index)


def _apart(a: pd.DataFrame, b: pd.DataFrame) -> NDArray[np.float64]:
    """Return the distance between the places of each row; NaN where one is not known."""
    places = np.column_stack([f[["lon", "lat"]].to_numpy(float) for f in (a, b)])
    known = np.isfinite(places).all(axis=1) & (np.abs(places[:, [1, 3]]) <= 90).all(axis=1)
    metres = np.full(len(places), np.nan)
    metres[known] = metres_between(*places[known].T)
    metres[(places[:, :2] == places[:, 2:]).all(axis=1)] = 0.0
    return metres
