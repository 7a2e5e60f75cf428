"""The verdicts by clause: what is asked for and by when, what was found, and in how many units."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from servicecircle.maps.clause_words import asked, deadline, figure, unit_word, verdict
from servicecircle.maps.clauses import phrase
from servicecircle.report.model import Paragraph, Points, Section
from servicecircle.report.sections.columns import field, filled, laid, records, written
from servicecircle.standards.lacking import missing_input

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicecircle.report.model import Block, Table
    from servicecircle.report.sections.ground import Ground
    from servicecircle.standards.clause import Clause

    Row = Mapping[str, Any]

VERDICTS = ("met", "not_met", "to_verify", "not_judged")
_JUDGED = ("fail", "warn")

_RANKS = {"": 0, "市": 0, "县(市、区)": 1, "县城区": 1, "街道": 2, "乡镇": 2}
"""How far up a unit stands that a verdict speaks of: 0 is the whole."""

_LOWEST = 3


def verdicts(ground: Ground) -> Section:
    """Return the section on clauses."""
    rows = _by_clause(ground)
    if not rows:
        return Section("clauses", ground.say("clauses"), (Paragraph(ground.say("no_clauses")),))
    judged = [row for row in rows if row["judged"]]
    reported = [row for row in rows if not row["judged"]]
    blocks: list[Block] = [
        Paragraph(_lead(ground, rows), "lead"), *_summed(ground), *_missing(ground, judged),
        _found(ground, judged), _sources(ground, judged),
    ]  # fmt: skip
    if reported:
        blocks.append(_reported(ground, reported))
    return Section("clauses", ground.say("clauses"), tuple(blocks))


def _by_clause(ground: Ground) -> list[dict[str, Any]]:
    """Return a row per clause with verdicts, in the document's order: of the whole, and counts of units."""
    by_id: dict[str, list[Row]] = {}
    for row in records(ground.material.run.verdicts):
        by_id.setdefault(str(row["clause_id"]), []).append(row)
    order = [*(id_ for id_ in ground.clauses if id_ in by_id), *(i for i in by_id if i not in ground.clauses)]
    return [_row(ground, number, id_, by_id[id_]) for number, id_ in enumerate(order, 1)]


def _row(ground: Ground, number: int, id_: str, rows: list[Row]) -> dict[str, Any]:
    clause, text = ground.clauses.get(id_), ground.text
    missing = {written(row, "missing") for row in rows} - {""}
    judged = any(row["severity"] in _JUDGED for row in rows)
    if judged:  # a unit of which only some are asked is reported, and neither meets the clause nor fails it
        rows = [row for row in rows if row["severity"] in _JUDGED]
    top = min(rows, key=lambda row: _RANKS.get(str(row["level"]), _LOWEST))
    lowest = max(_RANKS.get(str(row["level"]), _LOWEST) for row in rows)
    units = [row for row in rows if _RANKS.get(str(row["level"]), _LOWEST) == lowest]
    counts = Counter(str(row["verdict"]) for row in units)
    levels = dict.fromkeys(str(row["level"]) for row in units if row["level"])
    return {
        "number": number, "phrase": phrase(text, clause, id_), "judged": judged, "top": top,
        "asked": asked(text, clause, top), "measured": figure(text, top["measured"], top["unit"]),
        "unit": unit_word(text, top["unit"]), "verdict": verdict(text, top),
        "deadline": deadline(text, top), "severity": text.label("severity", top["severity"]),
        "units": ground.join(text.label("level", level) for level in levels) or ground.say("whole_study"),
        "missing": missing,
        **{key: counts[key] for key in VERDICTS}, **_told(ground, clause),
    }  # fmt: skip


def _told(ground: Ground, clause: Clause | None) -> dict[str, Any]:
    """Return what the document says of a clause besides its words."""
    if clause is None:
        return {}
    return {
        "place": clause.clause, "force": ground.text.label("force", clause.force),
        "force_text": clause.force_text if ground.text.language == "zh" else "",
        "responsible": clause.responsible,
    }  # fmt: skip


def _lead(ground: Ground, rows: list[dict[str, Any]]) -> str:
    profile, count = ground.material.profile, ground.text.count
    judged = [row for row in rows if row["judged"]]
    late = [row for row in judged if row["top"]["verdict"] == "not_met"]
    due = [row for row in late if row["top"]["deadline_state"] == "due"]
    states = Counter(clause.state for clause in profile.clauses)
    met = sum(row["top"]["verdict"] == "met" for row in judged)
    return ground.say(
        "clause_lead", document=profile.document or profile.name or profile.id,
        all=count(len(profile.clauses)), measurable=count(states["measurable"]),
        reported=count(states["report_only"]), out=count(states["out_of_scope"]), judged=count(len(judged)),
        met=count(met), not_met=count(len(late)), due=count(len(due)),
    )  # fmt: skip


def _summed(ground: Ground) -> list[Table]:
    """Return how many verdicts there are of clauses that fail, and of those that only warn."""
    found = ground.material.run.verdicts
    rows: list[dict[str, Any]] = []
    for severity in _JUDGED:
        counts = found.loc[found["severity"].eq(severity), "verdict"].value_counts()
        of = {key: int(counts.get(key, 0)) for key in VERDICTS}
        if sum(of.values()):
            rows.append({"severity": ground.text.label("severity", severity), "all": sum(of.values()), **of})
    if not rows:
        return []
    sums = {key: sum(row[key] for row in rows) for key in ("all", *VERDICTS)}
    rows.append({"severity": ground.say("in_all"), **sums})
    counted = [field(ground, "all", "count", title=ground.say("verdict_count"))]
    counted += [field(ground, key, "count", title=ground.text.label("verdict", key)) for key in VERDICTS]
    title = field(ground, "severity", title=ground.text.say("severity"), width=2)
    return [laid("verdict-counts", ground.say("verdict_counts"), [title, *counted], rows,
                 notes=(ground.say("verdict_counts_note"),), strong=frozenset({len(rows) - 1}))]  # fmt: skip


def _missing(ground: Ground, rows: list[dict[str, Any]]) -> list[Block]:
    """Say which inputs are missing, and for which clauses."""
    lacking: dict[str, list[str]] = {}
    for row in rows:
        for missing in sorted(row["missing"]):
            lacking.setdefault(missing_input(missing, ground.text.language), []).append(str(row["number"]))
    if not lacking:
        return []
    said = (
        ground.say("missing", what=what, numbers=ground.join(numbers)) for what, numbers in lacking.items()
    )
    return [Paragraph(ground.say("missing_lead"), "note"), Points(tuple(said))]


def _found(ground: Ground, rows: list[dict[str, Any]]) -> Table:
    short = ("met", "not_met", "to_verify", "not_judged")
    fields = [
        field(ground, "number", "count", title=ground.say("number"), width=0.5),
        field(ground, "phrase", width=3.6),
        field(ground, "asked", title=ground.text.say("asked"), width=0.9),
        field(ground, "measured", title=ground.say("measured_whole"), width=0.9),
        field(ground, "unit", width=1.0),
        field(ground, "verdict", title=ground.say("verdict_whole"), width=1.3),
        field(ground, "deadline", width=1.4),
        field(ground, "units", title=ground.say("judged_units"), width=0.9),
        *(field(ground, key, "count", title=ground.say(f"short_{key}"), width=0.6) for key in short),
    ]
    return laid("clauses", ground.say("clause_table"), fields, rows, notes=(ground.say("clause_note"),))


def _sources(ground: Ground, rows: list[dict[str, Any]]) -> Table:
    optional = filled(
        [
            field(ground, "force_text", title=ground.say("force_text"), width=1.0),
            field(ground, "responsible", width=1.4),
        ],
        rows,
    )
    fields = [
        field(ground, "number", "count", title=ground.say("number"), width=0.5),
        field(ground, "phrase", width=3.4),
        field(ground, "place", title=ground.text.say("clause_source"), width=2.0),
        field(ground, "force", title=ground.say("force"), width=1.0),
        *optional,
        field(ground, "severity", title=ground.text.say("severity"), width=1.4),
    ]
    named = any(column.key == "responsible" for column, _ in optional)
    title = ground.say("clause_sources_named" if named else "clause_sources")
    return laid("clause-sources", title, fields, rows)


def _reported(ground: Ground, rows: list[dict[str, Any]]) -> Table:
    fields = [
        field(ground, "number", "count", title=ground.say("number"), width=0.5),
        field(ground, "phrase", width=3.6),
        field(ground, "measured", title=ground.say("reported_whole"), width=1.0),
        field(ground, "unit", width=1.2),
        field(ground, "place", title=ground.text.say("clause_source"), width=2.0),
    ]
    return laid("clauses-reported", ground.say("reported_table"), fields, rows)
