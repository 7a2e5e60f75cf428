"""The first page: what adds up to what, the headlines in their order, and the reservations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicecircle.maps.tables import unit_counts
from servicecircle.report.cautions import cautions
from servicecircle.report.model import Paragraph, Points
from servicecircle.report.sections.columns import filled, laid, less
from servicecircle.report.sections.coverage import (
    first_circle,
    met_share,
    shares_beside,
    unit_coverage,
    whole_rows,
    zone_totals,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicecircle.report.model import Block
    from servicecircle.report.sections.ground import Ground

    Row = Mapping[str, Any]


def front(ground: Ground) -> tuple[Block, ...]:
    """Return the first page."""
    rows = whole_rows(ground)
    whole, say, text = rows[0], ground.say, ground.text
    counts = {key: text.count(number) for key, number in unit_counts(ground.villages).items()}
    summary = text.say("summary", date=text.date(ground.material.as_of), **counts)
    rate = say("rate", share=text.share(met_share(whole)), met=text.count(whole["units_met"]),
               judged=text.count(whole["units_judged"]))  # fmt: skip
    fields, bases = filled(shares_beside(ground), rows), _bases(ground, whole)
    notes = (say("denominator"), *([say("two_bases")] if bases else []), say("rounded"))
    table = laid("headlines", say("headlines"), [first_circle(ground), *fields], rows, notes=notes)
    return (
        *_approved(ground),
        Points(tuple(reconciled(ground))),
        Paragraph(summary + rate, "lead"),
        Points((_held(ground, whole), *(_covered(ground, whole, group) for group in ground.groups))),
        *bases,
        table,
        Paragraph(text.say("space").join(cautions(ground.material)), "caution"),
    )


def _approved(ground: Ground) -> list[Block]:
    signed = ground.material.sign_off
    if signed.state != "final" or not signed.by:
        return []
    on = ground.text.date(signed.on) if signed.on else ""
    return [Paragraph(ground.say("approved", by=signed.by, on=on), "note")]


def reconciled(ground: Ground) -> list[str]:
    """Return the lines in which facilities, units and people add up."""
    return [_facilities(ground), _units(ground), *_people(ground)]


def _facilities(ground: Ground) -> str:
    facilities, count = ground.material.run.facilities, ground.text.count
    on_map = int(facilities[["lon", "lat"]].notna().all(axis=1).sum())
    used = int(facilities["used"].eq(other=True).sum())
    return ground.say("facilities_add_up", listed=count(len(facilities)), on_map=count(on_map),
                      not_on_map=count(len(facilities) - on_map), used=count(used))  # fmt: skip


def _units(ground: Ground) -> str:
    counts, text = unit_counts(ground.villages), ground.text
    states = ground.villages.loc[ground.villages["state"].ne("judged"), "state"].value_counts(sort=False)
    why = ground.join(
        ground.say("so_many", what=text.label("state", state), count=text.count(number))
        for state, number in states.items()
    )
    told = ground.say("units_add_up", units=text.count(counts["units"]), judged=text.count(counts["judged"]),
                      not_judged=text.count(counts["not_judged"]))  # fmt: skip
    return told + (ground.say("namely", what=why) if why else "") + ground.say("stop")


def _people(ground: Ground) -> list[str]:
    """Return how people divide; the whole is the sum of what is printed, so that the line adds up."""
    totals, text = ground.material.run.manifest.get("totals") or {}, ground.text
    if "judged" not in totals:  # a public edition keeps no totals but those of its zones
        totals = zone_totals(ground)
    if "judged" not in totals:
        return []
    left = {key.removeprefix("not_judged_"): float(value) for key, value in totals.items()
            if key.startswith("not_judged_") and value > 0}  # fmt: skip
    judged, out = round(float(totals["judged"])), sum(round(value) for value in left.values())
    told = ground.say("people_add_up", all=text.about(float(judged + out)), judged=text.about(float(judged)),
                      left=text.about(float(out)))  # fmt: skip
    why = ground.join(
        ground.say("so_many_people", what=text.label("reason", reason), people=text.about(value))
        for reason, value in left.items()
    )
    return [told + (ground.say("namely", what=why) if why else "") + ground.say("stop")]


def _held(ground: Ground, whole: Row) -> str:
    count = ground.text.count
    return ground.say("held", held=count(whole["units_with_facility"]), units=count(whole["units"]),
                      share=ground.text.share(unit_coverage(whole)))  # fmt: skip


def _covered(ground: Ground, whole: Row, group: str) -> str:
    text, prefix = ground.text, "" if group == "people" else f"{group}_"
    judged, within, doubtful = (whole.get(f"{group}_{part}") for part in ("judged", "within", "doubtful"))
    shares = {key: text.share(whole.get(f"{prefix}{key}")) for key in
              ("share_within", "share_high", "share_straight")}  # fmt: skip
    return ground.say(
        f"covered_{group}", judged=text.about(judged), within=text.about(within),
        certain=text.about(less(judged, within, doubtful)), doubtful=text.about(doubtful),
        measure=ground.inside(text.label("measure", ground.material.study.rules.measure)), **shares,
    )  # fmt: skip


def _bases(ground: Ground, whole: Row) -> list[Block]:
    """Return the wide and the strict basis side by side, as far as both were measured."""
    text, said = ground.text, []
    for group in ground.groups:
        prefix = "" if group == "people" else f"{group}_"
        wide, strict = (whole.get(f"{prefix}{basis}_share") for basis in ("wide", "strict"))
        if wide is not None and strict is not None:
            what = text.say(f"share_{group}")
            said.append(text.say("bases_both", what=what, wide=text.share(wide), strict=text.share(strict)))
    return [Points(tuple(said))] if said else []
