"""Streets from layers of lines: junctions where lines share a vertex, cross or touch on one level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from servicecircle.crs import choose_crs, lonlat_box, transform
from servicecircle.database import Database
from servicecircle.errors import InputError
from servicecircle.sources.streets import (
    LEVEL_TAGS,
    directions,
    first_of,
    from_ways,
    is_trunk,
    is_walkable,
    level_of,
    values_of,
)
from servicecircle.sources.tables import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from servicecircle.sources.streets import RawStreets
    from servicecircle.units import Floats

TOUCH_M = 0.01
"""Vertices this near are one place: the noise of exports, far below the width of a street."""

_NAMES = ("name", "名称", "路名", "道路名称", "LXMC", "ROADNAME")
_READ_TAGS = (
    "highway", "foot", "access", "motorroad", "oneway:foot", "foot:forward", "foot:backward",
    "osm_id", "osmid", *LEVEL_TAGS,
)  # fmt: skip


def read_lines(
    path: Path | Database, *, layer: str | None = None, walk_trunk: bool = True, crs: str = "auto"
) -> RawStreets:
    """
    Read a layer of lines.

    Lines meet where they share a vertex, cross or touch, unless `bridge`, `tunnel` or `layer` set them
    on different levels; a line that ends on another meets it in any case.

    Raises
    ------
    InputError
        The layer cannot be read, has no CRS, or holds no lines.
    """
    features = read_table(path, layer=layer, what="[streets]").frame
    if not isinstance(features, gpd.GeoDataFrame):
        code = "postgis.no_geometry" if isinstance(path, Database) else "streets.no_lines"
        raise InputError(code, where=str(path))
    frame = features.explode(index_parts=False)
    frame = frame[(shapely.get_type_id(frame.geometry.array) == 1) & ~frame.geometry.is_empty]
    counts = {"no_lines": len(features) - frame.index.nunique()}
    if frame.empty:
        raise InputError("streets.no_lines", where=str(path))
    xy, owner = shapely.get_coordinates(frame.geometry.array, return_index=True)
    if not np.isfinite(xy).all(axis=1).any():
        raise InputError("streets.none_walkable", where=str(path), read=len(frame))
    metric = choose_crs(lonlat_box(xy, frame.crs), crs, where=str(path))
    tags = _tags(frame)
    walkable = [not t.get("highway") or is_walkable(t, walk_trunk=walk_trunk) for t in tags]
    lines = np.split(transform(xy, frame.crs, metric), np.flatnonzero(np.diff(owner)) + 1)
    kept = [i for i, line in enumerate(lines) if walkable[i] and np.isfinite(line).all()]
    counts |= {"ways_read": len(frame), "ways_refused": len(frame) - sum(walkable)}
    counts |= {"ways_unplaced": sum(walkable) - len(kept)}
    lines = [lines[i] for i in kept]
    order = sorted(range(len(kept)), key=lambda i: lines[i].tolist())
    lines, tags = [lines[i] for i in order], [tags[kept[i]] for i in order]
    levels = [level_of(t) for t in tags]
    drawn, refs = node_lines(lines, levels)
    ways = [
        (xy, ref, _way_id(t), first_of(t.get("name")), directions(t), is_trunk(t))
        for xy, ref, t in zip(drawn, refs, tags, strict=True)
    ]
    from_osm = "osm_id" in frame or "osmid" in frame
    return from_ways(ways, crs=metric, from_osm=from_osm, counts=counts, levels=levels)


def _tags(frame: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    columns = {str(c).lower(): c for c in frame.columns if c != frame.geometry.name}
    wanted = {key: columns[key] for key in _READ_TAGS if key in columns}
    named = next((columns[n.lower()] for n in _NAMES if n.lower() in columns), None)
    if named is not None:
        wanted["name"] = named
    records = frame[list(wanted.values())].set_axis(list(wanted), axis=1).to_dict("records")
    return [{key: value for key, value in record.items() if values_of(value)} for record in records]


def _way_id(tags: dict[str, Any]) -> int:
    text = first_of(tags.get("osm_id", tags.get("osmid"))).removesuffix(".0")
    return int(text) if text.lstrip("-").isdigit() else 0


def node_lines(lines: list[Floats], levels: list[str]) -> tuple[list[Floats], list[NDArray[np.int64]]]:
    """
    Put a vertex into each line where it meets another, and name equal places alike.

    Parameters
    ----------
    lines
        Vertices (k, 2) of each line, in metres.
    levels
        Bridge, tunnel and layer of each line: lines of different levels cross without meeting.

    Returns
    -------
    The lines with the vertices added, and a ref for each vertex.
    """
    if not lines:
        return [], []
    level = np.unique(np.array(levels), return_inverse=True)[1]
    line_of, tails, heads = _parts(lines)
    part, xy = _meetings(line_of, tails, heads, level)
    drawn = _with_vertices(line_of, tails, heads, part, xy)
    return drawn, _refs(drawn, level)


def _parts(lines: list[Floats]) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return the straight parts of all lines: which line each is of, its tail and its head."""
    owner = np.repeat(np.arange(len(lines)), [len(line) - 1 for line in lines])
    return owner, np.concatenate([x[:-1] for x in lines]), np.concatenate([x[1:] for x in lines])


def _meetings(
    line_of: NDArray[np.int64], tails: Floats, heads: Floats, level: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Floats]:
    """Return the parts that need a vertex, and where."""
    straight: NDArray[np.object_] = np.asarray(shapely.linestrings(np.stack([tails, heads], axis=1)))
    a, b = shapely.STRtree(straight).query(straight, predicate="dwithin", distance=TOUCH_M)
    a, b = a[a < b], b[a < b]
    cross = level[line_of[a]] == level[line_of[b]]
    crossing = shapely.intersection(straight[a[cross]], straight[b[cross]])
    xy, pair = shapely.get_coordinates(crossing, return_index=True)
    found = [(a[cross][pair], xy), (b[cross][pair], xy)]
    begins, ends = np.diff(line_of, prepend=-1) != 0, np.diff(line_of, append=-1) != 0
    for one, two in ((a, b), (b, a)):  # a line that ends on another's course
        for at_end, points in ((begins, tails), (ends, heads)):
            end, onto = points[one[at_end[one]]], two[at_end[one]]
            touches = shapely.distance(shapely.points(end), straight[onto]) <= TOUCH_M
            found.append((onto[touches], end[touches]))
    return np.concatenate([part for part, _ in found]), np.concatenate([xy for _, xy in found])


def _with_vertices(
    line_of: NDArray[np.int64], tails: Floats, heads: Floats, part: NDArray[np.int64], xy: Floats
) -> list[Floats]:
    """Return the lines with points on their parts as vertices, in order; one at a vertex adds nothing."""
    along = np.hypot(*(xy - tails[part]).T)
    fresh = (along > TOUCH_M) & (np.hypot(*(xy - heads[part]).T) > TOUCH_M)
    last = np.flatnonzero(np.diff(line_of, append=-1))
    parts = np.concatenate([np.arange(len(tails)), part[fresh], last])
    ways = np.concatenate([np.zeros(len(tails)), along[fresh], np.full(len(last), np.inf)])
    order = np.lexsort((ways, parts))
    vertices = np.concatenate([tails, xy[fresh], heads[last]])[order]
    return np.split(vertices, np.flatnonzero(np.diff(line_of[parts[order]])) + 1)


def _refs(lines: list[Floats], level: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Name vertices by place, and by level too where no line ends."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    xy = np.concatenate(lines)
    pairs = cKDTree(xy).query_pairs(TOUCH_M, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(xy), len(xy)))
    _, place = connected_components(links, directed=False)
    sizes = np.array([len(line) for line in lines])
    ends = np.concatenate([np.cumsum(sizes) - sizes, np.cumsum(sizes) - 1])
    shared = np.isin(place, place[ends])
    storey = np.where(shared, 0, np.repeat(level, sizes) + 1)
    ref = np.unique(np.column_stack([place, storey]), axis=0, return_inverse=True)[1].ravel()
    return np.split(ref.astype(np.int64), np.cumsum(sizes)[:-1])
