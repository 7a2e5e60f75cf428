"""The sample study is what its README says, and is drawn the same each time."""

import importlib.util
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from conftest import ROOT
from servicecircle import sample_folder
from servicecircle.kinds import KINDS, recognise_kind, recognise_status
from servicecircle.study import REGISTERS

SAMPLE = ROOT / "data" / "sample"


@pytest.fixture(scope="module")
def villages():
    return gpd.read_file(SAMPLE / "villages.gpkg").to_crs("EPSG:4547")


@pytest.fixture(scope="module")
def facilities():
    return pd.read_excel(SAMPLE / "facilities.xlsx", dtype=str)


def test_it_is_found_in_the_source_tree():
    assert sample_folder() == SAMPLE


def test_it_stays_small():
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 6_000_000


def test_codes_are_valid_and_of_no_real_county(villages):
    assert villages["code"].is_unique
    assert villages["code"].str.fullmatch(r"419921\d{6}").all()
    committee = villages["code"].str[9:].astype(int)
    assert int((committee < 200).sum()) == 35
    assert int(committee.between(200, 399).sum()) == 140
    assert villages["name"].is_unique


def test_villages_share_their_borders(villages):
    assert shapely.coverage_is_valid(villages.to_crs("EPSG:4490").geometry.to_numpy())
    whole = shapely.union_all(villages.geometry.to_numpy())
    assert villages.area.sum() == pytest.approx(whole.area, abs=1.0)
    townships = gpd.read_file(SAMPLE / "townships.gpkg").to_crs("EPSG:4547")
    assert sorted(set(villages["code"].str[:9] + "000")) == sorted(townships["code"].str.ljust(12, "0"))
    assert townships.area.sum() == pytest.approx(whole.area, abs=1.0)


def test_people_are_about_a_quarter_million_and_a_fifth_of_them_old():
    sums = {}
    for name in ("population", "elderly60"):
        with rasterio.open(SAMPLE / f"{name}.tif") as raster:
            cells = raster.read(1, masked=True)
            sums[name] = float(cells.sum(dtype=float))
            assert float(cells.min()) >= 0
    assert sums["population"] == pytest.approx(249_500, rel=0.001)
    assert 0.15 < sums["elderly60"] / sums["population"] < 0.21


def test_every_written_type_and_status_is_recognised(facilities):
    assert 125 <= len(facilities) <= 140
    kinds = {recognise_kind(text)[0] for text in facilities["类型"]}
    assert len(kinds) >= 15
    assert kinds <= set(KINDS)
    assert None not in {recognise_status(text) for text in facilities["状态"]}


def test_facilities_lie_in_the_county_but_for_the_odd_ones(villages, facilities):
    lonlat = facilities[["经度", "纬度"]].astype(float)
    points = gpd.GeoSeries(gpd.points_from_xy(lonlat["经度"], lonlat["纬度"]), crs="EPSG:4326").to_crs(
        "EPSG:4547"
    )
    inside = points.within(shapely.union_all(villages.geometry.to_numpy()))
    assert facilities.loc[lonlat["经度"].isna(), "机构名称"].tolist() == ["待补坐标幸福院"]
    outside = facilities.loc[~inside & lonlat["经度"].notna(), "机构名称"].tolist()
    assert outside == ["邻县边界村幸福院"]


def test_it_is_drawn_the_same_again(villages, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(SAMPLE))
    spec = importlib.util.spec_from_file_location("generate", SAMPLE / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    try:
        generate.main(tmp_path)
    finally:
        drawers = (f"draw_{what}" for what in ("facilities", "land", "people", "registers", "streets"))
        for name in (*drawers, "names"):
            sys.modules.pop(name, None)
    again = gpd.read_file(tmp_path / "villages.gpkg").to_crs("EPSG:4547")
    assert again["code"].tolist() == villages["code"].tolist()
    assert np.allclose(again.area, villages.area, atol=1.0)
    for name in ("facilities.xlsx", "census.csv", *(f"{register}.xlsx" for register in REGISTERS)):
        assert (tmp_path / name).read_bytes() == (SAMPLE / name).read_bytes(), name
    with rasterio.open(tmp_path / "population.tif") as new, rasterio.open(SAMPLE / "population.tif") as old:
        assert np.allclose(new.read(1), old.read(1))
