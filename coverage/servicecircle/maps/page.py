"""A page as plain data: all that its script needs, and the folium map that carries it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from servicecircle.maps.offline import PageMap
from servicecircle.maps.pack import island
from servicecircle.maps.plain import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicecircle.maps.basemaps import BaseMap
    from servicecircle.maps.drawings import Drawing
    from servicecircle.maps.graph import Plan
    from servicecircle.maps.tables import Table
    from servicecircle.maps.text import Text

CONTROLS = (
    "skip", "map", "layers", "colour_by", "zoom_in", "zoom_out", "whole_area", "north",
    "open_page", "on_the_map", "show_on_map", "notes", "colon", "pages", "search", "search_hint",
    "search_none", "search_count", "base_map", "no_base_map", "no_tiles", "print", "printed",
    "printed_gaps", "unfold",
)  # fmt: skip
"""The words of the page's controls."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline figure: what it is, how much, and what to know about it."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """
    A page.

    Parameters
    ----------
    links
        Texts and addresses of neighbouring pages.
    leading
        Name of the layer whose legend comes first.
    box
        West, south, east and north of what it shows, in degrees.
    plan
        The streets around it, for why and what-if; None: neither is asked on this page.
    base_maps
        Online base maps that a reader may switch on.
    picture
        The map as a PNG, for a browser that cannot draw it.
    imprint
        What stands below the map on paper.
    """

    text: Text
    title: str
    lead: Sequence[str]
    figures: Sequence[Figure]
    links: Sequence[tuple[str, str]]
    drawings: Sequence[Drawing]
    tables: Sequence[Table]
    notes: Sequence[str]
    credit: str
    leading: str
    box: tuple[float, float, float, float]
    plan: Plan | None = None
    base_maps: Sequence[BaseMap] = ()
    picture: bytes = b""
    imprint: Sequence[str] = ()

    def map(self) -> PageMap:
        """Return the page as a folium map; its `get_root().render()` is the whole document."""
        packed: list[dict[str, Any]] = []
        shapes: dict[bytes, str] = {}
        for spec, body in (drawing.packed() for drawing in self.drawings if len(drawing.frame)):
            packed.append({**spec, "island": shapes.setdefault(body, f"layer-{spec['name']}")})
        west, south, east, north = (round(degrees, 5) for degrees in self.box)
        told: dict[str, Any] = {
            "title": self.title,
            "words": {key: self.text.say(key, count="#", name="#") for key in CONTROLS},
            "lead": list(self.lead),
            "figures": [[figure.label, figure.value, figure.note] for figure in self.figures],
            "links": list(self.links),
            "box": [[south, west], [north, east]],
            "layers": packed,
            "tables": [{**table.spec(), "more": self._more(table)} for table in self.tables],
            "notes": list(self.notes),
            "imprint": list(self.imprint),
            "credit": self.credit,
            "leading": self.leading,
            "base_maps": [base.spec(self.text) for base in self.base_maps],
            "plan": self.plan.spec if self.plan else None,
        }
        written = json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        islands = [island("page", written.encode("utf-8", errors="replace"))]
        islands += [island(name, body) for body, name in shapes.items()]
        islands += [self.plan.island()] if self.plan else []
        hosts = [host for base in self.base_maps for host in base.hosts]
        return PageMap(
            title=self.title, language=self.text.language, plain=plain(self), islands=islands, hosts=hosts
        )

    def _more(self, table: Table) -> str:
        rows = len(next(iter(table.columns.values())))
        return self.text.say("show_all", count=self.text.count(rows))
