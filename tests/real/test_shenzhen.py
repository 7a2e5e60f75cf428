"""A real OSMnx graph: read, searched, and handed back."""

from collections import Counter
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx
import pytest
import shapely
from pyproj import Transformer

import servicecircle as sc
from properties.networks import metres_by_networkx
from servicecircle import Network, travel_field

pytestmark = pytest.mark.shared

GRAPHML = Path(__file__).resolve().parents[3] / "shared" / "data" / "shenzhen" / "G.graphml"


@pytest.fixture(scope="module")
def network():
    return sc.read_streets(GRAPHML)


@pytest.fixture(scope="module")
def graph():
    return osmnx.load_graphml(GRAPHML)


def streets_walked(graph):
    """Return each street of the graph that people walk on once: its ends, and its course in metres."""
    to_metres = Transformer.from_crs("EPSG:4326", "EPSG:4547", always_xy=True)
    xy = {node: (data["x"], data["y"]) for node, data in graph.nodes(data=True)}
    found = {}
    for u, v, data in graph.edges(data=True):
        # in this graph: no `foot` and no other refused `highway`
        if data.get("access") in {"no", "private"} or str(data["highway"]).startswith("motorway"):
            continue
        course = list(data["geometry"].coords) if "geometry" in data else [xy[u], xy[v]]
        key = (*sorted((u, v)), tuple(min(course, course[::-1])))
        found[key] = shapely.LineString([to_metres.transform(*point) for point in course])
    return [(u, v, line) for (u, v, _), line in found.items()]


def test_each_street_is_read_once_and_measured_in_the_crs_of_its_place(network, graph):
    streets = streets_walked(graph)
    pieces = nx.Graph((u, v) for u, v, _ in streets)
    assert network.crs.to_epsg() == 4547  # 114 degrees east
    assert len(network.u) == len(streets)
    assert set(network.node_ref.tolist()) == set(pieces.nodes)
    assert len(network.piece_m) == nx.number_connected_components(pieces)
    assert sorted(network.length_m) == pytest.approx(sorted(line.length for *_, line in streets), abs=1e-6)


def test_each_of_500_people_walks_what_networkx_finds(network):
    chance = np.random.default_rng(518_000)
    low, high = network.node_xy.min(axis=0), network.node_xy.max(axis=0)
    homes, doors = (chance.uniform(low, high, (number, 2)) for number in (500, 12))
    expected = metres_by_networkx(network, homes.tolist(), doors.tolist(), 300.0)
    layers = [gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T), crs=network.crs) for xy in (homes, doors)]
    found = travel_field(network, layers[1], snap_m=300.0).to_points(layers[0], snap_m=300.0)
    assert list(found["metres"]) == pytest.approx(expected, abs=0.01)
    assert np.isfinite(found["metres"]).sum() > 300


def test_an_osmnx_graph_goes_in_and_comes_out(network, graph):
    ours = Network.from_graph(graph)
    again = ours.to_graph()
    for node, data in again.nodes(data=True):
        assert (data["x"], data["y"]) == pytest.approx(
            (graph.nodes[node]["x"], graph.nodes[node]["y"]), abs=1e-8
        )
    # walkers go both ways, also where the graph, made for cars, has one
    both = Counter(ends for u, v, _ in streets_walked(graph) for ends in ((u, v), (v, u)))
    assert Counter(again.edges()) == both
    # the imported `length` is kept, not used: it was measured on the globe
    given = {round(data["length"], 6) for *_, data in graph.edges(data=True)}
    assert {round(data["length"], 6) for *_, data in again.edges(data=True)} <= given
    back = Network.from_graph(again)
    assert sorted(ours.length_m) == pytest.approx(sorted(network.length_m), abs=1e-6)
    assert sorted(back.length_m) == pytest.approx(sorted(ours.length_m), abs=2e-3)
    assert sorted(back.way_id) == sorted(ours.way_id)
    assert Counter(back.name) == Counter(ours.name)
