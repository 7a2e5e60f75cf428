"""Facilities without coordinates: placed at the village, community or street that the row names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import cKDTree

from servicecircle.checks.shapes import are_points
from servicecircle.crs import WGS84, transform

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from servicecircle.checks.facility_rows import FacilityRows
    from servicecircle.checks.named_zones import ZoneNames
    from servicecircle.checks.positions import Positions
    from servicecircle.units import Floats

_LONE_VILLAGE_M = 1000.0
_NAMES_SHOWN = 5


def place_unlocated(
    rows: FacilityRows, placed: Positions, zones: gpd.GeoDataFrame, names: ZoneNames
) -> Floats:
    """
    Place, in `placed`, the rows without coordinates that name one zone, at a point inside it.

    Rows that name none or several are listed.

    Returns
    -------
    The position error of each row in metres: the radius of the zone, that is of the smallest circle about
    it; 0 for rows with coordinates, NaN for those without a place.
    """
    error_m = np.where(placed.reason == "", 0.0, np.nan)
    units, addresses, titles = rows.units(), rows.texts("address"), rows.texts("name")
    zone = np.full(len(rows), -1, dtype=np.intp)
    lost = np.flatnonzero(placed.reason == "no_coordinates")
    for i in lost.tolist():
        found = names.find(units[i], addresses[i], titles[i])
        if len(found) == 1:
            zone[i] = found[0]
        elif found:
            which = "、".join(
                f"{zones['name'].iloc[k]} ({zones['code'].iloc[k]})" for k in found[:_NAMES_SHOWN]
            )
            rows.note("unlocated.ambiguous", i, count=len(found), which=which)
        elif upper := names.find_upper(units[i], titles[i]):
            rows.note("unlocated.upper", i, zone=zones["name"].iloc[upper[0]])
        elif units[i] or addresses[i]:
            rows.note("unlocated.unmatched", i, written=(units[i] or addresses[i]))
        else:
            rows.note("facilities.no_coordinates", i)
    at = np.flatnonzero(zone >= 0)
    if len(at):
        points, radius_m = _middles(zones, zone[at])
        placed.lonlat[at], placed.reason[at], error_m[at] = points, "", radius_m
        rows.findings.note(
            "unlocated.placed", subject=rows.entry.source, count=len(at), left=len(lost) - len(at),
            villages=int((zones["level"].to_numpy()[zone[at]] == "village").sum()),
            median_m=float(np.median(radius_m)), most_m=float(radius_m.max()),
        )  # fmt: skip
    return error_m


def _middles(zones: gpd.GeoDataFrame, wanted: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return a point inside each zone, in WGS-84 degrees, and the zone's radius in metres."""
    shapes = zones.geometry.to_numpy()[wanted]
    inner = shapely.point_on_surface(shapes)
    xy = np.column_stack([shapely.get_x(inner), shapely.get_y(inner)])
    radius_m = np.where(are_points(shapes), _half_way(zones, xy), shapely.minimum_bounding_radius(shapes))
    return transform(xy, zones.crs, WGS84), radius_m


def _half_way(zones: gpd.GeoDataFrame, xy: Floats) -> Floats:
    """Return how far a village known as a point reaches: half way to the next one."""
    villages = zones.geometry[are_points(zones.geometry.to_numpy())]
    if len(villages) < 2:
        return np.full(len(xy), _LONE_VILLAGE_M)
    tree = cKDTree(np.column_stack([villages.x, villages.y]))
    metres = np.asarray(tree.query(xy, k=2)[0], dtype=np.float64)
    return np.asarray(metres[:, 1] / 2.0)
