"""Random small networks, and a reference for the walks on them that is NetworkX on split edges."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import hypot, inf

import geopandas as gpd
import networkx as nx
import numpy as np
import shapely
from hypothesis import Phase, settings
from hypothesis import strategies as st

from servicecircle import Network

CRS = "EPSG:4547"
EAST, NORTH = 500_000.0, 3_950_000.0
TIE_M = 1e-6


def examples(number):
    """Return settings that draw the same examples each time, and take what time they need."""
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate, Phase.shrink),
    )


@dataclass(frozen=True)
class Case:
    """A network, people and facilities on it, and how near to the streets they have to be."""

    network: Network
    people: list[tuple[float, float]]
    facilities: list[tuple[float, float]]
    snap_m: float


@st.composite
def cases(draw):
    """Draw islets, self-loops, parallel streets, one-way footways, and points on and off them."""
    cells = draw(
        st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=2, max_size=8, unique=True)
    )
    spots = [(EAST + 173 * i + 31 * (j % 2), NORTH + 149 * j + 17 * (i % 3)) for i, j in cells]
    node = st.integers(0, len(spots) - 1)
    one_way = st.sampled_from([None, None, None, "yes", "-1"])
    streets = draw(st.lists(st.tuples(node, node, st.integers(-3, 3), one_way), min_size=1, max_size=12))
    graph = nx.MultiDiGraph(crs=CRS)
    for number, (x, y) in enumerate(spots):
        graph.add_node(number, x=x, y=y)
    for number, (a, b, bend, direction) in enumerate(streets):
        tags = {"oneway:foot": direction} if direction else {}
        graph.add_edge(a, b, highway="footway", geometry=_street(spots[a], spots[b], bend, number), **tags)
    point = st.tuples(st.integers(-60, 960), st.integers(-60, 720)).map(
        lambda xy: (EAST + xy[0] + 0.3171, NORTH + xy[1] + 0.7193)
    )
    anywhere = st.one_of(point, st.sampled_from(spots))  # ties at junctions, too
    return Case(
        network=Network.from_graph(graph, crs=CRS, islet_m=draw(st.sampled_from([0.0, 300.0, 1000.0]))),
        people=draw(st.lists(anywhere, min_size=1, max_size=8)),
        facilities=draw(st.lists(anywhere, min_size=1, max_size=4)),
        snap_m=draw(st.sampled_from([80.0, 300.0])),
    )


def _street(start, end, bend, number):
    """Return a line that bows out sideways, no two alike; a loop where it ends where it starts."""
    (x, y), (u, v) = start, end
    if start == end:
        size = 40 + 10 * bend + 3.1 * number
        return shapely.LineString([start, (x + size, y + 21), (x + 33, y + size + 9), start])
    aside = (37 * bend + 1.3 * (number + 1)) / hypot(u - x, v - y)
    return shapely.LineString([start, ((x + u) / 2 - aside * (v - y), (y + v) / 2 + aside * (u - x)), end])


def points(spots: list[tuple[float, float]]) -> gpd.GeoDataFrame:
    """Return spots as a layer."""
    return gpd.GeoDataFrame(geometry=[shapely.Point(spot) for spot in spots], crs=CRS)


class Streets:
    """Finds the places of points by the words of the contract, with nothing but Shapely."""

    def __init__(self, network: Network) -> None:
        self.lines = network.lines()
        self.islet = network.islet
        self.everywhere = np.arange(len(self.lines))
        self.mainland = np.flatnonzero(~self.islet)
        self.trees = {id(n): shapely.STRtree(self.lines[n]) for n in (self.everywhere, self.mainland)}

    def places_of(self, spot: tuple[float, float], snap_m: float) -> list[tuple[int, float, float]]:
        """Return (segment, way along it, access walk) of each place of a point."""
        point = shapely.Point(spot)
        chosen = [self._nearest(point, self.everywhere)]
        if self.islet[chosen[0]] and len(self.mainland):
            chosen.append(self._nearest(point, self.mainland))
        metres = [self.lines[s].distance(point) for s in chosen]
        return [
            (s, self.lines[s].project(point), m)
            for s, m in zip(chosen, metres, strict=True)
            if m <= snap_m + TIE_M
        ]

    def _nearest(self, point: shapely.Point, among) -> int:
        """Return the nearest segment, at ties the lowest."""
        tree = self.trees[id(among)]
        least = self.lines[among[tree.nearest(point)]].distance(point)
        return int(among[tree.query(point, predicate="dwithin", distance=least + TIE_M)].min())


def metres_by_networkx(network: Network, people, facilities, snap_m: float) -> list[float]:
    """Return each person's walk: every segment is split where somebody is placed, and NetworkX searches."""
    streets = Streets(network)
    doors = [streets.places_of(spot, snap_m) for spot in facilities]
    homes = [streets.places_of(spot, snap_m) for spot in people]
    cuts: dict[int, set[float]] = {}
    for places in (*doors, *homes):
        for segment, along, _ in places:
            cuts.setdefault(segment, set()).add(along)
    graph = nx.MultiDiGraph()
    for s, length_m in enumerate(network.length_m):
        stops = sorted({0.0, float(length_m), *cuts.get(s, ())})
        for here, there in pairwise(stops):
            a, b = _node(network, s, here), _node(network, s, there)
            if network.forward[s]:
                graph.add_edge(a, b, metres=there - here)
            if network.backward[s]:
                graph.add_edge(b, a, metres=there - here)
    for i, places in enumerate(homes):
        graph.add_edges_from(
            (f"home {i}", _node(network, s, at), {"metres": access}) for s, at, access in places
        )
    graph.add_node("door")
    for places in doors:
        graph.add_edges_from((_node(network, s, at), "door", {"metres": access}) for s, at, access in places)
    found = nx.single_source_dijkstra_path_length(graph.reverse(copy=False), "door", weight="metres")
    return [found.get(f"home {i}", inf) for i in range(len(people))]


def _node(network: Network, segment: int, along: float):
    """Return the junction where a place is at the end of its segment, else a node in its middle."""
    if along <= TIE_M:
        return int(network.u[segment])
    if along >= network.length_m[segment] - TIE_M:
        return int(network.v[segment])
    return segment, along
