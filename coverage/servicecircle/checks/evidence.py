"""How well places fit a study: beside its streets, in the zone they are said to lie in, in its area."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import cKDTree
from scipy.special import logsumexp

from servicecircle.checks.shapes import are_points, are_polygons
from servicecircle.crs import transform

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.sources.streets import RawStreets
    from servicecircle.units import Floats

Box = tuple[float, float, float, float]
"""West, south, east and north, in degrees."""

NEAR_DEGREES = 0.5
AROUND_M = 1500.0
"""A place of the wrong datum is as good as anywhere so near: BD-09 moves 1.3 km in Henan."""

_ENOUGH_ROWS = 1000
_SPOTS = 64
_SPACING_M = 10.0
_FAR_M = 500.0
"""By no model does a facility that keeps to the streets stand so far from one."""
_CELL_M = 2000.0
_NEXT_COLUMN = 1 << 32
_NEIGHBOURS = np.array([i * _NEXT_COLUMN + j for i in (-1, 0, 1) for j in (-1, 0, 1)])
_EDGE_M = 100.0
_VILLAGE_M = 500.0
"""A village known as a point only is taken to reach so far."""
_SAME_PLACE_M = 50.0
_APART_M = 200.0
"""A shift so far from every candidate's is another one."""
_LEAST_CHANCE = 0.005
_FADING_M = (12.0, 25.0, 50.0)
_LEVEL_M = (35.0, 60.0, 90.0)
_AMID_M = (30.0, 60.0, 100.0)
_ASTRAY = np.array([0.02, 0.1, 1.0])
"""Shares of facilities that keep to no street, or to no zone they name; 1: the evidence says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """
    What places are weighed against.

    Parameters
    ----------
    crs
        The study's metric CRS, of everything here.
    box
        West, south, east and north of the streets, in degrees.
    starts, ends
        Ends of each street segment (m, 2).
    zones
        The zones of every level.
    """

    crs: CRS
    box: Box
    starts: Floats
    ends: Floats
    zones: gpd.GeoDataFrame

    def near(self, lonlat: Floats) -> NDArray[np.bool_]:
        """Tell which degrees (n, 2) lie about the streets."""
        west, south, east, north = self.box
        x, y = lonlat[:, 0], lonlat[:, 1]
        inside = (x > west - NEAR_DEGREES) & (x < east + NEAR_DEGREES)
        return np.asarray(inside & (y > south - NEAR_DEGREES) & (y < north + NEAR_DEGREES))

    @classmethod
    def of(cls, streets: RawStreets, zones: gpd.GeoDataFrame, *, crs: CRS, box: Box) -> Ground:
        """Return the ground of a study's streets and zones."""
        xy = transform(streets.xy, streets.crs, crs)
        within_way = np.ones(max(len(xy) - 1, 0), dtype=np.bool_)
        within_way[streets.first[1:-1] - 1] = False
        drawn = within_way & np.isfinite(xy[:-1]).all(axis=1) & np.isfinite(xy[1:]).all(axis=1)
        return cls(crs, box, xy[:-1][drawn], xy[1:][drawn], zones)


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """
    How well places around some rows fit the streets, by model.

    Parameters
    ----------
    centres
        Middle of each row's candidate places (n, 2).
    mean
        Over spots strewn around each (n, models).
    streets
        The streets about them.
    """

    centres: Floats
    mean: Floats
    streets: Streets

    def about(self, centres: Floats) -> Floats:
        """Return the means of the rows nearest to some places."""
        return np.asarray(self.mean[cKDTree(self.centres).query(centres)[1]])

    def at(self, places: Floats, ground: Ground) -> Background:
        """Return the same with the streets about other rows."""
        return replace(self, streets=Streets.near(places, ground))


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """
    How likely each row is at each of its candidate places.

    Parameters
    ----------
    log
        Log-likelihood ratios (candidates, n, models) against a place anywhere around.
    metres
        To the nearest street (candidates, n).
    """

    log: Floats
    metres: Floats


def look_around(places: Floats, ground: Ground) -> tuple[Background, float]:
    """
    Return what places around the rows are like, and the log-likelihood of a shift that is no candidate's.

    Spots are strewn around each row in one pattern. Their mean accounts for the density of the streets: in a
    town every place lies near one, which tells little. Each spot of the pattern also moves all rows alike;
    rows that cluster fit well or badly together, and how well they do at such shifts shows what chance does.

    Parameters
    ----------
    places
        x and y of each row's candidate places, in the ground's CRS (candidates, n, 2).
    """
    centres = places.mean(axis=0)
    pattern = _strewn()
    spots = centres[None] + pattern[:, None]
    streets = Streets.near(spots, ground)
    fits = _street_fit(streets, spots)
    mean = np.maximum(fits.mean(axis=0), _LEAST_CHANCE)
    moves = (places - centres).mean(axis=1)
    apart = np.hypot(*(pattern[:, None] - moves[None]).T).min(axis=0) > _APART_M
    moved = _with_astray(fits[apart] / mean)
    logs = np.tensordot(np.log(moved), row_weights(centres), (1, 0))
    return Background(centres, mean, streets), float(logsumexp(logs) - np.log(logs.size))


def fit_places(places: Floats, named: NDArray[np.intp], ground: Ground, background: Background) -> Fit:
    """
    Return how well candidate places of each row fit the ground, against places around.

    Facilities stand beside streets, and more of them where there are more streets; how closely they keep to
    either is unknown, so every model is kept.

    Parameters
    ----------
    places
        x and y in the ground's CRS (candidates, n, 2).
    named
        Position in the zones of the zone each row names; -1 for none.
    """
    around = background.about(places.mean(axis=0))
    street = _with_astray(_street_fit(background.streets, places) / around)
    zone = _with_astray(_zone_fit(places, named, ground)[:, :, None])
    joint = street[:, :, :, None] * zone[:, :, None, :]
    return Fit(np.log(joint).reshape(*places.shape[:2], -1), background.streets.metres(places))


def some_rows(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return as many rows, evenly spread, as are needed to weigh a table."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, _ENOUGH_ROWS).astype(np.intp))] if len(rows) else rows


def row_weights(xy: Floats) -> Floats:
    """Return the weight of each place (n, 2): rows at one place are one piece of evidence."""
    tree = cKDTree(xy)
    return 1.0 / np.asarray(tree.query_ball_point(xy, _SAME_PLACE_M, return_length=True), dtype=np.float64)


def _strewn() -> Floats:
    """Return offsets spread evenly over a disc of `AROUND_M` (a sunflower's pattern)."""
    serial = np.arange(_SPOTS)
    radius, angle = AROUND_M * np.sqrt((serial + 0.5) / _SPOTS), serial * np.pi * (3.0 - np.sqrt(5.0))
    return np.asarray(radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))


@dataclass(frozen=True, slots=True, eq=False)
class Streets:
    """Points along the streets near some places, one every `_SPACING_M`; None where there are no streets."""

    tree: cKDTree | None

    @classmethod
    def near(cls, places: Floats, ground: Ground) -> Streets:
        """Return the streets of the cells about some places."""
        wanted = (np.unique(_cells(places.reshape(-1, 2)))[:, None] + _NEIGHBOURS).ravel()
        near = np.isin(_cells(ground.starts), wanted) | np.isin(_cells(ground.ends), wanted)
        starts, along = ground.starts[near], (ground.ends - ground.starts)[near]
        lengths = np.hypot(*along.T)
        reached = np.cumsum(lengths)
        if not len(reached) or reached[-1] < _SPACING_M:
            return cls(None)
        at = np.arange(_SPACING_M / 2.0, reached[-1], _SPACING_M)
        which = np.searchsorted(reached, at)
        share = 1.0 - (reached[which] - at) / lengths[which]
        return cls(cKDTree(starts[which] + along[which] * share[:, None]))

    def metres(self, xy: Floats, *, at_most: float = np.inf) -> Floats:
        """Return metres to the nearest street; infinity where there is none so near."""
        if self.tree is None:
            return np.full(xy.shape[:-1], np.inf)
        return np.asarray(self.tree.query(xy, distance_upper_bound=at_most)[0], dtype=np.float64)

    def amid(self, xy: Floats, radius_m: float) -> Floats:
        """Return the length of street within a radius, over that of one street straight through."""
        if self.tree is None:
            return np.zeros(xy.shape[:-1])
        points = self.tree.query_ball_point(xy, radius_m, return_length=True)
        return np.asarray(points * _SPACING_M / (2.0 * radius_m), dtype=np.float64)


def _cells(xy: Floats) -> NDArray[np.int64]:
    """Return one number for the cell that each place lies in."""
    column, row = np.floor(xy / _CELL_M).astype(np.int64).T
    return np.asarray(column * _NEXT_COLUMN + row)


def _street_fit(streets: Streets, xy: Floats) -> Floats:
    """Return, by each model, how readily a facility stands at places (..., models)."""
    metres = streets.metres(xy, at_most=_FAR_M)
    beside = [np.exp(-metres / scale) for scale in _FADING_M]
    beside += [np.exp(-((metres / scale) ** 4)) for scale in _LEVEL_M]
    return np.stack([*beside, *(streets.amid(xy, radius) for radius in _AMID_M)], axis=-1)


def _with_astray(ratio: Floats) -> Floats:
    """Return ratios (candidates, n, models) of facilities of which a share lies anywhere."""
    mixed = np.asarray((1.0 - _ASTRAY) * ratio[..., None] + _ASTRAY)
    return mixed.reshape(*ratio.shape[:-1], -1)


def _zone_fit(places: Floats, named: NDArray[np.intp], ground: Ground) -> Floats:
    """Return how well each place fits the zone its row names, else the study's area (candidates, n)."""
    ratio = np.ones(places.shape[:2])
    shapes, known = ground.zones.geometry.to_numpy(), named >= 0
    present, at = np.unique(named[known], return_inverse=True)
    own = shapes[present]
    reach = np.where(are_points(own), _VILLAGE_M, 0.0)
    beyond = shapely.distance(shapely.points(places[:, known]), own[at][None]) - reach[at]
    cover = shapely.area(shapely.buffer(own, reach + _EDGE_M)) / (np.pi * AROUND_M**2)
    ratio[:, known] = np.exp(-np.maximum(beyond, 0.0) / _EDGE_M) / np.minimum(cover, 1.0)[at]
    units = shapes[ground.zones["unit"].to_numpy(bool) & are_polygons(shapes)]
    if len(units) and not known.all():
        ratio[:, ~known] = np.exp(-_to_nearest(units, places[:, ~known]) / _EDGE_M)
    return ratio


def _to_nearest(units: NDArray[np.object_], xy: Floats) -> Floats:
    """Return metres from each place to the nearest unit, 0 inside one."""
    points = np.asarray(shapely.points(xy.reshape(-1, 2)), dtype=object)
    tree = shapely.STRtree(units)
    metres = np.zeros(len(points))
    outside = np.full(len(points), fill_value=True)
    outside[tree.query(points, predicate="intersects")[0]] = False
    if outside.any():
        metres[outside] = tree.query_nearest(points[outside], return_distance=True, all_matches=False)[1]
    return metres.reshape(xy.shape[:-1])
