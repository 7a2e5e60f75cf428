"""The layers that both kinds of pages draw, from the frames of a run."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.assess.walks import DOUBTFUL
from servicecircle.kinds import KINDS
from servicecircle.maps import looks
from servicecircle.maps.drawings import Drawing, Theme
from servicecircle.maps.text import EMPTY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicecircle.maps.scene import Scene
    from servicecircle.maps.text import Text

MOST_DRAWN = 20_000
"""A page draws no more streets, and no more places of people: half a second and half a megabyte."""

MANY_GAPS = 150
"""More symbols than this are drawn smaller, so that the villages below stay visible."""

CERTAIN_FIRST = ("certain", "detour", "to_verify")


def units(
    scene: Scene, frame: gpd.GeoDataFrame, *, plain: bool, links: Sequence[str | None] | None = None
) -> Drawing:
    """Return the villages by share covered, verdict and circle; `plain` begins with outlines only."""
    text = scene.text
    themes = [_shares(text, text.say("share_people"), frame, "share_within"), _verdicts(text, frame)]
    if scene.elderly:
        themes.insert(0, _shares(text, text.say("share_elderly"), frame, "elderly_share_within"))
    themes += [_rules(scene, frame, fills=True), _completeness(text, frame)]
    if plain:
        themes.insert(
            0, Theme(text.say("outlines"), [(text.say("outlines"), looks.area("#ffffff"))], [0] * len(frame))
        )
    columns = [
        ("", [text.written(name) for name in frame["name"]]),
        (text.say("circle"), _circle_names(scene, frame["circle"])),
        (text.say("share_people"), [text.share(share) for share in frame["share_within"]]),
        (text.label("column", "share_high"), [text.share(share) for share in frame["share_high"]]),
        (text.label("column", "verdict"), [verdict(text, row) for row in _verdict_of(frame)]),
        (text.say("people"), [text.people(people) for people in frame["people"]]),
        (text.say("gap_people"), [text.people(people) for people in frame["gap_people"]]),
        (text.label("column", "streets_state"), _street_facts(text, frame)),
    ]
    if scene.elderly:
        elderly = [text.share(share) for share in frame["elderly_share_within"]]
        columns.insert(2, (text.say("share_elderly"), elderly))
    points = (frame.geometry.geom_type == "Point").any()
    if points:
        frame = frame.set_geometry(frame.geometry.representative_point())
    return Drawing(
        "units", text.say("units"), "point" if points else "area", frame, themes, columns,
        marks=_rules(scene, frame, fills=False), links=links, named=plain,
        radii=[9] * len(frame) if points else None,
    )  # fmt: skip


def townships(scene: Scene) -> Drawing:
    """Return the outlines of the townships, with their names."""
    text, frame = scene.text, scene.townships
    look = {"color": "#111111", "weight": 2, "fill": False}
    names = [text.written(name) for name in frame["name"]]
    theme = Theme("", [(text.say("townships"), look)], [0] * len(frame))
    return Drawing(
        "townships", text.say("townships"), "area", frame, [theme], [("", names)], named=True, inert=True
    )


def streets(scene: Scene, frame: gpd.GeoDataFrame) -> Drawing:
    """Return the streets in grey, as a base map."""
    look = looks.line("#a9adb1", 0.9)
    theme = Theme("", [(scene.text.say("streets"), look)], [0] * len(frame))
    return Drawing("streets", scene.text.say("streets"), "line", frame, [theme], inert=True)


def segments(scene: Scene, frame: gpd.GeoDataFrame, *, shown: bool) -> Drawing:
    """Return the road segments by walking time to the nearest facility."""
    text = scene.text
    seconds = frame["seconds_mid"].to_numpy(dtype=float)
    reached = np.isfinite(seconds)
    band = np.searchsorted(looks.MINUTE_BREAKS, np.where(reached, seconds, 0) / 60 - 1e-9, side="left")
    lower = (0, *looks.MINUTE_BREAKS)
    labels = [text.say("minutes_between", low=a, high=b) for a, b in pairwise(lower)]
    labels.append(text.say("minutes_over", low=lower[-1]))
    classes = [(label, looks.line(*look)) for label, look in zip(labels, looks.MINUTE_LINES, strict=True)]
    classes.append((text.say("unreachable"), looks.line("#80868b", 1.4, dash="2 4")))
    columns = [
        ("", [name or text.say("unnamed_street") for name in frame["name"].fillna("")]),
        (text.say("walking_minutes"), [text.minutes(value) for value in seconds]),
        (text.say("length_m"), [text.count(length) for length in frame["length_m"]]),
    ]
    theme = Theme("", classes, np.where(reached, band, len(classes) - 1).tolist())
    return Drawing("segments", text.say("segments"), "line", frame, [theme], columns, shown=shown)


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
    columns = [
        ("", [text.written(name) for name in frame["name"]]),
        (text.label("column", "kind"), [text.kind(kind) for kind in frame["kind"]]),
        (text.label("column", "status"), [text.label("status", status) for status in frame["status"]]),
        (text.say("people_within"), [text.people(people) for people in frame["people_within"]]),
        (text.say("left_out"), [text.label("reason", reason) for reason in frame["reason"]]),
    ]
    theme = Theme("", classes, [present.index(key) for key in keys])
    return Drawing("facilities", text.say("facilities"), "point", frame, [theme], columns)


def gaps(scene: Scene, frame: gpd.GeoDataFrame) -> Drawing:
    """Return the uncovered areas, each at its label point, larger where more people live."""
    text = scene.text
    crowded = 0.6 if len(frame) > MANY_GAPS else 1.0
    classes = [(text.label("gap_class", key), looks.gap(key, weight=1.6 * crowded)) for key in CERTAIN_FIRST]
    columns = [
        ("", [text.written(name) for name in frame["zone_name"]]),
        (text.label("column", "place"), [text.written(place) for place in frame["place"]]),
        (text.say("gap_people"), [text.people(people) for people in frame["people"]]),
        (text.say("walking_minutes"), [text.minutes(seconds) for seconds in frame["seconds"]]),
        (text.label("column", "reason"), [text.label("reason", reason) for reason in frame["reason"]]),
    ]
    if scene.elderly:
        columns.insert(2, (text.say("gap_elderly"), [text.people(people) for people in frame["elderly"]]))
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
        ("", [text.say("about_people", people=text.people(people)) for people in frame["people"]]),
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
        (text.say("people_within"), [text.people(people) for people in frame["people_within"]]),
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


def _verdict_of(frame: pd.DataFrame) -> list[str]:
    return [key if key in looks.VERDICT_FILLS else "not_judged" for key in frame["verdict"]]


def _verdicts(text: Text, frame: gpd.GeoDataFrame) -> Theme:
    classes = [(text.label("verdict", key), looks.area(fill)) for key, fill in looks.VERDICT_FILLS.items()]
    keys = list(looks.VERDICT_FILLS)
    return Theme(text.label("column", "verdict"), classes, [keys.index(key) for key in _verdict_of(frame)])


def _shares(text: Text, label: str, frame: gpd.GeoDataFrame, column: str) -> Theme:
    lower = (0.0, *looks.SHARE_BREAKS)
    labels = [text.say("share_under", high=f"{lower[1]:.0%}")]
    labels += [text.say("share_between", low=f"{a:.0%}", high=f"{b:.0%}") for a, b in pairwise(lower[1:])]
    labels.append("100%")
    classes = [(name, looks.area(fill)) for name, fill in zip(labels, looks.SHARE_FILLS, strict=True)]
    classes.append((text.label("state", "streets_unmapped"), looks.area("hatch")))
    classes.append((text.label("verdict", "not_judged"), looks.area("#ffffff")))
    shares = frame[column].to_numpy(dtype=float)
    band = np.searchsorted(looks.SHARE_BREAKS, np.nan_to_num(shares) + 1e-9, side="right")
    band = np.where(np.isnan(shares), len(classes) - 1, band)
    band = np.where(frame["state"] == "streets_unmapped", len(classes) - 2, band)
    return Theme(label, classes, band.tolist())


def _completeness(text: Text, frame: gpd.GeoDataFrame) -> Theme:
    """Return how complete the known streets are."""
    labels = {key: text.label("streets_state", key) for key in looks.STREET_FILLS} | {
        "": text.label("state", "no_people")
    }
    classes = [(labels[key], looks.area(fill)) for key, fill in looks.STREET_FILLS.items()]
    of = [list(looks.STREET_FILLS).index(key) for key in frame["streets_state"]]
    return Theme(text.label("column", "streets_state"), classes, of)


def _street_facts(text: Text, frame: gpd.GeoDataFrame) -> list[str]:
    """Return in words how complete the streets are, and by what it was told."""
    return [
        text.say("street_facts", what=text.label("streets_state", key), share=text.share(share))
        if key
        else EMPTY
        for key, share in zip(frame["streets_state"], frame["share_near_street"], strict=True)
    ]


def _rules(scene: Scene, frame: gpd.GeoDataFrame, *, fills: bool) -> Theme:
    """Return which circle applies, as fills or as outlines."""
    text = scene.text
    ids = [circle.id for circle in scene.study.circles]
    of = [ids.index(key) if key in ids else len(ids) for key in frame["circle"]]
    names = [*(text.circle(circle) for circle in scene.study.circles), text.say("no_circle")]
    marks: list[looks.Look] = [
        looks.area(looks.CIRCLE_FILLS[k % len(looks.CIRCLE_FILLS)] if k < len(ids) else "#ffffff")
        if fills
        else looks.outline(dashed=k > 0)
        for k in range(len(names))
    ]
    present = sorted(set(of))
    return Theme(text.say("circle"), [(names[k], marks[k]) for k in present], [present.index(k) for k in of])


def _circle_names(scene: Scene, ids: pd.Series) -> list[str]:
    names = {circle.id: scene.text.circle(circle) for circle in scene.study.circles}
    return [names.get(key, scene.text.say("no_circle")) for key in ids]


def _finite(values: pd.Series) -> list[Any]:
    return values.astype(float).where(np.isfinite(values.astype(float))).tolist()


def _of_largest(values: pd.Series) -> np.ndarray[Any, np.dtype[np.float64]]:
    numbers = np.nan_to_num(values.to_numpy(dtype=float)).clip(min=0)
    return np.asarray(numbers / max(numbers.max(initial=0.0), 1e-9))
