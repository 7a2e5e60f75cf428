"""How well places fit a study: beside its streets, in the zone they are said to lie in, in its area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import cKDTree

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
_LEAST_CHANCE = 0.005
_FADING_M = (12.0, 25.0, 50.0)
_LEVEL_M = (35.0, 60.0, 90.0)
_ASTRAY = np.array([0.03, 0.1, 0.3, 1.0])
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
class Fit:
    """
    How likely each row is at each of its candidate places.

    Parameters
    ----------
    log
        Log-likelihood ratios (candidates, n, models) against a place anywhere around.
    weight
        Of each row (n,): rows at one place are one piece of evidence.
    metres
        To the nearest street (candidates, n).
    """

    log: Floats
    weight: Floats
    metres: Floats


def fit_places(places: Floats, named: NDArray[np.intp], ground: Ground) -> Fit:
    """
    Return how well candidate places of each row fit the ground.

    Each row is compared with spots strewn around it, so that a dense town, where every place lies near
    a street, tells little. Which facilities stand how near to a street is unknown; every model is kept.

    Parameters
    ----------
    places
        x and y in the ground's CRS (candidates, n, 2).
    named
        Position in the zones of the zone each row names; -1 for none.
    """
    spots = places.mean(axis=0)[:, None, :] + _strewn()
    tree = _street_tree(np.concatenate([places.reshape(-1, 2), spots.reshape(-1, 2)]), ground)
    metres, elsewhere = _to_street(tree, places), _to_street(tree, spots, at_most=_FAR_M)
    chance = np.maximum(
        np.stack([near.mean(axis=1) for near in _nearness(elsewhere)], axis=-1), _LEAST_CHANCE
    )
    street = _with_astray(np.stack(_nearness(metres), axis=-1) / chance)
    zone = _with_astray(_zone_fit(places, named, ground)[:, :, None])
    joint = street[:, :, :, None] * zone[:, :, None, :]
    return Fit(np.log(joint).reshape(*places.shape[:2], -1), _weights(places[0]), metres)


def _strewn() -> Floats:
    """Return offsets spread evenly over a disc of `AROUND_M` (a sunflower's pattern)."""
    serial = np.arange(_SPOTS)
    radius, angle = AROUND_M * np.sqrt((serial + 0.5) / _SPOTS), serial * np.pi * (3.0 - np.sqrt(5.0))
    return np.asarray(radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))


def _street_tree(places: Floats, ground: Ground) -> cKDTree | None:
    """Return points along the streets near some places; None where there are no streets."""
    wanted = (np.unique(_cells(places))[:, None] + _NEIGHBOURS).ravel()
    near = np.isin(_cells(ground.starts), wanted) | np.isin(_cells(ground.ends), wanted)
    starts, ends = ground.starts[near], ground.ends[near]
    if not len(starts):
        return None
    steps = np.ceil(np.hypot(*(ends - starts).T) / _SPACING_M).astype(np.intp) + 1
    segment = np.repeat(np.arange(len(steps)), steps)
    along = (np.arange(len(segment)) - np.repeat(np.cumsum(steps) - steps, steps)) / np.maximum(
        steps[segment] - 1, 1
    )
    return cKDTree(starts[segment] + (ends - starts)[segment] * along[:, None])


def _cells(xy: Floats) -> NDArray[np.int64]:
    """Return one number for the cell that each place lies in."""
    column, row = np.floor(xy / _CELL_M).astype(np.int64).T
    return np.asarray(column * _NEXT_COLUMN + row)


def _to_street(tree: cKDTree | None, xy: Floats, *, at_most: float = np.inf) -> Floats:
    """Return metres to the nearest street; infinity where there is none so near."""
    if tree is None:
        return np.full(xy.shape[:-1], np.inf)
    return np.asarray(tree.query(xy, distance_upper_bound=at_most)[0], dtype=np.float64)


def _nearness(metres: Floats) -> list[Floats]:
    """Return, by each model, how readily a facility stands so far from a street (1 beside it)."""
    fading = [np.exp(-metres / scale) for scale in _FADING_M]
    return [*fading, *(np.exp(-((metres / scale) ** 4)) for scale in _LEVEL_M)]


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


def _weights(xy: Floats) -> Floats:
    tree = cKDTree(xy)
    return 1.0 / np.asarray(tree.query_ball_point(xy, _SAME_PLACE_M, return_length=True), dtype=np.float64)
