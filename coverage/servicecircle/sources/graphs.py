"""Streets from OSMnx and NetworkX graphs, in memory and as GraphML."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError, ParserCreate

import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from servicecircle.errors import InputError
from servicecircle.sources.streets import directions, first_of, from_ways, is_trunk, is_walkable, level_of

if TYPE_CHECKING:
    from pathlib import Path

    import networkx as nx

    from servicecircle.sources.streets import RawStreets
    from servicecircle.units import Floats

_CHUNK_BYTES = 1 << 16


def read_graphml(path: Path, *, walk_trunk: bool = True) -> RawStreets:
    """
    Read a GraphML file that OSMnx saved.

    Raises
    ------
    InputError
        The file is damaged, declares XML entities, or lacks coordinates or CRS.
    """
    import networkx as nx

    if _declares_entities(path):
        raise InputError("streets.entities", where=str(path))
    try:
        graph: Any = nx.read_graphml(path, force_multigraph=True)
    except (nx.NetworkXError, ValueError, LookupError, SyntaxError) as error:  # ElementTree's is the last
        raise InputError("streets.damaged", where=str(path), why=str(error)) from error
    return ways_of_graph(graph, walk_trunk=walk_trunk, where=str(path))


def _declares_entities(path: Path) -> bool:
    """Read up to the root element, before which alone entities that unpack beyond reason are declared."""
    found: list[bool] = []
    parser = ParserCreate()
    parser.EntityDeclHandler = lambda *_: found.append(True)
    parser.StartElementHandler = lambda *_: found.append(False)
    with path.open("rb") as stream, suppress(ExpatError):  # what is no XML is told by the reader
        while not found and (chunk := stream.read(_CHUNK_BYTES)):
            parser.Parse(chunk)
    return found[:1] == [True]


def ways_of_graph(
    graph: nx.MultiDiGraph[Any], *, walk_trunk: bool = True, where: str = "graph"
) -> RawStreets:
    """
    Return each street of a graph once, whichever directions its edges have.

    Nodes need `x` and `y`, the graph `graph["crs"]`; edges may hold `geometry` (LineString or WKT) and
    OSM tags. Edges without a `highway` tag are taken to be walkable.
    """
    crs = _crs_of(graph, where)
    serial = {node: number for number, node in enumerate(graph.nodes)}
    refs = _node_refs(list(graph.nodes))
    xy = _coordinates(graph, where)
    seen: set[tuple[Any, ...]] = set()
    counts = {"ways_read": 0, "ways_refused": 0}
    ways, attributes, levels = [], [], []
    # vertices between junctions get refs of their own, below all
    inner = min(int(refs.min(initial=0)), 0) - 1
    for tail, head, data in graph.edges(data=True):
        line = _line(data.get("geometry"), xy[serial[tail]], xy[serial[head]])
        walked = _directions(data)
        key = _undirected_key(serial[tail], serial[head], line, walked)
        if key in seen:
            continue
        seen.add(key)
        counts["ways_read"] += 1
        if "highway" in data and not is_walkable(data, walk_trunk=walk_trunk):
            counts["ways_refused"] += 1
            continue
        ref = np.arange(inner, inner - len(line), -1, dtype=np.int64)
        inner -= len(line)
        ref[0], ref[-1] = refs[serial[tail]], refs[serial[head]]
        ways.append((line, ref, _way_id(data), first_of(data.get("name")), walked, is_trunk(data)))
        levels.append(level_of(data))
        attributes.append({str(k): v for k, v in data.items() if k != "geometry"})
    return from_ways(ways, crs=crs, from_osm=True, counts=counts, attributes=attributes, levels=levels)


def _crs_of(graph: nx.MultiDiGraph[Any], where: str) -> CRS:
    try:
        return CRS.from_user_input(graph.graph["crs"])
    except (KeyError, CRSError) as error:
        raise InputError("streets.no_crs", where=where) from error


def _node_refs(nodes: list[Any]) -> Any:
    """Return whole numbers that name the nodes: their own ids where those are whole numbers."""
    try:
        refs = np.array([int(node) for node in nodes], dtype=np.int64)
    except (TypeError, ValueError, OverflowError):
        return np.arange(len(nodes), dtype=np.int64)
    return refs if len(np.unique(refs)) == len(nodes) else np.arange(len(nodes), dtype=np.int64)


def _coordinates(graph: nx.MultiDiGraph[Any], where: str) -> Floats:
    xy = np.empty((len(graph), 2))
    for i, (node, data) in enumerate(graph.nodes(data=True)):
        try:
            xy[i] = float(data["x"]), float(data["y"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("streets.no_coordinates", where=where, node=str(node)) from error
    return xy


def _line(geometry: Any, tail: Floats, head: Floats) -> Floats:
    if isinstance(geometry, str):
        geometry = shapely.from_wkt(geometry, on_invalid="ignore")
    if not isinstance(geometry, shapely.LineString) or geometry.is_empty:
        return np.array([tail, head])
    line = shapely.get_coordinates(geometry)
    backwards = np.abs(line[0] - tail).sum() + np.abs(line[-1] - head).sum() > (
        np.abs(line[-1] - tail).sum() + np.abs(line[0] - head).sum()
    )
    return line[::-1] if backwards else line


def _undirected_key(tail: int, head: int, line: Floats, walked: tuple[bool, bool]) -> tuple[Any, ...]:
    """Name a street whichever way it is drawn; a loop starts at the same node both ways."""
    points = [tuple(p) for p in line.tolist()]
    turned = tail > head or (tail == head and points > points[::-1])
    if turned:
        points, walked = points[::-1], walked[::-1]
    return (min(tail, head), max(tail, head), tuple(points), walked)


def _directions(data: dict[str, Any]) -> tuple[bool, bool]:
    forward, backward = directions(data)
    return (backward, forward) if str(data.get("reversed")) == "True" else (forward, backward)


def _way_id(data: dict[str, Any]) -> int:
    text = first_of(data.get("osmid"))
    return int(text) if text.lstrip("-").isdigit() else 0
