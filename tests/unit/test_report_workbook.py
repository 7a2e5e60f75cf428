"""The workbook of a report: its cells hold what is printed, and nothing that a spreadsheet would run."""

import datetime as dt
import re
import zipfile
from dataclasses import replace

import openpyxl
import pytest

from servicecircle.maps.text import EMPTY, Text
from servicecircle.report.figures import shown
from servicecircle.report.model import Column, Report, Section, Table
from servicecircle.report.plain import plain
from servicecircle.report.tables import meaning
from servicecircle.report.workbook import held, write_xlsx
from unit.made_report import HOSTILE, SHARES, made_report, table


@pytest.fixture(scope="module", params=["zh", "en"])
def made(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    report = made_report(request.param, folder)
    path = write_xlsx(report, folder / "report.xlsx")
    return report, openpyxl.load_workbook(path), path


def with_tables(report: Report, *tables: Table) -> Report:
    return replace(report, front=(), sections=(Section("one", "One", tables),))


def read_back(report, path):
    return openpyxl.load_workbook(write_xlsx(report, path))


def as_printed(cell, language):
    """Return a cell as Excel shows it under its number format."""
    value, form = cell.value, cell.number_format
    if isinstance(value, str):
        return value.removeprefix("'")
    if isinstance(value, dt.datetime):
        day = value.date()
        return f"{day.year}年{day.month}月{day.day}日" if "年" in form else day.isoformat()
    if form.endswith("%"):
        return f"{value * 100:.1f}%"
    if form == "+0.0;-0.0;0.0":
        return f"{value:+.1f}" if value else "0.0"
    return f"{value:.1f}" if form == "0.0" else f"{value:,.0f}" if form == "#,##0" else f"{value:.0f}"


def test_every_cell_shows_what_the_report_prints(made):
    report, book, _ = made
    text, sheet = Text(report.language), book.worksheets[1]
    printed = report.sections[0].blocks[1]
    for row, values in enumerate(printed.rows, 3):
        for number, (value, column) in enumerate(zip(values, printed.columns, strict=True), 1):
            expected = plain(shown(value, column.format, text))
            assert as_printed(sheet.cell(row, number), report.language) == expected, (row, column.key)


def test_a_share_is_held_as_it_is_printed_never_rounded_up(made):
    _, book, _ = made
    cells = [book.worksheets[1].cell(row, 5) for row in range(3, 3 + len(SHARES))]
    assert [cell.value for cell in cells[:9]] == [0.999, 1, 0.899, 0.9, 0, 0.29, 0.58, 0.57, 0]
    assert cells[9].value == EMPTY
    assert {cell.number_format for cell in cells} == {"0.0%"}


def test_numbers_are_numbers_codes_are_text_dates_are_dates(made):
    _, book, _ = made
    row = book.worksheets[1][5]
    assert row[1].value == "0410921001002"
    assert row[1].number_format == "@"
    assert (row[2].value, row[3].value, row[6].value) == (2, 2469, 814)
    assert row[9].value.isoformat() == "2025-12-31T00:00:00"
    assert all(isinstance(cell.value, int | float) for cell in row[2:9])


def test_under_one_person_and_the_unknown_are_words():
    text = Text("zh")
    assert held(0.2, "people", text) == text.people(0.2)
    assert held(float("nan"), "share", text) == EMPTY
    assert held(float("inf"), "metres", text) == EMPTY
    assert held(None, "date", text) == EMPTY


def test_no_cell_starts_a_formula_and_no_character_is_left_that_xml_cannot_hold(made, tmp_path):
    report, book, path = made
    for sheet in book:
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            assert cell.data_type != "f"
            if isinstance(cell.value, str):
                assert not cell.value.startswith(("=", "+", "-", "@", "\t", "\r"))
    with zipfile.ZipFile(path) as parts:
        assert not any(b"<f>" in parts.read(name) for name in parts.namelist())
    names = [book.worksheets[1].cell(row, 1).value for row in range(3, 13)]
    assert names[:4] == list(HOSTILE[:4])
    assert names[4:7] == [f"'{name}" for name in HOSTILE[4:7]]
    assert names[8] == "evil gnp.exe"
    long = table("zh", name="long")
    long = replace(long, columns=long.columns[:1], rows=(("长" * 40_000,), ("#N/A",)))
    sheet = read_back(with_tables(report, long), tmp_path / "long.xlsx").worksheets[1]
    assert len(sheet.cell(3, 1).value) <= 32_767
    assert (sheet.cell(4, 1).value, sheet.cell(4, 1).data_type) == ("#N/A", "s")


def test_sheets_can_be_filtered_keep_their_header_and_print_on_a4(made):
    report, book, _ = made
    sheet = book.worksheets[1]
    assert sheet.auto_filter.ref == "A2:J12"
    assert sheet.freeze_panes == "B3"
    assert sheet.print_title_rows == "$1:$2"
    assert (sheet.page_setup.paperSize, sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (
        9,
        1,
        0,
    )
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert report.stamp in sheet.oddHeader.center.text
    assert "&P" in sheet.oddHeader.right.text
    assert all(cell.font.bold for cell in sheet[3])
    assert not sheet["A4"].font.bold


def test_the_first_sheet_leads_to_every_other(made):
    report, book, _ = made
    front = book.worksheets[0]
    links = [cell.hyperlink.location for row in front.iter_rows() for cell in row if cell.hyperlink]
    assert links == [f"'{name}'!A1" for name in book.sheetnames[1:]]
    told = [cell.value for cell in front["A"] if cell.value]
    assert told[0] == report.title
    assert report.stamp in told
    assert report.front[0].text in told
    assert all(caution in told for caution in report.cautions)
    assert {sheet["A1"].hyperlink.location for sheet in book.worksheets[1:]} == {f"'{front.title}'!A1"}


def test_tables_of_villages_stand_in_one_sheet(tmp_path):
    report = made_report("zh", tmp_path, villages=1300)
    book = read_back(report, tmp_path / "many.xlsx")
    assert len(book.sheetnames) == 6
    sheet = book.worksheets[4]
    assert sheet.title == "表4至表1303　一村一表"
    assert [cell.value for cell in sheet[2]] == ["所属表", "指标", "数值", "占比"]
    assert sheet.max_row == 2 + 1300 * 8
    assert [cell.value for cell in sheet[3 + 8 * 700]] == ["第700村覆盖情况", "指标0", 700, 0.94]


def test_a_sheet_of_several_tables_says_once_what_all_their_titles_say(tmp_path):
    report, columns = made_report("zh", tmp_path), (Column("a", "甲"),)
    towns = [
        Table(f"people-{n}", f"人口覆盖情况：{name}", columns, ((name,),)) for n, name in enumerate("东西南")
    ]
    other = [
        Table(f"units-{n}", f"单位达标情况：{name}", columns, ((name,),)) for n, name in enumerate("东西南")
    ]
    mixed = [table for pair in zip(towns, other, strict=True) for table in pair]
    report = replace(report, front=(), sections=(Section("one", "分乡镇情况", tuple(mixed)),))
    book = read_back(report, tmp_path / "towns.xlsx")
    assert book.sheetnames[1:3] == ["人口覆盖情况：分乡镇情况", "单位达标情况：分乡镇情况"]
    assert [cell.value for cell in book.worksheets[1]["A"]][2:5] == ["东", "西", "南"]


def test_tables_of_other_columns_stay_apart_and_names_of_sheets_are_what_excel_takes(tmp_path):
    report = made_report("en", tmp_path)
    columns = Column("a", "A"), Column("b", "B")
    odd = [
        Table("x-1", "[x]:*?/\\", columns, (("1", "2"),)), Table("x-2", "'quoted'", columns[:1], (("1",),)),
        Table("y", "same " * 20, columns, (("1", "2"),)), Table("z", "same " * 20, columns, (("1", "2"),)),
        Table("w", "\U0001f600" * 40, columns, (("1", "2"),)),
    ]  # fmt: skip
    book = read_back(with_tables(report, *odd), tmp_path / "odd.xlsx")
    names = book.sheetnames
    assert len(names) == 7
    assert len({name.casefold() for name in names}) == 7
    for name in names:
        assert 0 < len(name.encode("utf-16-le")) <= 62
        assert not re.search(r"[\[\]:*?/\\]", name)
        assert not name.startswith("'")
        assert not name.endswith("'")


def test_the_dictionary_tells_every_column(made):
    report, book, _ = made
    sheet = book.worksheets[-1]
    rows = {row[1]: row for row in sheet.iter_rows(min_row=3, values_only=True)}
    assert {column.key for column in report.sections[0].blocks[1].columns} <= set(rows)
    share = rows["share_within"]
    assert share[2] == meaning("share_within", report.language) != ""
    assert share[4] == "%"
    assert book.sheetnames[1] in share[5]
    assert meaning("elderly_share_within", "zh") == meaning("share_within", "zh")


def test_a_chinese_workbook_holds_no_english_of_ours(tmp_path):
    report = with_tables(made_report("zh", tmp_path), table("zh", title="各乡镇"))
    report = replace(report, title="报告", sections=(replace(report.sections[0], title="一"),))
    book = read_back(report, tmp_path / "zh.xlsx")
    said = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value]
    keys = {column.key for column in report.sections[0].blocks[0].columns} | set(map(plain, HOSTILE))
    ours = [text for text in said if text.removeprefix("'") not in keys]
    assert [text for text in ours if re.search("[A-Za-z]", text)] == []


def test_the_same_report_gives_the_same_bytes_without_a_present_date(made, tmp_path):
    report, _, path = made
    again = write_xlsx(report, tmp_path / "again.xlsx")
    assert again.read_bytes() == path.read_bytes()
    with zipfile.ZipFile(path) as parts:
        core = parts.read("docProps/core.xml").decode()
    assert core.count("2026-06-30T00:00:00Z") == 2
