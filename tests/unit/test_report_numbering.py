"""Numbers of sections, tables and figures, and the lengths of contents."""

import datetime as dt
from pathlib import Path

import pytest

from servicecircle.report.model import Figure, Report, Section, Table
from servicecircle.report.numbering import MOST_CONTENTS, chinese, laid_out, section_number
from servicecircle.report.plain import plain, width_em


def table(name):
    return Table(name, f"T {name}", (), ())


def figure(name):
    return Figure(name, f"F {name}", Path("none.png"), "")


def report(*sections, language="zh", front=()):
    return Report("full", language, "t", "", "", dt.date(2026, 6, 30), "", front, sections, (), "")


NESTED = (
    Section("a", "甲", (table("a1"), figure("a1")), (
        Section("b", "乙", (table("b1"),), (Section("c", "丙", (), (Section("d", "丁"),)),)),
        Section("e", "戊"),
    )),
    Section("f", "己", (figure("f1"), table("f1"))),
)  # fmt: skip


@pytest.mark.parametrize(
    ("number", "written"),
    [(1, "一"), (10, "十"), (11, "十一"), (20, "二十"), (99, "九十九"), (100, "一百"), (101, "一百零一"),
     (110, "一百一十"), (115, "一百一十五"), (1001, "一千零一"), (1010, "一千零一十"), (1300, "一千三百"),
     (9999, "九千九百九十九")],
)  # fmt: skip
def test_chinese_numerals(number, written):
    assert chinese(number) == written


def test_sections_are_numbered_as_documents_number_them():
    headings = laid_out(report(*NESTED)).headings
    assert [headings[name].text for name in "abcdef"] == [
        "一、甲", "（一）乙", "1.丙", "（1）丁", "（二）戊", "二、己"
    ]  # fmt: skip
    assert [headings[name].level for name in "abcdef"] == [1, 2, 3, 4, 2, 1]
    english = laid_out(report(*NESTED, language="en")).headings
    assert [english[name].text for name in "abcd"] == ["1 甲", "1.1 乙", "1.1.1 丙", "1.1.1.1 丁"]
    assert section_number((3, 12), "zh") == "（十二）"


def test_tables_and_figures_are_numbered_each_in_their_order_from_the_first_page_on():
    layout = laid_out(report(*NESTED, front=(table("front"),)))
    assert list(layout.tables.values()) == ["表1　T front", "表2　T a1", "表3　T b1", "表4　T f1"]
    assert list(layout.figures.values()) == ["图1　F a1", "图2　F f1"]
    english = laid_out(report(*NESTED, language="en"))
    assert english.caption(table("b1")) == "Table 2. T b1"
    assert english.caption(figure("f1")) == "Figure 2. F f1"


def test_a_caption_is_no_template():
    odd = Table("odd", "{number} {0} {title}", (), ())
    assert laid_out(report(front=(odd,))).caption(odd) == "表1　{number} {0} {title}"


def test_a_name_may_not_be_given_twice():
    with pytest.raises(ValueError, match="same"):
        laid_out(report(Section("same", "a"), Section("b", "b", (), (Section("same", "c"),))))
    with pytest.raises(ValueError, match="same"):
        laid_out(report(front=(table("same"), table("same"))))


def test_long_contents_leave_out_the_lowest_levels():
    def contents(towns, villages):
        parts = tuple(
            Section(f"t{t}", "镇", (), tuple(Section(f"v{t}-{v}", "村") for v in range(villages)))
            for t in range(towns)
        )
        return laid_out(report(Section("all", "总", (), parts))).contents()

    assert {entry.level for entry in contents(2, 3)} == {1, 2, 3}
    assert {entry.level for entry in contents(10, MOST_CONTENTS[3])} == {1, 2}
    assert {entry.level for entry in contents(MOST_CONTENTS[2], 1)} == {1}


def test_plain_keeps_letters_and_drops_what_no_file_may_hold():
    assert plain("a\x00\x07\ud800b\u202egnp.exe\u2066 \ufeff") == "abgnp.exe"
    assert plain("  第一行\r\n第二行\t三 ") == "第一行 第二行 三"
    assert plain("表1　标题 𠮷 é مركز") == "表1　标题 𠮷 é مركز"
    assert plain("=1+2") == "=1+2"


def test_widths_count_the_gaps_between_digits_and_characters():
    assert width_em("养老") == 2
    assert width_em("6月") == pytest.approx(1.8)
