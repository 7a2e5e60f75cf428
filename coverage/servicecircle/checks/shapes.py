"""Geometries of a table: brought into the study CRS, mended, joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.crs import WGS84, transform
from servicecircle.sources.cells import all_degrees

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyproj import CRS

Shapes = NDArray[np.object_]
_POINT, _POLYGON, _MULTIPOINT, _MULTIPOLYGON, _COLLECTION = 0, 3, 4, 6, 7


def shapes_of(frame: pd.DataFrame, columns: Mapping[str, str], *, crs: CRS) -> Shapes | None:
    """
    Return each row's geometry in a CRS; None for a row without a place, and for a table without any.

    A table without geometry has points where it has WGS-84 (or CGCS2000) `lon` and `lat` columns.
    """
    if isinstance(frame, gpd.GeoDataFrame):
        series = frame.geometry
    elif {"lon", "lat"} <= columns.keys():
        lon, lat = (all_degrees(frame[columns[c]]) for c in ("lon", "lat"))
        xy = transform(np.column_stack([lon, lat]), WGS84, crs)
        real = (np.abs(lon) <= 180) & (np.abs(lat) <= 90) & np.isfinite(xy).all(axis=1)
        return only(np.asarray(shapely.points(xy), dtype=object), real)
    else:
        return None
    shapes = np.asarray(shapely.force_2d(np.asarray(series.to_crs(crs), dtype=object)), dtype=object)
    finite = np.asarray(np.isfinite(shapely.bounds(shapes)).all(axis=1))
    return only(shapes, finite)


def usable(shapes: Shapes) -> tuple[Shapes, NDArray[np.bool_]]:
    """
    Return valid polygons and single points, None for anything else, and which polygons were mended.

    Of a mended polygon and of a collection the polygonal part stays.
    """
    kept = np.array(shapes, dtype=object)
    for i in np.flatnonzero(~are_points(kept)):
        kept[i] = _plain(kept[i])
    mended = are_polygons(kept) & ~shapely.is_valid(kept)
    for i in np.flatnonzero(mended):
        kept[i] = polygonal(shapely.make_valid(kept[i], method="structure", keep_collapsed=False))
    return kept, mended


def _plain(shape: Any) -> Any:
    kind = shapely.get_type_id(shape)
    if kind == _POINT or (kind == _MULTIPOINT and shapely.get_num_geometries(shape) == 1):
        return shapely.get_geometry(shape, 0)
    return polygonal(shape) if kind in {_POLYGON, _MULTIPOLYGON, _COLLECTION} else None


def polygonal(shape: Any) -> Any:
    """Return the polygons of a geometry as one; None where it has none."""
    if shapely.get_type_id(shape) in {_POLYGON, _MULTIPOLYGON}:
        return None if shapely.is_empty(shape) else shape
    parts = shapely.get_parts(shape)
    parts = shapely.get_parts(parts[are_polygons(parts)])
    return union(parts) if len(parts) else None


def union(polygons: Shapes) -> Any:
    """Return the joined polygons; faster where they share their borders exactly."""
    if shapely.coverage_is_valid(polygons):
        return shapely.coverage_union_all(polygons)
    return shapely.union_all(polygons)


def only(shapes: Shapes, kept: NDArray[np.bool_]) -> Shapes:
    """Return the geometries that are kept, None for the others."""
    kept_shapes = shapes.copy()
    kept_shapes[~kept] = None
    return kept_shapes


def are_polygons(shapes: Shapes) -> NDArray[np.bool_]:
    """Tell which geometries are polygons."""
    return np.isin(shapely.get_type_id(shapes), (_POLYGON, _MULTIPOLYGON))


def are_points(shapes: Shapes) -> NDArray[np.bool_]:
    """Tell which geometries are points."""
    return np.asarray(shapely.get_type_id(shapes) == _POINT)
