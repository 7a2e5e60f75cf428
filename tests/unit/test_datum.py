"""Coordinates of Chinese web maps come back to where they were."""

import numpy as np
import pytest
from pyproj import Geod

from servicecircle.checks.datum import SHIFTED, bd09_from_wgs84, gcj02_from_wgs84, wgs84_from

GEOD = Geod(ellps="WGS84")
SEATS = np.array([[113.62, 34.75], [115.03, 35.76], [114.02, 33.58], [113.85, 34.04]])  # 郑州 濮阳 漯河 许昌


def metres_between(a, b):
    return np.asarray(GEOD.inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])[2])


def henan_points(count=1000):
    rng = np.random.default_rng(7)
    return np.column_stack([rng.uniform(110.4, 116.6, count), rng.uniform(31.4, 36.3, count)])


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_a_shift_is_undone_to_a_decimetre(datum):
    places = henan_points()
    back = wgs84_from(SHIFTED[datum](places), datum)
    assert metres_between(places, back).max() < 0.1


def test_published_pair_of_gcj02():
    shifted = gcj02_from_wgs84(np.array([[116.404, 39.915]]))
    assert shifted[0] == pytest.approx([116.41024449916938, 39.91640428150164], abs=1e-9)


def test_published_pair_of_bd09():
    # 116.404, 39.915 in GCJ-02 is this in BD-09
    place = wgs84_from(np.array([[116.41036949371029, 39.92133699351021]]), "bd09")
    assert gcj02_from_wgs84(place)[0] == pytest.approx([116.404, 39.915], abs=1e-7)


@pytest.mark.parametrize(
    ("shift", "least", "most"), [(gcj02_from_wgs84, 528, 595), (bd09_from_wgs84, 1219, 1317)]
)
def test_offset_in_henan_is_the_known_one(shift, least, most):
    offsets = metres_between(SEATS, shift(SEATS))
    assert offsets.min() >= least
    assert offsets.max() <= most


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_nothing_outside_china_moves(datum):
    abroad = np.array([[-51.2, -30.05], [2.35, 48.86], [151.2, -33.9], [24.94, 60.17]])
    assert (wgs84_from(abroad, datum) == abroad).all()
    assert (SHIFTED[datum](abroad) == abroad).all()


@pytest.mark.parametrize("datum", ["auto", "wgs84", "cgcs2000", "EPSG:4547"])
def test_other_datums_stay_as_they_are(datum):
    assert (wgs84_from(SEATS, datum) == SEATS).all()


def test_unknown_places_stay_unknown_and_leave_the_rest_alone():
    places = np.array([[np.nan, 35.0], [np.inf, 35.0], [115.0, 35.7]])
    back = wgs84_from(places, "gcj02")
    assert np.isnan(back[0, 0])
    assert np.isinf(back[1, 0])
    assert 400 < metres_between(places[2:], back[2:])[0] < 700
