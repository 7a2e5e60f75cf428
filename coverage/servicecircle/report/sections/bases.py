"""How the result depends on what the documents leave open, and how good the data are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicecircle import words
from servicecircle.assess.coverage import OWN
from servicecircle.report.figures import known
from servicecircle.report.model import Paragraph, Points, Section
from servicecircle.report.sections.columns import field, laid, records, worded, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicecircle.report.model import Block, Table
    from servicecircle.report.sections.columns import Field
    from servicecircle.report.sections.ground import Ground

    Row = Mapping[str, Any]

MOST_LISTED = 100
FIRST_MENDED = 5
_SEVERITIES = ("error", "warning", "info")
_WAYS = ("network", "straight")


def sensitivity(ground: Ground) -> Section | None:
    """Return the section on other limits, speeds, measures, reference lines, kinds and times."""
    blocks: list[Block] = []
    other = other_answers(ground)
    if other:
        blocks.append(Points(tuple(other)))
    table = ground.material.run.tables.get("sensitivity")
    if table is not None and len(table):
        circles = [OWN, *(c.id for c in ground.material.study.circles)]
        blocks += [_limits(ground, circle, table) for circle in circles if table["circle"].eq(circle).any()]
    if not blocks:
        return None
    lead = Paragraph(ground.say("sensitivity_lead"), "lead")
    return Section("sensitivity", ground.say("sensitivity"), (lead, *blocks))


def other_answers(ground: Ground) -> list[str]:
    """Return how the result would differ under other reference lines, kinds and times."""
    text, summary = ground.text, ground.summary
    said = []
    lines = summary.get("reference_lines") or {}
    if lines:
        named = (
            text.say("units_at", line=f"{float(line):.0%}", units=text.count(units))
            for line, units in lines.items()
        )
        said.append(text.say("reference_lines", lines=text.say("comma").join(named)))
    for question, by_circle in (summary.get("people_more") or {}).items():
        more = [
            text.say("more_people", circle=text.circle(circle), people=text.about(by_circle[circle.id]))
            for circle in ground.material.study.circles
            if by_circle.get(circle.id, 0.0) >= 1
        ]
        if more:
            said.append(text.say(question, more=text.say("comma").join(more)))
    return said


def _limits(ground: Ground, circle: str, table: Any) -> Table:
    """Return a row per limit; columns are the shares of each group under each measure."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for found in records(table[table["circle"].eq(circle)]):
        key = (found["limit"], found["limit_unit"], str(found["walk_m_s"]))
        row = rows.setdefault(key, {"limit": _limit(ground, found), "limit_m": found["limit_m"]})
        row[f"{found['group']}_{found['measure']}"] = found["share_within"]
    called = {way: ground.inside(ground.text.label("measure", way)) for way in _WAYS}
    shares: list[Field] = [
        field(ground, f"{group}_{way}", "share",
              title=ground.say(f"share_{group}_by", measure=called[way]), width=1.4)
        for way in _WAYS for group in ground.groups
    ]  # fmt: skip
    fields = [field(ground, "limit", width=1.8), field(ground, "limit_m", "metres", width=1.1), *shares]
    title = ground.say("sensitivity_table", circle=ground.circle(circle))
    return laid(f"sensitivity-{circle}", title, fields, list(rows.values()))


def _limit(ground: Ground, row: Row) -> str:
    limit = f"{float(row['limit']):g}"
    if row["limit_unit"] == "m":
        return ground.text.say("limit_m", limit=limit)
    speed = f"{float(row['walk_m_s']):g}"
    return ground.say("limit_at", limit=ground.text.say("limit_min", limit=limit), speed=speed)


def quality(ground: Ground) -> Section:
    """Return the section on what was found wrong with the data, and what to mend first."""
    title = ground.say("quality")
    rows = _findings(ground)
    if not rows:
        key = "findings_public" if ground.public else "no_findings"
        return Section("quality", title, (Paragraph(ground.say(key)), *_streets(ground), *_unmapped(ground)))
    counts = {key: sum(row["severity"] == key for row in rows) for key in _SEVERITIES}
    told = ground.join(
        ground.say(
            "so_many_findings", what=ground.text.label("severity", key), count=ground.text.count(count)
        )
        for key, count in counts.items()
        if count
    )
    lead = Paragraph(ground.say("quality_lead", count=ground.text.count(len(rows)), told=told), "lead")
    blocks = (lead, *_streets(ground), *_first(ground, rows), _by_code(ground, rows), *_unmapped(ground),
              _listed(ground, rows))  # fmt: skip
    return Section("quality", title, blocks)


def _unmapped(ground: Ground) -> list[Block]:
    """Return the facilities that are not on the map."""
    frame = ground.material.run.facilities
    rows = records(frame[frame[["lon", "lat"]].isna().any(axis=1)])
    if not rows:
        return []
    fields = [
        field(ground, "name", title=ground.say("facility"), width=2.4),
        field(ground, "kind", value=lambda row: ground.text.kind(row["kind"]), width=1.8),
        worded(ground, "status"), worded(ground, "reason", width=1.4),
    ]  # fmt: skip
    more = len(rows) - MOST_LISTED
    notes = (ground.say("more_rows", count=ground.text.count(more)),) if more > 0 else ()
    return [laid("facilities-unmapped", ground.say("unmapped"), fields, rows[:MOST_LISTED], notes=notes)]


def _findings(ground: Ground) -> list[dict[str, Any]]:
    """Return the findings: what was left out first, then by the people touched."""
    names = dict(zip(*(ground.material.run.facilities[c] for c in ("facility_id", "name")), strict=True))
    found = []
    for row in records(ground.material.run.findings):
        subject = written(row, "subject")
        named = names.get(subject) or _named(ground, subject)
        found.append({**row, "subject": named, "title": _title(ground, str(row["code"]))})
    order = {severity: rank for rank, severity in enumerate(_SEVERITIES)}
    return sorted(found, key=lambda row: (order.get(row["severity"], len(order)), -_touched(row)))


def _named(ground: Ground, subject: str) -> str:
    """Return what a finding is about: a zone or a circle by its name, else as it was written."""
    if subject in _circles_of(ground):
        return ground.circle(subject)
    return ground.name(subject) if subject else ""


def _circles_of(ground: Ground) -> frozenset[str]:
    """Return the ids of the study's circles."""
    return frozenset(circle.id for circle in ground.material.study.circles)


def _touched(row: Row) -> float:
    return float(row["people_touched"]) if known(row["people_touched"]) else 0.0


def _title(ground: Ground, code: str) -> str:
    titles = {**words.table("report")["finding"], **words.table("check")["finding"]}
    entry = titles.get(code)
    return str(entry[0 if ground.text.language == "zh" else 1]) if entry else ""


def _streets(ground: Ground) -> list[Block]:
    states = ground.summary.get("streets")
    if not states:
        return []
    told = ground.join(
        ground.say("so_many", what=ground.text.label("streets_state", key), count=ground.text.count(number))
        for key, number in states.items()
    )
    return [Paragraph(ground.say("street_states", told=told))]


def _first(ground: Ground, rows: list[dict[str, Any]]) -> list[Block]:
    """Return what to mend first: the kinds of findings in their order, a remedy each."""
    by_code: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["severity"] != "info":
            by_code.setdefault(str(row["code"]), []).append(row)
    if not by_code:
        return []
    said = tuple(
        ground.say("mend", what=of[0]["title"] or of[0]["message"], count=ground.text.count(len(of)),
                   remedy=of[0]["remedy"])
        for of in list(by_code.values())[:FIRST_MENDED]
    )  # fmt: skip
    return [Paragraph(ground.say("mend_first"), "note"), Points(said)]


def _by_code(ground: Ground, rows: list[dict[str, Any]]) -> Table:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        of = found.setdefault(str(row["code"]), {**row, "count": 0, "what": row["title"] or row["message"]})
        of["count"] += 1
    fields = [
        worded(ground, "severity"),
        field(ground, "what", title=ground.text.label("column", "message"), width=4),
        field(ground, "count", "count", title=ground.say("finding_count")),
    ]  # fmt: skip
    return laid("finding-kinds", ground.say("finding_kinds"), fields, list(found.values()))


def _listed(ground: Ground, rows: list[dict[str, Any]]) -> Table:
    fields = [
        worded(ground, "severity", width=0.8), field(ground, "subject", width=1.4),
        field(ground, "row", "count", width=0.6), field(ground, "message", width=3.6),
        field(ground, "people_touched", "people", width=0.9), field(ground, "remedy", width=2.6),
    ]  # fmt: skip
    more = len(rows) - MOST_LISTED
    notes = (ground.say("more_findings", count=ground.text.count(more)),) if more > 0 else ()
    return laid("findings", ground.say("finding_table"), fields, rows[:MOST_LISTED], notes=notes)
