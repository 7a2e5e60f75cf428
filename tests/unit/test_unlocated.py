"""Facilities without coordinates: the zone that a row names, how far off that may be, and what is listed."""

import csv

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pyproj import CRS
from shapely.geometry import Point, box

from servicecircle.checks.evidence import Ground
from servicecircle.checks.facilities import check_facilities
from servicecircle.checks.named_zones import ZoneNames
from servicecircle.errors import InputError
from servicecircle.findings import Findings
from servicecircle.study import Study

METRIC = CRS("EPSG:4547")
X, Y = 500_000.0, 3_900_000.0
VILLAGES = {
    "410902001001": "红旗社区居民委员会",
    "410902001002": "东关社区",
    "410902100201": "西辛庄村",
    "410902100202": "王庄村村民委员会",
    "410902100203": "小王庄村",
    "410902200201": "王庄村",
    "410902200202": "阳光村",
    "410902200203": "李村",
}
TOWNSHIPS = {"410902001000": "胜利街道办事处", "410902100000": "庆祖镇", "410902200000": "白塔乡"}


def zones(*, points=False):
    """Villages of 1 x 2 km in a row, in townships that are their sums."""
    shapes = {code: box(X + 1000 * i, Y, X + 1000 * (i + 1), Y + 2000) for i, code in enumerate(VILLAGES)}
    rows = [(code, name, "township", "410902000000", False, None) for code, name in TOWNSHIPS.items()]
    rows = [
        (*row[:5], gpd.GeoSeries([s for c, s in shapes.items() if c[:9] == row[0][:9]]).union_all())
        for row in rows
    ]
    rows += [
        (code, name, "village", code[:9] + "000", True, shapes[code].centroid if points else shapes[code])
        for code, name in VILLAGES.items()
    ]
    columns = ["code", "name", "level", "parent_code", "unit", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=METRIC)


@pytest.fixture(scope="module")
def names():
    table = zones()
    known = ZoneNames.of(table)

    def find(unit="", address="", name=""):
        return [table["code"].iloc[i] for i in known.find(unit, address, name)]

    return find


def test_a_township_known_by_name_only_tells_its_villages_apart():
    table = zones(points=True)
    table.loc[table["level"] == "township", "geometry"] = None
    known = ZoneNames.of(table)
    assert [table["code"].iloc[i] for i in known.find("", "白塔乡王庄村")] == ["410902200201"]
    assert known.find("", "白塔乡") == ()


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        ({"unit": "西辛庄村"}, "410902100201"),
        ({"unit": "西辛庄"}, "410902100201"),
        ({"unit": "西辛庄村委会"}, "410902100201"),
        ({"unit": "西辛庄行政村"}, "410902100201"),
        ({"unit": "庆祖镇西辛庄村民委员会"}, "410902100201"),
        ({"unit": " 红旗 社区（居委会）"}, "410902001001"),
        ({"unit": "红旗社区"}, "410902001001"),
        ({"unit": "410902100201"}, "410902100201"),
        ({"unit": "４１０９０２１００２０１"}, "410902100201"),
        ({"address": "河南省某县庆祖镇王庄村12号"}, "410902100202"),
        ({"address": "白塔乡王庄村委会院内"}, "410902200201"),
        ({"unit": "王庄村", "address": "白塔乡政府东200米"}, "410902200201"),
        ({"address": "庆祖镇小王庄村"}, "410902100203"),
        ({"name": "西辛庄农村幸福院"}, "410902100201"),
        ({"name": "庆祖镇西辛庄村幸福院"}, "410902100201"),
        ({"unit": "李村"}, "410902200203"),
        ({"unit": "庆祖镇"}, "410902100000"),
        ({"unit": "胜利街道"}, "410902001000"),
        ({"name": "庆祖镇敬老院"}, "410902100000"),
    ],
)
def test_a_zone_is_found_by_its_name(names, texts, code):
    assert names(**texts) == [code]


@pytest.mark.parametrize(
    "texts",
    [
        {"unit": "某某村"},
        {"unit": "大王庄村"},  # another village, of which the study knows nothing
        {"address": "红旗路12号"},
        {"address": "东关大街与阳光路交叉口"},
        {"name": "阳光养老院"},  # a brand
        {"name": "<script>西辛</script>", "unit": "=1+1"},
        {},
    ],
)
def test_what_names_no_zone_finds_none(names, texts):
    assert names(**texts) == []


def test_a_name_that_two_townships_have_finds_both(names):
    assert names(unit="王庄村") == ["410902100202", "410902200201"]


def check(folder, rows, *, head=("名称", "类型", "经度", "纬度", "所属村"), table=None):
    with (folder / "f.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([head, *rows])
    study = Study.model_validate({
        "streets": {"source": "s.osm.pbf"}, "people": {"source": "p.tif"},
        "zones": [{"level": "village", "source": "z.gpkg"}],
        "facilities": [{"source": "f.csv", "datum": "wgs84"}], "path": folder / "study.toml",
    })  # fmt: skip
    findings = Findings()
    starts = np.array([[X, Y + 1000], [X + 4000, Y + 1000]])
    around = zones() if table is None else table
    ground = Ground(METRIC, (113.9, 35.2, 114.2, 35.3), starts, starts + np.array([4000, 0]), around)
    frame = check_facilities(study, crs=METRIC, streets_box=ground.box, ground=ground, findings=findings)
    for language in ("zh", "en"):
        findings.to_frame(language)  # every sentence finds its facts
    return frame.sort_values("row", ignore_index=True), findings


def home(unit, lon="", lat="", name="某幸福院"):
    return [name, "农村幸福院", lon, lat, unit]


def test_rows_without_coordinates_are_placed_and_the_rest_is_listed(tmp_path):
    rows = [
        home("西辛庄村", "114.01", "35.23"),
        home("西辛庄村委会"),
        home("王庄村"),
        home("张庄村"),
        home(""),
        home("庆祖镇"),
    ]
    frame, findings = check(tmp_path, rows)
    assert frame["reason"].tolist() == ["", "", "no_coordinates", "no_coordinates", "no_coordinates", ""]
    village, township = frame.geometry.iloc[1], frame.geometry.iloc[5]
    assert (village.x, village.y) == pytest.approx((X + 2500, Y + 1000), abs=0.01)
    assert X + 2000 < township.x < X + 5000
    radius = np.hypot(1000, 2000) / 2
    assert frame["position_error_m"].tolist() == pytest.approx(
        [0, radius, np.nan, np.nan, np.nan, np.hypot(3000, 2000) / 2], nan_ok=True
    )
    assert frame[["lon", "lat"]].notna().all(axis=1).tolist() == [True, True, False, False, False, True]
    listed = {f.row: f.code for f in findings if f.row is not None}
    assert listed == {
        4: "unlocated.ambiguous", 5: "unlocated.unmatched", 6: "facilities.no_coordinates",
    }  # fmt: skip
    told = next(f for f in findings if f.code == "unlocated.placed").facts
    assert (told["count"], told["villages"], told["left"]) == (2, 1, 3)


def test_impossible_coordinates_are_not_replaced(tmp_path):
    frame, findings = check(tmp_path, [home("西辛庄村", "114.01", "35.23"), home("西辛庄村", "abc", "35.2")])
    assert frame["reason"].tolist() == ["", "bad_coordinates"]
    assert "unlocated.placed" not in findings.counts()


def test_a_village_known_as_a_point_reaches_half_way_to_the_next(tmp_path):
    frame, _ = check(tmp_path, [home("西辛庄村")], table=zones(points=True))
    assert frame.geometry.iloc[0].distance(Point(X + 2500, Y + 1000)) < 0.01
    assert frame["position_error_m"].tolist() == pytest.approx([500])


def test_a_table_of_units_alone_is_placed(tmp_path):
    frame, findings = check(
        tmp_path, [["某幸福院", "农村幸福院", "西辛庄村"]], head=("名称", "类型", "所属村")
    )
    assert frame["reason"].tolist() == [""]
    assert findings.counts()["unlocated.no_columns"] == 1


def test_a_table_of_names_alone_is_refused(tmp_path):
    with pytest.raises(InputError) as caught:
        check(tmp_path, [["西辛庄村幸福院", "农村幸福院"]], head=("名称", "类型"))
    assert caught.value.code == "facilities.no_position_columns"


def test_columns_of_village_township_and_county_are_read_together(tmp_path):
    head = ("名称", "类型", "县区", "所属乡镇", "所属村")
    rows = [
        ["甲", "农村幸福院", "某县", "白塔乡", "王庄村"],  # two townships have one of this name
        ["乙", "乡镇敬老院", "某县", "庆祖镇", ""],
        ["丙", "社区日间照料中心", "", "", "红旗社区"],
    ]
    frame, findings = check(tmp_path, rows, head=head)
    assert frame["zone_hint"].tolist() == ["王庄村|白塔乡|某县", "庆祖镇|某县", "红旗社区"]
    assert (frame["reason"] == "").all()
    assert "unlocated.ambiguous" not in findings.counts()
    east = frame.geometry.x.round(-2).tolist()  # village 410902200201 is the sixth, 庆祖镇 the third to fifth
    assert east == [X + 5500, X + 3500, X + 500]


def test_a_county_tells_villages_of_one_name_apart_and_takes_what_names_no_more(tmp_path):
    table = zones()
    shapes = {"410902000000": "甲县", "410903000000": "乙县"}
    upper = pd.DataFrame([
        {"code": code, "name": name, "level": "county", "parent_code": "", "unit": False, "geometry": None}
        for code, name in shapes.items()
    ])  # fmt: skip
    table.loc[table["code"].eq("410902200000"), "parent_code"] = "410903000000"
    table = gpd.GeoDataFrame(pd.concat([upper, table], ignore_index=True), geometry="geometry", crs=METRIC)
    head = ("名称", "类型", "县区", "所属村")
    rows = [["甲", "农村幸福院", "乙县", "王庄村"], ["乙", "老年大学", "甲县", ""]]
    frame, findings = check(tmp_path, rows, head=head, table=table)
    assert frame["lon"].notna().tolist() == [True, False]
    assert round(frame.geometry.x.iloc[0], -2) == X + 5500  # that of 白塔乡, which lies in 乙县
    assert [f.subject for f in findings if f.code == "unlocated.upper"] == ["乙"]
    known = ZoneNames.of(table)
    assert [table["name"].iloc[i] for i in known.find_upper("乙县民政局")] == ["乙县"]
