"""Metres without a CRS: the Gauss-Krüger, UTM or web grid that brings them to the study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS
from scipy.special import logsumexp

from servicecircle.checks.evidence import fit_places, look_around, row_weights, some_rows
from servicecircle.crs import WGS84, transform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from servicecircle.checks.evidence import Ground
    from servicecircle.units import Floats

_CERTAIN = float(np.log(100.0))
_LANDED_SHARE = 0.8
_NEAR_M = 150.0
"""Grids of one meridian by CGCS2000, Xi'an 80 and Beijing 54 lie within this of each other."""

_MERIDIANS, _UTM_MERIDIANS = range(75, 136, 3), range(75, 136, 6)
_REACH_DEGREES = 4.5
_WEB_MERCATOR = 3857


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """
    The grid that some metres are on.

    Parameters
    ----------
    crs
        Its CRS.
    northing_first
        Whether the first column is the northing, as Chinese surveyors write x.
    certain
        Whether no other grid explains the numbers; else one within 150 m may.
    lonlat
        The rows in WGS-84 degrees (n, 2).
    """

    crs: CRS
    northing_first: bool
    certain: bool
    lonlat: Floats


def read_grid(xy: Floats, named: NDArray[np.intp], ground: Ground) -> Grid | None:
    """
    Return the grid of metres (n, 2) whose CRS nobody declares; None where several differ, or none fits.

    Parameters
    ----------
    named
        Position in the ground's zones of the zone each row names; -1 for none.
    """
    grids = [grid for grid in _grids(xy, ground) if ground.near(grid.lonlat).mean() >= _LANDED_SHARE]
    if not grids:
        return None
    places = np.stack([transform(grid.lonlat, WGS84, ground.crs) for grid in grids])
    sound = some_rows(np.flatnonzero(np.isfinite(places).all(axis=(0, 2))))
    background, _ = look_around(places[:, sound], ground)
    fit = fit_places(places[:, sound], named[sound], ground, background)
    weight = row_weights(places[0, sound])
    scores = logsumexp(np.tensordot(fit.log, weight, (1, 0)), axis=1) - np.log(fit.log.shape[-1])
    best = int(np.argmax(scores))
    if scores[best] < _CERTAIN:
        return None
    rivals = np.flatnonzero((scores > scores[best] - _CERTAIN) & (np.arange(len(scores)) != best))
    if not len(rivals):
        return grids[best]
    level = [best, *rivals.tolist()]
    first = min(level)  # CGCS2000 comes first: the only one in force
    apart = np.hypot(*np.moveaxis(places[level][:, sound] - places[first, sound], -1, 0))
    if np.median(apart, axis=1).max() > _NEAR_M:
        return None
    return Grid(grids[first].crs, grids[first].northing_first, certain=False, lonlat=grids[first].lonlat)


def _grids(xy: Floats, ground: Ground) -> Iterator[Grid]:
    west, _, east, _ = ground.box
    for northing_first in (False, True):
        pairs = xy[:, ::-1] if northing_first else xy
        for code in _codes(float(np.nanmedian(pairs[:, 0])), (west + east) / 2):
            crs = CRS.from_epsg(code)
            yield Grid(crs, northing_first, certain=True, lonlat=transform(pairs, crs, WGS84))


def _codes(easting: float, lon: float) -> Iterator[int]:
    """Return EPSG codes of grids with such eastings about a longitude, CGCS2000 before Beijing 54."""
    zone = int(easting // 1e6)
    if 25 <= zone <= 45:  # 3-degree zones, their number in front
        yield from (4513 + zone - 25, 2401 + zone - 25)
    elif 13 <= zone <= 23:  # 6-degree zones
        yield from (4491 + zone - 13, 21413 + zone - 13)
    elif zone == 0:
        near = [i for i, meridian in enumerate(_MERIDIANS) if abs(meridian - lon) <= _REACH_DEGREES]
        yield from (4534 + i for i in near)
        yield from (2422 + i for i in near)
        yield from (
            32631 + meridian // 6 for meridian in _UTM_MERIDIANS if abs(meridian - lon) <= _REACH_DEGREES
        )
    if 8e6 < easting < 15.5e6:
        yield _WEB_MERCATOR
