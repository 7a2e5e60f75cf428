"""Draws a page's layers with matplotlib: the same classes, colours, hatches and symbols as the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from matplotlib.collections import PathCollection
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from matplotlib.transforms import IdentityTransform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from servicecircle.maps.drawings import Drawing, Theme
    from servicecircle.maps.looks import Look

POINTS_PER_PIXEL = 0.62
"""A screen's pixel on paper: a little finer than its 1/96 inch, as print shows more."""

HATCH = "//////"
_CORNERS = {
    "triangle": (3, 0.0),
    "wedge": (3, np.pi),
    "diamond": (4, 0.0),
    "pentagon": (5, 0.0),
    "hexagon": (6, 0.0),
}


def marker(shape: str) -> str | Outline:
    """Return the marker of a symbol, the one that the page draws."""
    if shape in _CORNERS:
        return _polygon(*_CORNERS[shape])
    if shape == "star":
        return _polygon(10, 0.0, inner=0.5)
    return {"square": "s", "plus": "P", "cross": "X"}.get(shape, "o")


def _polygon(count: int, turn: float, *, inner: float = 1.0) -> Outline:
    angle = 2 * np.pi * np.arange(count) / count + turn
    radius = np.where(np.arange(count) % 2, inner, 1.0)
    corners = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
    return Outline(np.vstack([corners, corners[:1]]), closed=True)


def stroke(look: Look) -> dict[str, Any]:
    """Return how matplotlib draws the line of a look."""
    dashes = [float(part) for part in (look.get("dashArray") or "").split()]
    style: Any = (0, tuple(max(part, 0.8) for part in dashes)) if dashes else "solid"
    return {"linewidth": look["weight"] * POINTS_PER_PIXEL, "linestyle": style,
            "edgecolor": look.get("color", "#3c4043")}  # fmt: skip


def fill(look: Look) -> dict[str, Any]:
    """Return how matplotlib fills a look."""
    if look.get("hatch"):
        return {"facecolor": look["fillColor"], "hatch": HATCH, "edgecolor": look["hatch"], "linewidth": 0}
    if look.get("fill") is False or not look.get("fillColor") or not look.get("fillOpacity"):
        return {"facecolor": "none", "linewidth": 0}
    return {"facecolor": look["fillColor"], "alpha": look["fillOpacity"], "linewidth": 0}


def paint(axes: Axes, drawing: Drawing, shapes: NDArray[Any], theme: Theme, *, order: float) -> None:
    """Draw a layer's shapes, which lie in the axes' coordinates, under one of its themes."""
    draw = {"area": _areas, "line": _lines, "point": _points}[drawing.shape]
    draw(axes, drawing, shapes, theme, order)


def _areas(axes: Axes, drawing: Drawing, shapes: NDArray[Any], theme: Theme, order: float) -> None:
    for look, rows in _classes(theme):
        outline = _rims(shapes[rows])
        if outline is not None and fill(look)["facecolor"] != "none":
            axes.add_artist(PathPatch(outline, **fill(look), zorder=order))
        if outline is not None and drawing.marks is None:
            axes.add_artist(_edge(outline, look, order))
    for look, rows in _classes(drawing.marks) if drawing.marks else ():
        outline = _rims(shapes[rows])
        if outline is not None:
            axes.add_artist(_edge(outline, {**theme.classes[0][1], **look}, order + 0.1))


def _edge(outline: Outline, look: Look, order: float) -> PathPatch:
    return PathPatch(
        outline, facecolor="none", joinstyle="round", capstyle="round", **stroke(look), zorder=order
    )


def _lines(axes: Axes, _: Drawing, shapes: NDArray[Any], theme: Theme, order: float) -> None:
    for look, rows in _classes(theme):
        trace(axes, shapes[rows], look, order=order)


def trace(axes: Axes, shapes: NDArray[Any], look: Look, *, order: float) -> None:
    """Draw lines, or the rims of areas, as one stroke."""
    parts = shapely.get_parts(shapes)
    areas = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    lines = np.concatenate([parts[~areas], shapely.get_rings(parts[areas])])
    lines = lines[shapely.get_dimensions(lines) == 1]
    if len(lines):
        axes.add_artist(_edge(_joined(lines, closed=False), look, order))


def _points(axes: Axes, drawing: Drawing, shapes: NDArray[Any], theme: Theme, order: float) -> None:
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    for look, rows in _classes(theme):
        seen = rows[there[rows]]
        if len(seen):
            radii = np.array([drawing.radii[row] for row in seen] if drawing.radii else look["radius"])
            _scatter(axes, shapely.get_coordinates(shapes[seen]), look, radii, order)


def _scatter(axes: Axes, places: NDArray[Any], look: Look, radii: NDArray[Any], order: float) -> None:
    """Draw symbols at places: `axes.scatter` would look at colours and limits that are settled here."""
    shape = MarkerStyle(marker(look.get("shape", "circle")))
    outline, sizes = shape.get_path().transformed(shape.get_transform()), (2 * radii * POINTS_PER_PIXEL) ** 2
    symbols = PathCollection(
        (outline,), np.atleast_1d(sizes),
        offsets=places, offset_transform=axes.transData, **{**fill(look), **stroke(look)}, zorder=order,
    )  # fmt: skip
    symbols.set_transform(IdentityTransform())
    axes.add_collection(symbols, autolim=False)


def _classes(theme: Theme) -> Iterator[tuple[Look, NDArray[np.intp]]]:
    of = np.asarray(theme.of, dtype=np.intp)
    for number, (_, look) in enumerate(theme.classes):
        rows = np.flatnonzero(of == number)
        if len(rows):
            yield look, rows


def _rims(shapes: NDArray[Any]) -> Outline | None:
    """Return some areas as one path: holes run against their rim, and so stay open."""
    parts = shapely.get_parts(shapes)
    parts = shapely.orient_polygons(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])
    return _joined(shapely.get_rings(parts), closed=True) if len(parts) else None


def _joined(lines: NDArray[Any], *, closed: bool) -> Outline:
    """Return lines as one path: far quicker to draw than one by one."""
    ends = np.cumsum(shapely.get_num_coordinates(lines))
    codes = np.full(ends[-1], Outline.LINETO, dtype=Outline.code_type)
    codes[np.concatenate([[0], ends[:-1]])] = Outline.MOVETO
    if closed:
        codes[ends - 1] = Outline.CLOSEPOLY
    return Outline(shapely.get_coordinates(lines), codes)


def swatch(
    axes: Axes, shape: str, look: Look, x: float, y: float, *, wide: float = 6.4, high: float = 3.2
) -> None:
    """Draw what a legend shows of a look, its middle at a place in millimetres."""
    if shape == "line":
        ink = stroke(look)
        axes.add_artist(Line2D([x - wide / 2, x + wide / 2], [y, y], color=ink["edgecolor"],
                             linewidth=ink["linewidth"], linestyle=ink["linestyle"], zorder=5))  # fmt: skip
    elif shape == "area":
        sides = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) * (wide / 2, high / 2) + (x, y)
        axes.add_artist(PathPatch(Outline(sides, closed=True), **fill(look), zorder=5))
        axes.add_artist(PathPatch(Outline(sides, closed=True), facecolor="none", **stroke(look), zorder=5.1))
    else:
        radius = min(look.get("radius", 6), 6.5)
        _scatter(axes, np.array([[x, y]]), look, np.array([radius]), 5)
