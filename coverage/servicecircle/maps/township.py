"""A township's page: its villages, its road segments by walking time, the circles around it, its gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from servicecircle.maps import cards, headline, layers, sheets, tables
from servicecircle.maps.basemaps import base_maps
from servicecircle.maps.graph import plan_of
from servicecircle.maps.page import Page
from servicecircle.maps.parts import MARGIN_DEG, clipped
from servicecircle.maps.scene import box_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from servicecircle.maps.scene import Scene
    from servicecircle.maps.tables import Table


def township(scene: Scene, code: str, *, links: Sequence[tuple[str, str]] = (), asked: bool = True) -> Page:
    """
    Return the page of the township with a code; `links` lead to its neighbours.

    Parameters
    ----------
    asked
        Whether it answers why and what if: it then holds the people of every place.
    """
    text = scene.text
    units = scene.units[scene.units["parent_code"] == code].reset_index(drop=True)
    own = scene.townships[scene.townships["code"] == code]
    segments = scene.within_zones("segments", units["code"])
    gaps = scene.within_zones("gaps", units["code"])
    box = box_of(units, MARGIN_DEG)
    facilities = _inside(scene.facilities, box)
    circles = scene.circles[scene.circles["facility_id"].isin(facilities["facility_id"])]
    circles = _touching(circles, units)
    people = scene.within_zones("people", units["code"])
    name, whose = text.brief(own["name"].iloc[0]), text.brief(scene.study.name)
    return Page(
        text=text,
        title=text.say("township_title", name=whose, township=name, date=text.date(scene.as_of)),
        lead=[text.say("township_summary", township=name, **tables.unit_counts(units))],
        figures=headline.figures(scene, own, units),
        links=links,
        drawings=[
            layers.units(scene, units, plain=True),
            layers.dissolved(scene, clipped(scene.reach, box), straight=False, shown=False),
            layers.dissolved(scene, clipped(scene.straight, box), straight=True, shown=False),
            *layers.further(scene, clipped(scene.reach, box)),
            layers.segments(scene, layers.largest(segments, "length_m"), shown=True),
            layers.circles(scene, circles),
            layers.people(scene, layers.largest(people, "people"), shown=False),
            layers.facilities(scene, facilities),
            layers.buildings(scene, units),
            layers.gaps(scene, gaps),
        ],
        tables=_tables(scene, code, name, units, gaps, facilities),
        notes=[
            *headline.notes(scene),
            *headline.classes(scene, units),
            *headline.connectors(scene, own),
            *headline.left_out(scene, segments, people),
        ],
        credit=headline.credit(scene),
        imprint=headline.imprint(scene),
        leading="segments",
        box=box_of(units),
        base_maps=base_maps(scene.study.output),
        plan=plan_of(scene, units) if asked else None,
    )


def _tables(
    scene: Scene, code: str, name: str, units: gpd.GeoDataFrame, gaps: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
) -> list[Table]:  # fmt: skip
    """Return the gaps, the verdicts of the street and of its villages, and the facilities' cards."""
    own = facilities[facilities["zone_code"].isin(units["code"])] if "zone_code" in facilities else facilities
    verdicts = sheets.verdict_table(scene, code, name)
    return [
        tables.gap_table(scene, gaps, advice=True), *([verdicts] if verdicts else []),
        tables.unit_table(scene, units), cards.card_table(scene, own.reset_index(drop=True)),
    ]  # fmt: skip


def _touching(circles: gpd.GeoDataFrame, units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the circles that reach into some villages; all where villages are points."""
    area = shapely.union_all(units.geometry.dropna().to_numpy())
    if area.area > 0:
        circles = circles[circles.intersects(area)]
    return circles.reset_index(drop=True)


def _inside(frame: gpd.GeoDataFrame, box: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    return frame.iloc[np.sort(frame.sindex.query(shapely.box(*box), "intersects"))].reset_index(drop=True)
