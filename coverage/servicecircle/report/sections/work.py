"""What is to be built and by when, whether there are beds enough, and which stations a hub supports."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle.report.figures import known
from servicecircle.report.model import Paragraph, Section
from servicecircle.report.sections.columns import field, laid, records, worded, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicecircle.report.model import Block, Table
    from servicecircle.report.sections.ground import Ground

    Row = Mapping[str, Any]

STATES = ("done", "on_schedule", "behind", "overdue", "not_judged")
MOST_LISTED = 60
_CLASSES = ("near_enough", "near_full", "far_enough", "far_short")


def tasks(ground: Ground) -> Section | None:
    """Return the section on tasks; None where there are none."""
    rows = _rows(ground, "tasks")
    if not rows:
        return None
    counts = {state: sum(row["task_state"] == state for row in rows) for state in STATES}
    told = ground.join(
        ground.say("so_many_tasks", what=ground.text.label("task_state", state), count=count)
        for state, count in counts.items()
        if count
    )
    lead = ground.say("task_lead", count=len(rows), told=told)
    blocks: list[Block] = [Paragraph(lead, "lead"), _progress(ground, rows), *_overdue(ground, rows),
                           _rates(ground, rows), _by_responsible(ground, rows)]  # fmt: skip
    return Section("tasks", ground.say("tasks"), tuple(blocks))


def _rows(ground: Ground, name: str) -> list[dict[str, Any]]:
    table = ground.material.run.tables.get(name)
    if table is None:
        return []
    return records(table)


def _date(ground: Ground, row: Row) -> str:
    day = row.get("deadline")
    return ground.text.date(dt.date.fromisoformat(str(day)[:10])) if known(day) else ""


def _progress(ground: Ground, rows: list[dict[str, Any]]) -> Table:
    fields = [
        field(ground, "task", width=2.2),
        field(ground, "unit_name", title=ground.say("task_unit"), width=1.2),
        field(ground, "target", "count"), field(ground, "done", "count"),
        field(ground, "completion_share", "share"), field(ground, "schedule_share", "share"),
        field(ground, "ahead_share", "points", _ahead, title=ground.say("ahead"), width=1.2),
        field(ground, "deadline", value=lambda row: _date(ground, row), width=1.4),
        worded(ground, "task_state", width=1.2), field(ground, "responsible", width=1.6),
    ]  # fmt: skip
    return laid("tasks", ground.say("task_table"), fields, rows)


def _ahead(row: Row) -> float | None:
    return float(row["ahead_share"]) * 100 if known(row["ahead_share"]) else None


def _overdue(ground: Ground, rows: list[dict[str, Any]]) -> list[Block]:
    late = [row for row in rows if row["task_state"] == "overdue"]
    if not late:
        return [Paragraph(ground.say("none_overdue"))]
    fields = [
        field(ground, "responsible", width=1.6), field(ground, "task", width=2.2),
        field(ground, "unit_name", title=ground.say("task_unit"), width=1.2),
        field(ground, "target", "count"), field(ground, "done", "count"),
        field(ground, "deadline", value=lambda row: _date(ground, row), width=1.4),
    ]  # fmt: skip
    order = sorted(late, key=lambda row: written(row, "responsible") or "~")
    return [laid("tasks-overdue", ground.say("overdue_table"), fields, order)]


def _rates(ground: Ground, rows: list[dict[str, Any]]) -> Table:
    """Return 建成率, 合格率 and 运营率."""
    counts = ("target", "listed", "built", "accepted", "operating")
    labels = {key: ground.say(f"task_{key}") for key in counts}
    fields = [
        field(ground, "task", width=2.2),
        field(ground, "kind", value=lambda row: ground.text.kind(row["kind"]), width=1.6),
        *(field(ground, key, "count", title=labels[key]) for key in counts),
        *(field(ground, f"{key}_share", "share") for key in ("built", "accepted", "operating")),
    ]
    return laid("task-rates", ground.say("rate_table"), fields, rows)


def _by_responsible(ground: Ground, rows: list[dict[str, Any]]) -> Table:
    units: dict[str, dict[str, Any]] = {}
    for row in rows:
        name = written(row, "responsible") or ground.say("nobody_named")
        unit = units.setdefault(name, {"responsible": name, "all": 0, **dict.fromkeys(STATES, 0)})
        unit["all"] += 1
        unit[str(row["task_state"])] += 1
    order = sorted(units.values(), key=lambda unit: (-unit["overdue"], -unit["behind"]))
    fields = [
        field(ground, "responsible", width=2),
        field(ground, "all", "count", title=ground.say("task_count")),
        *(field(ground, key, "count", title=ground.text.label("task_state", key)) for key in STATES),
    ]
    return laid("tasks-responsible", ground.say("responsible_table"), fields, order)


def supply(ground: Ground) -> Section | None:
    """Return the section on beds beside reach, and on hubs; None where neither was measured."""
    blocks = [*_capacity(ground), *_hubs(ground)]
    return Section("supply", ground.say("supply"), tuple(blocks)) if blocks else None


def _capacity(ground: Ground) -> list[Block]:
    rows = _rows(ground, "capacity")
    if not rows:
        return []
    leading = "elderly" if any(row["group"] == "elderly" for row in rows) else "people"
    rows = [row for row in rows if row["group"] == leading]
    uppers = [row for row in rows if row["level"] in {"county", "township"} and row["level"] != ground.lowest]
    top = [{**row, "name": ground.say("in_all")} for row in rows if row["level"] == rows[0]["level"]]
    shown = [row for row in uppers if row["level"] == "township" or len(_of(uppers, "county")) > 1]
    shown += top if len(top) == 1 else []
    norm = f"{ground.material.study.rules.beds_per_1000:g}"
    fields = [
        field(ground, "name", width=1.6),
        field(ground, "demand", "people"), field(ground, "share_within", "share", title=ground.say("near")),
        field(ground, "beds", "count"), field(ground, "beds_per_1000", "decimal"),
        field(ground, "beds_reached", "count"), field(ground, "access_per_1000", "decimal"),
        field(ground, "places_needed", "count"), field(ground, "places_assigned", "count"),
        field(ground, "places_unassigned", "count"), field(ground, "assigned_metres", "metres"),
    ]  # fmt: skip
    table = laid("capacity", ground.say("capacity_table"), fields, shown,
                 notes=(ground.say("capacity_note", norm=norm),))  # fmt: skip
    return [*_classes(ground, rows), table] if shown else []


def _of(rows: list[dict[str, Any]], level: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["level"] == level]


def _classes(ground: Ground, rows: list[dict[str, Any]]) -> list[Block]:
    counts = {key: sum(row.get("capacity_class") == key for row in rows) for key in _CLASSES}
    if not any(counts.values()):
        return []
    told = ground.say("semicolon").join(
        ground.say("so_many", what=ground.text.label("capacity_class", key), count=ground.text.count(count))
        for key, count in counts.items()
    )
    norm = f"{ground.material.study.rules.beds_per_1000:g}"
    return [Paragraph(ground.say("capacity_lead", told=told, norm=norm), "lead")]


def _hubs(ground: Ground) -> list[Block]:
    rows = _rows(ground, "hubs")
    if not rows:
        return []
    frame = pd.DataFrame(rows)
    named = frame["township_name"].fillna("").to_numpy()
    by_township = [_links(str(name), part) for name, part in frame.groupby(named, sort=False)]
    fields = [
        field(ground, "township_name", width=1.6),
        field(ground, "hubs", "count", title=ground.say("hub_count")),
        field(ground, "linked", "count", title=ground.say("linked")),
        field(ground, "orphan", "count", title=ground.say("orphan")),
        field(ground, "metres", "metres", title=ground.say("median_metres")),
        field(ground, "most", "metres", title=ground.say("most_metres")),
    ]
    table = laid("hubs", ground.say("hub_table"), fields, by_township, notes=(ground.say("hub_note"),))
    return [table, *_alone(ground, rows)]


def _links(name: str, part: pd.DataFrame) -> dict[str, Any]:
    linked = part[part["hub_state"].eq("linked")]
    metres = linked["metres"].astype(float)
    hubs = part.loc[part["hub_id"].ne("") & part["hub_id"].notna(), "hub_id"]
    return {
        "township_name": name, "hubs": hubs.nunique(), "linked": len(linked),
        "orphan": int(part["hub_state"].eq("orphan").sum()), "metres": metres.median(), "most": metres.max(),
    }  # fmt: skip


def _alone(ground: Ground, rows: list[dict[str, Any]]) -> list[Block]:
    """Return the stations without a hub and the hubs without stations."""
    alone = [
        {
            **row,
            **{key: written(row, f"spoke_{key}") or written(row, f"hub_{key}") for key in ("name", "kind")},
        }
        for row in rows
        if row["hub_state"] != "linked"
    ]
    if not alone:
        return []
    fields = [
        field(ground, "township_name", width=1.3), field(ground, "name", width=2),
        field(ground, "kind", value=lambda row: ground.text.kind(row["kind"]), width=1.6),
        worded(ground, "hub_state", width=1.4),
    ]  # fmt: skip
    more = len(alone) - MOST_LISTED
    notes = (ground.say("more_rows", count=ground.text.count(more)),) if more > 0 else ()
    return [laid("hubs-alone", ground.say("alone_table"), fields, alone[:MOST_LISTED], notes=notes)]
