"""Zones as they come from offices: codes, shapes, overlaps, levels."""

import geopandas as gpd
import pandas as pd
import pytest
from pyproj import CRS
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from servicecircle.checks.codes import parent_code, read_code
from servicecircle.checks.zones import COLUMNS, check_zones
from servicecircle.errors import InputError
from servicecircle.findings import Findings
from servicecircle.study import Study

METRES = CRS("EPSG:4547")
X, Y = 500_000, 3_950_000
A, B, C = "410902001001", "410902001002", "410902002201"


def square(column, row, side=100):
    return box(X + column * 100, Y + row * 100, X + column * 100 + side, Y + row * 100 + side)


def layer(path, codes, shapes, crs="EPSG:4547", **columns):
    gpd.GeoDataFrame({"code": codes, **columns}, geometry=list(shapes), crs=crs).to_file(path)


def check(folder, *entries):
    """Check [[zones]] entries (level, file name, further lines)."""
    lines = ['streets.source = "s.osm.pbf"', '[[facilities]]\nsource = "f.csv"', '[people]\nsource = "p.csv"']
    lines += [f'[[zones]]\nlevel = "{level}"\nsource = "{name}"\n{more}' for level, name, more in entries]
    study = folder / "study.toml"
    study.write_text("\n".join(lines), "utf-8")
    findings = Findings()
    zones = check_zones(Study.from_file(study), crs=METRES, findings=findings)
    assert all(len(findings.to_frame(language)) == len(findings) for language in ("zh", "en"))
    return zones.set_index("code", drop=False), findings


def villages(folder, codes, shapes, crs="EPSG:4547", **columns):
    layer(folder / "v.gpkg", codes, shapes, crs, **columns)
    return check(folder, ("village", "v.gpkg", ""))


@pytest.mark.parametrize(
    ("cell", "level", "text", "class_code", "flaw"),
    [
        ("410902001001", "village", "410902001001", "", ""),
        (410902001001, "village", "410902001001", "", ""),
        (410902001001.0, "village", "410902001001", "", ""),
        ("410902001001.0", "village", "410902001001", "", ""),
        (" 410902 001-001'", "village", "410902001001", "", ""),
        ("４１０９０２００１００１", "village", "410902001001", "", ""),
        ("410902001", "township", "410902001000", "", ""),
        ("410902", "county", "410902000000", "", ""),
        ("4109", "prefecture", "410900000000", "", ""),
        ("410902001", "", "410902001000", "", ""),
        ("410902001", "village", "410902001", "", "foreign"),
        ("410902001001220", "village", "410902001001", "220", ""),
        ("41090200100100111", "village", "410902001001", "111", ""),
        ("41090200100100000", "village", "410902001001", "", ""),
        (4.1090200100100111e16, "village", "410902001001", "", ""),
        ("4.1E+11", "village", "4.1E+11", "", "destroyed"),
        ("4.10902E+11", "village", "4.10902E+11", "", "destroyed"),
        ("4.10902001001E+11", "village", "410902001001", "", ""),
        ("410902001000", "village", "410902001000", "", "upper"),
        ("89a901e41b7ffff", "village", "89a901e41b7ffff", "", "foreign"),
        ("村1", "village", "村1", "", "foreign"),
        (None, "village", "", "", "missing"),
        (float("nan"), "village", "", "", "missing"),
    ],
)
def test_codes_are_read_from_what_spreadsheets_make_of_them(cell, level, text, class_code, flaw):
    code = read_code(cell, level=level)
    assert (code.text, code.class_code, code.flaw) == (text, class_code, flaw)


def test_parents_come_from_the_digits_and_counties_under_the_province_have_no_prefecture():
    assert [parent_code(A, level) for level in ("township", "county", "prefecture")] == [
        "410902001000", "410902000000", "410900000000",
    ]  # fmt: skip
    assert parent_code("419001001001", "prefecture") == ""
    assert parent_code("村1", "township") == ""


def test_upper_levels_are_built_from_the_codes_with_the_joined_shapes(tmp_path):
    zones, findings = villages(
        tmp_path, [C, B, A], [square(2, 0), square(1, 0), square(0, 0)], name=["丙村", "", None]
    )
    assert tuple(zones.columns) == COLUMNS
    assert list(zones["code"]) == ["410900000000", "410902000000", "410902001000", "410902002000", A, B, C]
    assert list(zones["name"][[A, C]]) == [A, "丙村"]
    assert zones.loc["410902001000", "geometry"].equals(box(X, Y, X + 200, Y + 100))
    assert zones.loc["410900000000", "geometry"].equals(box(X, Y, X + 300, Y + 100))
    assert list(zones["parent_code"]) == [
        "", "410900000000", "410902000000", "410902000000", "410902001000", "410902001000", "410902002000",
    ]  # fmt: skip
    assert list(zones["unit"]) == [False] * 4 + [True] * 3
    assert zones.crs == METRES
    assert not len(findings)


def test_given_upper_levels_lend_their_names_and_shapes_and_a_missing_one_is_built(tmp_path):
    layer(tmp_path / "v.gpkg", [A, C], [square(0, 0), square(2, 0)])
    layer(
        tmp_path / "t.gpkg",
        ["410902001", "410902003"],
        [square(0, 0, 200), square(5, 5)],
        name=["东街道", "空乡"],
    )
    zones, findings = check(tmp_path, ("village", "v.gpkg", ""), ("township", "t.gpkg", ""))
    assert zones.loc["410902001000", "name"] == "东街道"
    assert zones.loc["410902001000", "geometry"].area == pytest.approx(40_000)
    assert zones.loc["410902002000", "name"] == "410902002000"
    assert {(f.code, f.subject) for f in findings} == {
        ("zones.parent_built", "410902002000"),
        ("zones.childless", "410902003000"),
    }


def test_an_upper_level_may_be_a_table_of_names(tmp_path):
    layer(tmp_path / "v.gpkg", [A], [square(0, 0)])
    (tmp_path / "t.csv").write_text("区划代码,名称\n410902001,东街道\n", "utf-8")
    zones, _ = check(tmp_path, ("village", "v.gpkg", ""), ("township", "t.csv", ""))
    assert zones.loc["410902001000", "name"] == "东街道"
    assert zones.loc["410902001000", "geometry"].equals(square(0, 0))


def test_upper_levels_are_named_as_the_villages_table_names_them(tmp_path):
    rows = [
        "代码,县区,乡镇名称,村,经度,纬度", f"{A},华龙区,中原路街道,东社区,115,35", f"{B},,,西社区,115.01,35",
        f"{C},华龙区,胜利路街道,丙村,115.02,35", f"{C[:-1]}2,华龙区,孟轲乡,丁村,115.03,35",
    ]  # fmt: skip
    (tmp_path / "v.csv").write_text("\n".join(rows), "utf-8")
    zones, _ = check(tmp_path, ("village", "v.csv", ""))
    assert list(zones["name"]) == [
        "410900000000", "华龙区", "中原路街道", "410902002000", "东社区", "西社区", "丙村", "丁村"
    ]  # fmt: skip


def test_villages_may_be_points_of_a_table(tmp_path):
    (tmp_path / "v.csv").write_text(
        f"区划代码,名称,经度,纬度,城乡分类代码,服务圈,考核单位\n{A},甲,115.0,35.7,111,一公里,示范区\n{B},乙,,,,,\n{C},丙,35.7,115.0,,,\n",
        "utf-8",
    )
    zones, findings = check(tmp_path, ("village", "v.csv", ""))
    unit = zones.loc[A]
    assert (unit["class_code"], unit["circle_given"], unit["report_unit"]) == ("111", "一公里", "示范区")
    assert unit["geometry"].geom_type == "Point"
    lon_lat = zones.loc[[A]].to_crs(4326).geometry.iloc[0]
    assert (lon_lat.x, lon_lat.y) == pytest.approx((115.0, 35.7), abs=1e-6)
    assert zones.loc["410902001000", "geometry"] is None
    assert [(f.code, f.subject, f.row) for f in findings] == [
        ("zones.no_shape", B, 3),
        ("zones.no_shape", C, 4),
    ]


def test_shapes_in_another_crs_come_into_the_studys_even_from_web_mercator(tmp_path):
    shapes = gpd.GeoSeries([square(0, 0)], crs=4547).to_crs(3857)
    zones, _ = villages(tmp_path, [A], shapes, crs="EPSG:3857")
    assert zones.loc[A, "geometry"].area == pytest.approx(10_000, abs=0.1)


def test_of_overlapping_zones_the_lowest_code_keeps_the_ground(tmp_path):
    zones, findings = villages(tmp_path, [B, A], [square(0.5, 0), square(0, 0)])
    assert zones.loc[A, "geometry"].equals(square(0, 0))
    assert zones.loc[B, "geometry"].equals(box(X + 100, Y, X + 150, Y + 100))
    (finding,) = findings
    assert (finding.code, finding.subject, finding.facts["other"]) == ("zones.overlap", B, A)
    assert finding.facts["area_m2"] == pytest.approx(5_000)


def test_a_sliver_goes_to_the_lowest_code_without_a_word(tmp_path):
    zones, findings = villages(tmp_path, [A, B], [square(0, 0), square(0.99995, 0)])
    assert zones.loc[B, "geometry"].bounds[0] == X + 100
    assert not len(findings)


@pytest.mark.parametrize(
    ("right", "area_m2"),
    [
        (box(X + 102, Y, X + 200, Y + 100), 200),  # a slit open at both ends
        (Polygon([(X + 100, Y), (X + 200, Y), (X + 200, Y + 100), (X + 103, Y + 100)]), 150),  # a wedge
        (box(X + 100, Y, X + 200, Y + 50), None),  # a corner is no slit
        (box(X + 108, Y, X + 200, Y + 100), None),  # what is this wide may be a river
        (box(X + 100, Y + 30, X + 200, Y + 130), None),
    ],
)
def test_a_slit_that_is_open_at_the_rim_is_listed_with_the_two_zones_beside_it(tmp_path, right, area_m2):
    _, findings = villages(tmp_path, [A, B], [square(0, 0), right])
    if area_m2 is None:
        assert not len(findings)
        return
    (slit,) = findings
    assert (slit.code, slit.facts["beside"]) == ("zones.sliver", f"{A}, {B}")
    assert slit.facts["area_m2"] == pytest.approx(area_m2, rel=0.05)


def test_a_zone_under_another_keeps_its_row_and_is_listed(tmp_path):
    zones, findings = villages(tmp_path, [A, B], [square(0, 0), square(0, 0)])
    assert zones.loc[B, "geometry"] is None
    assert findings.counts() == {"zones.covered": 1, "zones.overlap": 1}


def test_three_zones_on_one_ground_never_share_it(tmp_path):
    shapes = [square(0, 0), square(0.25, 0.25), square(0.5, 0)]
    zones, _ = villages(tmp_path, [A, B, C], shapes)
    units = zones[zones["unit"]].geometry
    assert units.area.sum() == pytest.approx(units.union_all().area)
    assert units.union_all().area == pytest.approx(gpd.GeoSeries(shapes).union_all().area)


def test_invalid_and_useless_shapes_are_mended_or_listed(tmp_path):
    bow_tie = Polygon([(X, Y), (X + 100, Y + 100), (X + 100, Y), (X, Y + 100)])
    zones, findings = villages(
        tmp_path, [A, B, C, "410902002202"], [bow_tie, LineString([(X, Y), (X + 1, Y)]), None, Polygon()]
    )
    assert list(zones.loc[zones["unit"], "code"]) == [A]
    assert zones.loc[A, "geometry"].area == pytest.approx(5_000)
    assert zones.loc[A, "geometry"].is_valid
    assert findings.counts() == {"zones.mended": 1, "zones.no_shape": 3}
    assert {f.row for f in findings if f.code == "zones.no_shape"} == {3, 4, 5}


def test_shapes_of_one_code_are_joined_and_points_of_one_code_keep_the_first(tmp_path):
    zones, findings = villages(
        tmp_path, [A, B, A], [square(0, 0), square(1, 0), square(2, 0)], name=["甲", "乙", "丙"]
    )
    assert isinstance(zones.loc[A, "geometry"], MultiPolygon)
    assert zones.loc[A, "geometry"].area == pytest.approx(20_000)
    assert zones.loc[A, "name"] == "甲"
    assert [(f.code, f.subject, f.row) for f in findings] == [("zones.joined", A, 4)]
    zones, findings = villages(tmp_path, [A, A], [Point(X, Y), Point(X + 9, Y)])
    assert zones.loc[A, "geometry"] == Point(X, Y)
    assert findings.counts() == {"zones.repeated": 1}


def test_flawed_codes_are_left_out_and_listed_with_their_row(tmp_path):
    codes = [A, "4.1E+11", None, "410902001000"]
    zones, findings = villages(tmp_path, codes, [square(i, 0) for i in range(4)])
    assert list(zones.loc[zones["unit"], "code"]) == [A]
    assert {(f.code, f.row) for f in findings} == {
        ("zones.code_destroyed", 3), ("zones.no_code", 4), ("zones.upper_code", 5),
    }  # fmt: skip


def test_foreign_codes_are_kept_without_parents(tmp_path):
    zones, findings = villages(tmp_path, ["89a901e41b7ffff", "村1"], [square(0, 0), square(1, 0)])
    assert set(zones["code"]) == {"89a901e41b7ffff", "村1"}
    assert set(zones["parent_code"]) == {""}
    assert findings.counts() == {"zones.foreign_codes": 1}


def test_virtual_and_withdrawn_units_are_doubted(tmp_path):
    _, findings = villages(
        tmp_path, ["410902001498", B], [square(0, 0), square(1, 0)], name=["虚拟社区", "乙村[已撤销]"]
    )
    assert {(f.code, f.subject) for f in findings} == {
        ("zones.virtual", "410902001498"),
        ("zones.withdrawn", B),
    }


def test_class_codes_behind_the_code_are_taken_apart(tmp_path):
    zones, _ = villages(tmp_path, [A + "111", C + "00220"], [square(0, 0), square(1, 0)])
    assert list(zones["class_code"][[A, C]]) == ["111", "220"]


@pytest.mark.parametrize(
    ("codes", "column", "shapes", "code"),
    [
        ([A], "whatever", [square(0, 0)], "zones.no_code_column"),
        (["4.1E+11", "4.1E+11"], "code", [square(0, 0), square(1, 0)], "zones.codes_destroyed"),
        ([A], "code", [None], "zones.none_usable"),
    ],
)
def test_zones_that_cannot_be_used_at_all_are_one_clear_error(tmp_path, codes, column, shapes, code):
    gpd.GeoDataFrame({column: codes}, geometry=shapes, crs=4547).to_file(tmp_path / "v.gpkg")
    with pytest.raises(InputError) as error:
        check(tmp_path, ("village", "v.gpkg", ""))
    assert error.value.code == code
    assert "v.gpkg" in str(error.value)


def test_units_without_any_place_are_an_error(tmp_path):
    (tmp_path / "v.csv").write_text(f"区划代码,名称\n{A},甲\n", "utf-8")
    with pytest.raises(InputError) as error:
        check(tmp_path, ("village", "v.csv", ""))
    assert error.value.code == "zones.no_shapes"


def test_a_missing_crs_is_an_error(tmp_path):
    gpd.GeoDataFrame({"code": [A]}, geometry=[square(0, 0)]).to_parquet(tmp_path / "v.parquet")
    with pytest.raises(InputError) as error:
        check(tmp_path, ("village", "v.parquet", ""))
    assert error.value.code == "tables.no_crs"


def test_the_order_of_rows_changes_nothing(tmp_path):
    shapes = [square(0, 0), square(0.5, 0), square(1, 0.5)]
    one, _ = villages(tmp_path, [A, B, C], shapes)
    two, _ = villages(tmp_path, [C, A, B], [shapes[2], shapes[0], shapes[1]])
    pd.testing.assert_frame_equal(
        pd.DataFrame(one.drop(columns="geometry")), pd.DataFrame(two.drop(columns="geometry"))
    )
    assert one.geometry.to_wkb().equals(two.geometry.to_wkb())


def test_columns_have_one_type_each_however_many_levels_are_given(tmp_path):
    layer(tmp_path / "v.gpkg", [A], [square(0, 0)])
    layer(tmp_path / "t.gpkg", ["410902001"], [square(0, 0, 200)], name=["东街道"])
    for entries in ([("village", "v.gpkg", "")], [("village", "v.gpkg", ""), ("township", "t.gpkg", "")]):
        zones, _ = check(tmp_path, *entries)
        assert zones["unit"].dtype == bool
        assert all(isinstance(value, str) for column in COLUMNS[:7] for value in zones[column])
