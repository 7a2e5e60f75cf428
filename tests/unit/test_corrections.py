"""The repair loop: what is filled in in `rejects.xlsx` is used, told and kept, never in another row."""

import json

import pytest
from openpyxl import Workbook, load_workbook

from servicecircle.checks.inputs import check_inputs
from servicecircle.errors import InputError
from servicecircle.outputs.check import write_check
from servicecircle.study import Study

WEST, SOUTH, STEP = 115.0, 35.8, 0.01
HEADER = ["编号", "设施名称", "设施类型", "经度", "纬度", "运营状态", "床位数", "电话"]
HOME = "农村幸福院"
ROWS = [
    ["A1", "一号院", HOME, 115.005, 35.805, "运营中", 10, "13800000001"],
    ["A2", "无坐标院", HOME, None, None, "运营中", 10, "13800000002"],
    ["A3", "坏坐标院", HOME, "1150.06", "35.806", "运营中", 10, "13800000003"],
    ["A4", "远处院", HOME, 117.5, 35.8, "运营中", 10, "13800000004"],
    ["A5", "怪东西", "不明", 115.007, 35.807, "运营中", 10, "13800000005"],
    ["A6", "状态院", HOME, 115.008, 35.808, "差不多", 10, "13800000006"],
    ["A7", "床位院", HOME, 115.004, 35.804, "运营中", "很多", "13800000007"],
    ["A1", "同号院", HOME, 115.003, 35.803, "运营中", 10, "13800000008"],
    ["A9", '=HYPERLINK("http://x")', HOME, None, None, "运营中", 10, "13800000009"],
]
ANSWERS = {
    ("无坐标院", "设施缺少坐标"): "115.0052， 35.8061",
    ("坏坐标院", "设施坐标无效"): "东经115.0061° 北纬35.8062°",
    ("远处院", "设施在道路范围之外"): "115.0071 35.8063",
    ("怪东西", "设施类型无法识别"): "日间照料中心",
    ("状态院", "运营状态无法识别"): "建成未运营",
    ("床位院", "数字无法识别"): "25张",
    ("A1", "设施编号重复"): "A8",
    ('\'=HYPERLINK("http://x")', "设施缺少坐标"): "删除",
}


def layer(path, features):
    body = [
        {"type": "Feature", "properties": facts, "geometry": {"type": kind, "coordinates": coordinates}}
        for facts, kind, coordinates in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": body}), "utf-8")


def write_facilities(folder, rows=ROWS, *, name="facilities.xlsx"):
    book = Workbook()
    for row in [HEADER, *rows]:
        book.active.append(row)
    for cell in book.active["B"]:
        cell.data_type = "s"
    book.save(folder / name)


def write_study(
    folder, *, language="zh", entry='source = "facilities.xlsx"\ndatum = "wgs84"', corrections=True
):
    fed_back = 'corrections = "rejects.xlsx"' if corrections else ""
    (folder / "study.toml").write_text(
        f"""
[study]
language = "{language}"
as_of = 2026-06-30
[streets]
source = "roads.geojson"
[[facilities]]
{entry}
{fed_back}
[[zones]]
level = "village"
source = "villages.geojson"
[people]
source = "people.geojson"
""",
        "utf-8",
    )


@pytest.fixture
def folder(tmp_path):
    line = [[WEST + i * STEP / 10, SOUTH + STEP / 2] for i in range(21)]
    across = [[WEST + STEP / 2, SOUTH + i * STEP / 10] for i in range(11)]
    layer(
        tmp_path / "roads.geojson", [({"highway": "residential"}, "LineString", xy) for xy in (line, across)]
    )
    x, y = WEST + 2 * STEP, SOUTH + STEP
    ring = [[[WEST, SOUTH], [x, SOUTH], [x, y], [WEST, y], [WEST, SOUTH]]]
    layer(tmp_path / "villages.geojson", [({"code": "410922101201", "name": "东村"}, "Polygon", ring)])
    layer(tmp_path / "people.geojson", [({"people": 100}, "Point", [115.005, 35.805])])
    write_facilities(tmp_path)
    write_study(tmp_path)
    return tmp_path


def check(folder):
    """Check as the command does, and return the inputs and the rows of the sheet."""
    inputs = check_inputs(Study.from_file(folder / "study.toml"))
    write_check(inputs, folder)
    (sheet,) = load_workbook(folder / "rejects.xlsx").worksheets
    header, *rows = sheet.iter_rows(values_only=True)
    return inputs, [dict(zip(header, row, strict=True)) for row in rows]


def fill_in(folder, answers, *, name="rejects.xlsx"):
    """Write answers, by subject and kind of problem, into the last column."""
    book = load_workbook(folder / name)
    sheet = book.worksheets[0]
    header = [cell.value for cell in sheet[1]]
    subject, meaning = header.index("对象"), header.index("问题类别")
    done = set()
    for line in list(sheet.iter_rows(min_row=2)):
        key = line[subject].value, line[meaning].value
        if key in answers:
            line[-1].value = answers[key]
            done.add(key)
    book.save(folder / name)
    assert done == answers.keys()


def codes(inputs, stage="facilities"):
    return sorted(f.code for f in inputs.findings if f.code.startswith(stage) and f.severity != "info")


def by_row(inputs):
    return inputs.facilities.set_index("row")


def test_the_sheet_names_the_cell_and_what_was_read(folder):
    _, rows = check(folder)
    told = {(row["对象"], row["问题类别"]): row for row in rows}
    assert told.keys() == {*ANSWERS, ("rejects.xlsx", "没有修正表")}
    bad = told["坏坐标院", "设施坐标无效"]
    assert (bad["文件"], bad["表格行号"], bad["所在列"]) == ("facilities.xlsx", 4, "经度, 纬度")
    assert (bad["工作表"], bad["单元格"]) == ("Sheet", "Sheet!D4, E4")
    assert bad["读到的内容"] == "1150.06, 35.806"
    assert told["床位院", "数字无法识别"]["所在列"] == "床位数"
    assert told["A1", "设施编号重复"]["表格行号"] == 9
    assert not any("1380000" in str(cell) for row in rows for cell in row.values())


def test_eight_faults_are_mended_and_the_figures_change(folder):
    before, _ = check(folder)
    assert len(codes(before)) == 8
    assert (before.facilities["reason"] == "").sum() == 5  # one of them far away
    fill_in(folder, ANSWERS)
    after, rows = check(folder)
    assert codes(after) == codes(after, "corrections") == []
    mended = by_row(after)
    assert len(mended) == len(ROWS)
    assert mended["reason"].to_dict() == {i: "left_out" if i == 10 else "" for i in range(2, 11)}
    assert mended.loc[3, ["lon", "lat"]].tolist() == [115.0052, 35.8061]
    assert mended.loc[4, ["lon", "lat"]].tolist() == [115.0061, 35.8062]
    assert mended.loc[5, "geometry"] is not None
    assert mended.loc[6, "kind"] == "community_daycare"
    assert mended.loc[7, "status"] == "built_idle"
    assert mended.loc[8, "beds"] == 25
    assert mended.loc[9, "facility_id"] == "A8"
    assert mended.loc[10, "geometry"] is None
    counts = after.findings.counts()
    assert counts["corrections.applied"] == 7
    assert counts["corrections.row_left_out"] == 1
    assert len(rows) == 8


def test_corrections_are_used_again_by_every_later_check(folder):
    check(folder)
    fill_in(folder, ANSWERS)
    _, first = check(folder)
    written = (folder / "rejects.xlsx").read_bytes()
    after, again = check(folder)
    assert again == first
    assert (folder / "rejects.xlsx").read_bytes() == written
    assert after.findings.counts()["corrections.applied"] == 7
    page = (folder / "check.html").read_text("utf-8")
    assert "已填写8处，采用8处" in page
    assert "按修正表不采用 1" in " ".join(page.split())


def test_the_sheet_is_read_in_the_other_language_too(folder):
    check(folder)
    fill_in(folder, ANSWERS)
    write_study(folder, language="en")
    after, rows = check(folder)
    assert codes(after) == []
    assert {row["Correct to (fill in)"] for row in rows} == set(ANSWERS.values())


def test_a_resorted_source_is_noticed_and_nothing_is_put_into_another_row(folder):
    check(folder)
    fill_in(folder, ANSWERS)
    write_facilities(folder, ROWS[:1] + ROWS[1:][::-1])
    after, rows = check(folder)
    assert len(codes(after)) == 8
    assert after.findings.counts()["corrections.stale"] == 8
    stale = [row for row in rows if row["问题类别"] != "没有修正表" and row["更正为（请填写）"]]
    assert {row["更正为（请填写）"] for row in stale} == set(ANSWERS.values())
    assert "corrections.applied" not in after.findings.counts()


def test_namesakes_without_coordinates_are_told_apart(folder):
    twins = [[f"B{i}", "幸福院", HOME, None, None, "运营中", beds, ""] for i, beds in enumerate((10, 20))]
    write_facilities(folder, [ROWS[0], *twins])
    check(folder)
    book = load_workbook(folder / "rejects.xlsx")
    line = next(r for r in book.worksheets[0].iter_rows(min_row=2) if r[2].value == 3)
    line[-1].value = "115.006, 35.806"
    book.save(folder / "rejects.xlsx")
    write_facilities(folder, [ROWS[0], *twins[::-1]])
    after, _ = check(folder)
    assert by_row(after)["reason"].tolist() == ["", "no_coordinates", "no_coordinates"]
    write_facilities(folder, [ROWS[0], *twins])
    after, _ = check(folder)
    assert by_row(after)["reason"].sort_index().tolist() == ["", "", "no_coordinates"]


def test_another_cell_mended_in_the_source_leaves_the_correction_in_force(folder):
    check(folder)
    fill_in(folder, ANSWERS)
    rows = [list(row) for row in ROWS]
    rows[1][6] = 40
    write_facilities(folder, rows)
    after, _ = check(folder)
    assert by_row(after).loc[3, ["reason", "beds"]].tolist() == ["", 40]


def test_answers_that_make_no_sense_are_kept_and_said(folder):
    check(folder)
    senseless = {
        ("无坐标院", "设施缺少坐标"): "村口",
        ("怪东西", "设施类型无法识别"): "还是不明",
        ("床位院", "数字无法识别"): "不少",
        ("状态院", "运营状态无法识别"): "差不多吧",
    }
    fill_in(folder, senseless)
    after, rows = check(folder)
    assert len(codes(after)) == 8
    assert after.findings.counts()["corrections.not_understood"] == 4
    assert {row["更正为（请填写）"] for row in rows} - {None} == set(senseless.values())


def test_a_zones_code_answers_for_coordinates_that_are_not_known(folder):
    check(folder)
    fill_in(
        folder, {("无坐标院", "设施缺少坐标"): "410922101201", ("坏坐标院", "设施坐标无效"): "410922101201"}
    )
    after, _ = check(folder)
    placed = by_row(after).loc[3]
    assert (placed["reason"], placed["zone_hint"]) == ("", "410922101201")
    assert placed["position_error_m"] > 400
    assert by_row(after).loc[4, "reason"] == "bad_coordinates"  # what is written there is to be mended itself
    counts = after.findings.counts()
    assert (counts["corrections.applied"], counts["corrections.not_understood"]) == (1, 1)


def test_a_correction_that_is_still_doubtful_stands_once_with_its_answer(folder):
    check(folder)
    fill_in(folder, {("无坐标院", "设施缺少坐标"): "117.5, 35.9"})
    for _ in range(2):
        after, rows = check(folder)
        mine = [row for row in rows if row["对象"] == "无坐标院"]
        assert [(row["问题类别"], row["更正为（请填写）"]) for row in mine] == [
            ("设施在道路范围之外", "117.5, 35.9")
        ]
    fill_in(folder, {("无坐标院", "设施在道路范围之外"): "115.006, 35.806"})
    after, _ = check(folder)
    assert by_row(after).loc[3, "lon"] == 115.006


def test_an_answer_for_what_is_no_facility_row_is_said(folder):
    layer(folder / "people.geojson", [({"people": 100}, "Point", [x, 35.805]) for x in (115.005, 116)])
    check(folder)
    fill_in(folder, {("—", "人口不在任何区划内"): "删除"})
    after, rows = check(folder)
    assert after.findings.counts()["corrections.no_target"] == 1
    assert [row["更正为（请填写）"] for row in rows if row["更正为（请填写）"]] == ["删除"]


def test_two_answers_for_one_row_contradict_each_other(folder):
    rows = [*ROWS[:1], ["A2", "双错院", "不明", None, None, "差不多", 10, ""]]
    write_facilities(folder, rows)
    check(folder)
    fill_in(folder, {("双错院", "设施缺少坐标"): "删除", ("双错院", "运营状态无法识别"): "运营中"})
    after, _ = check(folder)
    assert by_row(after)["reason"].to_dict() == {2: "", 3: "left_out"}
    assert after.findings.counts()["corrections.contradiction"] == 1


def test_the_places_of_a_layer_are_corrected_in_degrees(folder):
    import geopandas as gpd
    from shapely.geometry import Point

    facts = {
        "编号": ["L1", "L2"],
        "设施名称": ["东院", "西院"],
        "设施类型": [HOME, HOME],
        "状态": ["运营中"] * 2,
    }
    places = gpd.GeoDataFrame(facts, geometry=[Point(115.005, 35.805), None], crs=4326).to_crs(4547)
    places.to_file(folder / "places.gpkg", layer="places")
    write_study(folder, entry='source = "places.gpkg"\nlayer = "places"')
    check(folder)
    fill_in(folder, {("西院", "设施缺少坐标"): "115.0061, 35.8062"})
    after, _ = check(folder)
    assert by_row(after).loc[3, "lon"] == pytest.approx(115.0061, abs=1e-8)
    assert codes(after) == []


def test_a_workbook_that_is_no_sheet_of_corrections_is_refused(folder):
    write_facilities(folder, name="rejects.xlsx")
    with pytest.raises(InputError) as caught:
        check_inputs(Study.from_file(folder / "study.toml"))
    assert caught.value.code == "corrections.foreign"


def test_a_formula_in_the_sheet_is_never_active(folder):
    check(folder)
    fill_in(folder, ANSWERS | {("怪东西", "设施类型无法识别"): "-2+3"})
    check(folder)
    (sheet,) = load_workbook(folder / "rejects.xlsx").worksheets
    cells = [cell for line in sheet.iter_rows() for cell in line]
    assert all(cell.data_type != "f" for cell in cells)
    assert "'-2+3" in {cell.value for cell in cells}
    again, rows = check(folder)
    assert "'-2+3" in {row["更正为（请填写）"] for row in rows}
    assert again.findings.counts()["corrections.not_understood"] == 1
