"""What changed since the last run, what it is put down to, and how it went over all runs."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from servicecircle.history.headlines import HEADLINES, WHOLE
from servicecircle.history.written import count_lines, explanation, facility_rows, said
from servicecircle.report.model import Column, Paragraph, Points, Section, Table
from servicecircle.report.sections.columns import field, laid, records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from servicecircle.history.compare import Comparison
    from servicecircle.report.model import Block
    from servicecircle.report.sections.ground import Ground

    Row = Mapping[str, Any]

MOST_LISTED = 30
"""Rows of each list of what changed; the others are counted."""


def changes(ground: Ground) -> Section:
    """Return the section on what changed since the last run, and why."""
    since = ground.material.since
    blocks = [Paragraph(ground.say("no_last_run"))] if since is None else _since(ground, since)
    return Section("changes", ground.say("changes"), tuple(blocks))


def trend(ground: Ground) -> Section | None:
    """Return the section on how the headlines went from run to run; None where there is one run only."""
    rows = _runs(ground)
    if len(rows) < 2 and not ground.material.charts:
        return None
    date = (Column("as_of", ground.say("as_of"), "date", 1.4), lambda row: row["as_of"])
    shares = [
        field(ground, name, "share", title=said(name, ground.text.language))
        for name in HEADLINES
        if any(name in row for row in rows)
    ]
    tables = [laid("trend", ground.say("trend_table"), [date, *shares], rows)] if len(rows) > 1 else []
    townships = {f"trend-headlines-{code}" for code in ground.rows}
    charts = [chart for chart in ground.material.charts if chart.name not in townships]
    return Section("trend", ground.say("trend"), (*charts, *tables))


def _runs(ground: Ground) -> list[dict[str, Any]]:
    """Return a row per date of data, as its last run has it."""
    series = ground.material.headlines
    whole = series[series["zone_code"].eq(WHOLE)]
    found: dict[str, dict[str, Any]] = {}
    for row in records(whole):
        day = str(row["as_of"])
        found.setdefault(day, {"as_of": day})[str(row["headline"])] = row["share"]
    return [found[day] for day in sorted(found)]


def _since(ground: Ground, since: Comparison) -> list[Block]:
    say, language = ground.say, ground.text.language
    old, new = (_day(ground, side["as_of"]) for side in (since.old, since.new))
    if old == new:  # two runs on the data of one date are told by when they ran
        old, new = (_minute(ground, side["started_at"]) for side in (since.old, since.new))
    return [
        Paragraph(say("since", old=old, new=new), "lead"),
        _headlines(ground, since),
        Paragraph(explanation(since, language), "note"),
        Points(tuple(count_lines(since, language))),
        *_townships(ground, since),
        *_lists(ground, since),
    ]


def _day(ground: Ground, written: str) -> str:
    return ground.text.date(dt.date.fromisoformat(written[:10]))


def _minute(ground: Ground, written: str) -> str:
    return f"{_day(ground, written)} {written[11:16]}"


def _parts(ground: Ground, since: Comparison) -> list[Any]:
    """Return a column per part that moves a headline of any zone, be it less than is printed."""
    moving = [part for part in since.parts if since.headlines[part].fillna(0.0).ne(0.0).any()]
    return [
        field(ground, part, "points", _part(part), title=said(part, ground.text.language)) for part in moving
    ]


def _part(part: str) -> Callable[[Row], float]:
    return lambda row: float(row["parts"].get(part, 0.0))


def _headlines(ground: Ground, since: Comparison) -> Table:
    language = ground.text.language
    rows: list[Row] = list(since.shown())
    fields = [
        field(ground, "headline", value=lambda row: said(row["headline"], language),
              title=said("headline", language), width=1.6),
        field(ground, "old", "share", title=said("old", language)),
        field(ground, "new", "share", title=said("new", language)),
        field(ground, "change", "points", title=said("change", language), width=1.2),
        *_parts(ground, since),
    ]  # fmt: skip
    return laid("since-headlines", ground.say("since_headlines"), fields, rows)


def _townships(ground: Ground, since: Comparison) -> list[Block]:
    """Return the change of each township's headlines, in points."""
    known = set(since.headlines["zone_code"])
    rows = []
    for code in ground.townships["code"]:
        if code in known:
            change = {row["headline"]: row["change"] for row in since.shown(code)}
            rows.append({"name": ground.name(code), **change})
    if not rows:
        return []
    language = ground.text.language
    fields = [field(ground, "name", title=ground.text.label("level", "township"), width=1.8)]
    fields += [
        field(ground, name, "points", title=said(name, language))
        for name in HEADLINES
        if any(name in row for row in rows)
    ]
    return [laid("since-townships", ground.say("since_townships"), fields, rows)]


def _lists(ground: Ground, since: Comparison) -> list[Block]:
    """Return the facilities, villages and gaps that changed, each list with how many more there are."""
    language = ground.text.language
    headers, facilities = facility_rows(since, language)
    columns = tuple(Column(f"column_{i}", header, width=1.5) for i, header in enumerate(headers))
    cut, notes = _cut(ground, facilities)
    of_facilities = Table("since-facilities", ground.say("since_facilities"), columns,
                          tuple(tuple(row) for row in cut), notes)  # fmt: skip
    found = [of_facilities, _villages(ground, since), _gaps(ground, since)]
    return [table for table in found if table.rows]


def _cut(ground: Ground, rows: list[Any]) -> tuple[list[Any], tuple[str, ...]]:
    more = len(rows) - MOST_LISTED
    return rows[:MOST_LISTED], (ground.say("more_rows", count=ground.text.count(more)),) if more > 0 else ()


def _villages(ground: Ground, since: Comparison) -> Table:
    language = ground.text.language
    rows, notes = _cut(ground, records(since.verdicts))
    words = [
        {**row, **{key: ground.text.label("verdict", row[key]) for key in ("old_verdict", "verdict")}}
        for row in rows
    ]
    fields = [
        field(ground, "township_name", width=1.3),
        field(ground, "zone_name", width=1.3),
        *(field(ground, key, title=said(key, language), width=1.3) for key in ("old_verdict", "verdict")),
    ]
    return laid("since-villages", ground.say("since_villages"), fields, words, notes=notes)


def _gaps(ground: Ground, since: Comparison) -> Table:
    language = ground.text.language
    most = since.gaps[["people", "old_people"]].astype(float).max(axis=1)
    order = most.sort_values(ascending=False, kind="stable").index
    rows, notes = _cut(ground, records(since.gaps.loc[order]))
    what = said("what", language)
    fields = [
        field(ground, "change", value=lambda row: said(row["change"], language), title=what),
        field(ground, "township_name", width=1.2), field(ground, "zone_name", width=1.2),
        field(ground, "place", width=1.8),
        field(ground, "old_people", "people", title=said("old_people", language)),
        field(ground, "people", "people", title=said("now_people", language)),
    ]  # fmt: skip
    return laid("since-gaps", ground.say("since_gaps"), fields, rows, notes=notes)
