"""Streets from OSMnx and NetworkX graphs, in memory and as GraphML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from servicecircle.errors import InputError
from servicecircle.sources.streets import directions, first_of, from_ways, is_trunk, is_walkable

if TYPE_CHECKING:
    from pathlib import Path

    import networkx as nx

    from servicecircle.sources.streets import RawStreets
    from servicecircle.units import Floats

_PROLOGUE_BYTES = 1 << 16


def read_graphml(path: Path, *, walk_trunk: bool = True) -> RawStreets:
    """
    Read a GraphML file that OSMnx saved.

    Raises
    ------
    InputError
        The file is damaged, declares XML entities, or lacks coordinates or CRS.
    """
    import networkx as nx

    with path.open("rb") as stream:
        if b"<!ENTITY" in stream.read(_PROLOGUE_BYTES):
            raise InputError("streets.damaged", where=str(path), why="it declares XML entities")
    try:
        graph: Any = nx.read_graphml(path, force_multigraph=True)
    except (nx.NetworkXError, ValueError, KeyError, SyntaxError) as error:  # ElementTree's is a SyntaxError
        raise InputError("streets.damaged", where=str(path), why=str(error)) from error
    return ways_of_graph(graph, walk_trunk=walk_trunk, where=str(path))


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
    ways, attributes = [], []
    inner = (
        min(int(refs.min(initial=0)), 0) - 1
    )  # vertices between junctions get refs of their own, below all
    for tail, head, data in graph.edges(data=True):
        line = _line(data.get("geometry"), xy[serial[tail]], xy[serial[head]])
        key = _undirected_key(serial[tail], serial[head], line)
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
        ways.append((line, ref, _way_id(data), first_of(data.get("name")), _directions(data), is_trunk(data)))
        attributes.append({str(k): v for k, v in data.items() if k != "geometry"})
    return from_ways(ways, crs=crs, from_osm=True, counts=counts, attributes=attributes)


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
    try:
        xy = np.array([(float(d["x"]), float(d["y"])) for _, d in graph.nodes(data=True)]).reshape(-1, 2)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("streets.damaged", where=where, why=f"a node lacks x or y ({error})") from error
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


def _undirected_key(tail: int, head: int, line: Floats) -> tuple[Any, ...]:
    """Name a street whichever way it is drawn; a loop starts at the same node both ways."""
    points = [tuple(p) for p in line.tolist()]
    turned = tail > head or (tail == head and points > points[::-1])
    return (min(tail, head), max(tail, head), tuple(points[::-1] if turned else points))


def _directions(data: dict[str, Any]) -> tuple[bool, bool]:
    forward, backward = directions(data)
    return (backward, forward) if str(data.get("reversed")) == "True" else (forward, backward)


def _way_id(data: dict[str, Any]) -> int:
    text = first_of(data.get("osmid"))
    return int(text) if text.lstrip("-").isdigit() else 0
