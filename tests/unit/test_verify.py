"""The verification loop: what a look on site would settle is listed; what it settled is kept and shown."""

import csv
import json
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import geopandas as gpd
import pytest
from openpyxl import load_workbook

import servicecircle as sc
from servicecircle.errors import InputError, OutputError
from servicecircle.outputs.verify import write_verify
from servicecircle.sample import sample_folder

ASTRAY, VILLAGE, TRUE_PLACE = "SL0051", "419921001201", (113.993293, 33.916508)
WHO = "张三"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Copy the sample, put the home of one village five kilometres off, and run it."""
    folder = tmp_path_factory.mktemp("verify") / "study"
    wanted = {".toml", ".pbf", ".gpkg", ".tif", ".csv", ".xlsx"}
    folder.mkdir()
    for path in sample_folder().iterdir():
        if path.suffix in wanted:
            shutil.copyfile(path, folder / path.name)
    book = load_workbook(folder / "facilities.xlsx")
    for line in book.worksheets[0].iter_rows(min_row=2):
        if line[0].value == ASTRAY:
            line[4].value += 0.05
    book.save(folder / "facilities.xlsx")
    first = sc.run(sc.Study.from_file(folder / "study.toml"))
    write_verify(first, folder / "verify.xlsx")
    return folder, first


def sheets(path):
    """Return the rows of each township's sheet by header."""
    found = {}
    for sheet in load_workbook(path).worksheets[1:]:
        header, *rows = sheet.iter_rows(values_only=True)
        found[sheet.title] = [dict(zip(header, row, strict=True)) for row in rows]
    return found


def rows_of(path):
    return [row for rows in sheets(path).values() for row in rows]


def fill_in(path, answers):
    """Write answers, by item, under their headers."""
    book = load_workbook(path)
    done = set()
    for sheet in book.worksheets[1:]:
        header = [cell.value for cell in sheet[1]]
        for line in sheet.iter_rows(min_row=2):
            item = line[header.index("编号")].value
            if item in answers and item not in done:
                done.add(item)
                for column, value in answers[item].items():
                    line[header.index(column)].value = value
    book.save(path)
    assert done == answers.keys()


@pytest.fixture(scope="module")
def verified(town):
    """Fill in the sheet, feed it back, run again and write everything."""
    folder, first = town
    gaps = first.gaps.loc[first.gaps["class"].eq("to_verify") & first.gaps["people"].ge(20)]
    open_road, empty = gaps["gap_id"].iloc[0], gaps["gap_id"].iloc[-1]
    doubtful = first.facilities.loc[first.facilities["reason"].eq("position_doubtful"), "facility_id"].iloc[0]
    fill_in(folder / "verify.xlsx", {
        ASTRAY: {"位置有误": "是", "更正经度": str(TRUE_PLACE[0]), "更正纬度": str(TRUE_PLACE[1]),
                 "核实人": WHO, "日期": "2026-07-01"},
        open_road: {"路已通": "是", "核实人": "@李四", "日期": "2026-07-02", "备注": "电话 13800000000"},
        empty: {"无人居住": "是", "人口有误": "也许"},
        doubtful: {"设施存在": "否"},
    })  # fmt: skip
    text = (
        (folder / "study.toml")
        .read_text("utf-8")
        .replace('crs = "auto"', 'verified = "verify.xlsx"\ncrs = "auto"', 1)
    )
    (folder / "study.toml").write_text(text, "utf-8")
    second = sc.run(sc.Study.from_file(folder / "study.toml"))
    return second, {"open": open_road, "empty": empty, "doubtful": doubtful}


def test_each_township_has_a_sheet_behind_the_cover(town):
    folder, first = town
    book = load_workbook(folder / "verify.xlsx")
    assert book.sheetnames[0] == "填表说明"
    assert "缺口核实表" in book.worksheets[0]["A1"].value
    zones = first.zones.drop_duplicates("code")
    townships = zones.loc[zones["level"].eq("township")]
    named = {f"{code} {name}" for code, name in zip(townships["code"], townships["name"], strict=True)}
    assert len(set(book.sheetnames[1:]) & named) > 8
    assert set(book.sheetnames[1:]) - named <= {"其他"}


def test_a_village_with_a_facility_of_its_own_comes_first(town):
    folder, _ = town
    rows = next(
        rows for rows in sheets(folder / "verify.xlsx").values() if any(r["编号"] == ASTRAY for r in rows)
    )
    assert rows[0]["编号"] == ASTRAY
    assert rows[0]["核实内容"] == "有设施而覆盖不足"
    assert rows[0]["村（社区）代码"] == VILLAGE
    assert "坐标却落在" in rows[0]["初步判断及理由"]


def test_gaps_follow_by_people_and_certain_ones_are_left_out(town):
    folder, first = town
    listed = {}
    for rows in sheets(folder / "verify.xlsx").values():
        people = [row["人口"] for row in rows if row["核实内容"] == "疑似未覆盖片区"]
        assert people == sorted(people, reverse=True)
        assert len(people) <= 50
        listed |= {row["编号"]: row for row in rows}
    suspected = first.gaps["class"].isin(["to_verify", "detour"])
    cover = load_workbook(folder / "verify.xlsx").worksheets[0]
    left_off = sum(row[3] for row in cover.iter_rows(min_row=11, values_only=True))
    gaps = set(first.gaps.loc[suspected, "gap_id"])
    assert len(gaps - listed.keys()) == left_off > 0
    heaviest = first.gaps.loc[suspected].sort_values("people", ascending=False)["gap_id"].head(20)
    assert set(heaviest) <= listed.keys()
    assert not set(first.gaps.loc[first.gaps["class"].eq("certain"), "gap_id"]) & listed.keys()
    assert "米" in listed[heaviest.iloc[0]]["初步判断及理由"]
    flagged = first.facilities.loc[first.facilities["reason"].eq("position_doubtful"), "facility_id"]
    assert set(flagged) <= listed.keys()


def test_the_sheet_offers_yes_and_no_and_runs_nothing(town):
    folder, _ = town
    for sheet in load_workbook(folder / "verify.xlsx").worksheets:
        assert all(cell.data_type != "f" for line in sheet.iter_rows() for cell in line)
    (offered,) = sheet.data_validations.dataValidation
    assert offered.formula1 == '"是,否"'
    offered_in = [cell for line in sheet[str(offered.sqref)] for cell in line]
    headers = {sheet.cell(1, cell.column).value for cell in offered_in}
    assert headers == {"路已通", "设施存在", "位置有误", "无人居住", "人口有误"}


def test_a_corrected_place_moves_the_facility_and_covers_its_village(town, verified):
    first, second = town[1], verified[0]
    before, after = (run.zones.loc[run.zones["code"].eq(VILLAGE)].iloc[0] for run in (first, second))
    assert before["share_within"] < 0.5 < 0.9 < after["share_within"]
    home = second.facilities.set_index("facility_id").loc[ASTRAY]
    assert (home["lon"], home["lat"]) == TRUE_PLACE
    assert home["zone_code"] == VILLAGE
    assert home["verified"] == "经街道核实（张三、2026-07-01）：位置有误 是"
    (moved,) = [f for f in second.findings if f.code == "verified.moved"]
    assert moved.subject == ASTRAY
    assert 4000 < float(moved.facts["metres"]) < 5500


def test_no_coverage_is_invented(town, verified):
    """A road that is open on site, and people who do not exist, change no figure until the data do."""
    (_, first), (second, items) = town, verified
    for gap_id in (items["open"], items["empty"]):
        before, after = (run.gaps.set_index("gap_id").loc[gap_id] for run in (first, second))
        assert before["people"] == after["people"]
        assert after["verified"].startswith("经街道核实")
    counts = second.findings.counts()
    for code in ("verified.road_open", "verified.nobody", "verified.not_there", "verified.unclear"):
        assert counts[code] == 1
    assert (second.gaps["verified"] != "").sum() == 2
    told = second.manifest["verified"]
    assert (told["answers"], told["gaps"], told["facilities"], told["moved"]) == (4, 2, 2, 1)
    assert told["people_nobody"] == second.gaps.set_index("gap_id").loc[items["empty"], "people"]


def test_a_facility_that_does_not_exist_counts_nowhere_and_stays_listed(town, verified):
    (_, first), (second, items) = town, verified
    before, gone = (run.facilities.set_index("facility_id").loc[items["doubtful"]] for run in (first, second))
    assert not gone["used"]
    assert gone["reason"] == "not_there"
    assert before["reason"] != "not_there"
    assert "设施存在 否" in gone["verified"]
    assert len(first.facilities) == len(second.facilities)
    (told,) = [f for f in second.findings if f.code == "verified.not_there"]
    assert told.subject == items["doubtful"]
    assert "不再计入" in told.said("zh")[0]


def test_outputs_show_what_was_verified_and_no_telephone(verified, tmp_path):
    second, items = verified
    second.write(tmp_path / "out")
    files = {
        entry["name"] for entry in json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["files"]
    }
    assert "verify.xlsx" in files
    with (tmp_path / "out" / "gaps.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = {row["gap_id"]: row for row in csv.DictReader(stream)}
    assert list(next(iter(rows.values())))[-1] == "verified"
    assert rows[items["open"]]["verified"] == "经街道核实（@李四、2026-07-02）：路已通 是"
    layer = gpd.read_file(tmp_path / "out" / "coverage.gpkg", layer="gaps", ignore_geometry=True)
    assert layer.set_index("gap_id").loc[items["open"], "verified"].startswith("经街道核实")
    for path in (tmp_path / "out").rglob("*.csv"):
        assert "13800000000" not in path.read_text("utf-8-sig")
    kept = {row["编号"]: row for row in rows_of(tmp_path / "out" / "verify.xlsx")}
    assert kept[items["open"]]["核实人"] == "'@李四"
    assert kept[ASTRAY]["更正经度"] == str(TRUE_PLACE[0])
    assert kept[ASTRAY]["请核实"] == "此前核实，现已不在待核实之列"


def test_answers_stay_whichever_sheet_they_were_written_in(verified, town, tmp_path):
    """What was filled in in the output folder and not fed back is in the next sheet too."""
    second, _ = verified
    write_verify(second, tmp_path / "old.xlsx")
    other = next(
        r["编号"]
        for r in rows_of(tmp_path / "old.xlsx")
        if not any(r[c] for c in ("核实人", "设施存在", "无人居住"))
    )
    fill_in(tmp_path / "old.xlsx", {other: {"核实人": "李四"}})
    write_verify(second, tmp_path / "new.xlsx", earlier=tmp_path / "old.xlsx")
    kept = {row["编号"]: row for row in rows_of(tmp_path / "new.xlsx")}
    assert kept[other]["核实人"] == "李四"
    assert kept[ASTRAY]["核实人"] == WHO
    assert len(kept) == len(rows_of(tmp_path / "old.xlsx"))
    (tmp_path / "old.xlsx").write_bytes(b"mine")
    with pytest.raises(OutputError) as caught:
        write_verify(second, tmp_path / "new.xlsx", earlier=tmp_path / "old.xlsx")
    assert caught.value.code == "output.in_the_way"


def test_a_gap_is_known_by_its_place_and_not_by_its_id(verified, town):
    from servicecircle.assess.verified import gaps_meant
    from servicecircle.checks.verified import read_answers

    second, items = verified
    answers = [a for a in read_answers(town[0] / "verify.xlsx") if a.item == items["open"]]
    renamed = second.gaps.assign(gap_id="x" + second.gaps["gap_id"]).iloc[::-1].reset_index(drop=True)
    (found,) = gaps_meant(renamed, answers, join_m=150)
    assert renamed["gap_id"].iloc[found] == "x" + items["open"]
    (gone,) = gaps_meant(renamed, [replace(answers[0], lon=answers[0].lon + 0.05)], join_m=150)
    assert gone is None
    assert gaps_meant(renamed, [replace(answers[0], zone_code="419921999999")], join_m=150) == [None]


def test_the_same_results_give_the_same_bytes_and_english_is_english(verified, tmp_path):
    second, _ = verified
    first = write_verify(second, tmp_path / "a.xlsx").read_bytes()
    assert first == write_verify(second, tmp_path / "b.xlsx").read_bytes()
    english = replace(second, study=second.study.in_language("en"))
    write_verify(english, tmp_path / "en.xlsx")
    cover = load_workbook(tmp_path / "en.xlsx").worksheets[0]
    lines = [str(cell.value) for line in cover.iter_rows(max_row=8) for cell in line if cell.value]
    assert not re.search("[一-鿿]", "".join(lines).replace(second.study.name, ""))


def test_places_that_cannot_be_are_refused(verified, town):
    from servicecircle.assess.verified import mark_verified
    from servicecircle.checks.verified import move_facilities, read_answers
    from servicecircle.findings import Findings

    facilities = town[1].facilities.assign(position_error_m=0.0)
    (answer,) = [a for a in read_answers(town[0] / "verify.xlsx") if a.item == ASTRAY]
    box = (113.8, 33.7, 114.3, 34.1)
    for cells, said, code in (
        ({"new_lon": "33.9", "new_lat": "113.9"}, {}, "verified.bad_place"),
        ({"new_lat": ""}, {}, "verified.bad_place"),
        ({}, {"misplaced": False}, "verified.contradiction"),
        ({}, {"exists": False}, "verified.contradiction"),
        ({"new_lon": "", "new_lat": ""}, {"misplaced": True}, "verified.no_new_place"),
    ):
        findings = Findings()
        changed = replace(answer, cells={**answer.cells, **cells}, said=said)
        moved = move_facilities(facilities, [changed], streets_box=box, findings=findings)
        assert [f.code for f in findings] == [code]
        assert moved["lon"].equals(facilities["lon"])
        assert moved["reason"].equals(facilities["reason"])
        inputs = SimpleNamespace(verified=(changed,), study=verified[0].study)
        told = mark_verified(verified[0].gaps, facilities, inputs, findings).counts["verified"]
        assert (told["answers"], told["moved"]) == (1, 0)
    findings = Findings()
    move_facilities(facilities, [replace(answer, item="nobody")], streets_box=box, findings=findings)
    assert findings.counts() == {"verified.no_facility": 1}


def test_a_workbook_that_is_no_sheet_of_verifications_is_refused(town):
    from servicecircle.checks.verified import read_answers

    with pytest.raises(InputError) as caught:
        read_answers(town[0] / "facilities.xlsx")
    assert caught.value.code == "verified.foreign"


def test_an_answer_about_nothing_known_is_listed_and_not_used(town, tmp_path):
    from servicecircle.checks.verified import verified_answers
    from servicecircle.findings import Findings

    _, first = town
    path = write_verify(first, tmp_path / "verify.xlsx")
    book = load_workbook(path)
    sheet = book.worksheets[1]
    header = [cell.value for cell in sheet[1]]
    line = sheet[2]
    line[header.index("核实内容")].value, line[header.index("备注")].value = "别的", "去过"
    book.save(path)
    study = first.study.model_copy(
        update={"study": first.study.study.model_copy(update={"verified": str(path)})}
    )
    findings = Findings()
    assert verified_answers(study, findings) == ()
    (finding,) = findings
    assert (finding.code, finding.row) == ("verified.unknown_kind", 2)
    assert "“别的”" in finding.said("zh")[0]
