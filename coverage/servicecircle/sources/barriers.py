"""Barriers that nobody walks across beside a street: rivers, canals, railways and motorways, as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from servicecircle.crs import WGS84, transform
from servicecircle.database import Database
from servicecircle.errors import InputError
from servicecircle.sources.files import require_file
from servicecircle.sources.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

OSM_SUFFIXES = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")

_KINDS = {
    "waterway": {"river", "canal"},
    "railway": {"rail", "light_rail", "subway", "narrow_gauge"},
    "highway": {"motorway", "motorway_link"},
}
_LIFTED = ("tunnel", "bridge", "covered", "disused", "abandoned", "embedded_rails")
"""Tags of what people pass above, below or across: culverts, viaducts, disused lines, rails in a street."""

_READ_TAGS = (*_KINDS, *_LIFTED, "layer", "location")
_NOT = {"", "no", "0", "false"}


def is_barrier(tags: Mapping[str, str]) -> bool:
    """
    Tell whether a way is a barrier, by its OSM tags.

    In a tunnel, a culvert or under a cover, on a bridge or a viaduct, out of use or with its rails in a
    street it is none. Streams, ditches, drains and trams are none either. A railway or motorway on another
    `layer` than the ground is above or below people; open rivers often carry `layer=-1`, so theirs is not
    asked.
    """
    crossed = [key for key, values in _KINDS.items() if tags.get(key) in values]
    if not crossed or any(tags.get(key, "") not in _NOT for key in _LIFTED):
        return False
    at_ground = tags.get("layer", "") in _NOT and tags.get("location", "") != "underground"
    return "waterway" in crossed or at_ground


def read_barriers(path: Path | Database, *, crs: CRS) -> NDArray[np.object_]:
    """
    Read barrier lines.

    Parameters
    ----------
    path
        An OSM extract, of which rivers, canals, railways and motorways are taken; or a layer or a database's
        table, of which every line is taken and every area by its outline.
    crs
        The CRS of the lines returned.

    Raises
    ------
    InputError
        The file is missing or damaged, or the layer holds no lines.
    """
    if not isinstance(path, Database) and path.name.lower().endswith(OSM_SUFFIXES):
        require_file(path, suffixes=OSM_SUFFIXES, what="[streets] barriers")
        return _read_osm(path, crs)
    frame = read_table(path, what="[streets] barriers").frame
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError("barriers.no_lines", where=str(path))
    shapes = frame.geometry.array
    shapes = np.asarray(shapes[~(shapes.isna() | shapes.is_empty)])
    areas = shapely.get_dimensions(shapes) == 2
    shapes[areas] = shapely.boundary(shapes[areas])
    lines = shapely.get_parts(shapely.get_parts(shapes))
    lines = lines[shapely.get_dimensions(lines) == 1]
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    drawn = _drawn(transform(xy, frame.crs, crs), owner)
    if len(drawn) == 0:
        raise InputError("barriers.no_lines", where=str(path))
    return drawn


def _read_osm(path: Path, crs: CRS) -> NDArray[np.object_]:
    lonlat: list[tuple[float, float]] = []
    owner: list[int] = []
    for way in _ways(path):
        if is_barrier({key: way.tags[key] for key in _READ_TAGS if key in way.tags}):
            located = (node.location for node in way.nodes)
            lonlat += [(at.lon, at.lat) if at.valid() else (np.nan, np.nan) for at in located]
            owner += [way.id] * len(way.nodes)
    xy = np.array(lonlat, dtype=float).reshape(-1, 2)
    known = np.isfinite(xy).all(axis=1)
    xy[known] = transform(xy[known], WGS84, crs)
    return _drawn(xy, np.array(owner, dtype=np.int64))


def _ways(path: Path) -> Iterator[Any]:
    import osmium

    from servicecircle.sources.osm import file_of

    try:
        processor = osmium.FileProcessor(file_of(path), osmium.osm.NODE | osmium.osm.WAY).with_locations()
        processor = processor.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
        yield from processor.with_filter(osmium.filter.KeyFilter(*_KINDS))
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        raise InputError("streets.damaged", where=str(path), why=str(error)) from error


def _drawn(xy: NDArray[np.float64], owner: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return the straight parts of lines; a vertex that is nowhere breaks its line."""
    ends = np.stack([xy[:-1], xy[1:]], axis=1)
    joined = (owner[1:] == owner[:-1]) & np.isfinite(ends).all(axis=(1, 2))
    joined &= (ends[:, 0] != ends[:, 1]).any(axis=1)
    drawn: NDArray[np.object_] = np.asarray(shapely.linestrings(ends[joined]), dtype=object)
    return drawn
