"""The benches run, on a few blocks, and agree with their peers where both measure the same."""

from __future__ import annotations

import numpy as np
import pytest

from bench import datum_trials, parts
from bench.piece import cut
from bench.porto_alegre import NAMES, compare

pytestmark = pytest.mark.shared

BLOCKS = (-51.22, -30.06, -51.205, -30.045)


@pytest.fixture(scope="module")
def whole(shared):
    return shared / "data/studies/porto_alegre/study.toml"


def test_both_ways_do_the_same_job(whole):
    found = compare(whole, repeats=1, box=BLOCKS)
    ours, usual = (found[name][0] for name in NAMES)
    assert ours["people"] == pytest.approx(usual["people"], rel=1e-9)
    assert ours["straight"] == pytest.approx(usual["straight"], abs=1e-9)
    assert (
        0.5 < usual["within"] / ours["within"] <= 1.0
    )  # junctions are farther than the streets' nearest point
    assert all(run["seconds"] > 0 and run["peak_mb"] > 50 for run in (ours, usual))


def test_the_parts_find_what_their_peers_find(whole, tmp_path):
    network, _, facilities, xy = parts.read(cut(whole, tmp_path, BLOCKS))
    for ways in (parts.fields(network, facilities, 1), parts.snaps(network, xy, 1)):
        metres = {name: found for name, _, found in ways if name != "pandana"}  # which knows junctions only
        assert len(metres) > 1
        for name in metres:
            np.testing.assert_allclose(metres[name], metres["ours"], rtol=0, atol=1e-6, err_msg=name)


def test_the_trials_of_the_datum_detective_run():
    layout = datum_trials.Layout.of("sample")
    for table, case in (("single", "bd09"), ("swapped", "gcj02"), ("projected", "EPSG:4526 y,x")):
        assert datum_trials.trials(layout, "names", table, case, count=2, seed=7)["named"] == 2
    told = datum_trials.trials(layout, "names", "mixed", "bd09+wgs84", count=2, seed=7)
    assert told["WRONG"] == 0
    assert told["rows wrong"] <= told["rows sure"] / 100
