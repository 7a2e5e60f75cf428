"""What became of gaps, tasks and clauses since: the parts that bulletins share."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle.assess.clauses.scopes import ORDER
from servicecircle.maps.clauses import phrase
from servicecircle.report.model import Column, Paragraph, Section, Table
from servicecircle.report.ranking import points
from servicecircle.report.voice import ELDERLY, table_of, written

if TYPE_CHECKING:
    from servicecircle.report.voice import Voice
    from servicecircle.standards.clause import Clause

MOST_GAPS = 3
MOST_TASKS = 12
JUDGED = ("met", "not_met", "to_verify")


def changes_section(voice: Voice) -> Section:
    """Return what opened and closed since the last run."""
    since, title = voice.material.since, voice.say("since_last")
    if since is None:
        return Section("changes", title, (Paragraph(voice.say("no_history"), "note"),))
    date = voice.text.date(dt.date.fromisoformat(since.old["as_of"]))
    lead = Paragraph(voice.say("compared", date=date, **since.counts()), "note")
    table = _gap_changes(voice, since.gaps)
    return Section("changes", title, (lead, table) if table.rows else (lead,))


def _gap_changes(voice: Voice, gaps: pd.DataFrame) -> Table:
    elderly = voice.group == ELDERLY and "elderly" in gaps
    columns = (
        Column("change", voice.say("change_of_gap"), "text", 0.7),
        voice.column("township_name", width=1.2), voice.column("zone_name", width=1.2),
        voice.column("place", width=2.4), Column("people", voice.text.heading("gap_people"), "people"),
        *([Column("elderly", voice.text.heading("gap_elderly"), "people")] if elderly else []),
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for change, prefix in (("opened", ""), ("closed", "old_")):
        chosen = largest(gaps[gaps["change"].eq(change)], f"{prefix}people", MOST_GAPS)
        rows += [
            (voice.say(change), written(gap["township_name"]), written(gap["zone_name"]),
             written(gap["place"]), gap[f"{prefix}people"],
             *([gap[f"{prefix}elderly"]] if elderly else []))
            for gap in chosen
        ]  # fmt: skip
    return Table("gap_changes", voice.say("gap_changes", most=MOST_GAPS), columns, tuple(rows))


def largest(rows: pd.DataFrame, key: str, most: int) -> list[dict[Any, Any]]:
    """Return the rows of the largest figures, unknown ones last; ties stay in their order."""
    figures = pd.to_numeric(rows[key], errors="coerce")
    order = (-figures).sort_values(kind="stable", na_position="last").index
    return rows.loc[order].head(most).to_dict("records")


def overdue_section(voice: Voice) -> Section:
    """Return the tasks past due, by responsible unit."""
    tasks = table_of(voice.material, "tasks")
    if tasks is None:
        return Section("tasks", voice.say("tasks"), (Paragraph(voice.say("no_tasks"), "note"),))
    return Section("tasks", voice.say("tasks"), (_counts(voice, tasks), _overdue(voice, tasks)))


def tasks_section(voice: Voice) -> Section:
    """Return every task with its completion beside the schedule, and those past due."""
    tasks = table_of(voice.material, "tasks")
    if tasks is None:
        return overdue_section(voice)
    table = _task_table(voice, tasks.to_dict("records"))
    blocks = (_counts(voice, tasks), table, _overdue(voice, tasks))
    return Section("tasks", voice.say("tasks"), blocks)


def _counts(voice: Voice, tasks: pd.DataFrame) -> Paragraph:
    counts = {key: int(tasks["task_state"].eq(key).sum()) for key in ("overdue", "behind")}
    return Paragraph(voice.say("task_line", all=len(tasks), **counts), "note")


def _overdue(voice: Voice, tasks: pd.DataFrame) -> Paragraph | Table:
    overdue = by_responsible(tasks[tasks["task_state"].eq("overdue")])
    if not overdue:
        return Paragraph(voice.say("none_overdue"), "note")
    listed = overdue[:MOST_TASKS]
    columns = (
        voice.column("responsible", width=1.6), *_task_columns(voice), voice.column("deadline", "date", 1.3),
    )  # fmt: skip
    rows = tuple((written(row["responsible"]), *_task_cells(row), written(row["deadline"])) for row in listed)
    left = voice.say("tasks_left", all=len(overdue), listed=len(listed))
    notes = (left,) if len(overdue) > len(listed) else ()
    return Table("overdue", voice.say("overdue_tasks"), columns, rows, notes)


def _task_table(voice: Voice, tasks: list[dict[Any, Any]]) -> Table:
    """Return tasks with their completion, their schedule and the difference in points."""
    columns = (
        *_task_columns(voice), voice.column("schedule_share", "share"),
        Column("ahead_share", voice.say("ahead"), "points", 1.2), voice.column("task_state", width=1.3),
        voice.column("deadline", "date", 1.3), voice.column("responsible", width=1.6),
    )  # fmt: skip
    rows = tuple(
        (*_task_cells(row), row["schedule_share"],
         points(row["completion_share"], row["schedule_share"]),
         voice.text.label("task_state", row["task_state"]), written(row["deadline"]),
         written(row["responsible"]))
        for row in tasks
    )  # fmt: skip
    return Table("tasks", voice.say("all_tasks"), columns, rows, (voice.say("task_notes"),))


def by_responsible(tasks: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return tasks by responsible unit, in the order these first come; of each the earliest due first."""
    rows = tasks.to_dict("records")
    units = list(dict.fromkeys(written(row["responsible"]) for row in rows))
    return sorted(
        rows, key=lambda row: (units.index(written(row["responsible"])), written(row["deadline"]) or "9")
    )


def _task_columns(voice: Voice) -> tuple[Column, ...]:
    return (
        voice.column("task", width=2.7), voice.column("unit_name", width=1.3),
        voice.column("target", "count", 0.95), voice.column("done", "count", 0.95),
        voice.column("completion_share", "share"),
    )  # fmt: skip


def _task_cells(row: dict[Any, Any]) -> tuple[Any, ...]:
    figures = (row["target"], row["done"], row["completion_share"])
    return (written(row["task"]), written(row["unit_name"]), *figures)


def clauses_section(voice: Voice) -> Section:
    """Return per clause with a deadline how many units meet it."""
    title, results = voice.say("clauses"), clause_results(voice)
    counted = results[results["judged"].gt(0)]
    if counted.empty:
        return Section("clauses", title, (Paragraph(voice.say("no_clauses"), "note"),))
    due = counted[counted["deadline_state"].eq("due")]
    full = int(due["met"].eq(due["judged"]).sum())
    lead = voice.say("clause_lead", all=len(counted), due=len(due), met=full, unmet=len(due) - full)
    columns = (
        voice.column("clause", width=3.8), Column("units", voice.say("clause_units"), "text", 1.5),
        Column("met", voice.say("units_met"), "count", 0.8),
        Column("judged", voice.say("units_judged"), "count", 0.8),
        Column("rate", voice.say("clause_rate"), "share"), voice.column("deadline", "date", 1.4),
        voice.column("deadline_state", width=0.9),
    )  # fmt: skip
    known = clauses_of(voice)
    rows = tuple(
        (phrase(voice.text, known.get(row["clause_id"]), row["clause_id"]), row["units"], row["met"],
         row["judged"], row["met"] / row["judged"], row["deadline"],
         voice.text.label("deadline_state", row["deadline_state"]))
        for row in counted.to_dict("records")
    )  # fmt: skip
    notes = (voice.say("clause_notes", left=len(results) - len(counted)),)
    table = Table("clauses", voice.say("clause_table"), columns, rows, notes)
    return Section("clauses", title, (Paragraph(lead), table))


def clause_results(voice: Voice) -> pd.DataFrame:
    """
    Return how many of the lowest units it speaks of meet each clause with a deadline, in the profile's order.

    Columns: clause_id, units (what these are called), met, judged, deadline, deadline_state.
    """
    run = voice.material.run
    level = dict(zip(run.zones["code"], run.zones["level"].map(ORDER.index), strict=True))
    dated = run.verdicts["deadline"].map(lambda day: bool(written(day))).astype(bool)
    verdicts = run.verdicts[dated & run.verdicts["severity"].ne("report")]
    depth = verdicts["zone_code"].map(level).fillna(-1)
    lowest = verdicts[depth.eq(depth.groupby(verdicts["clause_id"]).transform("max"))]
    order = {key: i for i, key in enumerate(clauses_of(voice))}
    rows = [
        {
            "clause_id": key, "units": _units(voice, part["level"]),
            "met": int(part["verdict"].eq("met").sum()), "judged": int(part["verdict"].isin(JUDGED).sum()),
            "deadline": part["deadline"].iloc[0], "deadline_state": part["deadline_state"].iloc[0],
        }
        for key, part in lowest.groupby("clause_id", sort=False)
    ]  # fmt: skip
    rows.sort(key=lambda row: order.get(row["clause_id"], len(order)))
    columns = ["clause_id", "units", "met", "judged", "deadline", "deadline_state"]
    return pd.DataFrame(rows, columns=columns)


def clauses_of(voice: Voice) -> dict[str, Clause]:
    """Return the clauses by their ids."""
    return {clause.id: clause for clause in voice.material.profile.clauses}


def responsible(known: dict[str, Clause], clause_id: str) -> str | None:
    """Return who answers for a clause, as its document says."""
    return written(known[clause_id].responsible) if clause_id in known else None


def _units(voice: Voice, levels: pd.Series[str]) -> str | None:
    named = [voice.text.label("level", level) for level in levels.unique() if written(level)]
    return voice.say("list_comma").join(named) or None
