"""The areas that no facility covers, those of most people first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicecircle.report.model import Paragraph, Section, Table
from servicecircle.report.sections.columns import field, laid, records, total, worded

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from servicecircle.report.model import Block
    from servicecircle.report.sections.columns import Field
    from servicecircle.report.sections.ground import Ground

    Row = Mapping[str, Any]

MOST_LISTED = 30
"""Gaps that the whole study's ranking lists."""

CLASSES = ("certain", "detour", "to_verify")


def gaps(ground: Ground) -> Section:
    """Return the section that ranks the gaps."""
    if ground.gaps.empty:
        none = "no_gaps_public" if ground.public else "no_gaps"
        return Section("gaps", ground.say("gaps"), (Paragraph(ground.say(none)),))
    lead = ground.say("gap_lead", count=ground.text.count(len(ground.gaps)),
                      people=ground.text.about(total(ground.gaps["people"])))  # fmt: skip
    key = "ranked_elderly" if ground.elderly else "ranked_people"
    blocks: list[Block] = [Paragraph(lead, "lead"), Paragraph(ground.say(key), "note"), _by_class(ground)]
    if ground.public:
        blocks.append(Paragraph(ground.say("gaps_public"), "note"))
    return Section("gaps", ground.say("gaps"), (*blocks, _ranking(ground)))


def gap_rows(ground: Ground, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return gaps as rows, their facility by name."""
    facilities = ground.material.run.facilities
    names = dict(zip(facilities["facility_id"], facilities["name"], strict=True))
    rows = []
    for gap in records(frame):
        nearest = gap["nearest_facility"]
        numbered = ground.text.say("gap_number", number=gap["number"])
        told = {"gap": numbered, "nearest_facility": names.get(nearest, nearest)}
        rows.append({**gap, **told})
    return rows


def people_fields(ground: Ground) -> list[Field]:
    """Return the columns of a gap's people, the elderly first."""
    titles = {group: ground.text.say(f"gap_{group}") for group in ground.groups}
    return [field(ground, group, "people", title=titles[group]) for group in ground.groups]


def _by_class(ground: Ground) -> Table:
    rows: list[dict[str, Any]] = []
    for key in CLASSES:
        part = ground.gaps[ground.gaps["class"].eq(key)]
        sums = {group: total(part[group]) for group in ground.groups}
        rows.append({"class": ground.text.label("gap_class", key), "count": len(part), **sums})
    whole = {group: total(ground.gaps[group]) for group in ground.groups}
    rows.append({"class": ground.say("in_all"), "count": len(ground.gaps), **whole})
    fields = [field(ground, "class", width=2), field(ground, "count", "count", title=ground.say("gap_count"))]
    return laid("gap-classes", ground.say("gap_classes"), [*fields, *people_fields(ground)], rows,
                strong=frozenset({len(rows) - 1}))  # fmt: skip


def _ranking(ground: Ground) -> Table:
    """Return the first gaps, the others in one row, and all of them: the people not covered."""
    rows = gap_rows(ground, ground.gaps.head(MOST_LISTED))
    rest = ground.gaps.iloc[MOST_LISTED:]
    if len(rest):
        label = ground.say("other_gaps", count=ground.text.count(len(rest)))
        rows.append({"gap": label, **{group: total(rest[group]) for group in ground.groups}})
    sums = {group: total(ground.gaps[group]) for group in ground.groups}
    rows.append({"gap": ground.say("in_all"), **sums})
    fields = [
        field(ground, "gap", title=ground.text.say("gap"), width=1.1),
        *([field(ground, "township_name", width=1.2)] if len(ground.townships) else []),
        field(ground, "zone_name", width=1.2),
        field(ground, "place", width=1.8),
        *people_fields(ground),
        field(ground, "metres", "metres"),
        field(ground, "nearest_facility", width=1.8),
        worded(ground, "reason", width=1.6),
    ]
    return laid("gaps", ground.say("gap_ranking"), fields, _worded(rows), strong=frozenset({len(rows) - 1}))


def _worded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"reason": "", **row} for row in rows]


def largest(ground: Ground, code: str, frame: pd.DataFrame, most: int) -> Table:
    """Return a zone's largest gaps, with what to do about them."""
    fields = [
        field(ground, "gap", title=ground.text.say("gap"), width=1.0),
        field(ground, "zone_name", width=1.2),
        field(ground, "place", width=1.8),
        worded(ground, "class", "gap_class", width=1.3),
        *people_fields(ground),
        field(ground, "metres", "metres"),
        worded(ground, "reason", width=1.6),
        field(ground, "advice", width=2.6),
    ]
    said = ground.say("largest_gaps", name=ground.name(code), count=min(most, len(frame)))
    more = len(frame) - most
    notes = ground.say("other_gaps_here", count=ground.text.count(more),
                       people=ground.text.about(total(frame["people"].iloc[most:])))  # fmt: skip
    return laid(
        f"gaps-{code}", said, fields, gap_rows(ground, frame.head(most)), notes=(notes,) if more > 0 else ()
    )
