"""Gaps of two runs matched by the places they share, so that a gap keeps its id as it grows and shrinks."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Cells = NDArray[np.int64]

CELL_DEGREES = 0.001
"""People's places are compared in cells of about 100 m."""

NEAR_M = 150.0
"""Gaps of one village without a shared cell are the same, moved, where they are this near to each other."""

LEAST_PEOPLE, LEAST_SHARE = 1.0, 0.05
"""A gap has grown or shrunk where its people differ by more than both."""

MATCHED = ("same", "grown", "shrunk", "moved")
COLUMNS = (
    "change", "stable_id", "gap_id", "old_gap_id", "zone_code", "zone_name", "township_name", "place",
    "class", "people", "old_people", "elderly", "old_elderly", "lon", "lat",
)  # fmt: skip
_ROW = 1 << 20
_NONE = np.empty(0, np.int64)


def cells_of(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Cells:
    """Return the cell of each place, each once, in order."""
    east, north = (np.floor(v / CELL_DEGREES + 1e-9).astype(np.int64) for v in (lon + 180.0, lat + 90.0))
    return np.unique(north * _ROW + east)


def packed(cells: Cells) -> bytes:
    """Return cells as few bytes."""
    return zlib.compress(np.diff(cells, prepend=np.int64(0)).astype("<i8").tobytes(), 9)


def unpacked(content: bytes | None) -> Cells:
    """Return the cells that were packed."""
    return (
        np.cumsum(np.frombuffer(zlib.decompress(content), dtype="<i8")) if content else np.empty(0, np.int64)
    )


def places_of_gaps(gaps: pd.DataFrame, folder: Path) -> list[Cells]:
    """Return the cells of each gap of a written run: from its GeoPackage, else the one of its label."""
    import geopandas as gpd
    import shapely

    found: dict[str, Cells] = {}
    path = folder / "coverage.gpkg"
    if path.is_file() and len(gaps):
        try:
            layer = gpd.read_file(path, layer="gaps").to_crs(4326)
        except (OSError, ValueError, RuntimeError):  # no such layer, or a damaged file
            layer = None
        if layer is not None and "gap_id" in layer:
            xy, which = shapely.get_coordinates(layer.geometry.to_numpy(), return_index=True)
            bounds = np.searchsorted(which, np.arange(len(layer) + 1))
            for row, gap in enumerate(layer["gap_id"]):
                part = xy[bounds[row] : bounds[row + 1]]
                found[str(gap)] = cells_of(part[:, 0], part[:, 1])
    labels = gaps[["lon", "lat"]].to_numpy(float)
    cells = [found.get(str(gap), _NONE) for gap in gaps["gap_id"]]
    return [own if len(own) else cells_of(labels[i, :1], labels[i, 1:]) for i, own in enumerate(cells)]


def follow(
    old: pd.DataFrame, old_cells: Sequence[Cells], new: pd.DataFrame, new_cells: Sequence[Cells]
) -> pd.DataFrame:
    """
    Say what became of each gap.

    Pairs are made one to one: first those that share most cells, then the nearest of one village. Of a gap
    that fell apart the part that shares most keeps the id, the others are opened.

    Parameters
    ----------
    old
        Gaps with `stable_id`; `new` needs none.

    Returns
    -------
    One row per pair and per gap without one, with the columns `COLUMNS`: `change` is opened, closed, grown,
    shrunk, moved or same; `stable_id` is '' where the gap is opened.
    """
    pairs = _by_cells(old_cells, new_cells)
    pairs += _by_nearness(old, new, {a for a, _ in pairs}, {b for _, b in pairs})
    shared = dict(pairs)
    rows = [_pair(old.iloc[a], new.iloc[b], old_cells[a], new_cells[b]) for a, b in pairs]
    rows += [_single(old.iloc[a], "closed") for a in range(len(old)) if a not in shared]
    taken = set(shared.values())
    rows += [_single(new.iloc[b], "opened") for b in range(len(new)) if b not in taken]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values(["zone_code", "gap_id", "old_gap_id"], ignore_index=True)


def with_stable_ids(gaps: pd.DataFrame, followed: pd.DataFrame, *, as_of: str) -> pd.DataFrame:
    """Return the new gaps with the ids they keep, and new ones, of gap and date, for those that opened."""
    now = followed.loc[followed["change"].ne("closed")].set_index("gap_id")
    stable = gaps["gap_id"].map(now["stable_id"]).fillna("")
    taken = set(stable) | set(followed["stable_id"])
    ids = []
    for kept, gap in zip(stable, gaps["gap_id"], strict=True):
        fresh = kept or _fresh(f"{gap}@{as_of}", taken)
        taken.add(fresh)
        ids.append(fresh)
    return gaps.assign(stable_id=ids, change=gaps["gap_id"].map(now["change"]).fillna("opened"))


def _fresh(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}.{number}"
    return name


def _by_cells(old: Sequence[Cells], new: Sequence[Cells]) -> list[tuple[int, int]]:
    parts = [
        pd.DataFrame({"cell": np.concatenate([*cells, np.empty(0, np.int64)]),
                      side: np.repeat(np.arange(len(cells)), [len(c) for c in cells])})
        for side, cells in (("old", old), ("new", new))
    ]  # fmt: skip
    shared = parts[0].merge(parts[1], on="cell").groupby(["old", "new"], as_index=False).size()
    sizes = [np.array([len(c) for c in cells], dtype=np.int64) for cells in (old, new)]
    larger = np.maximum(sizes[0][shared["old"]], sizes[1][shared["new"]]) if len(shared) else 1
    shared = shared.assign(share=shared["size"] / larger)
    order = shared.sort_values(["size", "share", "old", "new"], ascending=[False, False, True, True])
    return _one_to_one(zip(order["old"], order["new"], strict=True), set(), set())


def _by_nearness(
    old: pd.DataFrame, new: pd.DataFrame, old_taken: set[int], new_taken: set[int]
) -> list[tuple[int, int]]:
    sides = [
        frame[["zone_code", "lon", "lat"]].reset_index(drop=True).rename_axis(side).reset_index()
        for side, frame in (("old", old), ("new", new))
    ]
    free = [
        side.loc[~side[name].isin(taken)]
        for side, name, taken in zip(sides, ("old", "new"), (old_taken, new_taken), strict=True)
    ]
    near = free[0].merge(free[1], on="zone_code", suffixes=("", "_new"))
    if near.empty:
        return []
    metres = metres_between(*near[["lon", "lat", "lon_new", "lat_new"]].to_numpy(float).T)
    near = near.assign(metres=metres).loc[metres <= NEAR_M].sort_values(["metres", "old", "new"])
    return _one_to_one(zip(near["old"], near["new"], strict=True), old_taken, new_taken)


def _one_to_one(pairs: object, old_taken: set[int], new_taken: set[int]) -> list[tuple[int, int]]:
    made: list[tuple[int, int]] = []
    olds, news = set(old_taken), set(new_taken)
    for a, b in pairs:  # type: ignore[attr-defined]
        if a not in olds and b not in news:
            made.append((int(a), int(b)))
            olds.add(a)
            news.add(b)
    return made


def metres_between(
    lon: NDArray[np.float64], lat: NDArray[np.float64], lon_b: NDArray[np.float64], lat_b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the distance between places on the ellipsoid."""
    from pyproj import Geod

    return np.asarray(Geod(ellps="WGS84").inv(lon, lat, lon_b, lat_b)[2], dtype=np.float64)


def _pair(old: pd.Series, new: pd.Series, old_cells: Cells, new_cells: Cells) -> dict[str, object]:
    more = new["people"] - old["people"]
    if len(np.intersect1d(old_cells, new_cells)) == 0:
        change = "moved"
    elif abs(more) > max(LEAST_PEOPLE, LEAST_SHARE * old["people"]):
        change = "grown" if more > 0 else "shrunk"
    else:
        change = "same"
    row = _single(new, change)
    was = {"stable_id": old["stable_id"], "old_gap_id": old["gap_id"]}
    return row | was | {"old_people": old["people"], "old_elderly": old["elderly"]}


def _single(gap: pd.Series, change: str) -> dict[str, object]:
    row = {column: gap.get(column, "") for column in COLUMNS} | {"change": change}
    if change == "closed":
        people = {"people": np.nan, "elderly": np.nan}
        gone = {"gap_id": "", "old_gap_id": gap["gap_id"], "stable_id": gap["stable_id"]}
        return row | gone | people | {"old_people": gap["people"], "old_elderly": gap["elderly"]}
    return row | {"stable_id": "", "old_gap_id": "", "old_people": np.nan, "old_elderly": np.nan}
