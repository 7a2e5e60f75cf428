"""One map layer: its shapes, how they look, and what is read on touching them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from servicecircle.maps.pack import pack_geometry
from servicecircle.maps.spelling import spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from servicecircle.maps.looks import Look

DECIMALS = 5


@dataclass(frozen=True, slots=True)
class Theme:
    """One way to colour a layer: the classes of its legend, and the class of every feature."""

    label: str
    classes: Sequence[tuple[str, Look]]
    of: Sequence[int]

    def spec(self) -> dict[str, Any]:
        """Return what the page reads."""
        classes = [{"label": label, "look": look} for label, look in self.classes]
        return {"label": self.label, "classes": classes, "of": [int(number) for number in self.of]}


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """
    A layer of the map.

    Parameters
    ----------
    name
        Its id in the page: a word of ours.
    shape
        `area`, `line` or `point`.
    columns
        What a touched feature tells: a label and a text per feature; the first is its heading.
    marks
        A second property, shown by the outline.
    radii
        Sizes of points.
    links
        A page per feature.
    named
        Write every feature's heading on the map.
    inert
        Not touchable: what lies below can be.
    codes
        A code per feature: the layer can then be searched, by its headings and these.
    """

    name: str
    label: str
    shape: str
    frame: gpd.GeoDataFrame
    themes: Sequence[Theme]
    columns: Sequence[tuple[str, Sequence[str]]] = ()
    marks: Theme | None = None
    radii: Sequence[float] | None = None
    links: Sequence[str | None] | None = None
    shown: bool = True
    named: bool = False
    inert: bool = False
    codes: Sequence[str] | None = None

    def packed(self) -> tuple[dict[str, Any], bytes]:
        """Return what the page has to know of the layer, and its shapes."""
        head, body = pack_geometry(self.frame.geometry.to_numpy())
        spec = {
            "name": self.name,
            "label": self.label,
            "shape": self.shape,
            "shown": self.shown,
            "inert": self.inert,
            "head": head,
            "themes": [theme.spec() for theme in self.themes],
            "marks": self.marks.spec() if self.marks else None,
            "columns": [{"label": label, "texts": list(texts)} for label, texts in self.columns],
            "radii": None if self.radii is None else [round(float(radius), 1) for radius in self.radii],
            "links": None if self.links is None else list(self.links),
            "names": self._anchors() if self.named else None,
            "search": None if self.codes is None else self._search(),
        }
        return spec, body

    def _search(self) -> dict[str, list[str]]:
        return {"codes": list(self.codes or ()), "pinyin": spelled(self.columns[0][1])}

    def _anchors(self) -> list[list[float] | None]:
        points = shapely.point_on_surface(self.frame.geometry.to_numpy())
        places = zip(shapely.get_y(points), shapely.get_x(points), strict=True)
        return [
            None if np.isnan(y) else [round(float(y), DECIMALS), round(float(x), DECIMALS)] for y, x in places
        ]


def boxes(frame: gpd.GeoDataFrame) -> list[list[list[float]] | None]:
    """Return south-west and north-east of every row, for a table that leads to the map."""
    bounds = np.round(frame.geometry.bounds.to_numpy(dtype=float), DECIMALS)
    return [None if np.isnan(row).any() else [[row[1], row[0]], [row[3], row[2]]] for row in bounds.tolist()]
