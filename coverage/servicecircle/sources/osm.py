"""Streets from OpenStreetMap extracts (PBF and XML) by pyosmium."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import osmium
import shapely
from pyproj import CRS

from servicecircle.errors import InputError
from servicecircle.sources.streets import (
    LEVEL_TAGS,
    RawStreets,
    directions,
    is_secret,
    is_trunk,
    is_walkable,
    level_of,
    take_ways,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DEGREES_PER_UNIT = 1e-7  # OSM stores whole numbers of this
_NO_LOCATION = 2147483647  # libosmium's mark of a node that the extract lacks
_FORMATS = ("pbf", "osm", "osm.gz", "osm.bz2")
_SECRET_TAGS = ("military", "landuse", "amenity")
_READ_TAGS = (
    "highway", "foot", "access", "motorroad", "oneway:foot", "foot:forward", "foot:backward", "name",
    *_SECRET_TAGS, *LEVEL_TAGS,
)  # fmt: skip


def read_osm(path: Path, *, walk_trunk: bool = True) -> RawStreets:
    """
    Read the walkable ways of an OSM extract.

    Parameters
    ----------
    path
        `.osm.pbf`, `.osm`, `.osm.gz` or `.osm.bz2`.
    walk_trunk
        Whether trunk roads count.

    Raises
    ------
    InputError
        The file is damaged or cut off.
    """
    counts = {"ways_read": 0, "ways_refused": 0}
    refs: list[int] = []
    xs: list[int] = []
    ys: list[int] = []
    sizes: list[int] = []
    ways: list[tuple[int, str, bool, bool, bool, str]] = []
    secret: set[int] = set()
    grounds: list[Any] = []
    for way in _ways(path):
        tags = {key: way.tags[key] for key in _READ_TAGS if key in way.tags}
        if is_secret(tags):
            secret.add(way.id)
            grounds += _ground(way)
        if "highway" not in tags:
            continue
        counts["ways_read"] += 1
        if not is_walkable(tags, walk_trunk=walk_trunk):
            counts["ways_refused"] += 1
            continue
        nodes = way.nodes
        refs += [node.ref for node in nodes]
        xs += [node.x for node in nodes]
        ys += [node.y for node in nodes]
        sizes.append(len(nodes))
        ways.append((way.id, tags.get("name", ""), *directions(tags), is_trunk(tags), level_of(tags)))
    units = np.array([xs, ys], dtype=np.int64).T.reshape(-1, 2)
    xy = np.round(units * _DEGREES_PER_UNIT, 7)
    xy[units == _NO_LOCATION] = np.nan
    table = np.array(ways, dtype=object).reshape(-1, 6)
    raw = RawStreets(
        xy=xy,
        ref=np.array(refs, dtype=np.int64),
        first=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        way_id=table[:, 0].astype(np.int64),
        name=table[:, 1],
        forward=table[:, 2].astype(bool),
        backward=table[:, 3].astype(bool),
        trunk=table[:, 4].astype(bool),
        crs=CRS.from_epsg(4326),
        from_osm=True,
        counts=counts,
        level=table[:, 5],
    )
    return _in_order_of_id(_without_secrets(raw, secret, grounds))


def _ground(way: Any) -> list[Any]:
    """Return the area within a closed way whose nodes are all there."""
    places = [(node.x, node.y) for node in way.nodes]
    if not way.is_closed() or len(places) < 4 or (_NO_LOCATION, _NO_LOCATION) in places:
        return []
    return [shapely.Polygon(np.array(places) * _DEGREES_PER_UNIT).buffer(0)]


def _without_secrets(raw: RawStreets, secret: set[int], grounds: list[Any]) -> RawStreets:
    """Take the names off ways that are secret or lie on secret ground as a whole, and mark them."""
    hidden = np.isin(raw.way_id, list(secret))
    if grounds:
        inside = shapely.intersects_xy(shapely.union_all(grounds), raw.xy)
        hidden |= np.logical_and.reduceat(inside, raw.first[:-1]) if len(raw.way_id) else False
    if not hidden.any():
        return raw
    return replace(raw, name=np.where(hidden, "", raw.name), hidden=frozenset(raw.way_id[hidden].tolist()))


def _ways(path: Path) -> Iterator[Any]:
    wanted = osmium.osm.NODE | osmium.osm.WAY
    try:
        processor = osmium.FileProcessor(file_of(path), wanted).with_locations()
        processor = processor.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
        yield from processor.with_filter(osmium.filter.KeyFilter("highway", *_SECRET_TAGS))
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        raise InputError("streets.damaged", where=str(path), why=str(error)) from error


def file_of(path: Path) -> osmium.io.File:
    """Return a file with its format, which libosmium tells by suffixes in lower case only."""
    name = path.name.lower()
    return osmium.io.File(str(path), next(s for s in _FORMATS if name.endswith(f".{s}")))


def _in_order_of_id(raw: RawStreets) -> RawStreets:
    """Sort ways by id and drop repeated ones, so that the order of the file never shows."""
    _, keep = np.unique(raw.way_id, return_index=True)
    if len(keep) == len(raw.way_id) and (np.diff(keep) == 1).all():
        return raw
    repeated = len(raw.way_id) - len(keep)
    return replace(take_ways(raw, keep), counts={**raw.counts, "ways_repeated": repeated})
