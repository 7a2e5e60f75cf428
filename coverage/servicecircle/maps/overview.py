"""The overview page: every village, every facility, every gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.maps import headline, layers, sheets, tables, themes
from servicecircle.maps.basemaps import base_maps
from servicecircle.maps.page import Page
from servicecircle.maps.parts import light
from servicecircle.maps.scene import box_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from servicecircle.maps.drawings import Drawing
    from servicecircle.maps.scene import Scene


def overview(scene: Scene, pages: Mapping[str, str], *, links: Sequence[tuple[str, str]] = ()) -> Page:
    """
    Return the overview.

    Parameters
    ----------
    pages
        Addresses of the townships' pages by code; empty where there are none.
    links
        Texts and addresses of the pages above and beside it, where it is of one county among several.
    """
    scene = light(scene)
    text = scene.text
    addresses = [pages.get(code) for code in scene.townships["code"]]
    found = [tables.gap_table(scene, scene.gaps, advice=False)]
    if len(scene.townships):
        found.insert(0, tables.township_table(scene, addresses))
    found.append(tables.unit_table(scene, scene.units, pages))
    for code, name in zip(scene.whole["code"], scene.whole["name"], strict=True):
        whose = text.brief(scene.study.name if name == code else name)  # nobody named it: built from codes
        verdicts = sheets.verdict_table(scene, code, whose) if len(scene.whole) == 1 else None
        found += [verdicts] if verdicts else []
    people = scene.people.iloc[:0] if pages else scene.people
    left_out = headline.left_out(scene, scene.segments, people)
    return Page(
        text=text,
        title=_title(scene, own=bool(links)),
        lead=headline.lead(scene),
        figures=[*headline.figures(scene, scene.whole, scene.units), headline.facility_figure(scene)],
        links=links,
        drawings=_drawings(scene, pages),
        tables=found,
        notes=[
            *headline.notes(scene),
            *headline.classes(scene, scene.units),
            *headline.connectors(scene, scene.whole),
            *headline.other_answers(scene),
            *left_out,
            *headline.asked(scene, on_pages=bool(pages)),
        ],
        credit=headline.credit(scene),
        imprint=headline.imprint(scene),
        leading="units",
        box=box_of(scene.units),
        base_maps=base_maps(scene.study.output),
    )


def _title(scene: Scene, *, own: bool) -> str:
    """Return the title; of a county among several with its name."""
    text, date = scene.text, scene.text.date(scene.as_of)
    if not own:
        return text.say("title", name=text.brief(scene.study.name), date=date)
    name = text.brief(scene.whole["name"].iloc[0])
    return text.say("township_title", name=text.brief(scene.study.name), township=name, date=date)


def _drawings(scene: Scene, pages: Mapping[str, str]) -> list[Drawing]:
    """Return the layers from the bottom up; a study without townships has no other page for its segments."""
    links = [pages.get(code) for code in scene.units["parent_code"]]
    streets = layers.largest(scene.segments, "length_m")
    drawings = [
        layers.units(scene, scene.units, plain=False, links=links if pages else None),
        layers.dissolved(scene, scene.reach, straight=False, shown=False),
        layers.dissolved(scene, scene.straight, straight=True, shown=False),
        *layers.further(scene, scene.reach),
        layers.streets(scene, streets) if pages else layers.segments(scene, streets, shown=False),
        layers.townships(scene, [pages.get(code) for code in scene.townships["code"]] if pages else None),
    ]
    if len(scene.townships):
        circles = themes.circles_of(scene.townships, scene.units)
        addresses = [pages.get(code) for code in scene.townships["code"]] if pages else None
        drawings.insert(1, layers.township_areas(scene, scene.townships, circles=circles, links=addresses))
    if not pages:
        drawings += [
            layers.circles(scene, scene.circles),
            layers.people(scene, layers.largest(scene.people, "people"), shown=False),
        ]
    return [
        *drawings, layers.facilities(scene, scene.facilities), layers.buildings(scene, scene.units),
        layers.gaps(scene, scene.gaps),
    ]  # fmt: skip
