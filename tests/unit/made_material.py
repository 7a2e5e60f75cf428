"""A small county's written run, drawn by hand, for the tests of bulletins and sheets."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from servicecircle.history.compare import VERDICT_COLUMNS, Comparison
from servicecircle.history.gaps import COLUMNS as GAP_CHANGES
from servicecircle.outputs.reading import RunFrames
from servicecircle.report.material import Earlier, Material
from servicecircle.report.model import Paragraph, Points, Table
from servicecircle.standards.clause import Clause, Profile
from servicecircle.study import Study

COUNTY, STREET = "410922000000", "410922001000"
HANZI = "零一二三四五六七八九十"
TOWNS = ((STREET, "甲街道", 0.8), ("410922002000", "乙街道", 0.5), ("410922100000", "丙镇", 0.9),
         ("410922101000", "丁镇", 0.9), ("410922200000", "戊乡", 0.3))  # fmt: skip


def zone_row(code, name, level, people, share, **more):
    parent = {"county": "", "township": COUNTY, "village": f"{code[:9]}000"}[level]
    row = {
        "code": code, "name": name, "level": level, "parent_code": parent, "report_unit": "",
        "circle": "1km" if level == "village" else "own", "people": people, "units": 1.0,
        "units_judged": 1.0, "units_met": 0.0, "units_to_verify": 0.0, "units_with_facility": 1.0,
        "facilities": 1.0, "share_within": share, "state": "judged", "reason": "",
        "verdict": "met" if share >= 0.9 else "not_met",
    }  # fmt: skip
    for group, part in (("people", 1.0), ("elderly", 0.2)):
        row |= {f"{group}_judged": people * part, f"{group}_within": people * part * share,
                f"{group}_doubtful": people * part * 0.05}  # fmt: skip
    return row | {"elderly_people": people * 0.2, "elderly_share_within": share} | more


def zones_of(villages, *, elderly):
    rows = [zone_row(COUNTY, "某县", "county", 5000.0, 0.68)]
    rows += [zone_row(code, name, "township", 1000.0, share) for code, name, share in TOWNS]
    for code, _, share in TOWNS:
        count = villages if code == STREET else 1
        for i in range(count):
            name = f"{HANZI[i + 1] if i < 10 else i + 1}村"
            rows.append(zone_row(f"{code[:9]}{i + 1:03d}", name, "village", 1000.0 / count, share))
    table = pd.DataFrame(rows)
    return table if elderly else table[[c for c in table if not c.startswith("elderly")]]


def gaps_of(count):
    rows = [
        {
            "gap_id": f"{STREET[:9]}001-{i}", "class": "certain", "zone_code": f"{STREET[:9]}001",
            "zone_name": "一村", "township_name": "甲街道", "place": f"路旁{i}", "people": 10.0 * i,
            "elderly": 2.0 * i, "lon": 114.0, "lat": 34.0, "advice": "增设服务点。", "reason": "too_far",
        }
        for i in range(1, count + 1)
    ]  # fmt: skip
    columns = ["gap_id", "class", "zone_code", "zone_name", "township_name", "place", "people", "elderly",
               "lon", "lat", "advice", "reason"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def task(name, code, unit, state, done, target, deadline, responsible):
    return {
        "task": name, "unit_code": code, "unit_name": unit, "kind": "meal_point", "target": target,
        "done": done, "completion_share": done / target, "schedule_share": 0.5, "task_state": state,
        "deadline": deadline, "responsible": responsible,
    }  # fmt: skip


TASKS = pd.DataFrame([
    task("县级任务", COUNTY, "某县", "overdue", 2.0, 6.0, "2025-12-31", "乙局"),
    task("街道任务", STREET, "甲街道", "behind", 1.0, 4.0, "2026-12-31", "甲局"),
    task("早到期任务", COUNTY, "某县", "overdue", 1.0, 2.0, "2024-12-31", "乙局"),
    task("镇任务", "410922100000", "丙镇", "overdue", 0.0, 2.0, "2025-06-30", ""),
])  # fmt: skip


def verdict(code, clause, outcome, deadline, level="村"):
    due = "due" if deadline < "2026-06-30" else "open"
    return {"zone_code": code, "clause_id": clause, "verdict": outcome, "severity": "fail", "level": level,
            "deadline": deadline, "deadline_state": due if deadline else "none"}  # fmt: skip


OUTCOMES = ("met", "met", "not_met", "to_verify", "not_judged")
VERDICTS = pd.DataFrame([
    *(verdict(f"{code[:9]}001", "every-village", outcome, "2022-12-31")
      for (code, _, _), outcome in zip(TOWNS, OUTCOMES, strict=True)),
    verdict(COUNTY, "every-village", "not_met", "2022-12-31", "县(市、区)"),
    verdict(COUNTY, "one-home", "met", "2027-12-31", "县(市、区)"),
    verdict(COUNTY, "undated", "not_met", ""),
])  # fmt: skip
PROFILE = Profile(id="own", document="某办法", clauses=(
    Clause(id="one-home", phrase="全县有1所", kind="count", deadline=dt.date(2027, 12, 31)),
    Clause(id="every-village", phrase="每村“一公里”", en="Every village", kind="count",
           deadline=dt.date(2022, 12, 31), responsible="县民政局"),
))  # fmt: skip


def study_of(language, *, elderly, **output):
    return Study.model_validate({
        "study": {"name": "某县", "language": language, "as_of": dt.date(2026, 6, 30)},
        "streets": {"source": "s.osm.pbf"}, "facilities": [{"source": "f.csv"}],
        "zones": [{"level": "village", "source": "z.gpkg"}], "output": output,
        "people": {"source": "p.tif", "groups": {"elderly": "e.tif"} if elderly else {}, "year": 2025},
    })  # fmt: skip


def made(language="zh", *, elderly=True, villages=1, gaps=8, tables=None, folder=None, output=None):
    facilities = pd.DataFrame({
        "facility_id": ["a", "b", "c"], "name": ["幸福院一", "幸福院二", "幸福院三"],
        "kind": "village_happiness_home", "used": [True, False, True],
    })  # fmt: skip
    told = [("x.y", "error", "", "缺少坐标。", "请补充。"), ("x.z", "warning", "", "偏少。", "")]
    findings = pd.DataFrame(told, columns=["code", "severity", "subject", "message", "remedy"])
    manifest = {
        "version": "0.1.0", "started_at": "2026-07-01T08:00:00+08:00", "streets_from_osm": True,
        "study": {"as_of": "2026-06-30", "name": "某县"}, "inputs": [{"sha256": "b"}, {"sha256": "a"}],
        "people_basis": {"basis": "resident", "year": 2025, "modelled": True},
    }  # fmt: skip
    run = RunFrames(
        manifest=manifest, zones=zones_of(villages, elderly=elderly), verdicts=VERDICTS, gaps=gaps_of(gaps),
        facilities=facilities, findings=findings, tables={"tasks": TASKS} if tables is None else tables,
        folder=folder,
    )  # fmt: skip
    return Material(study=study_of(language, elderly=elderly, **(output or {})), run=run, profile=PROFILE)


def earlier(shares, day=dt.date(2026, 5, 31)):
    return Earlier("r", day, shares)


def since_of(run):
    rows = []
    for i, gap in enumerate(run.gaps.to_dict("records")):
        opened = i % 2 == 0
        row = {key: gap.get(key, "") for key in GAP_CHANGES} | {"change": "opened" if opened else "closed"}
        rows.append(row | ({} if opened else {"people": float("nan"), "old_people": gap["people"]}))
    verdicts = pd.DataFrame([("a", "b", "c", "not_met", "met")], columns=list(VERDICT_COLUMNS))
    return Comparison(
        old={"as_of": "2026-05-31"}, new={}, headlines=pd.DataFrame(), parts=(), method="", why_not=("", ""),
        verdicts=verdicts, gaps=pd.DataFrame(rows, columns=list(GAP_CHANGES)),
        facilities=pd.DataFrame({"change": ["opened"]}),
    )  # fmt: skip


def blocks(report):
    found = list(report.front)
    for section in report.sections:
        found += section.blocks
    return found


def tables_of(report):
    return {block.name: block for block in blocks(report) if isinstance(block, Table)}


def records(block):
    return [dict(zip([column.key for column in block.columns], row, strict=True)) for row in block.rows]


def texts(report):
    said = [report.title, report.subtitle, report.stamp, report.provenance, *report.cautions]
    for block in blocks(report):
        if isinstance(block, Paragraph):
            said.append(block.text)
        elif isinstance(block, Points):
            said += block.items
        elif isinstance(block, Table):
            said += [block.title, *(column.title for column in block.columns), *block.notes]
    return "\n".join(said)
