"""The full report: its figures are those of the tables, its words are an office's, nothing is left out."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from dataclasses import replace

import pandas as pd
import pytest

from browser.drawn_province import drawn_province
from servicecircle import words
from servicecircle.assess.public import for_public
from servicecircle.history.compare import Comparison
from servicecircle.kinds import KINDS
from servicecircle.maps.text import Text
from servicecircle.outputs.reading import RunFrames, read_run, typed
from servicecircle.outputs.tables import write_csv, written_tables
from servicecircle.report.figures import shown
from servicecircle.report.full import full_report
from servicecircle.report.material import Material, SignOff
from servicecircle.report.model import Figure, Paragraph, Points, Table
from servicecircle.report.sections import places
from servicecircle.report.sections.coverage import whole_rows
from servicecircle.report.sections.ground import Ground
from servicecircle.standards.register import load_profile
from servicecircle.study import Rules, Study
from unit.small_town import FACILITIES, LAT, LON, STEP, SmallTown, command, zones

MEALS = '[[rules.circles]]\nid = "meals"\nname = "助餐服务圈"\nmetres = 500\nkinds = ["meal_point"]\n'
THREE = f"""编号,名称,类型,状态,经度,纬度,服务功能
F1,幸福院,村级幸福院,运营中,{LON + STEP:.4f},{LAT + 0.0002:.4f},日间照料
F2,助餐点,老年助餐点,运营中,{LON + STEP:.4f},{LAT + STEP + 0.0002:.4f},助餐
F3,无坐标幸福院,村级幸福院,运营中,,,
"""
TASKS = "任务,单位,设施类型,目标数,期限,责任单位\n建幸福院,西村,村级幸福院,3,2025-12-31,某局\n"


def blocks_of(report):
    def inner(section):
        yield from section.blocks
        for part in section.sections:
            yield from inner(part)

    yield from report.front
    for section in report.sections:
        yield from inner(section)


def sections_of(report):
    def inner(section):
        yield section
        for part in section.sections:
            yield from inner(part)

    return [part for section in report.sections for part in inner(section)]


def tables_of(report):
    return {block.name: block for block in blocks_of(report) if isinstance(block, Table)}


def column(table, key):
    at = [c.key for c in table.columns].index(key)
    return [row[at] for row in table.rows]


def texts_of(report, text):
    """Return everything that a reader sees, but tables of file names, versions and findings."""
    yield from (report.title, report.subtitle, report.stamp, *report.cautions)
    yield from (section.title for section in sections_of(report))
    for block in blocks_of(report):
        if isinstance(block, Paragraph):
            yield block.text
        elif isinstance(block, Points):
            yield from block.items
        elif isinstance(block, Figure):
            yield from (block.title, block.alt)
        elif isinstance(block, Table):
            yield from (block.title, *block.notes, *(c.title for c in block.columns))
            if block.name not in {"inputs", "versions", "findings"}:
                for row in block.rows:
                    yield from (shown(v, c.format, text) for v, c in zip(row, block.columns, strict=True))


def said(report):
    return "\n".join(texts_of(report, text_of(report)))


def text_of(report):
    return Text(report.language)


def material_of(town, **changes):
    study = Study.from_file(town.study)
    profile = load_profile(study.rules.profile, folder=study.path.parent)
    return replace(Material(study, read_run(town.output), profile), **changes)


def run(folder, *, language="zh", more="", facilities=FACILITIES, **parts):
    town = SmallTown(folder)
    town.write(language=language, facilities=facilities, **parts)
    town.put("study.toml", town.study.read_text("utf-8") + more)
    done = command("run", town.study, "-q")
    assert done.code == 0, done.err
    return town


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full") / "town"
    folder.mkdir()
    (folder / "tasks.csv").write_text(TASKS, "utf-8")
    return run(folder, facilities=THREE, more=f'\n[tasks]\nsource = "tasks.csv"\n{MEALS}')


@pytest.fixture(scope="module")
def report(town):
    return full_report(material_of(town))


def province(tmp_path_factory, results):
    """Return the frames of drawn results as a run would have written them."""
    folder = tmp_path_factory.mktemp("province")
    frames = {}
    for name, frame in written_tables(results).items():
        path = write_csv(frame, folder / f"{name}.csv")
        text = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        frames[name] = typed(text)
    manifest = {
        "version": "1.0", "started_at": "2026-07-01T01:02:03+00:00", "crs": "EPSG:4547",
        "study": {"id": "p", "name": "省", "language": "zh", "as_of": "2026-06-30"},
        "parameters": json.loads(results.study.rules.model_dump_json()), "libraries": {"numpy": "2"},
        **results.manifest,
    }  # fmt: skip
    ours = {name: frames.pop(name) for name in ("zones", "verdicts", "gaps", "facilities", "findings")}
    frames.pop("evidence")
    return Material(results.study, RunFrames(manifest, **ours, tables=frames), load_profile("puyang"))


@pytest.fixture(scope="module")
def drawn():
    return drawn_province(prefectures=2, counties=3, townships=9)


def test_first_page_adds_up_and_has_the_headlines_in_their_order(town, report):
    text = said(replace(report, sections=()))
    assert "台账登记3处＝上图2处＋未上图1处" in text
    assert "村（社区）2个＝参评2个＋未参评0个" in text
    judged = read_run(town.output).manifest["totals"]["judged"]
    assert f"＝参评{judged:.0f}人＋未参评" in text
    order = [
        text.index(word) for word in ("台账登记", "参评单位达标率", "设施覆盖率：", "人口覆盖率：", "宽口径")
    ]
    assert order == sorted(order)
    assert "严口径" in text
    assert "供绩效考核参考，非考核结果" in text


def test_figures_are_those_of_the_tables(town, report):
    frames, found = read_run(town.output), tables_of(report)
    villages = frames.zones[frames.zones["level"].eq("village") & frames.zones["circle"].eq("1km")]
    whole = dict(
        zip([c.key for c in found["circles-people"].columns], found["circles-people"].rows[0], strict=True)
    )
    assert whole["people_within"] == pytest.approx(villages["people_within"].sum(), abs=1e-9)
    assert whole["people_certain"] + whole["people_doubtful"] == pytest.approx(
        villages["gap_people"].sum(), abs=1e-9
    )
    shares = dict(zip([c.key for c in found["headlines"].columns], found["headlines"].rows[0], strict=True))
    assert shares["share_within"] == pytest.approx(
        villages["people_within"].sum() / villages["people_judged"].sum(), abs=1e-12
    )
    met = villages["verdict"].eq("met").sum()
    assert shares["met_share"] == pytest.approx(met / len(villages))
    for village in villages.to_dict("records"):
        table = found[f"village-{village['code']}"]
        assert table.title == village["name"]
        assert column(table, "people")[0] == village["people"]


def test_gaps_add_up_to_the_people_not_covered(town, report):
    ranking, frames = tables_of(report)["gaps"], read_run(town.output)
    people = column(ranking, "people")
    assert people[-1] == pytest.approx(math.fsum(people[:-1]), abs=1e-9)
    own = frames.zones[frames.zones["circle"].eq("own") & frames.zones["level"].eq("prefecture")]
    assert people[-1] == pytest.approx(own["gap_people"].iloc[0], abs=1e-9)
    assert ranking.strong == {len(ranking.rows) - 1}


def test_a_long_ranking_says_how_many_more_there_are(tmp_path_factory, drawn):
    material = province(tmp_path_factory, drawn)
    ranking = tables_of(full_report(material))["gaps"]
    assert len(material.run.gaps) > 30
    assert len(ranking.rows) == 32
    rest = ranking.rows[-2]
    assert rest[0] == f"其余{len(material.run.gaps) - 30}处"
    people = column(ranking, "people")
    assert people[-1] == pytest.approx(material.run.gaps["people"].sum())
    assert people[-2] == pytest.approx(people[-1] - sum(people[:30]))


def test_clauses_are_counted_in_their_lowest_units(tmp_path_factory, drawn):
    material = province(tmp_path_factory, drawn)
    found = tables_of(full_report(material))
    clauses = material.run.verdicts
    judged = clauses[clauses["severity"].ne("report")]
    counts = found["verdict-counts"]
    assert counts.rows[-1][1] == len(judged)
    assert column(counts, "not_met")[-1] == judged["verdict"].eq("not_met").sum()
    by_phrase = dict(zip(column(found["clauses"], "phrase"), found["clauses"].rows, strict=True))
    assert "打造农村“一公里”居家养老服务圈" in by_phrase
    source = found["clause-sources"]
    assert "第二章第三节3 (第1条)" in column(source, "place")
    assert "工作目标" in column(source, "force")


@pytest.mark.parametrize(("clause", "unit", "measured", "asked"), [
    ("puyang-gov-beds-40", "share of beds", 0.5, "≤40.0%"),
    ("puyang-urban-15min", "share", 0.5, "≥90.0%"),
    ("puyang-box1-beds-28000", "beds", 5.0, "≥28000"),
])  # fmt: skip
def test_a_limit_from_above_is_not_taken_for_one_from_below(
    tmp_path_factory, drawn, clause, unit, measured, asked
):
    material = province(tmp_path_factory, drawn)
    threshold = {"share of beds": 0.4, "share": 0.9, "beds": 28000.0}[unit]
    first = material.run.verdicts.iloc[[0]].assign(
        clause_id=clause, unit=unit, measured=measured, threshold=threshold, level="市"
    )
    changed = replace(material, run=replace(material.run, verdicts=first))
    assert column(tables_of(full_report(changed))["clauses"], "asked") == [asked]


def test_chinese_reports_hold_no_english_and_nothing_unknown(town, report):
    codes = {
        key
        for name, group in words.table("labels").items()
        if name not in {"column", "sheet"}
        for key in group
    }
    codes = {code for code in codes if re.fullmatch(r"[a-z_0-9]+", code) and "_" in code} | {
        *KINDS,
        *Rules.model_fields,
    }
    for text in texts_of(report, text_of(report)):
        plain = re.sub(
            r"`[^`]*`|OpenStreetMap contributors|[A-Za-z0-9_.-]+\.(osm|csv|gpkg|tif|xlsx)", "", text
        )
        assert not re.search(r"\b(nan|NaN|None|inf|N/A|True|False)\b", plain), text
        assert not re.search(r"[a-z]+_[a-z]+", plain), text
        assert not codes & set(re.findall(r"[a-z_0-9]+", plain)), text
        assert not re.search(r"[a-z]{4,}", plain), text


def test_english_reports_hold_no_chinese_of_ours(tmp_path):
    home = FACILITIES.replace("幸福院,村级幸福院", "Home,村级幸福院")
    town = run(tmp_path / "town", language="en", villages=zones(name=["West", "East"]), facilities=home)
    report = full_report(material_of(town))
    theirs = {"place", "name", "nearest_facility", "phrase"}  # names, words and chapters of the document
    for table in tables_of(report).values():
        cells = [
            v for row in table.rows for v, c in zip(row, table.columns, strict=True) if c.key not in theirs
        ]
        for text in (table.title, *table.notes, *(c.title for c in table.columns), *map(str, cells)):
            assert table.name == "parameters" or not re.search(r"[\u4e00-\u9fff]", text), (table.name, text)


def test_names_are_unique_and_latin(report):
    names = [b.name for b in blocks_of(report) if isinstance(b, Table | Figure)]
    assert len(names) == len(set(names))
    sections = [s.name for s in sections_of(report)]
    assert len(sections) == len(set(sections))
    assert all(re.fullmatch(r"[a-z0-9_-]+", name) for name in [*names, *sections])
    for table in tables_of(report).values():
        assert len({c.key for c in table.columns}) == len(table.columns), table.name
        assert all(len(row) == len(table.columns) for row in table.rows), table.name


def test_every_parameter_stands_in_words(town, report):
    parameters = tables_of(report)["parameters"]
    assert len(parameters.rows) == len(Rules.model_fields)
    text = "\n".join(" ".join(row) for row in parameters.rows)
    assert "助餐服务圈（500米，城乡均适用；老年助餐服务设施）" in text
    assert "参考判定线（本单位自定，文件未规定） 90.0%" in text
    inputs = tables_of(report)["inputs"]
    assert {row[2] for row in inputs.rows} == {i["sha256"] for i in read_run(town.output).manifest["inputs"]}


def test_a_circle_of_the_studys_own_stands_beside_the_two(report):
    assert "助餐服务圈" in [
        row[0] if isinstance(row[0], str) else "" for row in tables_of(report)["headlines"].rows
    ]


def test_a_page_of_a_township_names_it_in_every_table(town, report):
    """A workbook puts the tables of all townships into one sheet, and tells them by their titles."""
    names = set(material_of(town).run.zones.query("level == 'township'")["name"])
    titles = [t.title for t in tables_of(report).values() if t.name.startswith(("facilities-4", "gaps-4"))]
    titles += [t.title for t in tables_of(report).values() if t.name.startswith("verdicts-4")]
    assert titles
    assert all(any(name in title.partition("：")[2] for name in names) for title in titles)


def test_tasks_past_due_stand_under_whom_they_fall_to(report):
    assert column(tables_of(report)["tasks-overdue"], "responsible") == ["某局"]
    assert column(tables_of(report)["tasks"], "task_state") == ["逾期未完成"]
    assert column(tables_of(report)["tasks-responsible"], "overdue") == [1]


def test_facilities_not_on_the_map_are_listed(report):
    assert column(tables_of(report)["facilities-unmapped"], "name") == ["无坐标幸福院"]
    kinds = tables_of(report)["facility-kinds"]
    assert column(kinds, "listed")[-1] == 3
    assert sum(column(kinds, "listed")[:-1]) == 3


def test_findings_are_ordered_by_what_was_left_out_then_by_people(tmp_path_factory, drawn):
    material = province(tmp_path_factory, drawn)
    findings = pd.DataFrame({
        "code": ["coverage.streets_sparse", "coverage.streets_unmapped", "facilities.no_coordinates"],
        "severity": ["warning", "warning", "error"], "subject": ["", "", ""], "row": [None, None, 3.0],
        "message": ["甲", "乙", "丙"], "remedy": ["补路", "补路", "补坐标"],
        "people_touched": [5.0, 500.0, None],
    })  # fmt: skip
    report = full_report(replace(material, run=replace(material.run, findings=findings)))
    assert column(tables_of(report)["findings"], "message") == ["丙", "乙", "甲"]
    first = next(s for s in report.sections if s.name == "quality")
    mended = next(b for b in first.blocks if isinstance(b, Points))
    assert [item.rpartition("：")[2] for item in mended.items] == ["补坐标", "补路", "补路"]


def test_reporting_units_take_the_place_of_townships(tmp_path_factory, drawn):
    material = province(tmp_path_factory, drawn)
    zones_ = material.run.zones.copy()
    villages = zones_.index[zones_["level"].eq("village")]
    zones_["report_unit"] = zones_["report_unit"].fillna("")
    zones_.loc[villages[:5], "report_unit"] = "某管委会"
    found = tables_of(full_report(replace(material, run=replace(material.run, zones=zones_))))
    table = found["report-units-people"]
    units = dict(zip(column(table, "name"), column(table, "people_within"), strict=True))
    assert units["某管委会"] == pytest.approx(zones_.loc[villages[:5], "people_within"].sum())
    assert sum(units.values()) == pytest.approx(zones_.loc[villages, "people_within"].sum())
    rows = zones_.loc[villages[:5]]
    straight = (rows["share_straight"] * rows["people_judged"]).sum() / rows["people_judged"].sum()
    shares = dict(zip(column(table, "name"), column(table, "share_straight"), strict=True))
    assert shares["某管委会"] == pytest.approx(straight)


def test_a_draft_says_so_and_a_final_one_names_who_approved_it(town):
    material = material_of(town)
    assert full_report(replace(material, sign_off=SignOff("draft"))).stamp == "送审稿"
    final = full_report(replace(material, sign_off=SignOff("final", "某某局", dt.date(2026, 7, 1))))
    assert final.stamp == ""
    assert "经某某局审定，2026年7月1日" in final.front[0].text
    drafted = full_report(replace(material, profile=load_profile("luohe"), sign_off=SignOff("final")))
    assert "征求意见稿（试算，不作考核依据）" in drafted.stamp
    assert any("征求意见稿（试算，不作考核依据）" in caution for caution in drafted.cautions)
    assert "征求意见稿" in said(replace(drafted, sections=(), cautions=()))
    assert "《征求意见稿" not in "".join(drafted.cautions)  # the draft has no title of its own


def comparison(**changes):
    headlines = pd.DataFrame({
        "zone_code": ["", "410902200000"], "zone_name": ["", "镇"], "headline": "people_share",
        "old": [0.50, 0.5], "new": [0.60, 0.4], "change": [0.10, -0.1], "people": [0.04, -0.1],
        "facilities_opened": [0.06, 0.0],
    })  # fmt: skip
    gaps = pd.DataFrame({
        "change": ["opened", "closed"], "township_name": "镇", "zone_name": ["东村", "西村"], "place": "村口",
        "people": [12.0, None], "old_people": [None, 40.0],
    })  # fmt: skip
    facilities = pd.DataFrame(
        {
            "change": ["opened"],
            "facility_id": ["f9"],
            "name": ["新站"],
            "kind": ["community_station"],
            "metres": [None],
        }
    )
    verdicts = pd.DataFrame({
        "zone_code": ["1"], "zone_name": ["东村"], "township_name": ["镇"], "old_verdict": ["not_met"],
        "verdict": ["met"],
    })  # fmt: skip
    side = {"run_id": "a", "name": "小镇", "as_of": "2026-05-31", "started_at": "2026-06-01T00:00:00+00:00",
            "version": "1"}  # fmt: skip
    whole = {
        "old": side, "new": {**side, "as_of": "2026-06-30"}, "headlines": headlines,
        "parts": ("people", "facilities_opened"), "method": "every_order", "why_not": ("", ""),
        "verdicts": verdicts, "gaps": gaps, "facilities": facilities,
    }  # fmt: skip
    return Comparison(**{**whole, **changes})


def test_what_changed_is_told_in_points_that_sum(town):
    report = full_report(material_of(town, since=comparison()))
    found = tables_of(report)
    row = dict(
        zip([c.key for c in found["since-headlines"].columns], found["since-headlines"].rows[0], strict=True)
    )
    assert row["change"] == 10.0
    assert row["people"] + row["facilities_opened"] == row["change"]
    assert column(found["since-gaps"], "zone_name") == ["西村", "东村"]
    assert column(found["since-villages"], "verdict") == ["达标"]
    assert found["since-facilities"].rows[0][:2] == ("新增", "新站")
    assert "没有可比的上次结果" not in said(report)
    assert "没有可比的上次结果" in said(full_report(material_of(town)))
    assert "本次（2026年6月30日）与上次（2026年5月31日）比较" in said(report)
    again = full_report(material_of(town, since=comparison(new=comparison().old)))
    assert "本次（2026年6月1日 00:00）" in said(again)


def test_a_part_that_changed_stands_there_even_where_it_moved_less_than_is_printed(town):
    headlines = comparison().headlines.assign(streets=[0.0, -0.002], rules=0.0)
    since = comparison(headlines=headlines, parts=("people", "streets", "rules", "facilities_opened"))
    keys = [c.key for c in tables_of(full_report(material_of(town, since=since)))["since-headlines"].columns]
    assert keys[-3:] == ["people", "streets", "facilities_opened"]


def test_a_facility_outside_all_townships_is_told_of_where_the_sum_counts_it(town):
    material = material_of(town)
    facilities = material.run.facilities.copy()
    counted = facilities[facilities["used"].eq(other=True)].iloc[0]
    facilities.loc[len(facilities)] = {**counted, "facility_id": "beyond"}
    report = full_report(replace(material, run=replace(material.run, facilities=facilities)))
    assert "（其中计入服务圈1处，已含在合计内）" in said(report)


def test_runs_before_are_shown_by_date(town):
    series = pd.DataFrame({
        "run_id": ["a", "a", "", ""], "as_of": ["2026-03-31", "2026-03-31", "2026-06-30", "2026-06-30"],
        "zone_code": "", "headline": ["met_rate", "people_share"] * 2, "share": [0.1, 0.2, 0.3, 0.4],
    })  # fmt: skip
    table = tables_of(full_report(material_of(town, headlines=series)))["trend"]
    assert column(table, "as_of") == ["2026-03-31", "2026-06-30"]
    assert column(table, "people_share") == [0.2, 0.4]


def test_a_public_edition_tells_nothing_of_small_groups(tmp_path_factory, drawn):
    public = for_public(drawn)
    output = drawn.study.output.model_copy(update={"edition": "public", "map_review": "豫S〔2026〕0000号"})
    study = drawn.study.model_copy(update={"output": output})
    material = province(tmp_path_factory, replace(public, study=study))
    report = full_report(material)
    text = said(report)
    assert "审图号：豫S〔2026〕0000号" in text
    assert "少于10人的数字" in text
    assert "内部工作用图" not in text
    zones_ = material.run.zones
    hidden = zones_[zones_["level"].eq("village") & zones_["people_within"].isna()]["code"]
    assert len(hidden) > 0
    found = tables_of(report)
    for code in hidden:
        assert shown(column(found[f"village-{code}"], "share_within")[0], "share", text_of(report)) == "—"
    top = zones_[zones_["level"].eq("prefecture") & zones_["circle"].eq("own")]
    assert column(found["circles-people"], "people_within")[0] == pytest.approx(top["people_within"].sum())


def test_the_first_page_has_no_column_and_no_note_of_what_was_not_measured(town, report):
    assert "宽口径按步行" in "".join(tables_of(report)["headlines"].notes)
    material = material_of(town)
    summary = {key: value for key, value in material.run.manifest["summary"].items() if key != "all"}
    manifest = {**material.run.manifest, "summary": {**summary, "circles": {}}}
    bare = tables_of(full_report(replace(material, run=replace(material.run, manifest=manifest))))[
        "headlines"
    ]
    assert not [c.key for c in bare.columns if "wide" in c.key or "strict" in c.key]
    assert "宽口径" not in "".join(bare.notes)


def test_a_run_without_upper_levels_elderly_pictures_or_verdicts(tmp_path_factory, drawn):
    material = province(tmp_path_factory, drawn)
    zones_ = material.run.zones
    empty = {"people_judged": 0.0, "people_within": 0.0, "state": "no_people", "verdict": "not_judged"}
    villages = zones_[zones_["level"].eq("village")].assign(parent_code="", **empty)
    villages = villages.drop(columns=[c for c in villages if c.startswith("elderly")])
    none = {name: getattr(material.run, name).iloc[:0] for name in ("verdicts", "gaps", "facilities")}
    bare = replace(material.run, zones=villages.reset_index(drop=True), tables={}, **none)
    report = full_report(replace(material, run=bare))
    names = {section.name for section in sections_of(report)}
    assert {"villages", "clauses", "gaps"} <= names
    assert not {"tasks", "supply", "maps", "trend"} & names
    text = said(report)
    assert "没有未覆盖片区" in text
    assert "参评单位达标率—（0/0）" in text
    assert len([n for n in tables_of(report) if n.startswith("village-")]) == len(villages)


def test_every_village_of_a_large_study_is_there(tmp_path_factory):
    material = province(
        tmp_path_factory, drawn_province(prefectures=1, counties=6, townships=100, villages=12)
    )
    report = full_report(material)
    assert len([n for n in tables_of(report) if n.startswith("village-")]) == 1200
    assert sum(s.name.startswith("township-") for s in sections_of(report)) == 100


def test_a_study_too_large_for_pages_of_each_says_where_they_stand(tmp_path_factory, monkeypatch):
    material = province(tmp_path_factory, drawn_province(prefectures=1, counties=2, townships=6, villages=4))
    monkeypatch.setattr(places, "MOST_TABLES", 23)
    report = full_report(material)
    assert not [n for n in tables_of(report) if n.startswith("village-")]
    assert sum(s.name.startswith("township-") for s in sections_of(report)) == 6
    monkeypatch.setattr(places, "MOST_PAGES", 5)
    (section,) = [s for s in full_report(material).sections if s.name == "townships"]
    assert section.sections == ()
    assert "6" in section.blocks[0].text
    assert any(block.name.startswith("townships") for block in section.blocks if hasattr(block, "rows"))


def test_the_whole_is_the_sum_of_its_zones_where_there_is_no_summary(tmp_path_factory, drawn):
    material = province(tmp_path_factory, drawn)
    row = whole_rows(Ground.of(material))[0]
    villages = material.run.zones[material.run.zones["level"].eq("village")]
    assert row["elderly_within"] == pytest.approx(villages["elderly_within"].sum())
    assert row["share_within"] == pytest.approx(
        villages["people_within"].sum() / villages["people_judged"].sum()
    )


def test_columns_that_hold_nothing_print_nothing(town):
    material = material_of(town)
    empty = material.run.zones.assign(build_state=float("nan"), served_by_name=float("nan"), reason="")
    tasks = material.run.tables["tasks"].assign(responsible=float("nan"))
    tables = {**material.run.tables, "tasks": tasks}
    report = full_report(replace(material, run=replace(material.run, zones=empty, tables=tables)))
    assert column(tables_of(report)["tasks-responsible"], "responsible") == ["未写明责任单位"]
    assert not any("—" in note for table in tables_of(report).values() for note in table.notes)


def test_names_that_hold_markup_stay_text(town):
    material = material_of(town)
    evil = "{name}<script>%s"
    changed = material.run.zones.assign(name=evil)
    report = full_report(replace(material, run=replace(material.run, zones=changed)))
    assert evil in [table.title for table in tables_of(report).values()]
