"""
Two parts of the job against their peers, on the same streets: the travel field, and placing people.

    cd tests && python -m bench.parts [--repeats 5] [--study FILE]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np
import shapely

import servicecircle as sc
from bench.porto_alegre import STUDY
from servicecircle.checks.inputs import Inputs, check_inputs
from servicecircle.network.build import build_network
from servicecircle.network.network import Network
from servicecircle.network.place import Placements, Placer, StreetIndex
from servicecircle.travel.field import coordinates, search, with_facilities

Floats = np.ndarray
Way = tuple[str, float, Floats]
"""Name of a way to do it, its median seconds, and the metres it found."""


def read(study: Path) -> tuple[Network, Placer, Placements, Floats]:
    """Return a study's streets, their index, the places of its facilities, and where its people live."""
    inputs: Inputs = check_inputs(sc.Study.from_file(study))
    network = build_network(inputs.streets, crs=inputs.crs)
    placer = Placer.of(network)
    places = placer.place(coordinates(inputs.facilities, network), snap_m=300.0)
    return network, placer, places, inputs.people.rows[["x_m", "y_m"]].to_numpy()


def timed(repeats: int, job: Callable[[], Floats]) -> tuple[float, Floats]:
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        found = job()
        seconds.append(time.perf_counter() - begun)
    return median(seconds), found


def fields(network: Network, facilities: Placements, repeats: int) -> Iterator[Way]:
    """
    Search from all facilities at once.

    Ours builds its matrix within the time; the peers are given the same graph ready made.
    """
    import networkx as nx

    count = len(network.node_ref)
    starts = count + np.flatnonzero(facilities.placed)
    graph = with_facilities(network.towards(), network, facilities)
    yield "ours", *timed(repeats, lambda: search(network, facilities)[0])
    peer = nx.from_scipy_sparse_array(graph, create_using=nx.DiGraph)

    def by_networkx() -> Floats:
        found = nx.multi_source_dijkstra_path_length(peer, set(starts.tolist()))
        return np.array([found.get(node, np.inf) for node in range(count)])

    yield "networkx", *timed(repeats, by_networkx)
    if find_spec("igraph"):
        yield "igraph", *timed(repeats, _by_igraph(graph, starts, count))
    if find_spec("pandana"):
        yield "pandana", *timed(repeats, _by_pandana(network, facilities))


def _by_igraph(graph: object, starts: np.ndarray, count: int) -> Callable[[], Floats]:
    """One more node, from which every facility is no way at all, makes one search of many."""
    import igraph

    links = graph.tocoo()
    first = graph.shape[0]
    tails = np.concatenate([links.row, np.full(len(starts), first)])
    peer = igraph.Graph(first + 1, np.column_stack([tails, np.append(links.col, starts)]), directed=True)
    metres = np.append(links.data, np.zeros(len(starts)))
    return lambda: np.array(peer.distances([first], weights=metres)[0])[:count]


def _by_pandana(network: Network, facilities: Placements) -> Callable[[], Floats]:
    """Pandana knows facilities at junctions only: its metres are not ours."""
    import pandana
    import pandas as pd

    ends = pd.Series(network.u), pd.Series(network.v)
    peer = pandana.Network(
        *(pd.Series(x) for x in network.node_xy.T), *ends, pd.DataFrame({"m": network.length_m})
    )
    at = network.node_xy[network.u[facilities.segment[facilities.placed, 0]]]
    peer.set_pois("facilities", 20_000, 1, *(pd.Series(x) for x in at.T))
    return peer.nearest_pois(20_000, "facilities", num_pois=1)[1].to_numpy


def snaps(network: Network, xy: Floats, repeats: int) -> Iterator[Way]:
    """Find the nearest street of every demand point, index included."""

    def ours() -> Floats:
        return StreetIndex.of(network).nearest(xy)[2]

    def by_tree() -> Floats:
        lines, points = network.lines(), shapely.points(xy)
        (_, line), distance = shapely.STRtree(lines).query_nearest(
            points, return_distance=True, all_matches=False
        )
        shapely.line_locate_point(lines[line], points)
        return distance

    yield "ours", *timed(repeats, ours)
    yield "STRtree", *timed(repeats, by_tree)


def main() -> None:
    parser = argparse.ArgumentParser(description="The travel field and the placing of people, by themselves.")
    parser.add_argument("--study", type=Path, default=STUDY)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    network, _, facilities, xy = read(chosen.study)
    print(network, f"{len(xy)} demand points, {facilities.placed.sum()} facilities", sep="\n")
    tables = {
        "travel field": fields(network, facilities, chosen.repeats),
        "placing": snaps(network, xy, chosen.repeats),
    }
    for title, ways in tables.items():
        ours_s = None
        for name, seconds, _ in ways:
            ours_s = ours_s or seconds
            print(f"{title:14}{name:10}{seconds * 1000:10.1f} ms{seconds / ours_s:8.1f} x")


if __name__ == "__main__":
    main()
