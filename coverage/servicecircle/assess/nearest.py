"""The way from some places to the nearest of others, along the streets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from servicecircle.travel.field import DEFAULT_SNAP_M, NOWHERE, travel_field
from servicecircle.units import Floats

if TYPE_CHECKING:
    from servicecircle.network.place import Placer

WalkTo = Callable[[Floats, Floats], tuple[Floats, NDArray[np.int64]]]
"""From places (n, 2) to the nearest of others (m, 2): metres, infinite where no way leads, and its number."""


def along_streets(placer: Placer) -> WalkTo:
    """Return what measures walks along the streets; the same walks are measured once."""
    found: dict[tuple[bytes, bytes], tuple[Floats, NDArray[np.int64]]] = {}

    def walk_to(from_xy: Floats, to_xy: Floats) -> tuple[Floats, NDArray[np.int64]]:
        key = from_xy.tobytes(), to_xy.tobytes()
        if key not in found:
            found[key] = _walks(placer, from_xy, to_xy)
        return found[key]

    return walk_to


def _walks(placer: Placer, from_xy: Floats, to_xy: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Walk between the places that are known; at equal distances to the first."""
    metres, number = np.full(len(from_xy), np.inf), np.full(len(from_xy), NOWHERE)
    known, there = (np.isfinite(xy).all(axis=1) for xy in (from_xy, to_xy))
    if not known.any() or not there.any():
        return metres, number
    points = gpd.GeoSeries(gpd.points_from_xy(*to_xy[there].T), crs=placer.network.crs)
    ids = [f"{at:09}" for at in np.flatnonzero(there)]
    field = travel_field(placer, gpd.GeoDataFrame({"facility_id": ids}, geometry=points))
    metres[known], nearest = field.metres_from(placer.place(from_xy[known], snap_m=DEFAULT_SNAP_M))
    number[known] = np.array([*np.flatnonzero(there), NOWHERE])[nearest]
    return metres, number
