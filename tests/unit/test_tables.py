"""Tables: columns and values as promised, nothing that a spreadsheet runs, the same bytes every time."""

import csv
import json
import math
import time
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

from servicecircle.findings import COLUMNS as FINDING_COLUMNS
from servicecircle.outputs.manifest import write_manifest
from servicecircle.outputs.tables import COLUMNS, write_tables
from servicecircle.outputs.workbook import share_format, write_workbook
from servicecircle.units import percent
from unit.made_results_small import HOSTILE, small_results


def rows_of(path):
    text = path.read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(text.decode("utf-8-sig").splitlines(keepends=True)))


@pytest.fixture
def written(tmp_path):
    paths = write_tables(small_results(), tmp_path)
    assert [p.name for p in paths] == [
        "zones.csv", "verdicts.csv", "evidence.csv", "gaps.csv", "facilities.csv", "findings.csv",
        "tables.xlsx"]  # fmt: skip
    return tmp_path


def test_csv_has_the_promised_columns_and_those_of_every_group(written):
    header = list(rows_of(written / "zones.csv")[0])
    assert header[:4] == ["code", "name", "level", "parent_code"]
    assert header[31:39] == ["reason", "people_by_connector", "street_km", "street_km_per_km2",
                             "street_m_per_person", "share_near_street", "people_off_streets",
                             "streets_state"]  # fmt: skip
    assert header[39:44] == ["elderly_people", "elderly_judged", "elderly_within",
                             "elderly_doubtful", "elderly_share_within"]  # fmt: skip
    assert header[-1] == "over80_share_within"
    assert len(header) == 49
    facilities = "facility_id name kind status lon lat snap_m used reason people_within"
    assert list(rows_of(written / "facilities.csv")[0]) == facilities.split()
    assert list(rows_of(written / "findings.csv")[0]) == list(FINDING_COLUMNS)


def test_csv_numbers_read_back_as_they_were_and_infinity_is_empty(written):
    zone = rows_of(written / "zones.csv")[0]
    assert zone["code"] == "410922101201"
    assert float(zone["share_low"]) == 1 / 3
    assert float(zone["people_within"]) == 0.1 + 0.2
    assert zone["limit"] == "1000"
    assert zone["facilities"] == "2"
    assert zone["p90_seconds"] == ""
    assert zone["units"] == ""
    assert rows_of(written / "verdicts.csv")[0]["margin"].startswith("-0.5")
    assert [row["used"] for row in rows_of(written / "facilities.csv")] == ["true", "false"]
    assert "inf" not in (written / "zones.csv").read_text("utf-8").lower()


def test_no_text_is_a_formula(written):
    zones, gaps = rows_of(written / "zones.csv"), rows_of(written / "gaps.csv")
    assert zones[0]["name"] == "'" + HOSTILE
    assert zones[1]["report_unit"] == "'@考核"
    assert (gaps[0]["zone_name"], gaps[0]["advice"]) == ("'-西村", "'\t核实")
    assert gaps[0]["place"].startswith("'+长")
    for sheet in load_workbook(written / "tables.xlsx"):
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            assert cell.data_type in {"s", "n"}
            assert not str(cell.value).startswith(("=", "@", "+", "\t", "\r"))


def test_control_characters_do_not_break_a_file(written):
    assert rows_of(written / "zones.csv")[1]["name"] == "东关社区"
    assert load_workbook(written / "tables.xlsx")["覆盖情况"]["B3"].value == "东关社区"


def test_a_stripped_control_character_does_not_uncover_a_formula(tmp_path):
    results = small_results()
    results.zones.loc[0, "name"] = "\x02=1+1"
    write_tables(results, tmp_path)
    assert rows_of(tmp_path / "zones.csv")[0]["name"] == "'=1+1"


def test_chinese_workbook_shows_no_code_word(written):
    book = load_workbook(written / "tables.xlsx")
    assert book.sheetnames == [
        "覆盖情况", "达标判定", "判定依据明细", "未覆盖片区", "设施台账", "数据质量说明",
    ]  # fmt: skip
    zones = book["覆盖情况"]
    zone = {cell.value: zones.cell(2, cell.column) for cell in zones[1]}
    assert zone["代码"].value == "410922101201"
    assert zone["代码"].data_type == "s"
    assert zone["代码"].number_format == "@"
    assert (zone["级别"].value, zone["城乡属性"].value, zone["服务圈"].value) == (
        "村（社区）",
        "农村",
        "一公里服务圈",
    )
    assert (zone["判定结果"].value, zone["可信程度"].value) == ("未达标", "基本确定")
    assert zone["步行时间中位数（分钟）"].value == 1.5
    assert zone["90%人口的步行时间（分钟）"].value == "—"
    assert zone["人口"].number_format == "#,##0"
    assert zone["老年人口覆盖率"].value == 0.5
    assert zone["路网完整度"].value == "偏少（可能缺路）"
    assert (zone["已知道路长度（千米）"].value, zone["已知道路长度（千米）"].number_format) == (1.25, "0.0")
    assert zone["道路密度（千米/平方千米）"].value == "—"
    assert zone["over80：人口"].value == 12
    assert zones["H3"].value == "'=助餐服务圈"
    assert zones.freeze_panes == "B2"
    assert zones.auto_filter.ref == "A1:AW3"
    gap = book["未覆盖片区"]
    assert (gap["B2"].value, gap["O2"].value) == ("疑似未覆盖（待核实）", "绕行过远（待核实）")
    facility = book["设施台账"]
    assert [c.value for c in facility[2]][1:4] == ["#N/A", "农村幸福院", "运营中"]
    assert [c.value for c in facility[3]][7:9] == ["否", "缺少坐标"]
    assert book["数据质量说明"]["E2"].value.startswith("研究文件未写")


def test_every_header_is_in_words(tmp_path):
    for language, foreign in (("zh", str.isascii), ("en", lambda text: not text.isascii())):
        write_tables(small_results(language), tmp_path)
        for sheet in load_workbook(tmp_path / "tables.xlsx"):
            headers = [cell.value for cell in sheet[1]]
            assert not [h for h in headers if "_" in h or (foreign(h) and h != "OSM")], sheet.title
            assert len(set(headers)) == len(headers)


def test_the_evidence_of_a_verdict_is_in_words(tmp_path):
    results = small_results()
    results.verdicts["evidence"] = "people_judged=1234.5; facilities=2"
    results.verdicts["unit"] = "share of people"
    write_tables(results, tmp_path)
    sheet = load_workbook(tmp_path / "tables.xlsx")["达标判定"]
    assert sheet["J2"].value == "参评人口 = 1234.5; 计入设施数 = 2"
    assert sheet["F2"].value == "人口比例"
    assert sheet["D2"].number_format == share_format(sheet["D2"].value)


def test_english_workbook(tmp_path):
    write_tables(small_results("en"), tmp_path)
    book = load_workbook(tmp_path / "tables.xlsx")
    assert book.sheetnames == ["Coverage", "Verdicts", "Evidence", "Gaps", "Facilities", "Data quality"]
    assert book["Facilities"]["C2"].value == "Village happiness home"


def test_a_share_short_of_all_never_reads_as_all(written):
    book = load_workbook(written / "tables.xlsx")
    cell = next(c for c in book["覆盖情况"][2] if c.value == 0.99961)
    assert cell.number_format == "0.00%"
    assert book["达标判定"]["G2"].number_format == "0.0%"


def read(share, number_format):
    """Return what a spreadsheet shows of a share: it rounds a half up."""
    decimals = number_format.count("0") - 1
    exact = Decimal(repr(share)) * 100
    return f"{exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)}%"


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0, "0.0%"), (0.5, "50.0%"), (0.7396, "73.96%"), (0.7394, "73.9%"), (0.9996, "99.96%"),
     (0.99961, "99.96%"), (0.73996, "73.996%"), (0.999999, "99.9999%"), (1.0, "100.0%"), (1.25, "125.0%")],
)  # fmt: skip
def test_a_spreadsheet_reads_no_more_than_there_is(share, shown):
    assert read(share, share_format(share)) == shown


def test_cut_to_a_tenth_a_cell_reads_as_the_page_does():
    for share in np.random.default_rng(1).uniform(0, 1, 2000).tolist():
        shown = read(share, share_format(share))
        assert f"{shown[: shown.index('.') + 2]}%" == percent(share)


def test_long_texts_are_cut_to_what_a_cell_holds(tmp_path):
    results = small_results()
    results.gaps.loc[0, "advice"] = "😀" * 20_000
    write_tables(results, tmp_path)
    sheet = load_workbook(tmp_path / "tables.xlsx")["未覆盖片区"]
    for cell in (sheet["F2"], sheet["P2"]):
        assert cell.value.endswith("…")
        assert 32_000 < len(cell.value.encode("utf-16-le")) / 2 <= 32_767
    assert len(rows_of(tmp_path / "gaps.csv")[0]["place"]) == 40_002


def test_a_long_table_goes_on_in_a_further_sheet(tmp_path):
    table = pd.DataFrame({"code": ["1", "2", "3"]})
    write_workbook({"zones": table}, tmp_path / "t.xlsx", study=small_results().study, sheet_rows=2)
    book = load_workbook(tmp_path / "t.xlsx")
    assert [[c.value for c in sheet["A"]] for sheet in book] == [["代码", "1", "2"], ["代码", "3"]]


def test_empty_tables_still_have_their_headers(tmp_path):
    full = small_results()
    empty = replace(full, gaps=full.gaps.iloc[:0], verdicts=full.verdicts.iloc[:0])
    write_tables(empty, tmp_path)
    assert (tmp_path / "gaps.csv").read_text("utf-8-sig").strip() == ",".join(COLUMNS["gaps"])
    assert load_workbook(tmp_path / "tables.xlsx")["达标判定"]["B1"].value == "条款编号"


def test_the_same_results_give_the_same_bytes(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    write_tables(small_results(), tmp_path / "a")
    time.sleep(1.1)  # the workbook's own clock counts seconds
    write_tables(small_results(), tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
    assert (
        load_workbook(tmp_path / "a" / "tables.xlsx").properties.modified.isoformat() == "2026-06-30T00:00:00"
    )


def test_manifest_holds_no_infinity_and_lists_the_files(tmp_path):
    (tmp_path / "townships").mkdir()
    page = tmp_path / "townships" / "街道.html"
    page.write_bytes(b"x")
    content = {
        "b": np.float64("inf"),
        "a": [math.nan, np.int64(3)],
        "crs": {"when": pd.Timestamp("2026-06-30")},
    }
    path = write_manifest(content, [page], tmp_path / "run.json")
    text = path.read_text("utf-8")
    assert "Infinity" not in text
    assert "NaN" not in text
    read = json.loads(text)
    assert (read["b"], read["a"]) == (None, [None, 3])
    assert list(read) == sorted(read)
    assert read["files"][0]["name"] == "townships/街道.html"
    assert read["files"][0]["bytes"] == 1
    assert read["files"][0]["sha256"].startswith("2d711642")


def test_what_is_only_reported_and_what_is_missing_are_said_in_words(tmp_path):
    results = small_results()
    row = results.verdicts.iloc[0]
    rows = pd.DataFrame(
        [
            row.to_dict() | {"verdict": "not_judged", "reason": "missing_input", "missing": lacking}
            for lacking in (
                "medical",
                "facilities.nursing_beds",
                "zones.village + facilities.senior_university",
            )
        ]
    )
    rows.loc[0, "reason"] = "report_only"
    path = write_workbook({"verdicts": rows}, tmp_path / "words.xlsx", study=results.study)
    header, *shown = load_workbook(path).active.iter_rows(values_only=True)
    verdict, missing = header.index("判定结果"), header.index("缺少的资料")
    assert [(cells[verdict], cells[missing]) for cells in shown] == [
        ("仅作统计，不作判定", "缺少医疗机构台账"),
        ("资料不足，未判定", "缺少设施台账的“护理型床位”列"),
        ("资料不足，未判定", "缺少村（社区）一级的区划；设施台账中没有“老年大学”"),
    ]
