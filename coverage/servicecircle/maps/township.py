"""A township's page: its villages, its road segments by walking time, the circles around it, its gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from servicecircle.maps import headline, layers, tables
from servicecircle.maps.page import Page
from servicecircle.maps.scene import box_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from servicecircle.maps.scene import Scene

MARGIN_DEG = 0.012
"""How far beyond the township facilities and circles are drawn: a little more than a kilometre."""


def township(scene: Scene, code: str, *, links: Sequence[tuple[str, str]] = ()) -> Page:
    """Return the page of the township with a code; `links` lead to its neighbours."""
    text = scene.text
    units = scene.units[scene.units["parent_code"] == code].reset_index(drop=True)
    own = scene.townships[scene.townships["code"] == code]
    segments = scene.within_zones("segments", units["code"])
    gaps = scene.within_zones("gaps", units["code"])
    box = box_of(units, MARGIN_DEG)
    facilities = _inside(scene.facilities, box)
    circles = scene.circles[scene.circles["facility_id"].isin(facilities["facility_id"])].reset_index(
        drop=True
    )
    people = scene.within_zones("people", units["code"])
    name = text.written(own["name"].iloc[0])
    return Page(
        text=text,
        title=text.say("township_title", name=scene.study.name, township=name, date=text.date(scene.as_of)),
        lead=[text.say("township_summary", township=name, **tables.unit_counts(units))],
        figures=headline.figures(scene, own, units),
        links=links,
        drawings=[
            layers.units(scene, units, plain=True),
            layers.dissolved(scene, _clipped(scene.reach, box), straight=False, shown=False),
            layers.dissolved(scene, _clipped(scene.straight, box), straight=True, shown=False),
            layers.segments(scene, layers.largest(segments, "length_m"), shown=True),
            layers.circles(scene, circles),
            layers.people(scene, layers.largest(people, "people"), shown=False),
            layers.facilities(scene, facilities),
            layers.gaps(scene, gaps),
        ],
        tables=[tables.gap_table(scene, gaps, advice=True), tables.unit_table(scene, units)],
        notes=[
            *headline.notes(scene),
            *headline.connectors(scene, own),
            *headline.left_out(scene, segments, people),
        ],
        credit=headline.credit(scene),
        leading="segments",
        box=box_of(units),
    )


def _inside(frame: gpd.GeoDataFrame, box: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    return frame.iloc[np.sort(frame.sindex.query(shapely.box(*box), "intersects"))].reset_index(drop=True)


def _clipped(frame: gpd.GeoDataFrame, box: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    """Clip the circles of a whole study to a page, looking only at those of their parts that touch it."""
    parts, row = shapely.get_parts(frame.geometry.to_numpy(), return_index=True)
    west, south, east, north = shapely.bounds(parts).T
    near = (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
    pieces = shapely.clip_by_rect(parts[near], *box)
    clipped = frame.set_geometry([
        shapely.multipolygons(shapely.get_parts(pieces[row[near] == i])) for i in range(len(frame))
    ])  # fmt: skip
    return clipped[~clipped.is_empty].reset_index(drop=True)
