"""Facility cards: a fixed list of fields, so that no contact, telephone or address ever reaches a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle.maps.drawings import boxes
from servicecircle.maps.tables import Table
from servicecircle.maps.text import EMPTY

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

    from servicecircle.maps.scene import Scene
    from servicecircle.maps.text import Text

DOUBTS = ("position_doubtful", "no_coordinates", "bad_coordinates", "unknown_kind", "off_streets")
"""Reasons that say that the register may be wrong, not that the facility does not count."""


def facts(
    text: Text, frame: pd.DataFrame, *, people: Callable[[Any], str] | None = None
) -> list[tuple[str, list[str]]]:
    """
    Return the fields of the cards: the first is the heading; what nobody gave is left out.

    Parameters
    ----------
    people
        How a number of people is written; None: as a sentence does.
    """
    printed: dict[str, Callable[[Any], str]] = {
        "kind": text.kind, "status": lambda key: text.label("status", key), "beds": text.count,
        "nursing_beds": text.count, "floor_area_m2": text.count,
        "operator_type": lambda key: text.label("operator_type", key), "opened": text.written,
        "people_within": people or text.about, "snap_m": text.count,
    }  # fmt: skip
    always = {"kind", "status", "people_within"}
    found = [("", [text.written(name) for name in frame["name"]])]
    for column, say in printed.items():
        if column not in frame:
            continue
        texts = [say(value) for value in frame[column]]
        if column in always or any(one != EMPTY for one in texts):
            label = text.say(column) if column == "people_within" else text.label("column", column)
            found.append((label, texts))
    left, doubts = (_reasons(text, frame, doubted=doubted) for doubted in (False, True))
    return [*found, (text.say("left_out"), left), (text.say("doubts"), doubts)]


def _reasons(text: Text, frame: pd.DataFrame, *, doubted: bool) -> list[str]:
    return [
        text.label("reason", reason) if (reason in DOUBTS) == doubted else EMPTY for reason in frame["reason"]
    ]


def card_table(scene: Scene, frame: gpd.GeoDataFrame) -> Table:
    """Return the cards of the facilities that are on the map as a table; its rows lead there."""
    text = scene.text
    on_map = frame[frame.geometry.notna()].reset_index(drop=True)
    headings = {"": text.say("facilities"), text.say("people_within"): text.heading("people_within")}
    told = facts(text, on_map, people=text.people)
    columns = {headings.get(label, label): texts for label, texts in told}
    numbers = {text.label("column", c) for c in ("beds", "nursing_beds", "floor_area_m2", "snap_m")}
    numbers.add(text.heading("people_within"))
    return Table(
        "facilities", text.say("cards"), columns, frozenset(numbers & set(columns)), {}, "", boxes(on_map)
    )
