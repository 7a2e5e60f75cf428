"""一街一表: one street's figures as the tables have them, room for what is found, and safe file names."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import PurePosixPath, PureWindowsPath

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from servicecircle.report.model import Figure, Table
from servicecircle.report.sheet import BLANK, MOST_VILLAGES, sheet_codes, sheet_name, township_sheet
from unit.made_material import STREET, earlier, made, records, texts

RESERVED = {"con", "prn", "aux", "nul", *(f"{word}{n}" for word in ("com", "lpt") for n in range(10))}


def tables(report):
    return {block.name: block for block in report.front if isinstance(block, Table)}


def test_the_key_figures_are_those_of_the_zones_table():
    material = made()
    row = records(tables(township_sheet(material, STREET))["key_figures"])[0]
    zones = material.run.zones
    own = zones[zones["code"].eq(STREET) & zones["circle"].eq("own")].iloc[0]
    assert row["people"] == own["people"]
    assert row["elderly_share_within"] == pytest.approx(own["elderly_within"] / own["elderly_judged"])
    assert row["elderly_left"] == pytest.approx(own["elderly_judged"] - own["elderly_within"])
    assert (row["units_met"], row["units_judged"]) == (own["units_met"], own["units_judged"])
    assert (row["change_last_month"], row["change_year_start"]) == (None, None)


def test_changes_are_points_of_the_printed_shares():
    material = replace(made(), earlier={"last_month": earlier({(STREET, "elderly_share"): 0.7004})})
    row = records(tables(township_sheet(material, STREET))["key_figures"])[0]
    assert row["change_last_month"] == 10.0  # 80.0 % and 70.0 %


def test_the_five_largest_gaps_of_the_street_leave_room_for_what_is_found():
    material = made()
    rows = records(tables(township_sheet(material, STREET))["gaps"])
    gaps = material.run.gaps
    mine = gaps[gaps["zone_code"].str.startswith(STREET[:9])].sort_values("people", ascending=False)
    assert [row["gap_id"] for row in rows] == mine["gap_id"].head(5).tolist()
    assert {row[key] for row in rows for key in ("finding", "verified_by", "verified_on")} == {BLANK}


def test_only_the_tasks_of_the_street_stand_on_its_sheet():
    said = texts(township_sheet(made(), STREET))
    assert "街道任务" in said
    assert "县级任务" not in said
    assert "没有本单位的任务" in texts(township_sheet(made(tables={}), STREET))


def test_villages_that_do_not_fit_are_counted():
    material = made(villages=40)
    block = tables(township_sheet(material, STREET))["villages"]
    names = [cell for row in block.rows for cell in row[::3] if cell != BLANK]
    assert len(names) == MOST_VILLAGES
    assert str(40) in block.notes[0]
    few = tables(township_sheet(made(villages=2), STREET))["villages"]
    assert [cell for row in few.rows for cell in row[::3]] == ["一村", "二村", BLANK]


def test_a_picture_is_shown_where_there_is_one(tmp_path):
    assert not [b for b in township_sheet(made(), STREET).front if isinstance(b, Figure)]
    material = made(folder=tmp_path)
    assert not [b for b in township_sheet(material, STREET).front if isinstance(b, Figure)]
    picture = tmp_path / "pictures" / "townships" / f"{STREET}.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"")
    figures = [b for b in township_sheet(material, STREET).front if isinstance(b, Figure)]
    assert [figure.path for figure in figures] == [picture]


def test_facilities_are_named_by_whether_they_count():
    material = made()
    placed = material.run.facilities.assign(zone_code=[f"{STREET[:9]}001", f"{STREET[:9]}001", ""])
    said = texts(township_sheet(replace(material, run=replace(material.run, facilities=placed)), STREET))
    assert "已上图设施2处。计入服务圈1处：幸福院一。未计入1处：幸福院二。" in said
    assert "没有设施所在单位" in texts(township_sheet(material, STREET))


def test_a_study_without_elderly_gaps_or_people_still_has_its_sheet():
    bare = made(elderly=False, tables={}, gaps=0)
    report = township_sheet(bare, STREET)
    assert "people_left" in records(tables(report)["key_figures"])[0]
    assert "没有未覆盖片区" in texts(report)
    nobody = bare.run.zones.assign(people_judged=0.0, people_within=0.0, people_doubtful=0.0)
    empty = township_sheet(replace(bare, run=replace(bare.run, zones=nobody)), STREET)
    assert records(tables(empty)["key_figures"])[0]["share_within"] is not None
    assert "没有参评人口" in texts(empty)


def test_sheets_are_those_of_streets_and_townships_in_official_order():
    material = made()
    assert sheet_codes(material)[0] == STREET
    assert len(sheet_codes(material)) == 5
    villages = material.run.zones[material.run.zones["level"].eq("village")]
    alone = replace(material, run=replace(material.run, zones=villages))
    assert sheet_codes(alone) == ()
    with pytest.raises(LookupError):
        township_sheet(alone, STREET)


def test_a_file_is_named_by_code_and_name():
    assert sheet_name("410922001000", "清水街道") == "410922001000-清水街道.docx"
    assert sheet_name("410922001000", "") == "410922001000.docx"
    assert sheet_name("410922001000", "../..\\甲:街道\u202e.") == "410922001000-甲_街道.docx"


@given(code=st.text(max_size=40), name=st.text(max_size=300))
@example(code="con", name="")
@example(code="../../etc", name="/")
@example(code="", name="")
@example(code="", name="-")
@example(code="1", name="𠀀" * 200)
@example(code="1", name="\u202egpj.exe")
def test_any_name_makes_a_file_name_that_every_system_takes(code, name):
    made_name = sheet_name(code, name)
    assert len(made_name) <= 80
    assert len(made_name.encode()) <= 200
    assert not set(made_name) & set('<>:"/\\|?*')
    assert all(unicodedata.category(sign)[0] not in "CZ" for sign in made_name)
    assert PureWindowsPath(made_name).name == PurePosixPath(made_name).name == made_name
    stem = made_name.removesuffix(".docx")
    assert stem.split(".")[0].casefold() not in RESERVED
    assert not stem.startswith(".")
    assert not stem.endswith((".", " ", "-"))


@given(codes=st.lists(st.text(max_size=12), min_size=2, max_size=8, unique=True), name=st.text(max_size=20))
@example(codes=["1", "1-甲"], name="甲")
@example(codes=["a", "A"], name="")
def test_no_two_codes_share_a_file(codes, name):
    names = {sheet_name(code, name).casefold() for code in codes}
    names |= {sheet_name(code, "").casefold() for code in codes} if name else set()
    assert len({stem.removesuffix(".docx").split("-")[0] for stem in names}) == len(codes)


def test_the_frame_of_another_program_version_is_read_as_well():
    material = made()
    zones = material.run.zones.drop(columns=["units_with_facility"])
    report = township_sheet(replace(material, run=replace(material.run, zones=pd.DataFrame(zones))), STREET)
    assert report.kind == "sheet"
