"""
Circles: pictures of the travel field, one per facility and cut-off. People are never counted with them.

Streets are cut exactly at the limit and drawn half a street wide; blocks under a hectare are filled.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import shapely

from servicecircle.network.place import Placer
from servicecircle.travel.catchment import catchments, union_stretches
from servicecircle.travel.field import coordinates
from servicecircle.units import metres_in, within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS
    from shapely.geometry.base import BaseGeometry

    from servicecircle.network.network import Network
    from servicecircle.study import Circle
    from servicecircle.travel.catchment import Catchment
    from servicecircle.units import Floats

FILLED_M2 = 10_000.0
"""Blocks smaller than this inside a circle are part of it."""

_QUARTER_ARCS = 2  # quad_segs of the buffer: a street's end is drawn as an octagon's half


def draw(network: Network, catchment: Catchment, *, buffer_m: float) -> BaseGeometry:
    """Return the polygon of a catchment: its streets, drawn `2 * buffer_m` wide."""
    lines = stretch_lines(network, catchment.segment, catchment.begin_m, catchment.end_m)
    return _fill(shapely.union_all(shapely.buffer(lines, buffer_m, quad_segs=_QUARTER_ARCS)))


def stretch_lines(
    network: Network, segment: NDArray[np.int64], begin_m: Floats, end_m: Floats
) -> NDArray[np.object_]:
    """Return the geometry of stretches of segments: lines, or points where nothing is left of them."""
    from shapely.ops import substring

    sizes = network.first[segment + 1] - network.first[segment]
    owner = np.repeat(np.arange(len(segment)), sizes)
    vertex = np.arange(len(owner)) + np.repeat(network.first[segment] - np.cumsum(sizes) + sizes, sizes)
    lines = np.asarray(shapely.linestrings(network.vertices[vertex], indices=owner), dtype=object)
    whole = (begin_m <= 0) & (end_m >= network.length_m[segment])
    for i in np.flatnonzero(~whole):
        lines[i] = substring(lines[i], begin_m[i], end_m[i])
    return lines


def draw_circles(
    network: Network, reached: Sequence[tuple[Circle, Catchment, float]], *, buffer_m: float, workers: int = 1
) -> list[BaseGeometry]:
    """
    Return the polygon of each catchment, in their order.

    Parameters
    ----------
    reached
        The circle whose limit it is, the catchment, and the people in it, counted on the travel field.
    workers
        Threads: GEOS leaves the interpreter free while it joins streets.
    """
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda one: draw(network, one[1], buffer_m=buffer_m), reached))


def circle_table(
    reached: Sequence[tuple[Circle, Catchment, float]],
    shapes: Sequence[BaseGeometry],
    names: NDArray[np.object_],
    *,
    crs: CRS,
) -> gpd.GeoDataFrame:
    """
    Return catchments: `facility_id, cutoff, cutoff_unit, street_m, area_m2, people_within, geometry`.

    Parameters
    ----------
    reached, shapes
        As for `draw_circles`, and what it returned.
    names
        Id of each facility.
    """
    import geopandas as gpd

    rows = []
    for (circle, found, people), shape in zip(reached, shapes, strict=True):
        row = (circle.limit, circle.limit_unit, found.street_m, shape.area, people, shape)
        rows.append((names[found.facility], *row))
    rows.sort(key=lambda row: row[:3])
    columns = ["facility_id", "cutoff", "cutoff_unit", "street_m", "area_m2", "people_within", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=crs)


def draw_reach(
    reached: Sequence[tuple[Circle, Catchment, float]],
    shapes: Sequence[BaseGeometry],
    counts: Mapping[str, NDArray[np.bool_]],
    limits_m: Mapping[str, float],
    *,
    crs: CRS,
) -> gpd.GeoDataFrame:
    """
    Dissolve, per circle, the catchments of all facilities that count: `circle, street_m, area_m2, geometry`.

    Parameters
    ----------
    reached, shapes
        As for `draw_circles`, and what it returned.
    counts
        Per circle, which facilities count.
    limits_m
        Per circle, its limit as a walk.
    """
    import geopandas as gpd

    rows = []
    for circle, counting in counts.items():
        chosen = [
            (found, shape)
            for (of, found, _), shape in zip(reached, shapes, strict=True)
            if counting[found.facility] and within(abs(of.limit_m - limits_m[circle]), 0.0)
        ]
        shape = _fill(shapely.union_all([shape for _, shape in chosen])) if chosen else shapely.MultiPolygon()
        rows.append((circle, _street_m([found for found, _ in chosen]), shape.area, shape))
    columns = ["circle", "street_m", "area_m2", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=crs)


def _street_m(found: Sequence[Catchment]) -> float:
    """Return the length of the streets that several catchments reach together."""
    if not found:
        return 0.0
    _, begin, end = union_stretches(
        *(np.concatenate([getattr(c, name) for c in found]) for name in ("segment", "begin_m", "end_m"))
    )
    return float((end - begin).sum())


def _fill(drawn: BaseGeometry) -> BaseGeometry:
    """Fill the holes smaller than a hectare."""
    filled = []
    for part in shapely.get_parts(drawn):
        holes = [ring for ring in part.interiors if shapely.Polygon(ring).area >= FILLED_M2]
        filled.append(shapely.Polygon(part.exterior, holes))
    return filled[0] if len(filled) == 1 else shapely.union_all(filled)


def isochrones(
    network: Network,
    points: gpd.GeoDataFrame,
    *,
    minutes: Sequence[float] = (5, 10, 15),
    walk_kmh: float = 4.0,
    snap_m: float = 300.0,
    buffer_m: float = 25.0,
) -> gpd.GeoDataFrame:
    """
    Draw from where each point is reached on foot within some minutes.

    Parameters
    ----------
    network
        The streets.
    points
        Points in any CRS; a column `facility_id` names them, else the index does.
    minutes
        Cut-offs.
    walk_kmh
        Walking speed.
    snap_m
        Farthest that a point may lie from the streets; a point beyond it has no isochrone.
    buffer_m
        Half the width at which streets are drawn.

    Returns
    -------
    One row per point and cut-off in the network's CRS: `facility_id, cutoff, cutoff_unit` (min),
    `street_m, area_m2, geometry`.
    """
    import geopandas as gpd

    names = list(points.get("facility_id", points.index))
    xy = coordinates(points, network)
    places = Placer.of(network).place(xy, snap_m=snap_m)
    rows = []
    for cutoff in minutes:
        for found in catchments(network, places, cutoff_m=metres_in(cutoff, walk_kmh), xy=xy):
            shape = draw(network, found, buffer_m=buffer_m)
            rows.append((found.facility, cutoff, "min", found.street_m, shape.area, shape))
    rows.sort(key=lambda row: (row[0], row[1]))
    columns = ["facility_id", "cutoff", "cutoff_unit", "street_m", "area_m2", "geometry"]
    named = [(names[row[0]], *row[1:]) for row in rows]
    return gpd.GeoDataFrame(named, columns=columns, geometry="geometry", crs=network.crs)
