"""The check's page and sheet: nothing lost, nothing run, nothing fetched, the user's own answers kept."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook
from shapely.geometry import LineString

import servicecircle
from servicecircle import words
from servicecircle.checks.inputs import check_inputs
from servicecircle.crs import WGS84
from servicecircle.errors import OutputError
from servicecircle.outputs.check import write_check
from servicecircle.outputs.sketch import sketch
from servicecircle.sources.streets import from_ways
from servicecircle.study import Study

HOSTILE = "<script>alert(1)</script>{{ 7*7 }}"
FORMULA = '=HYPERLINK("http://x","y")'
WEST, SOUTH, STEP = 115.0, 35.8, 0.01
FIELDS = "编号,设施名称,设施类型,经度,纬度,运营状态,床位数\n"
ROWS = [
    ("f1", HOSTILE, "农村幸福院", 115.005, 35.805, "运营中", 10),
    ("f2", "二号院", "农村幸福院", 115.006, 35.806, "在建", 10),
    ("f3", FORMULA, "农村幸福院", "", "", "运营中", 10),
    ("f4", "怪东西", "{{ cycler }}", 115.007, 35.807, "运营中", 10),
    ("f5", "远处的院", "农村幸福院", 117.5, 35.8, "运营中", 10),
    *(
        (f"g{i}", f"缺床位院{i}", "农村幸福院", 115.004, 35.8041 + i / 1000, "运营中", "很多")
        for i in range(7)
    ),
]


def layer(path, features):
    body = [
        {"type": "Feature", "properties": facts, "geometry": {"type": kind, "coordinates": coordinates}}
        for facts, kind, coordinates in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": body}), "utf-8")


def square(column):
    x = WEST + column * STEP
    return [[[x, SOUTH], [x + STEP, SOUTH], [x + STEP, SOUTH + STEP], [x, SOUTH + STEP], [x, SOUTH]]]


def write_facilities(folder, rows):
    text = FIELDS + "".join(
        ",".join(f'"{str(cell).replace(chr(34), chr(34) * 2)}"' for cell in row) + "\n" for row in rows
    )
    (folder / "facilities.csv").write_text(text, "utf-8")


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    line = [[WEST - STEP / 2 + i * STEP / 10, SOUTH + STEP / 2] for i in range(31)]
    across = [[WEST + STEP / 2, SOUTH + i * STEP / 10] for i in range(11)]
    layer(folder / "roads.geojson", [({"highway": "residential"}, "LineString", xy) for xy in (line, across)])
    codes = ["410922101201", "410922101202"]
    layer(
        folder / "villages.geojson",
        [({"code": c, "name": f"{HOSTILE}{i}"}, "Polygon", square(i)) for i, c in enumerate(codes)],
    )
    people = [(115.005, 120.0), (115.015, 80.5), (115.05, 30.25)]
    layer(folder / "people.geojson", [({"people": n}, "Point", [x, 35.805]) for x, n in people])
    write_facilities(folder, ROWS)
    return folder


def checked(folder, language="zh"):
    text = f"""
[study]
name = "{HOSTILE}"
language = "{language}"
as_of = 2026-06-30
[streets]
source = "roads.geojson"
[[facilities]]
source = "facilities.csv"
datum = "wgs84"
[[zones]]
level = "village"
source = "villages.geojson"
[people]
source = "people.geojson"
"""
    (folder / "study.toml").write_text(text, "utf-8")
    return check_inputs(Study.from_file(folder / "study.toml"))


def page_of(folder, language="zh"):
    write_check(checked(folder, language), folder / "out")
    return (folder / "out" / "check.html").read_text("utf-8")


def sheet_of(folder):
    book = load_workbook(folder / "out" / "rejects.xlsx")
    (sheet,) = book.worksheets
    return sheet


def plain(page):
    body = page[page.index("<body>") :]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


@pytest.mark.parametrize(
    ("language", "told"), [("zh", "判定为 GCJ-02"), ("en", "told by the evidence: GCJ-02")]
)
def test_the_page_names_the_datum_that_the_evidence_told(study, language, told):
    inputs = checked(study, language)
    (entry,) = inputs.study.facilities
    undeclared = inputs.study.model_copy(update={"facilities": (entry.model_copy(update={"datum": "auto"}),)})
    inputs.findings.note("detect.named", subject=entry.source, datum="GCJ-02", **dict.fromkeys(
        ("rows", "ratio", "streets", "scores"), ""))  # fmt: skip
    write_check(replace(inputs, study=undeclared), study / "out")
    page = plain((study / "out" / "check.html").read_text("utf-8"))
    assert told in page


def test_the_page_is_one_file_that_fetches_and_runs_nothing(study):
    page = page_of(study)
    assert "default-src 'none'; style-src 'sha256-" in page
    assert not re.search(
        r"<(script|link|img|iframe|object|form|a)\b|\b(src|href|style|on\w+)=|url\(|@import",
        page.replace('<use href="#streets"/>', ""),
    )
    assert page.startswith("<!DOCTYPE html>")
    assert sorted(p.name for p in (study / "out").iterdir()) == ["check.html", "rejects.xlsx"]


def test_what_users_wrote_is_text_and_never_markup_or_template(study):
    page = page_of(study)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in page
    assert "{{ cycler }}" in page
    assert "49" not in re.sub(r"[\d.]{3,}|\w*[a-f]\w*", "", plain(page))


def test_every_row_read_is_used_or_listed(study):
    told = plain(page_of(study))
    assert "facilities.csv 读入行数 12 = 可用 10 + " in told
    assert "缺少坐标 1" in told
    assert "类型无法识别 1" in told
    assert "可用设施 10 = 运营中 9 + 在建 1" in told
    assert "231 = 在区划内 200 + 不在任何区划内 31" in told  # 230.75 = 200.5 + 30.25
    assert told.count("相符") == 3
    assert "相差" not in told


def test_findings_are_grouped_and_the_one_that_touches_most_people_comes_first(study):
    told = plain(page_of(study))
    first = told[told.index("先改什么") : told.index("读取的资料")]
    assert first.index("人口不在任何区划内 1项 · 涉及30人") < first.index("设施缺少坐标")
    detail = told[told.index("问题明细") :]
    assert detail.index("未采用") < detail.index("存疑")
    assert "数字无法识别 7项" in detail
    assert "缺床位院4 第" in detail
    assert "缺床位院5" not in detail
    assert "另有2项，见 rejects.xlsx" in detail


def test_the_picture_shows_zones_streets_and_facilities_and_tells_who_is_beyond_it(study):
    page = page_of(study)
    assert re.search(r'<path class="outlines" d="M\d[^"]+"/>', page)
    assert re.search(r'<path class="streets" d="M\d[^"]+"/>', page)
    assert "运营中的设施：8" in page
    assert "未运营的设施：1" in page
    assert "类型无法识别的设施：1" in page
    assert "图外设施：1" in page


def test_people_roads_of_ones_own_and_barriers_are_drawn_over_the_streets(study):
    inputs = checked(study)
    west, south, east, north = inputs.zones.total_bounds
    lines = np.array([LineString([(west, south), (east, north)])], dtype=object)
    roads = inputs.streets
    streets = replace(roads, counts=roads.counts | {"roads_ways": 1, "roads_added_m": 2345})
    write_check(replace(inputs, streets=streets, barriers=lines), study / "out")
    page = (study / "out" / "check.html").read_text("utf-8")
    drawn = dict(re.findall(r'<use href="#streets"/>\s*<path class="(\w+)" d="([^"]+)"', page))
    assert drawn.keys() == {"people", "extra", "barriers"}
    assert drawn["people"].count("h0") == 2  # of three places one lies beyond the zones
    assert "并入的自有道路：2千米" in page


def test_households_are_drawn_as_cells_of_100_metres(study):
    inputs = checked(study)
    rows = inputs.people.rows
    moved = rows.assign(x_m=np.floor(rows["x_m"] / 100) * 100 + 5, y_m=np.floor(rows["y_m"] / 100) * 100 + 95)

    def drawn(people_rows, household):
        source = inputs.study.people.model_copy(update={"household": household})
        asked = inputs.study.model_copy(update={"people": source})
        people = replace(inputs.people, rows=people_rows)
        return next(x.path for x in sketch(replace(inputs, study=asked, people=people)).layers)

    assert drawn(rows, True) == drawn(moved, True)
    assert drawn(rows, False) != drawn(moved, False)


def test_the_picture_stays_small_however_many_streets_there_are(study):
    rng = np.random.default_rng(7)
    ways = [
        (xy, np.arange(40), 1, "", (True, True), False)
        for xy in rng.uniform((WEST, SOUTH), (WEST + 0.02, SOUTH + 0.01), (3000, 40, 2))
    ]
    streets = from_ways(ways, crs=WGS84, from_osm=True, counts={})
    write_check(replace(checked(study), streets=streets), study / "out")
    page = (study / "out" / "check.html").read_text("utf-8")
    assert len(page.encode()) < 1_000_000
    share = re.search(r"画出图内总长的([\d.]+)%", page)
    assert 0 < float(share[1]) < 100


def test_a_chinese_page_and_sheet_show_no_code_word(study):
    told = plain(page_of(study))
    assert not re.findall(r"\b[a-z]+_[a-z_]+\b", told)
    for word in ("village", "operating", "error", "warning", "people", "zones", "None", "nan"):
        assert word not in re.sub(r"\w+\.(geojson|csv)", "", told), word
    for row in sheet_of(study).iter_rows(values_only=True):
        assert not re.search(r"[a-z]+_[a-z]+|warning|error", " ".join(str(c) for c in row if c))


def test_an_english_page_has_no_chinese_but_the_users_own(study):
    told = plain(page_of(study, "en"))
    assert "facilities.csv: rows read 12 = usable 10" in told
    own = FIELDS + "".join(str(cell) for row in ROWS for cell in row) + "运营状态"
    assert set(re.findall("[一-鿿]", told)) <= set(own)
    assert "/study/" not in told


def test_the_sheet_has_a_row_per_finding_with_an_empty_cell_to_fill_in(study):
    inputs = checked(study)
    write_check(inputs, study / "out")
    sheet = sheet_of(study)
    header = [cell.value for cell in sheet[1]]
    assert header == [
        "文件",
        "工作表",
        "表格行号",
        "单元格",
        "所在列",
        "读到的内容",
        "对象",
        "问题类别",
        "程度",
        "问题",
        "处理办法",
        "涉及人口",
        "行校验码（勿改）",
        "更正为（请填写）",
    ]
    wanted = [f for f in inputs.findings if f.severity != "info"]
    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    assert len(rows) == len(wanted) > 8
    assert all(row[-1] is None for row in rows)
    missing = next(row for row in rows if row[7] == "设施缺少坐标")
    assert missing[:7] == ("facilities.csv", "—", 4, "D4, E4", "经度, 纬度", "—", "'" + FORMULA)
    assert sheet.cell(2, len(header)).number_format == "@"
    assert all(cell.data_type != "f" for line in sheet.iter_rows() for cell in line)


def test_what_was_filled_in_stays_with_its_row(study):
    page_of(study)
    path = study / "out" / "rejects.xlsx"
    book = load_workbook(path)
    sheet = book.worksheets[0]
    for line in sheet.iter_rows(min_row=2):
        if line[6].value in {"'" + FORMULA, "怪东西"}:
            line[-1].value = "115.004321, 35.8"
    book.save(path)
    write_facilities(study, [row for row in ROWS if row[1] != "怪东西"])
    page_of(study)
    filled = {row[6]: row[-1] for row in sheet_of(study).iter_rows(min_row=2, values_only=True) if row[-1]}
    assert filled == {"'" + FORMULA: "115.004321, 35.8"}


def test_a_workbook_that_is_not_ours_is_kept(study):
    (study / "out").mkdir()
    path = study / "out" / "rejects.xlsx"
    path.write_bytes(b"my own notes")
    with pytest.raises(OutputError) as caught:
        page_of(study)
    assert caught.value.code == "output.in_the_way"
    assert path.read_bytes() == b"my own notes"
    assert not (study / "out" / "check.html").exists()


def test_a_file_held_open_keeps_what_stood_there(study, monkeypatch):
    page_of(study)
    before = {p.name: p.read_bytes() for p in (study / "out").iterdir()}
    write_facilities(study, ROWS[:3])

    def held(self, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", held)
    with pytest.raises(OutputError) as caught:
        page_of(study)
    assert caught.value.code == "output.held"
    assert "rejects.xlsx" in caught.value.text("zh")
    assert {p.name: p.read_bytes() for p in (study / "out").iterdir()} == before


def test_a_folder_that_is_a_file_is_refused(study):
    (study / "out").write_text("mine", "utf-8")
    with pytest.raises(OutputError) as caught:
        page_of(study)
    assert caught.value.code == "output.not_folder"


def test_the_same_inputs_give_the_same_bytes(study):
    first = [p.read_bytes() for p in write_check(checked(study), study / "a")]
    assert first == [p.read_bytes() for p in write_check(checked(study), study / "b")]


def test_nothing_to_mend_is_said_and_the_sheet_has_its_header(study):
    write_facilities(study, ROWS[1:2])
    layer(study / "people.geojson", [({"people": 5}, "Point", [115.005, 35.805])])
    layer(study / "villages.geojson", [({"code": "410922101201", "name": "东村"}, "Polygon", square(0))])
    inputs = checked(study)
    wanted = [f.code for f in inputs.findings if f.severity != "info"]
    write_check(inputs, study / "out")
    told = plain((study / "out" / "check.html").read_text("utf-8"))
    assert wanted == []
    assert "没有需要改正的内容。" in told
    assert [len(row) for row in sheet_of(study).iter_rows(values_only=True)] == [14]


def test_every_finding_of_the_checks_has_a_name():
    package = Path(servicecircle.__file__).parent
    source = "".join(
        p.read_text("utf-8") for folder in ("checks", "sources") for p in (package / folder).glob("*.py")
    )
    thrown = set(re.findall(r'(?:Input|Output)Error\(\s*"([a-z]+\.[a-z_]+)"', source))
    codes = {c for c in re.findall(r'"([a-z]+\.[a-z_]+)"', source) if c in words.messages()} - thrown
    named = words.table("check")["finding"]
    assert {"zones.no_shape", "people.outside_zones", "facilities.swapped"} <= codes
    assert not codes - named.keys()
    assert not named.keys() - words.messages().keys()


def test_words_are_chinese_and_english_with_the_same_facts():
    table = words.table("check")
    entries = {key: entry for key, entry in table.items() if key != "finding"} | table["finding"]
    for key, (chinese, english) in entries.items():
        assert not re.search("[一-鿿]", english), key
        if key not in {"date"}:
            assert sorted(re.findall(r"{(\w+)}", chinese)) == sorted(re.findall(r"{(\w+)}", english)), key
