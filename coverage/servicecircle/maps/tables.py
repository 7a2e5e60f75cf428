"""The tables under a map: the same facts for readers who do not see or touch it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servicecircle.maps.clauses import unmet
from servicecircle.maps.drawings import boxes
from servicecircle.maps.looks import VERDICT_FILLS
from servicecircle.maps.text import Shown
from servicecircle.maps.themes import classed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    import pandas as pd

    from servicecircle.maps.scene import Scene
    from servicecircle.maps.text import Text


@dataclass(frozen=True, slots=True)
class Table:
    """
    A table.

    Parameters
    ----------
    columns
        Labels and texts; every column has a text per row.
    numbers
        Labels of the columns that hold numbers.
    links
        Addresses by label of the column that carries them.
    layer
        The layer whose feature of the same number a row leads to.
    boxes
        Where on the map that is.
    """

    name: str
    caption: str
    columns: Mapping[str, Sequence[str]]
    numbers: frozenset[str]
    links: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    layer: str = ""
    boxes: Sequence[list[list[float]] | None] = ()

    def spec(self) -> dict[str, Any]:
        """Return what the page reads."""
        return {
            "name": self.name,
            "caption": self.caption,
            "columns": [
                {"label": label, "number": label in self.numbers, "keys": _keys(texts)}
                for label, texts in self.columns.items()
            ],
            "rows": [list(row) for row in zip(*self.columns.values(), strict=True)],
            "links": [list(self.links[label]) if label in self.links else None for label in self.columns],
            "layer": self.layer,
            "boxes": list(self.boxes),
        }


def _keys(texts: Sequence[str]) -> list[float | None] | None:
    """Return the numbers behind a column's texts, to sort by; None where it has none."""
    if not any(isinstance(text, Shown) for text in texts):
        return None
    return [float(f"{text.value:.6g}") if isinstance(text, Shown) else None for text in texts]


def township_table(scene: Scene, links: Sequence[str | None]) -> Table:
    """Return one row per township, with the counts of its villages."""
    text, frame = scene.text, scene.townships
    of = scene.units.groupby("parent_code", sort=False).indices
    verdict = scene.units["verdict"]
    counts = [_counts(verdict.iloc[of.get(code, [])]) for code in frame["code"]]
    name = text.label("level", "township")
    columns = {
        name: [text.written(value) for value in frame["name"]],
        **_share_columns(scene, frame),
        text.label("column", "units"): [text.count(sum(count.values())) for count in counts],
        **{
            text.label("column", f"units_{key}"): [text.count(count[key]) for count in counts]
            for key in ("met", "not_met", "to_verify")
        },
        text.label("column", "facilities"): [text.count(number) for number in frame["facilities"]],
        **_gap_columns(scene, frame),
    }
    return Table(
        "townships", text.say("townships"), columns, frozenset(columns) - {name}, {name: links}, "townships",
        boxes(frame),
    )  # fmt: skip


def unit_table(scene: Scene, frame: gpd.GeoDataFrame, links: Mapping[str, str] | None = None) -> Table:
    """Return one row per village; `links` are the pages of their townships, for the overview."""
    text = scene.text
    names = {circle.id: text.circle(circle) for circle in scene.study.circles}
    name, above = text.say("units"), text.label("level", "township")
    parents = dict(zip(scene.townships["code"], scene.townships["name"], strict=True))
    columns = {
        name: [text.written(value) for value in frame["name"]],
        above: [text.written(parents.get(code)) for code in frame["parent_code"]],
        text.say("circle"): [names.get(key, text.say("no_circle")) for key in frame["circle"]],
        **_class_columns(text, frame),
        text.heading("people"): [text.people(people) for people in frame["people"]],
        **(
            {text.heading("elderly"): [text.people(p) for p in frame["elderly_people"]]}
            if scene.elderly
            else {}
        ),
        **_share_columns(scene, frame),
        text.label("column", "share_straight"): [text.share(share) for share in frame["share_straight"]],
        text.label("column", "verdict"): verdicts(text, frame),
        text.label("column", "certainty"): [text.label("certainty", key) for key in frame["certainty"]],
        text.label("column", "facilities"): [text.count(number) for number in frame["facilities"]],
        **_gap_columns(scene, frame),
    }
    if links is None or not parents:
        del columns[above]
    caption, clauses = text.say("units"), text.say("unmet")
    if links is None and scene.profile is not None:
        columns[clauses] = unmet(scene, frame["code"])
        caption = text.say("village_sheet")
    words = {name, above, text.say("circle"), clauses, *_class_columns(text, frame)} | {
        text.label("column", key) for key in ("verdict", "certainty")
    }
    addresses = {above: [links.get(code) for code in frame["parent_code"]]} if links and parents else {}
    return Table("units", caption, columns, frozenset(columns) - words, addresses, "units", boxes(frame))


def upper_table(scene: Scene, frame: gpd.GeoDataFrame, level: str, links: Sequence[str | None]) -> Table:
    """Return one row per county or prefecture."""
    text = scene.text
    name = text.label("level", level)
    counted = [key for key in ("units", "units_met", "units_not_met", "units_to_verify") if key in frame]
    columns = {
        name: [text.written(value) for value in frame["name"]],
        **_share_columns(scene, frame),
        **{text.label("column", key): [text.count(number) for number in frame[key]] for key in counted},
        text.label("column", "facilities"): [text.count(number) for number in frame["facilities"]],
        **_gap_columns(scene, frame),
    }
    addresses = {name: links} if any(links) else {}
    return Table(level, name, columns, frozenset(columns) - {name}, addresses, level, boxes(frame))


def gap_table(scene: Scene, frame: gpd.GeoDataFrame, *, advice: bool) -> Table:
    """Return one row per uncovered area, those of most people first."""
    text = scene.text
    facilities = dict(zip(scene.facilities["facility_id"], scene.facilities["name"], strict=True))
    numbers = {
        text.heading("gap_people"): [text.people(people) for people in frame["people"]],
        text.say("walking_minutes"): [text.minutes(seconds) for seconds in frame["seconds"]],
        text.label("column", "metres"): [text.count(metres) for metres in frame["metres"]],
        text.label("column", "straight_m"): [text.count(metres) for metres in frame["straight_m"]],
    }
    if scene.elderly:
        numbers = {
            text.heading("gap_elderly"): [text.people(people) for people in frame["elderly"]],
            **numbers,
        }
    columns = {
        text.say("gap"): [text.say("gap_number", number=number) for number in frame["number"]],
        text.label("column", "zone_name"): [text.written(name) for name in frame["zone_name"]],
        text.label("column", "place"): [text.written(place) for place in frame["place"]],
        text.label("column", "class"): [text.label("gap_class", key) for key in frame["class"]],
        **numbers,
        text.label("column", "nearest_facility"): [
            text.written(facilities.get(key, key)) for key in frame["nearest_facility"]
        ],
        text.label("column", "reason"): [text.label("reason", key) for key in frame["reason"]],
    }
    if advice:
        columns[text.label("column", "advice")] = [text.written(words) for words in frame["advice"]]
    return Table("gaps", text.say("gaps"), columns, frozenset(numbers), {}, "gaps", boxes(frame))


def verdicts(text: Text, frame: pd.DataFrame) -> list[str]:
    """Return the verdicts in words; one that could not be made says why."""
    said = []
    for verdict, state in zip(frame["verdict"], frame["state"], strict=True):
        known = verdict if verdict in VERDICT_FILLS else "not_judged"
        label = text.label("verdict", known)
        why = known == "not_judged" and state not in ("", "judged")
        said.append(text.say("because", what=label, why=text.label("state", state)) if why else label)
    return said


def _counts(verdict: pd.Series) -> dict[str, int]:
    """Return how many zones met, did not meet, have to be verified and were not judged."""
    found = verdict.tolist()
    known = {key: found.count(key) for key in ("met", "not_met", "to_verify")}
    return {**known, "not_judged": len(found) - sum(known.values())}


def unit_counts(units: pd.DataFrame) -> dict[str, int]:
    """Return how many zones there are by verdict, and how many were judged at all."""
    counts = _counts(units["verdict"])
    return {**counts, "units": len(units), "judged": len(units) - counts["not_judged"]}


def _share_columns(scene: Scene, frame: pd.DataFrame) -> dict[str, list[str]]:
    text = scene.text
    shares = {
        text.say("share_people"): [text.share(share) for share in frame["share_within"]],
        text.label("column", "share_high"): [text.share(share) for share in frame["share_high"]],
    }
    if scene.elderly:
        shares = {
            text.say("share_elderly"): [text.share(share) for share in frame["elderly_share_within"]],
            **shares,
        }
    return shares


def _class_columns(text: Text, frame: pd.DataFrame) -> dict[str, list[str]]:
    if not classed(frame):
        return {}
    return {
        text.label("column", key): [text.label(key, value) for value in frame[key]]
        for key in ("village_class", "build_state")
    }


def _gap_columns(scene: Scene, frame: pd.DataFrame) -> dict[str, list[str]]:
    text = scene.text
    gaps = {text.heading("gap_people"): [text.people(people) for people in frame["gap_people"]]}
    if scene.elderly:
        left = frame["elderly_judged"] - frame["elderly_within"]
        gaps = {text.heading("gap_elderly"): [text.people(people) for people in left], **gaps}
    return gaps
