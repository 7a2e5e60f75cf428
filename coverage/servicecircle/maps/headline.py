"""What stands above and below every map: the leading figures, the rules, and the reservations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from servicecircle.kinds import COUNTING_STATUS
from servicecircle.maps import layers, themes
from servicecircle.maps.page import Figure
from servicecircle.maps.tables import unit_counts
from servicecircle.maps.text import unturned

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd

    from servicecircle.maps.scene import Scene


def figures(scene: Scene, whole: pd.DataFrame, units: pd.DataFrame) -> list[Figure]:
    """Return the leading figures of some zones; the elderly come first where they were counted."""
    text = scene.text
    judged = whole["people_judged"].to_numpy(dtype=float)
    bases = text.say("bases", high=text.share(_weighted(whole["share_high"], judged)),
                     straight=text.share(_weighted(whole["share_straight"], judged)))  # fmt: skip
    leading = [Figure(text.say("share_people"), text.share(_weighted(whole["share_within"], judged)), bases)]
    left = [Figure(text.say("gap_people"), text.about(whole["gap_people"].sum(skipna=False)),
                   text.say("of_people", people=text.about(judged.sum())))]  # fmt: skip
    if scene.elderly:
        old, covered = (whole[f"elderly_{part}"].sum(skipna=False) for part in ("judged", "within"))
        share = covered / old if old else None
        within = text.say("covered", people=text.about(covered))
        leading.insert(0, Figure(text.say("share_elderly"), text.share(share), within))
        of = text.say("of_elderly", people=text.about(old))
        left.insert(0, Figure(text.say("gap_elderly"), text.about(old - covered), of))
    counts = unit_counts(units)
    met = counts["met"] / counts["judged"] if counts["judged"] else None
    return [
        *leading,
        Figure(text.say("met_rate"), text.share(met), text.say("met_counts", **counts)),
        *left,
    ]


def lead(scene: Scene) -> list[str]:
    """Return the sentences that a first page begins with."""
    text = scene.text
    said = text.say("summary", date=text.date(scene.as_of), **unit_counts(scene.units))
    return [text.say("space").join([said, *both_bases(scene)])]


def both_bases(scene: Scene) -> list[str]:
    """Return the share under the wide and the strict basis side by side, where both were measured."""
    text = scene.text
    group = "elderly" if scene.elderly else "people"
    shares = scene.manifest.get("summary", {}).get("all", {}).get(group, {})
    wide, strict = shares.get("wide_share"), shares.get("strict_share")
    if wide is None or strict is None:
        return []
    what = text.say(f"share_{group}")
    return [text.say("bases_both", what=what, wide=text.share(wide), strict=text.share(strict))]


def facility_figure(scene: Scene) -> Figure:
    """Return how many facilities count, beside how many are listed and how many are on the map."""
    text, facilities = scene.text, scene.facilities
    listed = text.say("listed", listed=len(facilities), unmapped=int(facilities.geometry.isna().sum()))
    return Figure(text.say("counting"), text.count(int(facilities["used"].sum())), listed)


def rule(scene: Scene) -> str:
    """Return the parameters every figure rests on."""
    text, rules = scene.text, scene.study.rules
    limits = text.say("comma").join(
        text.say("circle_limit", circle=text.circle(circle), metres=f"{circle.limit_m:.0f}",
                 limit=text.say(f"limit_{circle.limit_unit}", limit=f"{circle.limit:g}"))
        if circle.limit_unit == "min"
        else text.say("circle_metres", circle=text.circle(circle), metres=f"{circle.limit_m:.0f}")
        for circle in scene.study.circles
    )  # fmt: skip
    return text.say(
        "rule", speed=f"{rules.walk_kmh:.1f}", limits=limits, measure=text.label("measure", rules.measure),
        share=text.share(rules.share_required),
    )  # fmt: skip


def notes(scene: Scene) -> list[str]:
    """Return the reservations that stand on every page."""
    text, study = scene.text, scene.study
    said = [rule(scene), text.say("filled_counts", status=text.label("status", COUNTING_STATUS))]
    if text.modelled:
        said.append(text.say("modelled"))
    said.append(text.say("basis", basis=text.say(study.people.basis), year=_year(scene)))
    if scene.profile is not None and scene.profile.draft:
        said.append(text.say("draft"))
    said.append(text.say("data_date", date=text.date(scene.as_of), crs=_crs_name(scene)))
    return [*said, *edition_notes(scene)]


def classes(scene: Scene, units: pd.DataFrame) -> list[str]:
    """Return from which share a village counts as covered in the four classes, where there are any."""
    if not themes.classed(units):
        return []
    text = scene.text
    return [text.say("classes_from", share=text.share(scene.study.rules.class_share))]


def edition_notes(scene: Scene) -> list[str]:
    """Return whom the map is for: its review number, or that it is not to be published."""
    text = scene.text
    if scene.public:
        number = text.say("map_review", number=scene.study.output.map_review)
        return [number, text.say("fewest"), text.say("no_boundary")]
    return [text.say("internal"), text.say("no_boundary"), text.say("reference")]


def imprint(scene: Scene, *, made_on: dt.date | None = None) -> list[str]:
    """Return what stands below a map on paper: who made it, when, whom it is owed to, its rules and dates."""
    text, maker, owed_to = scene.text, unturned(scene.study.study.maker), credit(scene)
    made = [text.say("made_by", maker=maker)] if maker.strip() else []
    made += [text.say("made_on", date=text.date(made_on))] if made_on else []
    made += [text.say("sources", credit=owed_to)] if owed_to else []
    return [line for line in (text.say("semicolon").join(made), text.say("space").join(notes(scene))) if line]


def connectors(scene: Scene, whole: pd.DataFrame) -> list[str]:
    """Return how much of the result rests on long straight walks to the streets."""
    text, people = scene.text, whole["people_by_connector"].sum()
    if not people > 0:
        return []
    share = text.share(people / whole["people_within"].sum())
    metres = f"{scene.study.rules.connector_m:g}"
    return [text.say("by_connector", people=text.about(people), share=share, metres=metres)]


def left_out(scene: Scene, segments: pd.DataFrame, people: pd.DataFrame) -> list[str]:
    """Return what a page has no room for."""
    drawn = layers.MOST_DRAWN
    return [
        scene.text.say(key, drawn=drawn, all=len(frame))
        for key, frame in (("longest_streets", segments), ("fullest_places", people))
        if len(frame) > drawn
    ]


def asked(scene: Scene, *, on_pages: bool) -> list[str]:
    """Return where why and what-if are asked, if not here; a public edition does not ask them."""
    if scene.public:
        return []
    if on_pages:
        return [scene.text.say("asked_on_pages")]
    many = len(scene.segments)
    if many <= layers.MOST_DRAWN:
        return []
    return [scene.text.say("asked_nowhere", all=many, most=layers.MOST_DRAWN)]


def other_answers(scene: Scene) -> list[str]:
    """Return how the result would differ under other reference lines, kinds and times."""
    text, summary = scene.text, scene.manifest.get("summary", {})
    lines = summary.get("reference_lines", {})
    said = []
    if lines:
        named = text.say("comma").join(
            text.say("units_at", line=f"{float(line):.0%}", units=text.count(units))
            for line, units in lines.items()
        )
        said.append(text.say("reference_lines", lines=named))
    for question, by_circle in summary.get("people_more", {}).items():
        more = [
            text.say("more_people", circle=text.circle(circle), people=text.about(by_circle[circle.id]))
            for circle in scene.study.circles
            if by_circle.get(circle.id, 0.0) >= 1
        ]
        if more:
            said.append(text.say(question, more=text.say("comma").join(more)))
    return said


def credit(scene: Scene) -> str:
    """Return whom the streets are owed to: as the study says, else OpenStreetMap where they are its."""
    if scene.study.streets.credit is not None:
        return unturned(scene.study.streets.credit)
    return "© OpenStreetMap contributors (ODbL)" if scene.manifest.get("streets_from_osm") else ""


def _year(scene: Scene) -> str:
    year = scene.study.people.year
    return scene.text.say("in_year", year=year) if year else ""


def _crs_name(scene: Scene) -> str:
    """Return the CRS in a word that is no English sentence: its datum in China, else its number."""
    if "CGCS2000" in scene.crs.name:
        return "CGCS2000"
    number = scene.crs.to_epsg()
    return f"EPSG:{number}" if number else scene.crs.name


def _weighted(shares: pd.Series, judged: np.ndarray) -> float:
    """Return the share of all people from the shares of parts: their people added up, not their shares."""
    known = shares.notna().to_numpy() & (judged > 0)
    people = judged[known].sum()
    return (
        float((shares.to_numpy(dtype=float)[known] * judged[known]).sum() / people)
        if people
        else float("nan")
    )
