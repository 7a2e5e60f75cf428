"""The layers that both kinds of pages draw, from the frames of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.assess.scenarios import OPENED
from servicecircle.assess.walks import DOUBTFUL
from servicecircle.kinds import KINDS
from servicecircle.maps import bands, cards, looks, themes
from servicecircle.maps.drawings import Drawing, Theme
from servicecircle.maps.text import EMPTY, unturned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicecircle.maps.scene import Scene
    from servicecircle.maps.text import Text

MOST_DRAWN = 20_000
"""A page draws no more streets, and no more places of people: half a second and half a megabyte."""

MANY_GAPS = 150
"""More symbols than this are drawn smaller, so that the villages below stay visible."""

MAIN_CIRCLES = ("15min", "1km")
"""The circles of the documents; each further one of a study is a layer of its own."""

CERTAIN_FIRST = ("certain", "detour", "to_verify")


def units(
    scene: Scene, frame: gpd.GeoDataFrame, *, plain: bool, links: Sequence[str | None] | None = None
) -> Drawing:
    """Return the villages by class, share, certainty, verdict and circle; `plain` begins with outlines."""
    text = scene.text
    columns = [
        ("", [text.written(name) for name in frame["name"]]),
        (text.say("circle"), _circle_names(scene, frame["circle"])),
        *_share_facts(scene, frame),
        (text.label("column", "certainty"), [text.label("certainty", key) for key in frame["certainty"]]),
        *_class_facts(text, frame),
        (text.label("column", "streets_state"), _street_facts(text, frame)),
    ]
    points = (frame.geometry.geom_type == "Point").any()
    if points:
        frame = frame.set_geometry(frame.geometry.representative_point())
    return Drawing(
        "units", text.say("units"), "point" if points else "area", frame,
        themes.of_units(scene, frame, plain=plain), columns,
        marks=themes.rules(scene, frame, fills=False), links=links, named=plain,
        radii=[9] * len(frame) if points else None, codes=frame["code"].tolist(),
    )  # fmt: skip


def township_areas(
    scene: Scene, frame: gpd.GeoDataFrame, *, circles: Sequence[str], links: Sequence[str | None] | None,
    name: str = "township_areas", label: str = "", shown: bool = False,
) -> Drawing:  # fmt: skip
    """Return townships, or other upper zones, by share covered, with the circle that applies marked."""
    text = scene.text
    ruled = frame.assign(circle=list(circles))
    columns = [("", [text.written(name) for name in frame["name"]]), *_share_facts(scene, frame)]
    return Drawing(
        name, label or text.say("township_areas"), "area", frame,
        themes.of_townships(scene, frame, circles), columns,
        marks=themes.rules(scene, ruled, fills=False), links=links, shown=shown,
    )  # fmt: skip


def buildings(scene: Scene, frame: gpd.GeoDataFrame) -> Drawing:
    """Return the villages where a facility is due and not built, or built and idle."""
    text = scene.text
    states = list(looks.BUILD_LOOKS)
    known = frame["build_state"] if "build_state" in frame else pd.Series("", index=frame.index)
    marked = frame[known.isin(states) & frame.geometry.notna()].reset_index(drop=True)
    of = [states.index(key) for key in known[known.isin(states) & frame.geometry.notna()]]
    classes = [(text.label("build_state", key), looks.building(key)) for key in states]
    columns = [
        ("", [text.written(name) for name in marked["name"]]),
        (text.label("column", "build_state"), [classes[k][0] for k in of]),
    ]
    places = gpd.GeoDataFrame(geometry=marked.geometry.representative_point(), crs=frame.crs)
    label = text.label("column", "build_state")
    return Drawing("buildings", label, "point", places, [Theme("", classes, of)], columns, shown=False)


def townships(scene: Scene, links: Sequence[str | None] | None = None) -> Drawing:
    """Return the outlines of the townships, with their names."""
    text, frame = scene.text, scene.townships
    look = {"color": "#111111", "weight": 2, "fill": False}
    names = [text.written(name) for name in frame["name"]]
    theme = Theme("", [(text.say("townships"), look)], [0] * len(frame))
    return Drawing(
        "townships", text.say("townships"), "area", frame, [theme], [("", names)], links=links, named=True,
        inert=True, codes=list(frame["code"]),
    )  # fmt: skip


def streets(scene: Scene, frame: gpd.GeoDataFrame) -> Drawing:
    """Return the streets in grey, as a base map."""
    look = looks.line("#a9adb1", 0.9)
    theme = Theme("", [(scene.text.say("streets"), look)], [0] * len(frame))
    return Drawing("streets", scene.text.say("streets"), "line", frame, [theme], inert=True)


def segments(scene: Scene, frame: gpd.GeoDataFrame, *, shown: bool) -> Drawing:
    """Return the road segments by the walk to the nearest facility, in bands of their village's circle."""
    text = scene.text
    seconds = frame["seconds_mid"].to_numpy(dtype=float)
    metres = seconds * (scene.study.rules.walk_kmh / 3.6)
    circles = bands.circles_of(frame, scene.units, scene.study.circles)
    present = [one for one in scene.study.circles if one.id in set(circles)] or scene.study.circles[:1]
    looked = [looks.line(*look) for look in looks.MINUTE_LINES]
    classes = list(zip(bands.labels(text, present), looked, strict=True))
    classes.append((text.say("unreachable"), looks.line("#80868b", 1.4, dash="2 4")))
    of = np.full(len(frame), len(looked))
    by_metres = np.full(len(frame), np.nan)
    for circle in present:
        here = (circles == circle.id) & np.isfinite(seconds)
        of[here] = bands.band_of(metres[here], circle, scene.study.rules.walk_kmh)
        by_metres[here] = metres[here] if circle.limit_unit == "m" else np.nan
    columns = [
        ("", [unturned(name) or text.say("unnamed_street") for name in frame["name"].fillna("")]),
        (text.say("walking_minutes"), [text.minutes(value) for value in seconds]),
        (text.label("column", "metres"), [text.count(value) for value in by_metres]),
        (text.say("length_m"), [text.count(length) for length in frame["length_m"]]),
    ]
    label = bands.title(text, present)
    return Drawing("segments", label, "line", frame, [Theme("", classes, of.tolist())], columns, shown=shown)


def facilities(scene: Scene, frame: gpd.GeoDataFrame) -> Drawing:
    """Return the facilities by kind: those that count filled, the others hollow."""
    text = scene.text
    frame = frame[frame.geometry.notna()].reset_index(drop=True)
    order = {code: number for number, code in enumerate(KINDS)}
    used = frame["used"].astype(bool).tolist()
    keys = list(zip(frame["kind"].tolist(), used, strict=True))
    present = sorted(set(keys), key=lambda key: (not key[1], order.get(key[0], len(order))))
    symbols = {kind: number for number, kind in enumerate(dict.fromkeys(kind for kind, _ in present))}
    classes = [
        (
            text.kind(kind) if counts else text.say("not_counting", kind=text.kind(kind)),
            looks.symbol(symbols[kind], filled=counts),
        )
        for kind, counts in present
    ]
    columns = cards.facts(text, frame)
    theme = Theme("", classes, [present.index(key) for key in keys])
    codes = list(frame["facility_id"])
    return Drawing("facilities", text.say("facilities"), "point", frame, [theme], columns, codes=codes)


def gaps(scene: Scene, frame: gpd.GeoDataFrame) -> Drawing:
    """Return the uncovered areas, each at its label point, larger where more people live."""
    text = scene.text
    crowded = 0.6 if len(frame) > MANY_GAPS else 1.0
    classes = [(text.label("gap_class", key), looks.gap(key, weight=1.6 * crowded)) for key in CERTAIN_FIRST]
    columns = [
        ("", [text.written(name) for name in frame["zone_name"]]),
        (text.label("column", "place"), [text.written(place) for place in frame["place"]]),
        (text.say("gap_people"), [text.about(people) for people in frame["people"]]),
        (text.say("walking_minutes"), [text.minutes(seconds) for seconds in frame["seconds"]]),
        (text.label("column", "reason"), [text.label("reason", reason) for reason in frame["reason"]]),
    ]
    if scene.elderly:
        columns.insert(2, (text.say("gap_elderly"), [text.about(people) for people in frame["elderly"]]))
    places = gpd.GeoDataFrame(geometry=gpd.points_from_xy(frame["lon"], frame["lat"]), crs=frame.crs)
    of = [CERTAIN_FIRST.index(key) for key in frame["class"]]
    radii = crowded * (4 + 6 * np.sqrt(_of_largest(frame["people"])))
    return Drawing(
        "gaps", text.say("gaps"), "point", places, [Theme("", classes, of)], columns, radii=radii.tolist()
    )


def people(scene: Scene, frame: gpd.GeoDataFrame, *, shown: bool) -> Drawing:
    """Return the places where people live whom no circle covers."""
    text = scene.text
    classes = [
        (text.say("uncovered_dots"), looks.dot(doubtful=False)),
        (text.say("doubtful_dots"), looks.dot(doubtful=True)),
    ]
    columns = [
        ("", [text.say("of_so_many", people=text.about(people)) for people in frame["people"]]),
        (text.label("column", "reason"), [text.label("reason", reason) for reason in frame["reason"]]),
        (text.say("walking_minutes"), [text.minutes(seconds) for seconds in frame["seconds"]]),
        (text.say("straight_m"), [text.count(metres) for metres in _finite(frame["straight_m"])]),
    ]
    radii = 1.5 + 3 * np.sqrt(_of_largest(frame["people"]))
    theme = Theme("", classes, frame["reason"].isin(DOUBTFUL).astype(int).tolist())
    return Drawing(
        "people", text.say("people_dots"), "point", frame, [theme], columns, radii=radii.tolist(), shown=shown
    )


def dissolved(scene: Scene, frame: gpd.GeoDataFrame, *, straight: bool, shown: bool) -> Drawing:
    """Return the circles of all counting facilities as one area per rule: on foot, or in a straight line."""
    text = scene.text
    frame = frame[frame["circle"].isin(MAIN_CIRCLES)].reset_index(drop=True)
    ids = [circle.id for circle in scene.study.circles]
    colour, dash = ("#6b4c9a", "6 4") if straight else ("#00695c", None)
    fill = {"fillColor": colour, "fillOpacity": 0.0 if straight else 0.1}
    classes = [
        (text.circle(circle), {**looks.line(colour, 1.6, dash=dash), **fill})
        for circle in scene.study.circles
    ]
    present = sorted({ids.index(circle) for circle in frame["circle"]})
    theme = Theme(
        "", [classes[k] for k in present], [present.index(ids.index(key)) for key in frame["circle"]]
    )
    name = "straight" if straight else "reach"
    return Drawing(name, text.say(f"{name}_layer"), "area", frame, [theme], shown=shown, inert=True)


def further(scene: Scene, frame: gpd.GeoDataFrame) -> list[Drawing]:
    """Return a layer for each circle of the study's own: those of all facilities that count for it."""
    drawings = []
    for number, circle in enumerate(scene.study.circles[len(MAIN_CIRCLES) :]):
        own = frame[frame["circle"] == circle.id].reset_index(drop=True)
        colour = looks.FURTHER_LINES[number % len(looks.FURTHER_LINES)]
        look = {**looks.line(colour, 1.6, dash="2 3"), "fillColor": colour, "fillOpacity": 0.1}
        label = scene.text.say("further_layer", circle=scene.text.circle(circle))
        theme = Theme("", [(label, look)], [0] * len(own))
        drawings.append(Drawing(f"reach-{circle.id}", label, "area", own, [theme], shown=False, inert=True))
    return drawings


def circles(scene: Scene, frame: gpd.GeoDataFrame) -> Drawing:
    """Return the circle of every facility."""
    text = scene.text
    names = scene.facilities.set_index("facility_id")["name"]
    look = {**looks.line("#1f3a78", 1.2), "fillColor": "#1f3a78", "fillOpacity": 0.04}
    limits = [text.say(f"limit_{unit}", limit=f"{cutoff:g}") for cutoff, unit in _cutoffs(frame)]
    columns = [
        ("", [text.written(names.get(key)) for key in frame["facility_id"]]),
        (text.say("limit"), limits),
        (text.say("street_km"), [f"{metres / 1000:.1f}" for metres in frame["street_m"]]),
        (text.say("people_within"), [text.about(people) for people in frame["people_within"]]),
    ]
    theme = Theme("", [(text.say("circles"), look)], [0] * len(frame))
    return Drawing("circles", text.say("circles"), "area", frame, [theme], columns, shown=False)


def largest(frame: gpd.GeoDataFrame, column: str) -> gpd.GeoDataFrame:
    """Return the rows that a page has room for: those largest by a column."""
    if len(frame) <= MOST_DRAWN:
        return frame
    return frame.nlargest(MOST_DRAWN, column).sort_index().reset_index(drop=True)


def verdict(text: Text, key: str) -> str:
    """Return a verdict in words."""
    return text.label("verdict", key)


def _cutoffs(frame: gpd.GeoDataFrame) -> list[tuple[float, str]]:
    return list(zip(frame["cutoff"].tolist(), frame["cutoff_unit"].tolist(), strict=True))


def _share_facts(scene: Scene, frame: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Return the shares, the verdict and the people of zones in words."""
    text = scene.text
    known = themes.known_verdicts(frame)
    facts = [
        (text.say("share_people"), [text.share(share) for share in frame["share_within"]]),
        (text.label("column", "share_high"), [text.share(share) for share in frame["share_high"]]),
        (text.label("column", "verdict"), [verdict(text, key) for key in known]),
        (text.say("people"), [text.about(people) for people in frame["people"]]),
        (text.say("gap_people"), [text.about(people) for people in frame["gap_people"]]),
    ]
    if scene.elderly:
        elderly = [text.share(share) for share in frame["elderly_share_within"]]
        facts.insert(0, (text.say("share_elderly"), elderly))
    if OPENED in frame:
        facts.append((text.label("column", OPENED), [text.share(share) for share in frame[OPENED]]))
    return facts


def _class_facts(text: Text, frame: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Return the class of villages, whose facility covers them, and what is due or idle."""
    if "village_class" not in frame:
        return []
    classes, states = (
        [text.label(column, key) for key in frame[column]] for column in ("village_class", "build_state")
    )
    return [
        (text.label("column", "village_class"), classes),
        (text.label("column", "served_by_name"), [text.written(name) for name in frame["served_by_name"]]),
        (text.label("column", "build_state"), states),
    ]


def _street_facts(text: Text, frame: gpd.GeoDataFrame) -> list[str]:
    """Return in words how complete the streets are, and by what it was told."""
    return [
        text.say("street_facts", what=text.label("streets_state", key), share=text.share(share))
        if key
        else EMPTY
        for key, share in zip(frame["streets_state"], frame["share_near_street"], strict=True)
    ]


def _circle_names(scene: Scene, ids: pd.Series) -> list[str]:
    names = {circle.id: scene.text.circle(circle) for circle in scene.study.circles}
    return [names.get(key, scene.text.say("no_circle")) for key in ids]


def _finite(values: pd.Series) -> list[Any]:
    return values.astype(float).where(np.isfinite(values.astype(float))).tolist()


def _of_largest(values: pd.Series) -> np.ndarray[Any, np.dtype[np.float64]]:
    numbers = np.nan_to_num(values.to_numpy(dtype=float)).clip(min=0)
    return np.asarray(numbers / max(numbers.max(initial=0.0), 1e-9))
