"""The ranking as a bulletin prints it: 街道 and 乡镇 apart, those not ranked listed below."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from servicecircle.report.material import Earlier
from servicecircle.report.model import Column, Paragraph, Section, Table
from servicecircle.report.ranking import (
    GROUPS,
    MOST_TO_VERIFY,
    Standing,
    in_rank_order,
    points,
    standings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from servicecircle.report.material import Material
    from servicecircle.report.model import Block
    from servicecircle.report.ranking import Group
    from servicecircle.report.voice import Voice

    Since = Mapping[str, Earlier | None]
    """Earlier runs by the word of `words/bulletin.toml` that says which one it is."""

BEST = 3
"""So many of each end of a group a quarterly ranking names; ties are named with them."""


def ranking_section(voice: Voice, since: Since, *, ends: int = 0) -> Section:
    """
    Return the ranking of 街道 and of 乡镇.

    Parameters
    ----------
    since
        The earlier runs that figures are compared with, a column each.
    ends
        So many of the best and of the weakest are named first.
    """
    units = standings(voice.material.run.zones, group=voice.group)
    if not units:
        return Section("ranking", voice.say("ranking"), (Paragraph(voice.say("no_units"), "note"),))
    tables: list[Table] = [_ends(voice, units, since, ends)] if ends else []
    tables += [_group_table(voice, units, since, group) for group in GROUPS]
    tables.append(_unranked(voice, units))
    blocks: list[Block] = [table for table in tables if table.rows]
    return Section("ranking", voice.say("ranking"), (*blocks, _note(voice, since)))


def quarter_start(material: Material) -> Earlier | None:
    """Return the newest run that is remembered from around the start of the quarter, before this month."""
    first = material.as_of.replace(day=1)
    start = first.replace(month=first.month - (first.month - 1) % 3)
    month_before = (start - dt.timedelta(days=1)).replace(day=1)
    month_after = (start + dt.timedelta(days=31)).replace(day=1)
    until = min(month_after, first)
    series = material.headlines
    fitting = series[
        series["as_of"].astype(str).ge(month_before.isoformat())
        & series["as_of"].astype(str).lt(until.isoformat())
    ]
    if fitting.empty:
        return None
    run_id = fitting["run_id"].iloc[-1]
    rows = fitting[fitting["run_id"].eq(run_id)]
    shares = dict(zip(zip(rows["zone_code"], rows["headline"], strict=True), rows["share"], strict=True))
    return Earlier(str(run_id), dt.date.fromisoformat(str(rows["as_of"].iloc[-1])), shares)


def _unit_column(voice: Voice) -> Column:
    key = "report_unit" if _by_report_unit(voice) else "unit"
    return Column("name", voice.say(key), "text", 2.4)


def _since_columns(voice: Voice, since: Since) -> tuple[Column, ...]:
    return tuple(Column(f"change_{when}", voice.say(when), "points", 0.9) for when in since)


def _changes(voice: Voice, unit: Standing, since: Since) -> list[float | None]:
    """Return the change since each earlier run; a unit that is no whole township is not remembered."""
    key = (unit.code, voice.headline)
    return [
        points(unit.figures.share, earlier.shares.get(key)) if earlier and unit.code else None
        for earlier in since.values()
    ]


def _group_table(voice: Voice, units: Sequence[Standing], since: Since, group: Group) -> Table:
    columns = (
        Column("rank", voice.say("rank"), "count", 0.7), _unit_column(voice),
        voice.column(voice.share_key, "share", 1.2), *_since_columns(voice, since),
        Column("units_met", voice.say("units_met"), "count", 0.8),
        Column("units_judged", voice.say("units_judged"), "count", 0.8),
        voice.left_column(f"{voice.group}_left", 1.4),
        Column(f"{voice.group}_doubtful_share", voice.say("doubtful_share"), "share"),
    )  # fmt: skip
    rows = tuple(
        (unit.rank, unit.name, unit.figures.share, *_changes(voice, unit, since), unit.figures.units_met,
         unit.figures.units_judged, unit.figures.left, unit.figures.share_doubtful)
        for unit in in_rank_order(units, group=group)
    )  # fmt: skip
    return Table(f"ranking_{group}", voice.say(f"{group}_group"), columns, rows)


def _unranked(voice: Voice, units: Sequence[Standing]) -> Table:
    columns = (
        _unit_column(voice), Column("group", voice.say("in_group"), "text", 1.4),
        voice.column(voice.share_key, "share", 1.2),
        Column(f"{voice.group}_doubtful_share", voice.say("doubtful_share"), "share"),
        voice.left_column(f"{voice.group}_left", 1.4), Column("reason", voice.say("why"), "text", 2.9),
    )  # fmt: skip
    rows = tuple(
        (unit.name, voice.say(unit.group), unit.figures.share, unit.figures.share_doubtful,
         unit.figures.left, why_not_ranked(voice, unit))
        for unit in units if unit.why
    )  # fmt: skip
    return Table("unranked", voice.say("unranked"), columns, rows)


def why_not_ranked(voice: Voice, unit: Standing) -> str:
    """Return why a unit is not ranked."""
    return voice.say(unit.why, most=voice.text.share(MOST_TO_VERIFY))


def _ends(voice: Voice, units: Sequence[Standing], since: Since, most: int) -> Table:
    columns = (
        Column("group", voice.say("in_group"), "text", 1.4), Column("place", voice.say("place")),
        Column("rank", voice.say("rank"), "count", 0.7), _unit_column(voice),
        voice.column(voice.share_key, "share", 1.2), *_since_columns(voice, since),
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    short = False
    for group in GROUPS:
        ranked = in_rank_order(units, group=group)
        short = short or 0 < len(ranked) < 2 * most
        best, weakest = best_and_weakest(ranked, most)
        rows += [
            (voice.say(group), voice.say(place), unit.rank, unit.name, unit.figures.share,
             *_changes(voice, unit, since))
            for place, named in (("best", best), ("weakest", weakest)) for unit in named
        ]  # fmt: skip
    notes = (voice.say("fewer"),) if short else ()
    return Table("ranking_ends", voice.say("best_and_weakest"), columns, tuple(rows), notes)


def best_and_weakest(ranked: Sequence[Standing], most: int) -> tuple[list[Standing], list[Standing]]:
    """
    Return both ends of a ranking, each in its order.

    Whoever shares the rank of the last one named is named too. In a short list nobody is named twice.
    """
    if not ranked:
        return [], []
    ranks = [unit.rank or 0 for unit in ranked]
    last_best, first_weak = ranks[min(most, len(ranks)) - 1], ranks[-min(most, len(ranks))]
    best = [unit for unit in ranked if (unit.rank or 0) <= last_best]
    return best, [unit for unit in ranked if (unit.rank or 0) >= first_weak and unit not in best]


def _note(voice: Voice, since: Since) -> Paragraph:
    most = voice.text.share(MOST_TO_VERIFY)
    said = [voice.say("how_ranked", share=voice.label(voice.share_key), most=most)]
    if _by_report_unit(voice):
        said.append(voice.say("by_report_unit"))
    said.append(voice.say("how_changed"))
    said += [
        voice.say("against", since=voice.say(when), date=voice.text.date(earlier.as_of))
        for when, earlier in since.items()
        if earlier
    ]
    return Paragraph(voice.say("space").join(said), "note")


def _by_report_unit(voice: Voice) -> bool:
    units = voice.material.run.zones["report_unit"]
    return any(isinstance(unit, str) and bool(unit.strip()) for unit in units)
