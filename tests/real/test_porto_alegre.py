"""A whole real city against a slow, independent implementation of the definitions."""

from math import fsum
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import servicecircle as sc
from properties.networks import metres_by_networkx
from servicecircle import travel_field

pytestmark = pytest.mark.shared


STUDY = Path(__file__).resolve().parents[3] / "shared" / "data" / "studies" / "porto_alegre" / "study.toml"


@pytest.fixture(scope="module")
def study():
    return sc.Study.from_file(STUDY)


@pytest.fixture(scope="module")
def result(study):
    """Return the run without barriers, which the independent implementation does not know."""
    return sc.run(study.model_copy(update={"rules": study.rules.model_copy(update={"barriers": False})}))


@pytest.fixture(scope="module")
def expected(study):
    return pd.read_csv(study.path.parent / "expected.csv", dtype={"code": str}).set_index("code")


def test_every_village_agrees(result, expected):
    villages = result.zones[result.zones["level"].eq("village")].set_index("code")
    assert len(villages) == 1227
    assert sorted(villages.index) == sorted(expected.index)
    found = pd.DataFrame({
        "people": villages["people"], "people_within": villages["people_within"],
        "people_doubtful": villages["people_doubtful"],
        "straight": (villages["share_straight"] * villages["people_judged"]).fillna(0.0),
    })  # fmt: skip
    pd.testing.assert_frame_equal(found.sort_index(), expected.sort_index(), rtol=0, atol=1e-6)


def test_the_railway_at_the_harbour_is_all_that_barriers_change(study, expected):
    """Porto Alegre's extract holds 8.8 km of barriers: the metro's fenced tracks along the harbour."""
    result = sc.run(study)
    villages = result.zones[result.zones["level"].eq("village")].set_index("code").loc[expected.index]
    fewer = (expected["people_within"] - villages["people_within"]).round(6)
    assert fewer[fewer != 0].to_dict() == pytest.approx(
        {"410902019019": -1 / 9, "410902019023": 18.270270, "410902020042": -0.447368}, abs=1e-6
    )
    doubted = (villages["people_doubtful"] - expected["people_doubtful"]).round(6)
    assert (doubted != 0).sum() == 8
    assert fsum(doubted) == pytest.approx(94.715731, abs=1e-5)
    touched = {f.code: f.people_touched for f in result.findings if f.code.startswith("barriers.")}
    assert touched == pytest.approx(
        {"barriers.read": None, "barriers.turned": 31.084276, "barriers.cut_off": 97.436643}, abs=1e-5
    )
    assert fsum(villages["people_within"]) / fsum(villages["people"]) == pytest.approx(0.808621, abs=5e-7)
    pd.testing.assert_series_equal(villages["people"], expected["people"], check_names=False)
    straight = (villages["share_straight"] * villages["people_judged"]).fillna(0.0)
    pd.testing.assert_series_equal(straight, expected["straight"], check_names=False, atol=1e-6)


def test_the_whole_agrees(result):
    villages = result.zones[result.zones["level"].eq("village")]
    people = fsum(villages["people"])
    assert people == pytest.approx(812_935, abs=1e-6)
    assert fsum(villages["people_within"]) / people == pytest.approx(0.808642, abs=5e-7)
    assert fsum(villages["people_doubtful"]) / people == pytest.approx(0.014093, abs=5e-7)
    straight = (villages["share_straight"] * villages["people_judged"]).dropna()
    assert fsum(straight) / people == pytest.approx(0.944568, abs=5e-7)
    assert fsum(result.segments["length_m"]) / 1000 == pytest.approx(1839.240, abs=5e-4)


def test_each_of_500_people_walks_what_networkx_finds(study):
    network = sc.read_streets(study.locate("streets.osm.pbf"), crs="EPSG:32722")
    doors = pd.read_csv(study.locate("facilities.csv"))
    doors = gpd.GeoSeries.from_xy(doors["lon"], doors["lat"], crs=4326).to_crs(network.crs)
    # about 150 m from some junction, so that a few are off the streets
    chance = np.random.default_rng(2026)
    homes = network.node_xy[chance.integers(len(network.node_xy), size=500)] + chance.normal(0, 150, (500, 2))
    expected = metres_by_networkx(network, homes.tolist(), list(zip(doors.x, doors.y, strict=True)), 300.0)
    field = travel_field(network, gpd.GeoDataFrame(geometry=doors), snap_m=300.0)
    layer = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*homes.T), crs=network.crs)
    found = field.to_points(layer, snap_m=300.0)["metres"]
    assert list(found) == pytest.approx(expected, abs=0.01)
    assert 0 < np.isinf(found).sum() < 100
