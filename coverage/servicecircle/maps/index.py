"""The first page of a study of several counties: its prefectures and counties, and the way down to each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.maps import headline, layers, tables, themes
from servicecircle.maps.basemaps import base_maps
from servicecircle.maps.page import Page
from servicecircle.maps.parts import light
from servicecircle.maps.scene import box_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

    from servicecircle.maps.drawings import Drawing
    from servicecircle.maps.scene import Scene

MOST_TOWNSHIPS = 5000
"""A page draws no more of them."""

MOST_GAPS = 200
"""So many uncovered areas are listed: those of most people."""


def index(scene: Scene, counties: Mapping[str, str], townships: Mapping[str, str]) -> Page:
    """
    Return the first page.

    Parameters
    ----------
    counties, townships
        Addresses of their pages by code.
    """
    scene = light(scene)
    text, frames = scene.text, scene.uppers
    found = [
        tables.upper_table(scene, frame, level, [counties.get(code) for code in frame["code"]])
        for level, frame in reversed(list(frames.items()))
        if len(frame) > 1
    ]
    gaps = scene.gaps.iloc[:MOST_GAPS]
    return Page(
        text=text,
        title=text.say("title", name=text.brief(scene.study.name), date=text.date(scene.as_of)),
        lead=headline.lead(scene),
        figures=[*headline.figures(scene, scene.whole, scene.units), headline.facility_figure(scene)],
        links=[],
        drawings=_drawings(scene, counties, townships),
        tables=[*found, tables.gap_table(scene, gaps, advice=False)],
        notes=[
            *headline.notes(scene), *headline.connectors(scene, scene.whole), *headline.other_answers(scene),
            *_left_out(scene), *headline.asked(scene, on_pages=True),
        ],
        credit=headline.credit(scene),
        leading="county",
        box=box_of(frames["county"]),
        base_maps=base_maps(scene.study.output),
    )  # fmt: skip


def _left_out(scene: Scene) -> list[str]:
    listed = len(scene.gaps)
    return [scene.text.say("first_of_gaps", drawn=MOST_GAPS, all=listed)] if listed > MOST_GAPS else []


def _drawings(scene: Scene, counties: Mapping[str, str], townships: Mapping[str, str]) -> list[Drawing]:
    """Return the counties by share covered, and hidden at first the townships and the prefectures."""
    drawings: list[Drawing] = []
    above = scene.units
    for level, lower in (("county", scene.townships), ("prefecture", scene.uppers["county"])):
        parents = dict(zip(lower["code"], lower["parent_code"], strict=True))
        above = above.assign(parent_code=[parents.get(code, code) for code in above["parent_code"]])
        frame = scene.uppers[level]
        if len(frame) > 1 and frame.geometry.notna().any():
            drawings.insert(0, _areas(scene, frame, above, level, counties if level == "county" else {}))
    if 0 < len(scene.townships) <= MOST_TOWNSHIPS:
        circles = themes.circles_of(scene.townships, scene.units)
        links = [townships.get(code) for code in scene.townships["code"]]
        drawings.append(layers.township_areas(scene, scene.townships, circles=circles, links=links))
    return drawings


def _areas(
    scene: Scene, frame: gpd.GeoDataFrame, units: gpd.GeoDataFrame, level: str, pages: Mapping[str, str]
) -> Drawing:
    """Return the zones of a level by share covered; counties are shown first."""
    links = [pages.get(code) for code in frame["code"]] if pages else None
    return layers.township_areas(
        scene, frame, circles=themes.circles_of(frame, units), links=links, name=level,
        label=scene.text.label("level", level), shown=level == "county",
    )  # fmt: skip
