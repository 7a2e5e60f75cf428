"""The travel field against NetworkX and the slow oracle, on random networks."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given

from properties.networks import CRS, cases, examples, metres_by_networkx, points
from servicecircle import Network, travel_field
from servicecircle.travel import oracle


def walks(case, cutoff_m=None):
    field = travel_field(case.network, points(case.facilities), snap_m=case.snap_m, cutoff_m=cutoff_m)
    return field.to_points(points(case.people), snap_m=case.snap_m)


@examples(100)
@given(case=cases())
def test_the_field_is_what_networkx_finds_on_split_edges(case):
    expected = metres_by_networkx(case.network, case.people, case.facilities, case.snap_m)
    assert list(walks(case)["metres"]) == pytest.approx(expected, abs=1e-6)


@examples(50)
@given(case=cases())
def test_the_field_is_what_the_shipped_oracle_finds(case):
    homes, doors = (
        [oracle.places_of(case.network, *spot, snap_m=case.snap_m) for spot in spots]
        for spots in (case.people, case.facilities)
    )
    expected = [min(oracle.metres_between(case.network, home, door) for door in doors) for home in homes]
    assert list(walks(case)["metres"]) == pytest.approx(expected, abs=1e-6)


@examples(40)
@given(case=cases())
def test_walks_straight_lines_and_cut_offs(case):
    found, cut = walks(case), walks(case, cutoff_m=400.0)
    assert (found["metres"] >= found["straight_m"]).all()
    assert (np.isinf(found["metres"]) == found["facility_id"].isna()).all()
    near = found["metres"] <= 400 + 1e-6
    assert list(cut["metres"]) == pytest.approx(list(found["metres"].where(near, np.inf)), abs=1e-9)
    assert (np.isinf(cut["metres"]) == cut["facility_id"].isna()).all()


@examples(25)
@given(case=cases())
def test_a_graph_goes_out_and_comes_back(case):
    network = case.network
    again = Network.from_graph(network.to_graph(), crs=CRS, islet_m=network.islet_m)
    # coordinates are handed out in degrees to a tenth of a millimetre
    assert sorted(again.length_m) == pytest.approx(sorted(network.length_m), abs=2e-3)
    assert sorted(again.piece_m) == pytest.approx(sorted(network.piece_m), abs=5e-3)
    before, after = (
        dict(nx.all_pairs_dijkstra_path_length(junctions(n), weight="metres")) for n in (network, again)
    )
    assert before.keys() == after.keys()
    for junction in before:
        assert after[junction] == pytest.approx(before[junction], abs=0.02)


def junctions(network):
    """Return the network as a plain graph of its junctions."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(network.node_ref.tolist())
    ends = network.node_ref[np.column_stack([network.u, network.v])].tolist()
    for (u, v), metres, forward, backward in zip(
        ends, network.length_m, network.forward, network.backward, strict=True
    ):
        if forward:
            graph.add_edge(u, v, metres=metres)
        if backward:
            graph.add_edge(v, u, metres=metres)
    return graph
