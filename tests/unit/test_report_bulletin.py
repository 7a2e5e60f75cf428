"""Bulletins say what the tables say: ranks, changes, gaps, tasks, clauses, problems, and every caveat."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pandas as pd
import pytest

from servicecircle.history.headlines import WHOLE, headlines
from servicecircle.report.bulletin import bulletin
from servicecircle.report.cautions import cautions, provenance, stamp
from servicecircle.report.figures import shown
from servicecircle.report.material import SignOff
from servicecircle.report.model import Table
from unit.made_material import (
    PROFILE,
    STREET,
    TASKS,
    VERDICTS,
    blocks,
    earlier,
    made,
    records,
    since_of,
    tables_of,
    texts,
)

KINDS = ("monthly", "quarterly", "half_year", "annual")


@pytest.mark.parametrize("kind", KINDS)
def test_both_groups_are_ranked_and_the_figures_are_those_of_the_zones(kind):
    found = tables_of(bulletin(kind, made()))
    ranked = {
        row["name"]: row["rank"] for group in ("street", "township")
        for row in records(found[f"ranking_{group}"])
    }  # fmt: skip
    assert ranked == {"甲街道": 1, "乙街道": 2, "丙镇": 1, "丁镇": 1, "戊乡": 3}
    first = records(found["ranking_street"])[0]
    assert (first["elderly_share_within"], first["elderly_left"]) == pytest.approx((0.8, 40.0))


def test_the_headlines_are_those_the_history_keeps():
    material = made(villages=3)
    rows = {row["headline"]: row for row in records(tables_of(bulletin("monthly", material))["headlines"])}
    kept = headlines(material.run.zones)
    assert rows["达标率"]["share"] == kept[WHOLE, "met_rate"]
    assert rows["设施覆盖率（村、社区）"]["share"] == kept[WHOLE, "unit_coverage"]
    assert rows["老年人口覆盖率"]["share"] == pytest.approx(kept[WHOLE, "elderly_share"])
    assert rows["老年人口覆盖率"]["certain"] == pytest.approx(1000 * 0.32 - 50)


def test_changes_are_taken_from_printed_shares_and_a_dash_stands_for_what_is_not_remembered():
    material = replace(made(), earlier={"last_month": earlier({(STREET, "elderly_share"): 0.7549})})
    rows = {row["name"]: row for row in records(tables_of(bulletin("monthly", material))["ranking_street"])}
    assert rows["甲街道"]["change_last_month"] == 4.6  # 80.0 less 75.4, as printed
    assert shown(rows["甲街道"]["change_last_month"], "points", material.text) == "+4.6"
    assert rows["甲街道"]["change_year_start"] is rows["乙街道"]["change_last_month"] is None
    assert "2026年5月31日" in texts(bulletin("monthly", material))


def test_the_quarter_starts_from_the_run_around_its_first_day():
    days = ("2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31")
    series = pd.DataFrame(
        [(f"r{i}", day, STREET, "elderly_share", 0.1 * i) for i, day in enumerate(days)],
        columns=["run_id", "as_of", "zone_code", "headline", "share"],
    )
    rows = records(tables_of(bulletin("quarterly", replace(made(), headlines=series)))["ranking_street"])
    assert rows[0]["change_quarter_start"] == 60.0  # the run of 30 April has 20.0 %


def test_the_quarterly_names_both_ends():
    rows = records(tables_of(bulletin("quarterly", made()))["ranking_ends"])
    assert {row["place"] for row in rows} == {"前三名"}
    assert [row["name"] for row in rows] == ["甲街道", "乙街道", "丙镇", "丁镇", "戊乡"]


def test_gaps_opened_and_closed_are_counted_and_the_largest_named():
    material = made()
    report = bulletin("monthly", replace(material, since=since_of(material.run)))
    assert "新增4处、消除4处" in texts(report)
    rows = records(tables_of(report)["gap_changes"])
    assert [(row["change"], row["people"]) for row in rows] == [
        ("新增", 70.0), ("新增", 50.0), ("新增", 30.0), ("消除", 80.0), ("消除", 60.0), ("消除", 40.0),
    ]  # fmt: skip
    assert "没有上次运行的记录" in texts(bulletin("monthly", material))


def test_tasks_past_due_stand_by_responsible_unit():
    report = bulletin("monthly", made())
    rows = [(row["responsible"], row["task"]) for row in records(tables_of(report)["overdue"])]
    assert rows == [("乙局", "早到期任务"), ("乙局", "县级任务"), (None, "镇任务")]
    assert "任务4项，其中逾期未完成3项、落后序时进度1项" in texts(report)
    assert "没有任务表" in texts(bulletin("monthly", made(tables={})))
    done = TASKS.assign(task_state="done")
    assert "没有逾期未完成的任务" in texts(bulletin("monthly", made(tables={"tasks": done})))


def test_clauses_are_counted_in_the_units_they_speak_of_against_their_deadlines():
    report = bulletin("annual", made())
    rows = records(tables_of(report)["clauses"])
    assert [(row["clause"], row["met"], row["judged"], row["deadline_state"]) for row in rows] == [
        ("全县有1所", 1, 1, "未到期"), ("每村“一公里”", 2, 4, "已到期"),
    ]  # fmt: skip


def test_problems_name_their_remedy_and_who_is_responsible():
    rows = records(tables_of(bulletin("half_year", made()))["problems"])
    assert [(row["about"], row["responsible"]) for row in rows[:5]] == [
        ("条款", "县民政局"), ("任务", "乙局"), ("任务", "乙局"), ("任务", None), ("任务", "甲局"),
    ]  # fmt: skip
    assert "“每村‘一公里’”已到期（2022年12月31日），参评4个中2个" in rows[0]["problem"]
    assert "落后序时进度25.0个百分点" in rows[4]["problem"]
    assert rows[5]["problem"] == "甲街道一村（路旁8）：约80人，确定未覆盖。"
    assert (rows[-1]["about"], rows[-1]["problem"]) == ("数据", "缺少坐标。")
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_bulletin_prints_its_caveats_and_only_its_own_language(kind, language):
    material = made(language)
    report = bulletin(kind, replace(material, since=since_of(material.run)))
    said = texts(report)
    if language == "zh":
        assert report.cautions[0] == "供绩效考核参考，非考核结果。"
        assert "参考判定线（本单位自定，文件未规定）：90.0%" in said
        assert "推算人口" in said
        assert not re.search(r"\b(nan|None|N/A|[a-z]+_[a-z_]+)\b", said)
    else:
        ours = re.sub("[“（].*?[”）]|甲.*?街道|[甲乙丙丁戊某一二].", "", said)
        assert not re.search("[的了为与和]", ours)
    for block in tables_of(report).values():
        assert all(len(row) == len(block.columns) for row in block.rows)
        assert len({column.key for column in block.columns}) == len(block.columns)
        for row in block.rows:
            for value, column in zip(row, block.columns, strict=True):
                assert shown(value, column.format, material.text)


def test_section_and_table_names_are_unique():
    for kind in KINDS:
        report = bulletin(kind, made())
        names = [section.name for section in report.sections]
        assert len(set(names)) == len(names)
        tables = [block.name for block in blocks(report) if isinstance(block, Table)]
        assert len(set(tables)) == len(tables)


def test_without_elderly_all_people_lead():
    found = tables_of(bulletin("monthly", made(elderly=False)))
    assert "share_within" in records(found["ranking_street"])[0]
    assert [row["headline"] for row in records(found["headlines"])] == [
        "达标率", "设施覆盖率（村、社区）", "人口覆盖率",
    ]  # fmt: skip


def test_villages_alone_are_not_ranked():
    material = made()
    zones = material.run.zones
    alone = replace(material.run, zones=zones[zones["level"].eq("village")].reset_index(drop=True))
    said = texts(bulletin("monthly", replace(material, run=alone)))
    assert "不作排名" in said


def test_nobody_judged_and_nothing_found_still_make_a_bulletin():
    material = made(gaps=0, tables={})
    zones = material.run.zones.assign(
        people_judged=0.0, people_within=0.0, people_doubtful=0.0, elderly_judged=0.0, elderly_within=0.0,
        elderly_doubtful=0.0, state="no_people", verdict="not_judged",
    )  # fmt: skip
    run = replace(
        material.run, zones=zones, verdicts=VERDICTS.iloc[:0], findings=material.run.findings.iloc[:0]
    )
    report = bulletin("annual", replace(material, run=run))
    assert "达标率—" in texts(report)
    assert "没有列入清单的问题" in texts(report)
    assert len(records(tables_of(report)["unranked"])) == 5


def test_a_public_edition_compares_nothing_and_prints_its_review_number():
    material = made(output={"edition": "public", "map_review": "豫S〔2026〕1号"})
    material = replace(material, earlier={"last_month": earlier({(STREET, "elderly_share"): 0.1})})
    report = bulletin("monthly", material)
    assert {row["change_last_month"] for row in records(tables_of(report)["ranking_street"])} == {None}
    assert "审图号：豫S〔2026〕1号。" in report.cautions
    assert "内部工作用图，未经地图审核，不得公开。" not in report.cautions


def test_the_stamp_tells_a_draft_for_sign_off_from_a_draft_document():
    material = made()
    draft = replace(material, profile=PROFILE.model_copy(update={"draft": True}))
    assert stamp(material) == ""
    assert stamp(draft) == "征求意见稿（试算，不作考核依据）"
    assert stamp(replace(draft, sign_off=SignOff("draft"))) == "送审稿"
    assert stamp(replace(draft, sign_off=SignOff("final", "某人", dt.date(2026, 7, 1)))) == stamp(draft)
    assert any("某办法" in caution and "征求意见稿" in caution for caution in cautions(draft))


def test_caveats_follow_the_run():
    material = made()
    assert "已到期条款1条。" in cautions(material)
    assert "道路资料来源：© OpenStreetMap contributors (ODbL)，可能不全。" in cautions(material)
    counted = {**material.run.manifest, "people_basis": {"modelled": False}, "streets_from_osm": False}
    told = cautions(replace(material, run=replace(material.run, manifest=counted)))
    assert "人口口径：常住人口，2025年。" in told
    assert "道路资料由本单位提供，可能不全。" in told


def test_the_provenance_does_not_depend_on_the_order_of_inputs():
    material = made()
    turned = {**material.run.manifest, "inputs": material.run.manifest["inputs"][::-1]}
    other = replace(material, run=replace(material.run, manifest=turned))
    assert provenance(material) == provenance(other)
    assert "2026年7月1日" in provenance(material)


def test_hostile_names_are_said_as_they_stand():
    material = made()
    zones = material.run.zones.assign(name=material.run.zones["name"].replace("甲街道", "{x}<b>=1+1"))
    report = bulletin("annual", replace(material, run=replace(material.run, zones=zones)))
    assert "{x}<b>=1+1" in {row["name"] for row in records(tables_of(report)["ranking_township"])} | {
        row["name"] for row in records(tables_of(report)["ranking_street"])
    }
