"""Facility tables with everything that goes wrong in them."""

import csv
import itertools
import math

import geopandas as gpd
import numpy as np
import osmium
import pytest
from pyproj import CRS, Transformer
from shapely.geometry import Point, Polygon

from servicecircle.checks.datum import bd09_from_wgs84
from servicecircle.checks.facilities import COLUMNS, check_facilities
from servicecircle.errors import InputError
from servicecircle.findings import Findings
from servicecircle.study import Study

METRIC = CRS("EPSG:4547")
BOX = (114.9, 35.5, 115.2, 35.9)
HEADER = ["编号", "名称", "类型", "经度", "纬度", "运营状态", "床位数(张)", "入住率", "所属村社区"]


def row(
    number,
    *,
    name="庆祖幸福院",
    kind="农村幸福院",
    lon="115.02",
    lat="35.7",
    status="运营中",
    beds="30",
    share="85%",
):
    return [number, name, kind, lon, lat, status, beds, share, "西辛庄村"]


def write_rows(folder, rows, *, name="facilities.csv", header=HEADER, encoding="gb18030"):
    with (folder / name).open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream).writerows([["养老服务设施台账"], header, *rows])


def study_of(folder, *entries):
    return Study.model_validate({
        "streets": {"source": "s.osm.pbf"}, "people": {"source": "p.tif"},
        "zones": [{"level": "village", "source": "z.gpkg"}],
        "facilities": list(entries) or [{"source": "facilities.csv"}], "path": folder / "study.toml",
    })  # fmt: skip


def check(folder, *entries, box=BOX):
    findings = Findings()
    frame = check_facilities(study_of(folder, *entries), crs=METRIC, streets_box=box, findings=findings)
    for language in ("zh", "en"):
        findings.to_frame(language)  # every sentence finds its facts
    return frame, findings


def found(findings, code):
    return [f.row for f in findings if f.code == f"facilities.{code}"]


def error_of(folder, *entries):
    with pytest.raises(InputError) as caught:
        check(folder, *entries)
    assert caught.value.text("zh")
    return caught.value.code


def test_a_good_row_arrives_whole(tmp_path):
    write_rows(tmp_path, [row("A1", name='=cmd|"/c calc"!A1<b>')])
    frame, findings = check(tmp_path)
    assert list(frame.columns) == [*COLUMNS, "geometry"]
    one = frame.iloc[0]
    assert (one["facility_id"], one["kind"], one["status"], one["reason"]) == (
        "A1",
        "village_happiness_home",
        "operating",
        "",
    )
    assert one["name"] == '=cmd|"/c calc"!A1<b>'
    assert (one["beds"], one["occupancy"], one["zone_hint"], one["row"]) == (30, 0.85, "西辛庄村", 3)
    assert math.isnan(one["floor_area_m2"])
    assert frame.crs == METRIC
    back = Transformer.from_crs(METRIC, 4326, always_xy=True).transform(one.geometry.x, one.geometry.y)
    assert back == pytest.approx((115.02, 35.7), abs=1e-9)
    assert findings.counts() == {"facilities.datum_assumed": 1}


def test_bad_coordinates_are_findings_and_the_rest_goes_on(tmp_path):
    places = {
        "A1": ("115.02", "35.7"), "A2": ("", "35.7"), "A3": ("115.02", "inf"), "A4": ("庆祖", "35.7"),
        "A5": ("NaN", "35.7"), "A6": ("0", "0"), "A7": ("1150.2", "35.7"), "A8": ("500000", "3950000"),
    }  # fmt: skip
    rows = [row(own, lon=lon, lat=lat) for own, (lon, lat) in places.items()]
    write_rows(tmp_path, rows)
    frame, findings = check(tmp_path)
    assert frame.set_index("facility_id")["reason"].to_dict() == {
        "A1": "", "A2": "no_coordinates", "A3": "bad_coordinates", "A4": "bad_coordinates",
        "A5": "no_coordinates", "A6": "no_coordinates", "A7": "bad_coordinates", "A8": "bad_coordinates",
    }  # fmt: skip
    assert frame.geometry.notna().tolist() == [True] + [False] * 7
    assert frame["lon"].notna().tolist() == [True] + [False] * 7
    assert found(findings, "no_coordinates") == [4, 7, 8]
    assert found(findings, "bad_coordinates") == [5, 6, 9, 10]


def test_single_swapped_rows_are_put_right_and_said(tmp_path):
    write_rows(tmp_path, [row("A1"), row("A2", lon="35.71", lat="115.03"), row("A3")])
    frame, findings = check(tmp_path)
    assert frame[["lon", "lat"]].iloc[1].tolist() == [115.03, 35.71]
    assert found(findings, "swapped") == [4]


def test_a_swapped_table_is_said_once(tmp_path):
    write_rows(tmp_path, [row(f"A{i}", lon="35.7", lat=f"115.0{i}") for i in range(5)])
    frame, findings = check(tmp_path)
    assert (frame["lon"] > 114).all()
    assert findings.counts() == {"facilities.datum_assumed": 1, "facilities.swapped_table": 1}


def test_swaps_are_seen_where_both_orders_are_places_on_earth(tmp_path):
    write_rows(tmp_path, [row("A1", lon="-30.05", lat="-51.2"), row("A2", lon="-51.2", lat="-30.05")])
    frame, _ = check(tmp_path, box=(-51.3, -30.2, -51.0, -29.9))
    assert frame[["lon", "lat"]].to_numpy().tolist() == [[-51.2, -30.05]] * 2


def test_impossible_latitudes_are_swapped_without_streets(tmp_path):
    write_rows(tmp_path, [row("A1"), row("A2", lon="35.71", lat="115.03")])
    frame, _ = check(tmp_path, box=None)
    assert (frame["lon"] > 114).all()


def test_a_place_off_the_streets_is_kept_and_said(tmp_path):
    write_rows(tmp_path, [row("A1"), row("A2", lon="116.9")])
    frame, findings = check(tmp_path)
    assert frame["reason"].tolist() == ["", ""]
    assert found(findings, "outside_streets") == [4]


def test_kinds_from_type_then_name_then_unknown(tmp_path):
    rows = [
        row("A1", kind="community_daycare"),
        row("A2", kind="其他", name="某街道综合养老服务中心"),
        row("A3", kind="其他", name="某处"),
    ]
    write_rows(tmp_path, rows)
    frame, findings = check(tmp_path)
    assert frame["kind"].tolist() == ["community_daycare", "street_centre", ""]
    assert frame["reason"].tolist() == ["", "", "unknown_kind"]
    assert frame.geometry.notna().all()
    assert found(findings, "unknown_kind") == [5]
    assert findings.counts()["facilities.kind_by_name"] == 1
    whole, _ = check(tmp_path, {"source": "facilities.csv", "kind": "meal_point"})
    assert whole["kind"].tolist() == ["meal_point"] * 3


def test_statuses(tmp_path):
    written = {"A1": "建成未运营", "A2": "", "A3": "嗯", "A4": "已关停", "A5": "运营中"}
    write_rows(tmp_path, [row(own, status=status) for own, status in written.items()])
    frame, findings = check(tmp_path)
    assert frame["status"].tolist() == ["built_idle", "unknown", "unknown", "closed", "operating"]
    assert found(findings, "unknown_status") == [5]


def test_no_status_column_is_said_once(tmp_path):
    write_rows(tmp_path, [["一站", "日间照料", "115", "35.7"]] * 3, header=["名称", "类型", "经度", "纬度"])
    frame, findings = check(tmp_path)
    assert frame["status"].tolist() == ["operating"] * 3
    assert findings.counts()["facilities.no_status"] == 1


def test_numbers_that_are_none_stay_empty_with_a_finding(tmp_path):
    write_rows(
        tmp_path,
        [
            row("A1", beds="1,030张", share="0.5"),
            row("A2", beds="三十", share="70"),
            row("A3", beds="-5", share="—"),
        ],
    )
    frame, findings = check(tmp_path)
    assert frame["beds"].iloc[0] == 1030
    assert frame["beds"].isna().tolist() == [False, True, True]
    assert frame["occupancy"].iloc[:2].tolist() == [0.5, 0.7]
    assert found(findings, "bad_number") == [4, 5]


def test_repeated_ids_are_all_kept(tmp_path):
    write_rows(tmp_path, [row("A1", name="乙"), row("A1", name="甲", lon="115.1"), row("A1_2", lon="115.15")])
    frame, findings = check(tmp_path)
    assert frame["facility_id"].tolist() == ["A1", "A1_2", "A1_3"]
    assert len(found(findings, "duplicate_id")) == 1


def test_same_name_at_the_same_place_is_said_and_kept(tmp_path):
    write_rows(
        tmp_path, [row("A1"), row("A2", lon="115.0201"), row("A3", lon="115.1"), row("A4", name="别的")]
    )
    frame, findings = check(tmp_path)
    assert len(frame) == 4
    assert [(f.subject, f.facts["count"]) for f in findings if f.code == "facilities.same_place"] == [
        ("庆祖幸福院", 2)
    ]


def test_similar_names_at_the_same_place_are_said_once(tmp_path):
    day, near = "日间照料中心", "115.0201"
    rows = [
        row("A1", name="东街社区日间照料中心", kind=day),
        row("A2", name="东街老年人日间照料中心", kind=day, lon=near),
        row("A3", name="庆祖镇东街日照中心", kind=day, lon=near),
        row("A4", name="西街社区日间照料中心", kind=day),
        row("A5", name="东街养老服务站", kind="养老服务站"),
        row("A6", name="东街日间照料中心", kind=day, lon="115.1"),
        row("A7", name="北街幸福院", lon="115.15"),
        row("A8", name="北街幸福院", kind=day, lon="115.15"),
    ]
    write_rows(tmp_path, rows)
    frame, findings = check(tmp_path)
    assert len(frame) == 8
    same = [f for f in findings if f.code == "facilities.same_place"]
    assert [(f.subject, f.facts["rows"]) for f in same] == [
        ("东街社区日间照料中心", "facilities.csv:3, facilities.csv:4, facilities.csv:5"),
        ("北街幸福院", "facilities.csv:9, facilities.csv:10"),
    ]


def test_ids_do_not_depend_on_the_order_of_rows(tmp_path):
    rows = [
        row("", name="甲"),
        row("", name="乙"),
        row("A1", name="丙"),
        row("A1", name="丁"),
        row("", name="戊", lon=""),
    ]
    seen = set()
    for order in itertools.islice(itertools.permutations(rows), 0, None, 11):
        write_rows(tmp_path, order)
        frame, _ = check(tmp_path)
        seen.add(tuple(sorted(zip(frame["facility_id"], frame["name"], strict=True))))
    assert len(seen) == 1
    ids = [facility_id for facility_id, _ in seen.pop()]
    assert ids == [
        "A1",
        "A1_2",
        "village_happiness_home_115.02000_35.70000_1",
        "village_happiness_home_115.02000_35.70000_2",
        "village_happiness_home_unplaced_1",
    ]


def test_several_tables_make_one_frame(tmp_path):
    write_rows(tmp_path, [row("A1")])
    write_rows(tmp_path, [row("A1", lon="115.1")], name="more.csv", encoding="utf-8")
    write_rows(tmp_path, [], name="none.csv")
    frame, findings = check(
        tmp_path, {"source": "facilities.csv"}, {"source": "more.csv"}, {"source": "none.csv"}
    )
    assert sorted(zip(frame["source"], frame["facility_id"], strict=True)) == [
        ("facilities.csv", "A1"),
        ("more.csv", "A1_2"),
    ]
    assert findings.counts()["facilities.empty_table"] == 1


def test_no_facility_at_all_is_an_error(tmp_path):
    write_rows(tmp_path, [])
    assert error_of(tmp_path) == "facilities.none"
    write_rows(tmp_path, [row("A1", lon=""), row("A2", kind="其他", name="某处")])
    assert error_of(tmp_path) == "facilities.none"


def test_a_table_without_coordinates_names_its_columns(tmp_path):
    write_rows(tmp_path, [["一站", "日间照料"]], header=["名称", "类型"])
    with pytest.raises(InputError, match="名称, 类型") as caught:
        check(tmp_path)
    assert caught.value.code == "facilities.no_position_columns"


def test_given_columns(tmp_path):
    write_rows(tmp_path, [["一站", "日间照料", "115", "35.7"]], header=["名称", "类型", "甲", "乙"])
    frame, _ = check(tmp_path, {"source": "facilities.csv", "columns": {"lon": "甲", "lat": "乙"}})
    assert frame["lon"].tolist() == [115]
    assert error_of(tmp_path, {"source": "facilities.csv", "columns": {"lon": "丙"}}) == "tables.no_column"


def test_metres_need_a_declared_crs(tmp_path):
    east, north = Transformer.from_crs(4326, METRIC, always_xy=True).transform(115.02, 35.7)
    # surveyors write x for north
    write_rows(
        tmp_path,
        [row("A1", lon=f"{east:.3f}", lat=f"{north:.3f}"), row("A2", lon=f"{north:.3f}", lat=f"{east:.3f}")],
    )
    assert error_of(tmp_path) == "facilities.looks_projected"
    frame, _ = check(tmp_path, {"source": "facilities.csv", "datum": "EPSG:4547"})
    assert frame["lon"].tolist() == pytest.approx([115.02] * 2, abs=1e-7)
    assert frame["lat"].tolist() == pytest.approx([35.7] * 2, abs=1e-7)
    assert (
        error_of(tmp_path, {"source": "facilities.csv", "datum": "EPSG:999999"}) == "facilities.unknown_crs"
    )


def test_web_map_coordinates_come_back(tmp_path):
    lon, lat = bd09_from_wgs84(np.array([[115.02, 35.7]]))[0]
    write_rows(tmp_path, [row("A1", lon=repr(float(lon)), lat=repr(float(lat)))])
    frame, findings = check(tmp_path, {"source": "facilities.csv", "datum": "bd09"})
    assert frame[["lon", "lat"]].iloc[0].tolist() == pytest.approx([115.02, 35.7], abs=1e-8)
    assert len(findings) == 0


def test_layers_of_polygons_with_missing_and_broken_shapes(tmp_path):
    square = Polygon([(115, 35.7), (115.01, 35.7), (115.01, 35.71), (115, 35.71)])
    bow = Polygon([(115, 35.7), (115.01, 35.71), (115.01, 35.7), (115, 35.71)])
    frame = gpd.GeoDataFrame(
        {"名称": ["一日间照料中心", "二日间照料中心", "三日间照料中心", "四日间照料中心"]},
        geometry=[square, bow, None, Point(115.05, 35.75)], crs="EPSG:4490",
    )  # fmt: skip
    frame.to_crs(4547).to_file(tmp_path / "f.gpkg")
    checked, _ = check(tmp_path, {"source": "f.gpkg"})
    reasons = checked.set_index("name")["reason"]
    assert reasons.tolist().count("no_coordinates") == 1
    assert reasons["三日间照料中心"] == "no_coordinates"
    placed = checked[checked["reason"] == ""].to_crs(4490)
    assert placed.geometry.iloc[0].within(square.buffer(0.011))


def test_a_shapefile_without_crs_takes_the_declared_one(tmp_path):
    gpd.GeoDataFrame({"name": ["幸福院"]}, geometry=[Point(115.02, 35.7)], crs=4326).to_file(
        tmp_path / "f.shp", encoding="utf-8"
    )
    (tmp_path / "f.prj").unlink()
    assert error_of(tmp_path, {"source": "f.shp"}) == "tables.no_crs"
    frame, _ = check(tmp_path, {"source": "f.shp", "datum": "cgcs2000"})
    assert frame["lon"].tolist() == pytest.approx([115.02])


def test_facilities_from_openstreetmap(tmp_path):
    tags = {
        "amenity": "social_facility",
        "social_facility": "nursing_home",
        "name": "<b>颐养院</b>",
        "capacity:beds": "60",
    }
    with osmium.SimpleWriter(str(tmp_path / "f.osm.pbf")) as writer:
        corners = [(115.0, 35.7), (115.001, 35.7), (115.001, 35.701), (115.0, 35.701)]
        for i, place in enumerate(corners, 1):
            writer.add_node(osmium.osm.mutable.Node(id=i, location=place, version=1))
        writer.add_node(
            osmium.osm.mutable.Node(id=9, location=(115.02, 35.72), tags={"amenity": "clinic"}, version=1)
        )
        writer.add_node(
            osmium.osm.mutable.Node(id=10, location=(115.02, 35.72), tags={"amenity": "cafe"}, version=1)
        )
        writer.add_way(osmium.osm.mutable.Way(id=5, nodes=[1, 2, 3, 4, 1], tags=tags, version=1))
    frame, _ = check(tmp_path, {"source": "f.osm.pbf"})
    assert frame["facility_id"].tolist() == ["node/9", "way/5"]
    assert frame["kind"].tolist() == ["medical", "care_institution"]
    assert frame["name"].tolist() == ["", "<b>颐养院</b>"]
    assert frame["beds"].iloc[1] == 60
    assert frame["lon"].iloc[1] == pytest.approx(115.0005, abs=2e-4)


def test_rows_in_are_rows_out(tmp_path):
    cells = itertools.product(["", "115", "x", "35.7", "inf"], ["35.7", "115", "-"], ["幸福院", "?"])
    rows = [row(f"A{i % 7}", lon=lon, lat=lat, kind=kind) for i, (lon, lat, kind) in enumerate(cells)]
    write_rows(tmp_path, rows)
    frame, findings = check(tmp_path)
    assert sorted(frame["row"]) == list(range(3, 3 + len(rows)))
    assert frame["facility_id"].is_unique
    listed = {f.row for f in findings if f.severity == "error"}
    assert set(frame.loc[frame["reason"] != "", "row"]) <= listed
    assert frame["facility_id"].tolist() == sorted(frame["facility_id"])


def test_half_a_pair_of_metres_is_no_place_and_stops_nothing(tmp_path):
    half = [row(f"H{i}", lon="401", lat="") for i in range(2)]
    write_rows(tmp_path, [row("A1"), *half, row("A2", lon="115.03")])
    frame, _ = check(tmp_path)
    reasons = dict(zip(frame["facility_id"], frame["reason"], strict=True))
    assert reasons == {"A1": "", "A2": "", "H0": "no_coordinates", "H1": "no_coordinates"}
