"""The overview page: every village, every facility, every gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.maps import headline, layers, tables
from servicecircle.maps.page import Page
from servicecircle.maps.scene import box_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicecircle.maps.drawings import Drawing
    from servicecircle.maps.scene import Scene


def overview(scene: Scene, pages: Mapping[str, str]) -> Page:
    """
    Return the overview.

    Parameters
    ----------
    pages
        Addresses of the townships' pages by code; empty where there are none.
    """
    text = scene.text
    links = [pages.get(code) for code in scene.townships["code"]]
    found = [tables.gap_table(scene, scene.gaps, advice=False)]
    if len(scene.townships):
        found.insert(0, tables.township_table(scene, links))
    found.append(tables.unit_table(scene, scene.units, pages))
    people = scene.people.iloc[:0] if pages else scene.people
    left_out = headline.left_out(scene, scene.segments, people)
    return Page(
        text=text,
        title=text.say("title", name=scene.study.name, date=text.date(scene.as_of)),
        lead=[text.say("summary", date=text.date(scene.as_of), **tables.unit_counts(scene.units))],
        figures=[*headline.figures(scene, scene.whole, scene.units), headline.facility_figure(scene)],
        links=[],
        drawings=_drawings(scene, pages),
        tables=found,
        notes=[
            *headline.notes(scene),
            *headline.connectors(scene, scene.whole),
            *headline.other_answers(scene),
            *left_out,
        ],
        credit=headline.credit(scene),
        leading="units",
        box=box_of(scene.units),
    )


def _drawings(scene: Scene, pages: Mapping[str, str]) -> list[Drawing]:
    """Return the layers from the bottom up; a study without townships has no other page for its segments."""
    links = [pages.get(code) for code in scene.units["parent_code"]]
    streets = layers.largest(scene.segments, "length_m")
    drawings = [
        layers.units(scene, scene.units, plain=False, links=links if pages else None),
        layers.dissolved(scene, scene.reach, straight=False, shown=False),
        layers.dissolved(scene, scene.straight, straight=True, shown=False),
        layers.streets(scene, streets) if pages else layers.segments(scene, streets, shown=False),
        layers.townships(scene),
    ]
    if not pages:
        drawings += [
            layers.circles(scene, scene.circles),
            layers.people(scene, layers.largest(scene.people, "people"), shown=False),
        ]
    return [*drawings, layers.facilities(scene, scene.facilities), layers.gaps(scene, scene.gaps)]
