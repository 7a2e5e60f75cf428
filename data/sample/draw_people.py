"""Where the people of the sample county live: rasters of all people and of those aged 60 and over, and a census."""

from __future__ import annotations

import numpy as np
import shapely
from affine import Affine
from draw_land import CRS, ORIGIN, Place, outline, primary_y, rng_for, trunk_x
from pyproj import Transformer

CELL_DEGREES = 3 / 3600
NODATA = -99999.0
PEOPLE_PER_HOME = 3.1
ON_FARMS = 0.035
"""Share of villagers who live scattered over the fields."""


def _spread(place: Place, homes: int, rng: np.random.Generator) -> np.ndarray:
    """Return home sites of a place before they are kept to its own land: a town's blocks, a core, a road."""
    if place.role == "town":
        return place.xy + rng.uniform(-430, 430, (homes, 2))
    size = {"seat": 230.0, "islet": 55.0, "ferry": 25.0}.get(place.role, 60 + 3.2 * np.sqrt(place.people))
    sites = place.xy + rng.normal(0, size, (homes, 2))
    if place.role == "strung":
        t = rng.normal(0, 330, homes)
        side = rng.normal(0, 45, homes)
        on_trunk = abs(place.x - trunk_x(place.y)) < 2
        sites = (
            np.column_stack([trunk_x(place.y + t) + side, place.y + t])
            if on_trunk
            else np.column_stack([place.x + t, primary_y(place.x + t) + side])
        )
    return sites


def _homes(place: Place, land: shapely.Geometry, rng: np.random.Generator) -> np.ndarray:
    count = max(int(place.people / PEOPLE_PER_HOME), 1)
    sites = _spread(place, 4 * count + 20, rng)
    farms = 0 if place.role in {"town", "seat", "islet", "ferry"} else int(ON_FARMS * count)
    low, high = np.array(land.bounds).reshape(2, 2)
    fields = rng.uniform(low, high, (30 * farms + 30, 2))
    near = sites[shapely.contains_xy(land, *sites.T)][: count - farms]
    far = fields[shapely.contains_xy(land, *fields.T)][:farms]
    homes = np.vstack([near, far])
    return homes if len(homes) else place.xy[None]


def draw_people(
    places: list[Place], shapes: dict[str, shapely.Geometry]
) -> tuple[np.ndarray, np.ndarray, Affine]:
    """Return people and elderly per cell of a raster in degrees, and its transform."""
    rng, to_degrees = rng_for("homes"), Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    # cells are shared out by area: homes keep a cell's width off the forest, or it would have people
    forest = shapely.buffer(next(shapes[p.code] for p in places if p.role == "forest"), 130)
    xs, ys, weights, old = [], [], [], []
    for place in places:
        if place.people <= 0:
            continue
        homes = _homes(place, shapes[place.code].difference(forest), rng) + ORIGIN
        lon, lat = to_degrees.transform(*homes.T)
        xs.append(lon)
        ys.append(lat)
        weights.append(np.full(len(homes), place.people / len(homes)))
        old.append(np.full(len(homes), place.people * place.elderly_share / len(homes)))
    lon, lat = np.concatenate(xs), np.concatenate(ys)
    west, south, east, north = _box(to_degrees)
    columns, rows = round((east - west) / CELL_DEGREES), round((north - south) / CELL_DEGREES)
    at = (((north - lat) / CELL_DEGREES).astype(int), ((lon - west) / CELL_DEGREES).astype(int))
    people, elderly = np.zeros((rows, columns)), np.zeros((rows, columns))
    np.add.at(people, at, np.concatenate(weights))
    np.add.at(elderly, at, np.concatenate(old))
    transform = Affine(CELL_DEGREES, 0, west, 0, -CELL_DEGREES, north)
    wild = people == 0
    people[wild & _far_out(transform, people.shape)] = NODATA
    elderly[people == NODATA] = NODATA
    return people.astype("float32"), elderly.astype("float32"), transform


def _box(to_degrees: Transformer) -> tuple[float, float, float, float]:
    """Return the raster's edges on whole cells around the county."""
    ring = np.array(shapely.buffer(outline(), 1_500).exterior.coords) + ORIGIN
    lon, lat = to_degrees.transform(*ring.T)
    low = np.floor(np.array([lon.min(), lat.min()]) / CELL_DEGREES) * CELL_DEGREES
    high = np.ceil(np.array([lon.max(), lat.max()]) / CELL_DEGREES) * CELL_DEGREES
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _far_out(transform: Affine, shape: tuple[int, int]) -> np.ndarray:
    """Tell which cells lie outside the county: a raster of people has no data there."""
    to_metres = Transformer.from_crs("EPSG:4326", CRS, always_xy=True)
    column, row = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    x, y = to_metres.transform(*(transform @ (column.ravel(), row.ravel())))
    near = shapely.buffer(outline(), 400)
    return ~shapely.contains_xy(near, x - ORIGIN[0], y - ORIGIN[1]).reshape(shape)


def draw_census(places: list[Place]) -> list[tuple[str, int, int, int]]:
    """Return a census row per township: people, elderly and households, a few per cent off the raster."""
    rng = rng_for("census")
    rows = []
    for township in sorted({p.code[:9] for p in places}):
        members = [p for p in places if p.code.startswith(township)]
        people = sum(p.people for p in members) * rng.normal(1.01, 0.025)
        elderly = sum(p.people * p.elderly_share for p in members) * rng.normal(1.02, 0.02)
        rows.append((f"{township}000", round(people), round(elderly), round(people / PEOPLE_PER_HOME)))
    return rows
