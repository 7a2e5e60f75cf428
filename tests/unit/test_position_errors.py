"""A facility that is placed by its village's name only widens the shares; it never decides them."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
from shapely import Point

from servicecircle import Network
from servicecircle.assess.walks import walk_people
from servicecircle.network.place import Placer
from servicecircle.study import Circle, Rules

CRS = "EPSG:4547"
CIRCLE = Circle(
    id="1km", name="", applies="rural", limit=1000, limit_unit="m", limit_m=1000.0, kinds=("any_rural",)
)


@pytest.fixture
def placer():
    graph = nx.MultiDiGraph(crs=CRS)  # one straight street of 5 km
    graph.add_node(1, x=500_000.0, y=3_950_000.0)
    graph.add_node(2, x=505_000.0, y=3_950_000.0)
    graph.add_edge(1, 2, highway="residential")
    return Placer.of(Network.from_graph(graph, crs=CRS))


def walk(placer, *, error_m, measure="network"):
    facilities = gpd.GeoDataFrame(
        {"facility_id": ["F"], "position_error_m": [error_m]},
        geometry=[Point(501_000.0, 3_950_000.0)],
        crs=CRS,
    )
    # 500, 900, 1,200 and 1,500 m along the street from the facility's point
    xy = np.column_stack([501_000.0 + np.array([500, 900, 1_200, 1_500]), np.full(4, 3_950_000.0)])
    return walk_people(
        placer, facilities, xy, placer.place(xy, snap_m=300.0), rows=np.arange(4), circle=CIRCLE,
        rules=Rules(measure=measure),
    )  # fmt: skip


def test_without_an_error_nothing_is_doubted(placer):
    found = walk(placer, error_m=0.0)
    assert found.within.tolist() == found.by_streets.tolist() == [True, True, False, False]
    assert found.reason.tolist() == ["", "", "too_far", "too_far"]


def test_an_error_takes_from_the_sure_and_adds_to_the_possible(placer):
    found = walk(placer, error_m=300.0)
    assert found.within.tolist() == [True, True, False, False]
    assert found.by_streets.tolist() == [True, False, False, False]  # 500 + 300 is sure, 900 + 300 is not
    assert found.reason.tolist() == [
        "",
        "",
        "position_unsure",
        "too_far",
    ]  # 1,200 - 300 may be, 1,500 - 300 not
    assert found.doubtful.tolist() == [False, False, True, False]


def test_on_the_limit_is_within_it_with_the_error_too(placer):
    found = walk(placer, error_m=100.0)
    assert found.by_streets.tolist() == [True, True, False, False]  # 900 + 100 is 1,000
    assert walk(placer, error_m=200.0).reason.tolist()[2] == "position_unsure"  # 1,200 - 200 is 1,000
