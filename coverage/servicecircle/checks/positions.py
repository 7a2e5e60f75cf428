"""Where the rows of a facility table lie: read, brought to WGS-84, unswapped, doubted or given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from servicecircle.checks.evidence import NEAR_DEGREES, Box
from servicecircle.checks.settle import settle_datum, settle_grid
from servicecircle.crs import WGS84, crs_name, transform
from servicecircle.errors import InputError
from servicecircle.sources.cells import all_degrees, is_blank
from servicecircle.sources.columns import listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from servicecircle.checks.detect import ZoneFinder
    from servicecircle.checks.evidence import Ground
    from servicecircle.checks.facility_rows import FacilityRows
    from servicecircle.study import FacilityTable
    from servicecircle.units import Floats

    Bools = NDArray[np.bool_]

_WORLD: Box = (-180.0, -90.0, 180.0, 90.0)
_NO_DEGREES = 400.0
"""Numbers beyond this are metres."""


@dataclass(frozen=True, slots=True, eq=False)
class Positions:
    """
    The places of a table's rows.

    Parameters
    ----------
    lonlat
        WGS-84 degrees (n, 2); NaN where there is a reason.
    reason
        '', `no_coordinates` or `bad_coordinates`.
    """

    lonlat: Floats
    reason: NDArray[np.object_]


def locate_rows(
    rows: FacilityRows, *, streets_box: Box | None, ground: Ground | None = None, name_zones: ZoneFinder
) -> Positions:
    """
    Place the rows of a facility table; where a row has a doubtful place, a finding says so.

    Parameters
    ----------
    ground
        What an undeclared datum is told by; None: it is WGS-84.
    name_zones
        Returns, of some rows, the position in the ground's zones of the zone each names; -1 for none.

    Raises
    ------
    InputError
        No columns of coordinates, and no zones to place rows in; metres on an unknown grid; an unknown CRS.
    """
    xy, missing = _read(rows, required=ground is None)
    crs, declared = _crs(rows)
    metres = ~missing & (np.abs(xy).max(axis=1, initial=0.0, where=np.isfinite(xy)) > _NO_DEGREES)
    gridded = np.full(xy.shape, np.nan)
    if crs.is_geographic and metres.any():
        gridded[metres] = _metres(
            rows, xy, metres, missing, name_zones, ground if declared == "auto" else None
        )
    lonlat, flipped = transform(xy, crs, WGS84).copy(), transform(xy[:, ::-1], crs, WGS84)
    swapped = _unswap(lonlat, flipped, streets_box)
    _say_swapped(rows, swapped, missing)
    on_grid = np.isfinite(gridded).all(axis=1)
    lonlat[on_grid] = np.nan
    if not missing.all() and not on_grid[~missing].all():
        lonlat = settle_datum(rows, lonlat, declared=declared, name_zones=name_zones, ground=ground)
    lonlat[on_grid] = gridded[on_grid]
    bad = ~missing & ~_inside(lonlat, _WORLD)
    reason = np.where(missing, "no_coordinates", np.where(bad, "bad_coordinates", "")).astype(object)
    lonlat[reason != ""] = np.nan
    outside = (reason == "") & ~_inside(lonlat, streets_box or _WORLD)
    for i in np.flatnonzero(bad | outside).tolist():
        rows.note(f"facilities.{reason[i] or 'outside_streets'}", i, written=_written(rows, i))
    return Positions(lonlat, reason)


def _metres(
    rows: FacilityRows,
    xy: Floats,
    metres: Bools,
    missing: Bools,
    name_zones: ZoneFinder,
    ground: Ground | None,
) -> Floats:
    """Return WGS-84 degrees of the rows in metres; NaN where they are few and tell no grid."""
    at = np.flatnonzero(metres)
    found = None if ground is None else settle_grid(rows, xy[at], name_zones(at), ground)
    if found is None and len(at) * 2 > (~missing).sum():
        raise InputError("facilities.looks_projected", where=str(rows.table.path), datum=rows.entry.datum)
    return np.full((len(at), 2), np.nan) if found is None else found


def declared_crs(entry: FacilityTable, *, where: str) -> CRS | None:
    """
    Return the CRS that a table's entry in the study declares by its EPSG code, if it does.

    Raises
    ------
    InputError
        There is no such CRS.
    """
    if not entry.datum.upper().startswith("EPSG:"):
        return None
    try:
        return CRS.from_user_input(entry.datum)
    except CRSError as error:
        raise InputError("facilities.unknown_crs", where=where, crs=entry.datum) from error


def _read(rows: FacilityRows, *, required: bool) -> tuple[Floats, Bools]:
    """Return x and y (n, 2), and which rows have none: all, where a table may do without columns of them."""
    frame = rows.table.frame
    if isinstance(frame, gpd.GeoDataFrame):
        shapes = np.asarray(frame.geometry.array, dtype=object)
        return _points_on(shapes), shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if not {"lon", "lat"} <= rows.columns.keys():
        if required or not {"unit", "address"} & rows.columns.keys():
            raise InputError(
                "facilities.no_position_columns", where=str(rows.table.path), columns=listed(frame.columns)
            )
        rows.findings.note("unlocated.no_columns", subject=rows.entry.source, columns=listed(frame.columns))
        return np.full((len(rows), 2), np.nan), np.ones(len(rows), dtype=np.bool_)
    xs, ys = rows.cells("lon"), rows.cells("lat")
    xy = np.column_stack([all_degrees(xs), all_degrees(ys)])
    blank = np.zeros(len(rows), dtype=np.bool_)
    for i in np.flatnonzero(np.isnan(xy).any(axis=1)).tolist():
        blank[i] = is_blank(xs[i]) or is_blank(ys[i])
    return xy, blank | (xy == 0.0).all(axis=1)  # 0, 0 is how a form leaves them out


def _points_on(shapes: NDArray[np.object_]) -> Floats:
    """Return a point on each shape; NaN for shapes with none or with coordinates that are no numbers."""
    coordinates, owner = shapely.get_coordinates(shapes, return_index=True)
    sound = np.bincount(owner, minlength=len(shapes)) > 0
    sound[owner[~np.isfinite(coordinates).all(axis=1)]] = False
    points = shapely.point_on_surface(shapely.make_valid(shapes[sound]))
    xy = np.full((len(shapes), 2), np.nan)
    xy[sound] = np.column_stack([shapely.get_x(points), shapely.get_y(points)])
    return xy


def _crs(rows: FacilityRows) -> tuple[CRS, str]:
    """
    Return the CRS of the coordinates as they are written, and the datum that the study or the file declares.

    A declared EPSG code goes before the file's CRS; the datum is `auto` where there is neither.
    """
    frame, entry = rows.table.frame, rows.entry
    own = frame.crs if isinstance(frame, gpd.GeoDataFrame) else None
    declared = declared_crs(entry, where=str(rows.table.path))
    if own is not None and declared is not None and own != declared:
        rows.findings.note(
            "facilities.crs_overridden", subject=entry.source, file=crs_name(own), declared=entry.datum
        )
    datum = "wgs84" if own is not None and entry.datum == "auto" else entry.datum
    return declared or own or WGS84, datum


def _unswap(lonlat: Floats, flipped: Floats, streets_box: Box | None) -> Bools:
    """Put right, in place, the rows that fit the streets only with x and y exchanged; return which."""
    west, south, east, north = streets_box or _WORLD
    margin = NEAR_DEGREES if streets_box else 0.0
    box = (west - margin, south - margin, east + margin, north + margin)
    swapped = ~_inside(lonlat, box) & _inside(flipped, box)
    lonlat[swapped] = flipped[swapped]
    return swapped


def _inside(lonlat: Floats, box: Box) -> Bools:
    west, south, east, north = box
    x, y = lonlat[:, 0], lonlat[:, 1]
    return (x >= west) & (x <= east) & (y >= south) & (y <= north)


def _say_swapped(rows: FacilityRows, swapped: Bools, missing: Bools) -> None:
    """Note exchanged coordinates row by row, or once where most of the table has them."""
    count = int(swapped.sum())
    if count > 1 and count * 2 > (~missing).sum():
        rows.findings.note("facilities.swapped_table", subject=rows.entry.source, count=count)
        return
    for i in np.flatnonzero(swapped).tolist():
        rows.note("facilities.swapped", i)


def _written(rows: FacilityRows, i: int) -> str:
    """Return the coordinates of a row as the file has them."""
    frame = rows.table.frame
    if isinstance(frame, gpd.GeoDataFrame):
        shape = frame.geometry.iloc[i]
        return "" if shape is None else str(shape)[:60]
    return f"{rows.text_at('lon', i)}, {rows.text_at('lat', i)}"
