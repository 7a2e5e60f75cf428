"""问题清单 and 整改建议: clauses past due, tasks late, the largest gaps, and data to be mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.maps.clauses import phrase
from servicecircle.report.figures import shown
from servicecircle.report.model import Column, Paragraph, Section, Table
from servicecircle.report.progress import (
    by_responsible,
    clause_results,
    clauses_of,
    largest,
    responsible,
)
from servicecircle.report.ranking import points
from servicecircle.report.voice import table_of, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicecircle.report.voice import Voice

    Problem = tuple[str, str, str | None, str | None]
    """What it is about, the problem, its remedy, and who is responsible."""

MOST_GAPS = 10
MOST_FINDINGS = 10


def problems_section(voice: Voice) -> Section:
    """Return the list of problems, each with its remedy and who is responsible."""
    title = voice.say("problems")
    found = [*_clauses(voice), *_tasks(voice), *_gaps(voice), *_findings(voice)]
    if not found:
        return Section("problems", title, (Paragraph(voice.say("no_problems")),))
    columns = (
        Column("number", voice.say("number"), "count", 0.5),
        Column("about", voice.say("about"), "text", 0.6),
        Column("problem", voice.say("problem"), "text", 4.2),
        Column("remedy", voice.say("remedy"), "text", 2.8),
        voice.column("responsible", width=1.4),
    )  # fmt: skip
    rows = tuple((number, *problem) for number, problem in enumerate(found, start=1))
    notes = (voice.say("problem_notes", gaps=MOST_GAPS, findings=MOST_FINDINGS),)
    return Section("problems", title, (Table("problems", voice.say("problem_table"), columns, rows, notes),))


def _clauses(voice: Voice) -> Iterator[Problem]:
    known, results = clauses_of(voice), clause_results(voice)
    late = results[results["deadline_state"].eq("due") & results["met"].lt(results["judged"])]
    for row in late.to_dict("records"):
        key = row["clause_id"]
        said = voice.say(
            "clause_problem", phrase=_inner(phrase(voice.text, known.get(key), key)),
            date=_date(voice, row["deadline"]), judged=row["judged"], unmet=row["judged"] - row["met"],
        )  # fmt: skip
        yield voice.say("about_clause"), said, voice.say("clause_remedy"), responsible(known, key)


def _tasks(voice: Voice) -> Iterator[Problem]:
    tasks = table_of(voice.material, "tasks")
    if tasks is None:
        return
    for state in ("overdue", "behind"):
        for row in by_responsible(tasks[tasks["task_state"].eq(state)]):
            late = -(points(row["completion_share"], row["schedule_share"]) or 0.0)
            said = voice.say(
                f"task_problem_{state}", unit=written(row["unit_name"]) or "",
                task=_inner(written(row["task"]) or ""), date=_date(voice, row["deadline"]),
                done=voice.text.count(row["done"]), target=voice.text.count(row["target"]),
                points=f"{late:.1f}",
            )  # fmt: skip
            remedy = voice.say(f"task_remedy_{state}")
            yield voice.say("about_task"), said, remedy, written(row["responsible"])


def _gaps(voice: Voice) -> Iterator[Problem]:
    gaps = voice.material.run.gaps
    for row in largest(gaps[gaps["people"].ge(1)], "people", MOST_GAPS):
        said = voice.say(
            "gap_problem", township=written(row["township_name"]) or "",
            village=written(row["zone_name"]) or "", place=voice.text.written(row["place"]),
            people=voice.text.about(row["people"]), kind=voice.text.label("gap_class", row["class"]),
        )  # fmt: skip
        yield voice.say("about_gap"), said, written(row["advice"]), written(row["township_name"])


def _findings(voice: Voice) -> Iterator[Problem]:
    findings = voice.material.run.findings
    for row in findings[findings["severity"].eq("error")].head(MOST_FINDINGS).to_dict("records"):
        yield voice.say("about_data"), str(row["message"]), written(row["remedy"]), None


def _inner(text: str) -> str:
    """Return a text as it stands between quotes: its own become single ones."""
    return text.replace("“", "‘").replace("”", "’")


def _date(voice: Voice, day: object) -> str:
    return shown(written(day), "date", voice.text)
