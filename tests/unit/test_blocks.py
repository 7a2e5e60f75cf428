"""Sheets as they are typed: what is read from where, every row accounted for, every cell by its address."""

import random
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from servicecircle.errors import InputError
from servicecircle.findings import Findings
from servicecircle.sources.cells import text
from servicecircle.sources.tables import read_table
from unit.test_corpus import ROWS as FACILITIES
from unit.test_corpus import write_csv

HEADER = ["编号", "名称", "类型", "经度", "纬度", "床位数"]
NO_RECORD = {
    "tables.sum_rows", "tables.blank_rows", "tables.header_again", "tables.unit_row", "tables.note_rows",
}  # fmt: skip


def save(path, sheets, merged=()):
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        for cells in merged:
            sheet.merge_cells(cells)
    book.save(path)
    return path


def read(path, **options):
    findings = Findings()
    return read_table(path, findings=findings, **options), findings


def test_the_sheet_chosen_is_named_with_the_reason_and_a_named_one_needs_none(tmp_path):
    path = save(tmp_path / "t.xlsx", {"说明": [["填表说明"]], "机构表": [HEADER, *FACILITIES]})
    table, findings = read(path)
    assert table.sheet == "机构表"
    (chosen,) = findings
    assert chosen.code == "tables.sheet_chosen"
    assert "机构表" in chosen.said("zh")[0]
    assert "说明" in chosen.said("zh")[0]
    assert "6" in chosen.said("en")[0]
    assert not len(read(path, sheet="机构表")[1])


def test_cells_are_named_as_the_spreadsheet_names_them(tmp_path):
    rows = [
        ["台账"],
        [*HEADER, None, *HEADER[1:]],
        ["F1", "甲", "幸福院", 114, 33, 1, None, "乙", "幸福院", 115, 34, 2],
    ]
    table, _ = read(save(tmp_path / "t.xlsx", {"机构表": rows}))
    assert table.frame["名称"].tolist() == ["甲", "乙"]
    assert table.rows.tolist() == [3, 3]
    assert [table.cells_at(i, ["经度", "纬度"]) for i in (0, 1)] == ["机构表!D3, E3", "机构表!J3, K3"]
    assert table.cells_at(0, []) == "机构表!A3"
    (tmp_path / "t.csv").write_text('名称,坐标\n甲,"114.1,33.9"\n', "utf-8")
    assert read(tmp_path / "t.csv")[0].cells_at(0, ["经度", "纬度"]) == "B2"
    wide = [[f"列{i}" for i in range(30)] + ["名称"], [*range(30), "甲"]]
    assert read(save(tmp_path / "w.xlsx", {"a": wide}))[0].cells_at(0, ["名称"]) == "a!AE2"


def test_only_merged_cells_are_filled_down_and_only_inside_their_range(tmp_path):
    rows = [["街道", *HEADER], ["文峰街道", *FACILITIES[0]], [None, *FACILITIES[1]], [None, *FACILITIES[2]],
            ["五一路街道", *FACILITIES[3]], [None, *FACILITIES[4]]]  # fmt: skip
    table, findings = read(save(tmp_path / "t.xlsx", {"a": rows}, merged=("A2:A3",)))
    assert [text(cell) for cell in table.frame["街道"]] == ["文峰街道", "文峰街道", "", "五一路街道", ""]
    (filled,) = findings
    assert (filled.code, filled.facts["columns"], filled.facts["count"]) == ("tables.filled_down", "街道", 1)


def merged_in_xml(path, cells):
    """Write merges into a saved workbook, as other programs do: whatever they are."""
    merges = "".join(f"<mergeCell ref='{one}' />" for one in cells)
    end = f"</sheetData><mergeCells count='1'>{merges}</mergeCells>".encode()
    other = path.with_name("other.xlsx")
    with ZipFile(path) as old, ZipFile(other, "w") as new:
        for part in old.namelist():
            new.writestr(part, old.read(part).replace(b"</sheetData>", end))
    return other


def test_merges_without_end_or_over_each_other_do_no_harm(tmp_path):
    path = save(tmp_path / "t.xlsx", {"a": [HEADER, *FACILITIES]})
    table, findings = read(merged_in_xml(path, ["B2:B1048576", "B3:C9", "C2:D4", "XFD1:XFD9"]))
    assert table.frame.to_numpy().tolist() == [list(row) for row in FACILITIES]  # nothing is written over
    assert not len(findings)


def test_a_second_table_that_knows_more_columns_takes_no_row_from_the_first(tmp_path):
    table, _ = read(save(tmp_path / "t.xlsx", {"a": [
        ["名称", "类型", "经度", "纬度"], ["甲", "幸福院", 114, 33], [], [*HEADER, "建筑面积"],
        ["F2", "乙", "幸福院", 115, 34, 9, 80],
    ]}))  # fmt: skip
    assert table.frame["名称"].tolist() == ["甲", "乙"]
    assert table.frame["经度"].tolist() == [114, 115]
    assert [text(cell) for cell in table.frame["床位数"]] == ["", "9"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            ["row", "blank", "sum", "header", "title", "note", "part", "number"]
        ),
        min_size=1, max_size=14,
    ),
    st.sampled_from(["utf-8", "gb18030", "utf-16"]),
    st.integers(0, 10**6),
)  # fmt: skip
def test_whatever_stands_between_the_rows_every_row_is_read_or_listed(tmp_path, kinds, encoding, seed):
    rng = random.Random(seed)
    made = {
        "blank": [], "sum": ["小计", "", "", "", "", "30"], "header": HEADER, "title": ["某县台账"],
        "note": ["注：以上为2026年数据"], "part": ["（一）城区"], "number": ["12", "34", "x", "1", "2", "3"],
    }  # fmt: skip
    body = [rng.choice(FACILITIES) if kind == "row" else made[kind] for kind in kinds] + [FACILITIES[0]]
    path = tmp_path / "t.csv"
    path.write_bytes(write_csv([["某县台账"], HEADER, *body]).encode(encoding))
    table, findings = read(path)
    listed = sum(f.facts["count"] for f in findings if f.code in NO_RECORD)
    assert len(table.frame) + listed == len(body)
    records = [row for row, kind in zip(body, [*kinds, "row"], strict=True) if kind in {"row", "number"}]
    assert table.frame.to_numpy().tolist() == records
    lines = [i for i, kind in enumerate([*kinds, "row"], 3) if kind in {"row", "number"}]
    assert table.rows.tolist() == lines


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**9), st.booleans())
def test_a_damaged_workbook_with_merges_is_read_or_refused(tmp_path, seed, cut):
    path = save(tmp_path / "t.xlsx", {"a": [HEADER, *FACILITIES]}, merged=("B2:B4",))
    rng, data = random.Random(seed), bytearray(path.read_bytes())
    if cut:
        del data[rng.randrange(len(data)) :]
    for _ in range(rng.randint(1, 12)):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    path.write_bytes(bytes(data))
    try:
        table, _ = read(path)
    except InputError:
        return
    assert len(table.rows) == len(table.frame)


def test_any_order_of_merged_rows_and_columns_reads_the_same(tmp_path):
    rng = np.random.default_rng(3)
    for trial in range(5):
        order = rng.permutation(len(HEADER))
        rows = [[FACILITIES[i][k] for k in order] for i in range(4)]
        head = ["街道", *(HEADER[k] for k in order)]
        body = [["文峰街道" if i == 0 else None, *row] for i, row in enumerate(rows)]
        titles = [["某县台账"]] * trial
        last = trial + 1 + len(rows)
        path = save(
            tmp_path / f"{trial}.xlsx", {"a": [*titles, head, *body]}, merged=(f"A{trial + 2}:A{last}",)
        )
        table, _ = read(path)
        assert table.frame["街道"].tolist() == ["文峰街道"] * 4
        assert table.frame[HEADER].to_numpy().tolist() == [list(row) for row in FACILITIES[:4]]


def test_merges_are_told_of_workbooks_of_other_programs(tmp_path):
    """Some write the sheet's XML with single quotes, or a space before the end of the tag."""
    rows = [["街道", *HEADER], *[["文峰街道" if i == 0 else None, *row] for i, row in enumerate(FACILITIES)]]
    table, _ = read(merged_in_xml(save(tmp_path / "t.xlsx", {"a": rows}), ["A2:A4"]))
    assert [text(cell) for cell in table.frame["街道"]] == ["文峰街道"] * 3 + [""] * 3


def test_an_empty_sheet_with_a_merge_is_one_clear_error(tmp_path):
    with pytest.raises(InputError) as caught:
        read(save(tmp_path / "t.xlsx", {"a": []}, merged=("A1:A5",)))
    assert caught.value.code == "tables.no_header"
