"""The ways to colour villages and townships: shares, classes, certainty, verdicts, circles, streets."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from servicecircle.assess.scenarios import OPENED
from servicecircle.maps import looks
from servicecircle.maps.drawings import Theme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from servicecircle.maps.scene import Scene
    from servicecircle.maps.text import Text


def of_units(scene: Scene, frame: pd.DataFrame, *, plain: bool) -> list[Theme]:
    """Return the themes of villages; `plain` begins with outlines only."""
    text = scene.text
    found = [outlines(text, frame)] if plain else []
    if classed(frame):
        found.append(village_classes(text, frame))
    return [
        *found, *of_shares(scene, frame), certainties(text, frame), verdicts(text, frame),
        *when_opened(text, frame), rules(scene, frame, fills=True), completeness(text, frame),
    ]  # fmt: skip


def classed(frame: pd.DataFrame) -> bool:
    """Tell whether villages were put in the four classes."""
    return "village_class" in frame and bool(frame["village_class"].ne("").any())


def of_townships(scene: Scene, frame: pd.DataFrame, circles: Sequence[str]) -> list[Theme]:
    """Return the themes of upper zones, in which the villages have one circle each, or several."""
    text = scene.text
    ruled = frame.assign(circle=list(circles))
    found = [*of_shares(scene, frame), certainties(text, frame), *when_opened(text, frame)]
    return [_opaque(theme) for theme in (*found, rules(scene, ruled, fills=True))]


def _opaque(theme: Theme) -> Theme:
    """Let nothing of the villages below show through."""
    return replace(theme, classes=[(label, {**look, "fillOpacity": 1}) for label, look in theme.classes])


def of_shares(scene: Scene, frame: pd.DataFrame) -> list[Theme]:
    """Return the shares covered; the elderly come first where they were counted."""
    text = scene.text
    people = shares(text, text.say("share_people"), frame, "share_within")
    if not scene.elderly:
        return [people]
    return [shares(text, text.say("share_elderly"), frame, "elderly_share_within"), people]


def outlines(text: Text, frame: pd.DataFrame) -> Theme:
    """Return outlines without a fill."""
    return Theme(text.say("outlines"), [(text.say("outlines"), looks.area("#ffffff"))], [0] * len(frame))


def village_classes(text: Text, frame: pd.DataFrame) -> Theme:
    """
    Return the four classes: a facility of one's own or a neighbour's, and whether it covers.

    A class that cannot be told is hatched over its colour; a village whose streets are not mapped has none.
    """
    doubtful = text.label("certainty", "cannot_tell")
    classes: list[tuple[str, looks.Look]] = []
    places: dict[tuple[str, bool], int] = {}
    told = frame["certainty"].eq("cannot_tell") & frame["village_class"].ne("")
    for key, fill in looks.CLASS_FILLS.items():
        if key:
            label = text.label("village_class", key)
            places[key, False] = len(classes)
            classes.append((label, looks.area(fill)))
            if (told & frame["village_class"].eq(key)).any():
                places[key, True] = len(classes)
                said = text.say("in_doubt", what=label, doubt=doubtful)
                classes.append((said, looks.area(fill, doubtful=True)))
    unmapped, nothing = len(classes), len(classes) + 1
    classes.append((text.label("state", "streets_unmapped"), looks.area("hatch")))
    classes.append((text.label("verdict", "not_judged"), looks.area("#ffffff")))
    states = zip(frame["village_class"], told, frame["state"].eq("streets_unmapped"), strict=True)
    of = [places.get((key, doubt), unmapped if hatched else nothing) for key, doubt, hatched in states]
    return Theme(text.label("column", "village_class"), classes, of)


def certainties(text: Text, frame: pd.DataFrame) -> Theme:
    """Return how certain the verdict is; what cannot be told is hatched."""
    labels = {key: text.label("certainty", key) for key in looks.CERTAINTY_FILLS if key}
    return _keyed(
        text.label("column", "certainty"), {**labels, "": text.label("verdict", "not_judged")},
        looks.CERTAINTY_FILLS, frame["certainty"].where(frame["certainty"].isin(list(labels)), ""),
    )  # fmt: skip


def verdicts(text: Text, frame: pd.DataFrame) -> Theme:
    """Return the verdicts under the reference line."""
    labels = {key: text.label("verdict", key) for key in looks.VERDICT_FILLS}
    return _keyed(text.label("column", "verdict"), labels, looks.VERDICT_FILLS, known_verdicts(frame))


def known_verdicts(frame: pd.DataFrame) -> pd.Series[str]:
    """Return the verdicts; of a row without one, that it was not judged."""
    known = frame["verdict"].isin(list(looks.VERDICT_FILLS))
    return frame["verdict"].where(known, "not_judged")


def when_opened(text: Text, frame: pd.DataFrame) -> list[Theme]:
    """Return the share covered when all that is planned is open, where it was measured."""
    if OPENED not in frame or not frame[OPENED].notna().any():
        return []
    return [shares(text, text.label("column", OPENED), frame, OPENED)]


def completeness(text: Text, frame: pd.DataFrame) -> Theme:
    """Return how complete the known streets are."""
    labels = {key: text.label("streets_state", key) for key in looks.STREET_FILLS if key}
    return _keyed(
        text.label("column", "streets_state"), {**labels, "": text.label("state", "no_people")},
        looks.STREET_FILLS, frame["streets_state"],
    )  # fmt: skip


def _keyed(label: str, labels: Mapping[str, str], fills: Mapping[str, str], keys: pd.Series[str]) -> Theme:
    order = list(fills)
    classes = [(labels[key], looks.area(fill)) for key, fill in fills.items()]
    return Theme(label, classes, [order.index(key) for key in keys])


def shares(text: Text, label: str, frame: pd.DataFrame, column: str) -> Theme:
    """Return a share in classes; hatched where the streets are not mapped."""
    lower = (0.0, *looks.SHARE_BREAKS)
    labels = [text.say("share_under", high=f"{lower[1]:.0%}")]
    labels += [text.say("share_between", low=f"{a:.0%}", high=f"{b:.0%}") for a, b in pairwise(lower[1:])]
    labels.append("100%")
    classes = [(name, looks.area(fill)) for name, fill in zip(labels, looks.SHARE_FILLS, strict=True)]
    classes.append((text.label("state", "streets_unmapped"), looks.area("hatch")))
    classes.append((text.label("verdict", "not_judged"), looks.area("#ffffff")))
    known = frame[column].to_numpy(dtype=float)
    band = np.searchsorted(looks.SHARE_BREAKS, np.nan_to_num(known) + 1e-9, side="right")
    band = np.where(np.isnan(known), len(classes) - 1, band)
    band = np.where(frame["state"] == "streets_unmapped", len(classes) - 2, band)
    return Theme(label, classes, band.tolist())


def rules(scene: Scene, frame: pd.DataFrame, *, fills: bool) -> Theme:
    """Return which circle applies, as fills or as outlines."""
    text = scene.text
    ids = [circle.id for circle in scene.study.circles]
    names = [*(text.circle(circle) for circle in scene.study.circles), text.say("several_circles"),
             text.say("no_circle")]  # fmt: skip
    places = {**{key: k for k, key in enumerate(ids)}, SEVERAL: len(ids)}
    of = [places.get(key, len(ids) + 1) for key in frame["circle"]]
    marks: list[looks.Look] = [
        looks.area(looks.CIRCLE_FILLS[k % len(looks.CIRCLE_FILLS)] if k <= len(ids) else "#ffffff")
        if fills
        else looks.outline(dashed=k > 0)
        for k in range(len(names))
    ]
    present = sorted(set(of))
    return Theme(text.say("circle"), [(names[k], marks[k]) for k in present], [present.index(k) for k in of])


SEVERAL = "several"
"""In place of a circle: the villages of a zone have different ones."""


def circles_of(townships: pd.DataFrame, units: pd.DataFrame) -> list[str]:
    """Return the circle of each township's villages, or that they have several."""
    found = units[units["circle"].ne("")].groupby("parent_code")["circle"].unique()
    return [
        (SEVERAL if len(found[code]) > 1 else str(found[code][0])) if code in found.index else ""
        for code in townships["code"]
    ]
