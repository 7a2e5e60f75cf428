"""The one metric CRS of a study: chosen out loud, never degrees, never Web Mercator."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS, Proj, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info
from pyproj.exceptions import CRSError

from servicecircle.errors import InputError

if TYPE_CHECKING:
    from servicecircle.units import Floats

WGS84 = CRS.from_epsg(4326)
WIDE_DEGREES = 4.0
"""A study wider than this strains any one projected CRS."""
STRAINED_SHARE, UNFIT_SHARE = 0.001, 0.02
"""A CRS that stretches distances by more is doubted, or refused: those made for an area keep 0.0005 in it."""

_CGCS2000_FIRST = 4534  # CGCS2000 / 3-degree Gauss-Krüger CM 75E, without zone prefix; one code per 3 degrees
_CGCS2000_MERIDIANS = range(75, 136, 3)
_WEB_MERCATOR = {3857, 3785, 900913, 102100, 102113}


def choose_crs(
    lonlat_box: tuple[float, float, float, float], wanted: str | CRS = "auto", *, where: str = ""
) -> CRS:
    """
    Return the metric CRS of a study.

    Parameters
    ----------
    lonlat_box
        West, south, east and north of the streets, in degrees.
    wanted
        `auto`, or a CRS by name such as `EPSG:4547`. `auto`: of the box's centre, in China the CGCS2000
        3-degree zone of the nearest meridian, elsewhere the WGS-84 UTM zone.
    where
        The file, for the error.

    Raises
    ------
    InputError
        The CRS is unknown, in degrees, in feet, Web Mercator, or made for another part of the world.
    """
    west, south, east, north = lonlat_box
    lon, lat = (west + east) / 2, (south + north) / 2
    if not isinstance(wanted, str) or wanted != "auto":
        crs = metric_crs(wanted, where=where)
        stretch = stretch_at(crs, lon, lat)
        if not stretch <= UNFIT_SHARE:  # NaN too: the place cannot be expressed in it
            raise InputError("crs.unfit", where=where, crs=crs_name(crs), percent=100 * stretch)
        return crs
    nearest = int(np.argmin([abs(meridian - lon) for meridian in _CGCS2000_MERIDIANS]))
    china = CRS.from_epsg(_CGCS2000_FIRST + nearest)
    area = china.area_of_use
    if area is not None and area.west <= lon <= area.east and area.south <= lat <= area.north:
        return china
    found = query_utm_crs_info(datum_name="WGS 84", area_of_interest=AreaOfInterest(lon, lat, lon, lat))
    if not found:
        raise InputError("crs.none_fits", where=where, lon=f"{lon:.3f}", lat=f"{lat:.3f}")
    return CRS.from_epsg(int(found[0].code))


def stretch_at(crs: CRS, lon: float, lat: float) -> float:
    """Return the share by which a projected CRS lengthens or shortens distances at a place; NaN: unknown."""
    factors = Proj(crs).get_factors(lon, lat)
    scales = np.array([factors.meridional_scale, factors.parallel_scale], dtype=float)
    stretch = float(np.abs(scales - 1.0).max())
    return stretch if np.isfinite(stretch) else np.nan


def metric_crs(name: str | CRS, *, where: str = "") -> CRS:
    """Return a CRS that may be measured in, or refuse it."""
    try:
        crs = CRS.from_user_input(name)
    except CRSError as error:
        raise InputError("crs.unknown", where=where, crs=str(name)) from error
    if (
        crs.to_epsg() in _WEB_MERCATOR
        or "Pseudo-Mercator" in crs.name
        or "Popular Visualisation" in crs.to_wkt()
    ):
        raise InputError("crs.web_mercator", where=where, crs=crs.name)
    metres = all(axis.unit_conversion_factor == 1.0 for axis in crs.axis_info[:2])
    if not crs.is_projected or not metres:
        raise InputError("crs.not_metric", where=where, crs=crs.name)
    return crs


def crs_name(crs: CRS) -> str:
    """Return `EPSG:4547` where the CRS has such a code, its name otherwise."""
    authority = crs.to_authority()
    return ":".join(authority) if authority else crs.name


def transform(xy: Floats, source: CRS, target: CRS) -> Floats:
    """Return coordinates (n, 2) in x-y order in another CRS."""
    if source == target or len(xy) == 0:
        return xy
    x, y = _transformer(source, target).transform(xy[:, 0], xy[:, 1])
    return np.column_stack([x, y])


@lru_cache(maxsize=32)
def _transformer(source: CRS, target: CRS) -> Transformer:
    """Return a transformer; building one takes longer than using it on a village."""
    return Transformer.from_crs(source, target, always_xy=True)


def lonlat_box(xy: Floats, source: CRS) -> tuple[float, float, float, float]:
    """Return west, south, east and north, in degrees, of coordinates in some CRS."""
    degrees = transform(xy, source, WGS84)
    degrees = degrees[np.isfinite(degrees).all(axis=1)]
    west, south = degrees.min(axis=0)
    east, north = degrees.max(axis=0)
    return float(west), float(south), float(east), float(north)
