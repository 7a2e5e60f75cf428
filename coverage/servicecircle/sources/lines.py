"""Streets from layers of lines: junctions where lines share a vertex, cross or touch on one level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from servicecircle.crs import choose_crs, lonlat_box, transform
from servicecircle.errors import InputError
from servicecircle.sources.streets import directions, first_of, from_ways, is_trunk, is_walkable, values_of

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from servicecircle.sources.streets import RawStreets
    from servicecircle.units import Floats

TOUCH_M = 0.01
"""Vertices this near are one place: the noise of exports, far below the width of a street."""

_NAMES = ("name", "名称", "路名", "道路名称", "LXMC", "ROADNAME")
_LEVEL_TAGS = ("layer", "bridge", "tunnel")
_READ_TAGS = (
    "highway", "foot", "access", "motorroad", "oneway:foot", "foot:forward", "foot:backward",
    "osm_id", "osmid", *_LEVEL_TAGS,
)  # fmt: skip


def read_lines(
    path: Path, *, layer: str | None = None, walk_trunk: bool = True, crs: str = "auto"
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
    frame = _read(path, layer)
    if frame.crs is None:
        raise InputError("streets.no_crs", where=str(path))
    frame = frame.explode(index_parts=False, ignore_index=True)
    frame = frame[(shapely.get_type_id(frame.geometry.array) == 1) & ~frame.geometry.is_empty]
    if frame.empty:
        raise InputError("streets.no_lines", where=str(path))
    box = lonlat_box(shapely.get_coordinates(frame.geometry.array), frame.crs)
    metric = choose_crs(box, crs)
    tags = _tags(frame)
    walkable = [not t.get("highway") or is_walkable(t, walk_trunk=walk_trunk) for t in tags]
    counts = {"ways_read": len(frame), "ways_refused": len(frame) - sum(walkable)}
    kept = [i for i, good in enumerate(walkable) if good]
    lines = [transform(shapely.get_coordinates(g), frame.crs, metric) for g in frame.geometry.array[kept]]
    order = sorted(range(len(kept)), key=lambda i: lines[i].tolist())
    lines, tags = [lines[i] for i in order], [tags[kept[i]] for i in order]
    levels = [tuple(first_of(t.get(key)) for key in _LEVEL_TAGS) for t in tags]
    drawn, refs = node_lines(lines, levels)
    ways = [
        (xy, ref, _way_id(t), first_of(t.get("name")), directions(t), is_trunk(t))
        for xy, ref, t in zip(drawn, refs, tags, strict=True)
    ]
    return from_ways(ways, crs=metric, from_osm="osm_id" in frame or "osmid" in frame, counts=counts)


def _read(path: Path, layer: str | None) -> gpd.GeoDataFrame:
    import geopandas as gpd
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        if path.suffix.lower() == ".parquet":
            return gpd.read_parquet(path)
        return gpd.read_file(path, **({"layer": layer} if layer else {}))
    except (DataSourceError, DataLayerError, ValueError, OSError) as error:
        raise InputError("streets.damaged", where=str(path), why=str(error)) from error


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


def node_lines(
    lines: list[Floats], levels: list[tuple[str, ...]]
) -> tuple[list[Floats], list[NDArray[np.int64]]]:
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
    level = np.unique(np.array([",".join(parts) for parts in levels]), return_inverse=True)[1]
    line_of, tails, heads = _parts(lines)
    added = _meetings(line_of, tails, heads, lines, level)
    drawn = [_with_vertices(line, added.get(i, [])) for i, line in enumerate(lines)]
    return drawn, _refs(drawn, level)


def _parts(lines: list[Floats]) -> tuple[NDArray[np.int64], Floats, Floats]:
    owner = np.concatenate([np.full(len(line) - 1, i, np.int64) for i, line in enumerate(lines)])
    return owner, np.concatenate([x[:-1] for x in lines]), np.concatenate([x[1:] for x in lines])


def _meetings(
    line_of: NDArray[np.int64], tails: Floats, heads: Floats, lines: list[Floats], level: NDArray[np.int64]
) -> dict[int, list[Floats]]:
    """Return the points at which each line needs a vertex."""
    straight: NDArray[np.object_] = np.asarray(shapely.linestrings(np.stack([tails, heads], axis=1)))
    a, b = shapely.STRtree(straight).query(straight, predicate="dwithin", distance=TOUCH_M)
    a, b = a[a < b], b[a < b]
    line_end = {i: line[[0, -1]] for i, line in enumerate(lines)}
    crossing = level[line_of[a]] == level[line_of[b]]
    added: dict[int, list[Floats]] = {}
    for one, two in zip(a[crossing], b[crossing], strict=True):
        for point in shapely.get_coordinates(shapely.intersection(straight[one], straight[two])):
            added.setdefault(int(line_of[one]), []).append(point)
            added.setdefault(int(line_of[two]), []).append(point)
    for one, two in zip(np.concatenate([a, b]), np.concatenate([b, a]), strict=True):
        for end in line_end[int(line_of[one])]:  # a line that ends on another's course
            if shapely.distance(shapely.Point(end), straight[two]) <= TOUCH_M:
                added.setdefault(int(line_of[two]), []).append(end)
    return added


def _with_vertices(line: Floats, points: list[Floats]) -> Floats:
    """Return a line with points on it as vertices, in order; a point at a vertex adds nothing."""
    if not points:
        return line
    reach = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    whole = shapely.LineString(line)
    at = [(float(whole.project(shapely.Point(p))), p) for p in points]
    fresh = [(d, p) for d, p in at if np.hypot(*(line - p).T).min() > TOUCH_M and 0 < d < reach[-1]]
    merged = sorted([*zip(reach.tolist(), line, strict=True), *fresh], key=lambda pair: pair[0])
    return np.array([p for _, p in merged])


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
