"""The GeoPackage: every layer there, no infinity in it, the same bytes every time."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from shapely import Point

from servicecircle.errors import OutputError
from servicecircle.outputs.geopackage import write_geopackage
from unit.made_results_small import small_results

LAYERS = {"zones", "facilities", "circles", "reach", "segments", "people", "gaps"}


@pytest.fixture
def package(tmp_path):
    assert write_geopackage(small_results(), tmp_path / "coverage.gpkg") == [tmp_path / "coverage.gpkg"]
    return tmp_path / "coverage.gpkg"


def test_every_layer_is_there_in_the_study_crs(package):
    layers = dict(pyogrio.list_layers(package))
    assert layers == {
        "zones": "MultiPolygon", "facilities": "Point", "circles": "MultiPolygon", "reach": "MultiPolygon",
        "segments": "LineString", "people": "Point", "gaps": "MultiPoint"}  # fmt: skip
    for name in LAYERS:
        assert gpd.read_file(package, layer=name).crs == "EPSG:4547"


def test_values_survive_and_infinity_is_null(package):
    people = gpd.read_file(package, layer="people")
    assert people["people"].tolist() == [10.5, 2.0, 1.0]
    assert people["seconds"].isna().tolist() == [False, True, True]
    assert people["reason"].tolist() == ["", "island", "outside_zones"]
    zones = gpd.read_file(package, layer="zones")
    assert zones["code"].tolist() == ["410922101201", "410922101001"]
    assert zones.loc[0, "share_low"] == 1 / 3
    assert np.isnan(zones.loc[0, "p90_seconds"])
    assert zones.loc[1, "name"] == "东关社区"
    assert not np.isinf(gpd.read_file(package, layer="segments").select_dtypes("number")).any(axis=None)


def test_within_is_never_null(package):
    people = pyogrio.read_dataframe(package, layer="people")
    assert people["within"].dtype == bool
    assert people["within"].tolist() == [True, False, False]


def test_a_facility_without_a_place_is_kept(package):
    facilities = gpd.read_file(package, layer="facilities")
    assert facilities["facility_id"].tolist() == ["f1", "f2"]
    assert facilities.geometry.isna().tolist() == [False, True]


def test_empty_layers_exist_with_their_columns(tmp_path):
    full = small_results()
    empty = replace(full, **{name: getattr(full, name).iloc[:0] for name in LAYERS})
    write_geopackage(empty, tmp_path / "coverage.gpkg")
    assert set(pyogrio.list_layers(tmp_path / "coverage.gpkg")[:, 0]) == LAYERS
    gaps = gpd.read_file(tmp_path / "coverage.gpkg", layer="gaps")
    assert len(gaps) == 0
    assert list(gaps.columns) == list(full.gaps.columns)


def test_village_points_beside_polygons(tmp_path):
    full = small_results()
    zones = full.zones.set_geometry([full.zones.geometry[0], Point(3, 4)], crs=full.crs)
    write_geopackage(replace(full, zones=zones), tmp_path / "coverage.gpkg")
    assert gpd.read_file(tmp_path / "coverage.gpkg", layer="zones").geom_type.tolist() == [
        "MultiPolygon",
        "Point",
    ]


def test_long_layers_become_geoparquet(tmp_path):
    written = write_geopackage(small_results(), tmp_path / "coverage.gpkg", rows_limit=2)
    assert [p.name for p in written] == ["coverage.gpkg", "people.parquet"]
    assert set(pyogrio.list_layers(written[0])[:, 0]) == LAYERS - {"people"}
    people = gpd.read_parquet(written[1])
    assert people["seconds"].isna().tolist() == [False, True, True]
    assert people["within"].tolist() == [True, False, False]
    assert people.crs == "EPSG:4547"


def test_the_same_results_give_the_same_bytes(tmp_path):
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    for name in "ab":
        (tmp_path / name).mkdir()
        write_geopackage(small_results(), tmp_path / name / "coverage.gpkg", rows_limit=2)
    for name in ("coverage.gpkg", "people.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") == before


def test_the_frames_are_left_as_they_were(tmp_path):
    results = small_results()
    write_geopackage(results, tmp_path / "coverage.gpkg")
    pd.testing.assert_frame_equal(results.people, small_results().people)
    pd.testing.assert_frame_equal(results.zones, small_results().zones)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OutputError) as caught:
        write_geopackage(small_results(), tmp_path / "missing" / "coverage.gpkg")
    assert "coverage.gpkg" in caught.value.text("zh")
