"""The travel field against NetworkX and the slow oracle, on random networks."""

import numpy as np
import pytest
from hypothesis import given, settings
from properties.networks import CRS, cases, metres_by_networkx, points

from servicecircle import Network, travel_field
from servicecircle.travel import oracle

few = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def walks(case):
    field = travel_field(case.network, points(case.facilities), snap_m=case.snap_m)
    return field.to_points(points(case.people), snap_m=case.snap_m)


@few
@given(case=cases())
def test_the_field_is_what_networkx_finds_on_split_edges(case):
    expected = metres_by_networkx(case.network, case.people, case.facilities, case.snap_m)
    assert list(walks(case)["metres"]) == pytest.approx(expected, abs=1e-6)


@few
@given(case=cases())
def test_the_field_is_what_the_shipped_oracle_finds(case):
    homes, doors = (
        [oracle.places_of(case.network, *spot, snap_m=case.snap_m) for spot in spots]
        for spots in (case.people, case.facilities)
    )
    expected = [min(oracle.metres_between(case.network, home, door) for door in doors) for home in homes]
    assert list(walks(case)["metres"]) == pytest.approx(expected, abs=1e-6)


@few
@given(case=cases())
def test_no_walk_is_shorter_than_the_straight_line_and_unreached_people_reach_nobody(case):
    found = walks(case)
    assert (found["metres"] >= found["straight_m"]).all()
    assert (np.isinf(found["metres"]) == found["facility_id"].isna()).all()


@few
@given(case=cases())
def test_a_cut_off_hides_what_lies_beyond_and_changes_nothing_else(case):
    whole = walks(case)["metres"].to_numpy()
    field = travel_field(case.network, points(case.facilities), snap_m=case.snap_m, cutoff_m=400.0)
    cut = field.to_points(points(case.people), snap_m=case.snap_m)["metres"].to_numpy()
    assert cut == pytest.approx(np.where(whole <= 400 + 1e-6, whole, np.inf), abs=1e-9)


@few
@given(case=cases())
def test_a_graph_goes_out_and_comes_back(case):
    network = case.network
    again = Network.from_graph(network.to_graph(), crs=CRS, islet_m=network.islet_m)
    # coordinates are handed out in degrees to a tenth of a millimetre
    assert sorted(again.length_m) == pytest.approx(sorted(network.length_m), abs=2e-3)
    assert sorted(again.piece_m) == pytest.approx(sorted(network.piece_m), abs=5e-3)
    one_way = network.forward != network.backward
    assert (again.forward != again.backward).sum() == one_way.sum()
    expected = metres_by_networkx(network, case.people, case.facilities, case.snap_m)
    found = metres_by_networkx(again, case.people, case.facilities, case.snap_m)
    assert found == pytest.approx(expected, abs=0.02)
