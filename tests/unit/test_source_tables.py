"""Tables as offices keep them: title rows, GBK, odd headers, broken files."""

import csv
import zipfile

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from shapely.geometry import Point

from servicecircle.errors import InputError
from servicecircle.sources.cells import degrees, is_blank, number, text
from servicecircle.sources.columns import match_columns
from servicecircle.sources.osm_places import place_kind
from servicecircle.sources.tables import read_table

HEADER = ["序号", "设施名称", "设施类型", "经度", "纬度", "建筑面积(㎡)"]
ROW = ["1", "濮阳县庆祖镇幸福院", "农村幸福院", "115.02", "35.58", "1,200"]


def write_book(path, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
            for cell in sheet[sheet.max_row]:
                if cell.data_type == "f":  # a text that merely looks like a formula
                    cell.data_type = "s"
    book.save(path)
    return path


def points(**columns):
    return gpd.GeoDataFrame(columns, geometry=[Point(115, 35.7), Point(115.1, 35.8)], crs="EPSG:4326")


def code_of(call, *args, **kwargs):
    with pytest.raises(InputError) as caught:
        call(*args, **kwargs)
    assert caught.value.text("zh")
    assert caught.value.text("en")
    return caught.value.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_text_of_any_encoding_and_delimiter(tmp_path, encoding, delimiter):
    path = tmp_path / "设施.csv"
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows([HEADER, ROW])
    table = read_table(path)
    assert list(table.frame.columns) == HEADER
    assert list(table.frame.iloc[0]) == ROW
    assert table.rows.tolist() == [2]


def test_codes_and_formula_like_names_stay_text(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("code,name\n041090200100,=1+1\n410902001001,@x\n", "utf-8")
    assert read_table(path).frame.to_numpy().tolist() == [["041090200100", "=1+1"], ["410902001001", "@x"]]


def test_bytes_in_no_encoding_name_their_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"name,x,y\n\xff\xff\xff,1,2\n")
    with pytest.raises(InputError, match=r"t\.csv:2") as caught:
        read_table(path)
    assert caught.value.code == "tables.encoding"


def test_damaged_utf8_is_not_taken_for_gbk(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(
        ("名称,经度,纬度\n" + "濮阳县庆祖镇幸福院,115,35\n" * 5).encode()[:-1] + "院".encode()[:2]
    )
    assert code_of(read_table, path) == "tables.encoding"


def test_an_open_quotation_mark_is_refused_with_its_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('name,lon,lat\na,1,2\n"b,1,2\nc,1,2\n', "utf-8")
    with pytest.raises(InputError, match=r"t\.csv:3") as caught:
        read_table(path)
    assert caught.value.code == "tables.open_quote"


def test_header_is_found_under_title_rows_and_blank_rows_are_dropped(tmp_path):
    rows = [
        ["濮阳县养老服务设施台账"],
        ["填报单位：民政局", None, "2026年6月"],
        [],
        HEADER,
        ROW,
        [],
        ROW,
        ["", None],
    ]
    table = read_table(write_book(tmp_path / "t.xlsx", {"台账": rows}))
    assert list(table.frame.columns) == HEADER
    assert table.rows.tolist() == [5, 7]


def test_header_of_two_rows(tmp_path):
    rows = [["名称", "类型", "位置", None], [None, None, "经度", "纬度"], ["一院", "敬老院", 115.0, 35.7]]
    table = read_table(write_book(tmp_path / "t.xlsx", {"a": rows}))
    assert list(table.frame.columns) == ["名称", "类型", "经度", "纬度"]
    assert table.rows.tolist() == [3]


def test_repeated_and_empty_headers_keep_their_cells(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("名称,床位,床位,\n一院,1,2,备注\n", "utf-8")
    assert list(read_table(path).frame.columns) == ["名称", "床位", "床位 (2)", "column 4"]


def test_the_sheet_with_the_table_is_found_and_two_alike_are_refused(tmp_path):
    notes = [["填写说明"], ["每个设施一行"]]
    path = write_book(tmp_path / "t.xlsx", {"说明": notes, "设施": [HEADER, ROW]})
    assert read_table(path).frame["设施名称"].tolist() == ["濮阳县庆祖镇幸福院"]
    two = write_book(tmp_path / "two.xlsx", {"甲镇": [HEADER, ROW], "乙镇": [HEADER, ROW, ROW]})
    assert code_of(read_table, two) == "tables.which_sheet"
    assert len(read_table(two, sheet="乙镇").frame) == 2
    assert code_of(read_table, two, sheet="丙镇") == "tables.no_sheet"


def test_formula_like_names_in_a_workbook_stay(tmp_path):
    path = write_book(
        tmp_path / "t.xlsx", {"a": [["名称", "经度", "纬度"], ['=HYPERLINK("x")', 115.0, 35.0]]}
    )
    assert read_table(path).frame["名称"].tolist() == ['=HYPERLINK("x")']


def test_damaged_bloated_and_empty_workbooks(tmp_path):
    damaged, bomb = tmp_path / "damaged.xlsx", tmp_path / "bomb.xlsx"
    damaged.write_bytes(b"\xd0\xcf\x11\xe0 an old or encrypted book")
    assert code_of(read_table, damaged) == "tables.unreadable"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(120 << 20))
    assert code_of(read_table, bomb) == "tables.too_big"
    assert code_of(read_table, write_book(tmp_path / "empty.xlsx", {"a": []})) == "tables.no_header"


def test_missing_file_wrong_suffix_and_database(tmp_path):
    assert code_of(read_table, tmp_path / "no.csv") == "files.missing"
    (tmp_path / "a.ods").write_bytes(b"x")
    assert code_of(read_table, tmp_path / "a.ods") == "files.suffix"
    with pytest.raises(InputError) as caught:
        read_table(tmp_path / "postgresql://me:secret@host/db")
    assert caught.value.code == "tables.database"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".parquet"])
def test_layers_keep_geometry_text_and_crs(tmp_path, suffix):
    path = tmp_path / f"设施{suffix}"
    frame = points(code=["041090200100", "2"], 名称=["甲", "乙"])
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_file(path, encoding="utf-8")
    table = read_table(path)
    assert table.frame.crs == "EPSG:4326"
    assert table.frame["code"].tolist() == ["041090200100", "2"]
    assert table.frame["名称"].tolist() == ["甲", "乙"]
    assert table.frame.geometry.x.tolist() == [115, 115.1]
    assert table.rows.tolist() == [2, 3]


def test_plain_parquet_is_a_table(tmp_path):
    pd.DataFrame({"name": ["甲", None], "x": [1.5, None]}).to_parquet(tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet").frame
    assert not isinstance(frame, gpd.GeoDataFrame)
    assert [text(cell) for cell in frame["name"]] == ["甲", ""]


@pytest.mark.parametrize("label", ["GB18030", "936", "UTF-8", "what?", None])
def test_a_gbk_shapefile_reads_right_whatever_its_label(tmp_path, label):
    path = tmp_path / "村界.shp"
    points(名称=["濮阳县幸福院", "乡镇敬老院"]).to_file(path, encoding="gb18030")
    path.with_suffix(".cpg").unlink()
    if label:
        path.with_suffix(".cpg").write_text(label)
    assert read_table(path).frame["名称"].tolist() == ["濮阳县幸福院", "乡镇敬老院"]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_name_cut_inside_a_character_does_not_end_the_run(tmp_path, encoding):
    path = tmp_path / "村界.shp"
    points(名称=["濮阳县幸福院", "乡镇敬老院"]).to_file(path, encoding=encoding)
    whole, cut = "福院".encode(encoding), "福院".encode(encoding)[:-1] + b" "
    path.with_suffix(".dbf").write_bytes(path.with_suffix(".dbf").read_bytes().replace(whole, cut))
    names = read_table(path).frame["名称"].tolist()
    assert names[0].startswith("濮阳县幸福")
    assert names[1] == "乡镇敬老院"


def test_a_layer_without_crs_is_refused(tmp_path):
    path = tmp_path / "t.shp"
    points(a=[1, 2]).to_file(path)
    path.with_suffix(".prj").unlink()
    assert code_of(read_table, path) == "tables.no_crs"
    assert read_table(path, crs=points().crs).frame.crs == "EPSG:4326"


def test_several_layers_need_a_name(tmp_path):
    path = tmp_path / "t.gpkg"
    points(a=[1, 2]).to_file(path, layer="one")
    points(a=[3, 4]).to_file(path, layer="two")
    assert code_of(read_table, path) == "tables.which_layer"
    assert read_table(path, layer="two").frame["a"].tolist() == [3, 4]
    assert code_of(read_table, path, layer="three") == "tables.no_layer"


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".json", ".parquet", ".shp", ".osm.pbf"])
def test_a_damaged_layer_is_a_clear_error(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    for part in {path, path.with_suffix(".dbf") if suffix == ".shp" else path}:
        part.write_bytes(b"this is no such file" * 20)
    assert code_of(read_table, path) == "tables.unreadable"


def test_headers_are_matched_through_their_furniture():
    frame = pd.DataFrame(
        columns=[
            "＊机构名称",
            "设施 类别",
            "Longitude",
            "纬度（度）",
            "建筑面积㎡",
            "床位数(张)",
            "所属村社区",
        ]
    )
    wanted = ["facility_id", "name", "kind", "lon", "lat", "beds", "floor_area_m2", "unit"]
    assert match_columns(frame, wanted, {}) == {
        "name": "＊机构名称",
        "kind": "设施 类别",
        "lon": "Longitude",
        "lat": "纬度（度）",
        "beds": "床位数(张)",
        "floor_area_m2": "建筑面积㎡",
        "unit": "所属村社区",
    }


def test_the_study_s_word_goes_first_and_slips_are_named():
    frame = pd.DataFrame(columns=["名称", "别名", "x", "y"])
    assert match_columns(frame, ["name", "lon", "lat"], {"name": "别名"}) == {
        "name": "别名",
        "lon": "x",
        "lat": "y",
    }
    with pytest.raises(InputError, match="名称, 别名, x, y"):
        match_columns(frame, ["name"], {"name": "全名"})
    assert code_of(match_columns, frame, ["name"], {"nmae": "名称"}) == "tables.unknown_field"


def test_zone_and_census_headers():
    frame = pd.DataFrame(
        columns=[
            "统计用区划代码",
            "名称",
            "城乡分类代码",
            "常住人口",
            "60岁及以上",
            "家庭户",
            "考核单位",
            "服务圈",
        ]
    )
    wanted = ["code", "name", "area_class", "circle", "report_unit", "people", "elderly", "households"]
    assert set(match_columns(frame, wanted, {})) == set(wanted)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1,200㎡", 1200),
        ("约３００张", 300),
        ("85%", 0.85),
        ("5.1万人", 51000),
        (7, 7),
        ("-2.5", -2.5),
        ("1e3", 1000),
    ],
)
def test_numbers_as_people_write_them(cell, value):
    assert number(cell) == pytest.approx(value)


@pytest.mark.parametrize("cell", ["", None, "inf", float("inf"), "很多", "1,2", "12-15", float("nan"), pd.NA])
def test_what_is_no_number(cell):
    assert number(cell) != number(cell)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("东经115.02°", 115.02), ("115°01′12″E", 115.02), ("西经51.2", -51.2), ("１１５．０２", 115.02)],
)
def test_degrees_as_people_write_them(cell, value):
    assert degrees(cell) == pytest.approx(value)


def test_text_of_cells():
    assert [text(v) for v in (410902001001.0, None, pd.NaT, pd.Timestamp("2021-05-01"), " a ")] == [
        "410902001001", "", "", "2021-05-01", "a",
    ]  # fmt: skip
    assert is_blank("—")
    assert not is_blank("0")


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ("social_facility=nursing_home", "care_institution"),
        ("social_facility=day_care social_facility:for=disabled;senior", "community_daycare"),
        ("social_facility=day_care social_facility:for=child", None),
        ("amenity=clinic", "medical"),
        ("amenity=cafe", None),
    ],
)
def test_osm_tags_mean_kinds(tags, kind):
    assert place_kind(dict(tag.split("=") for tag in tags.split())) == kind
