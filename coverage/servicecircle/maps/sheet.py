"""A sheet of A4 paper: title, map at a round scale, legend, scale bar, north arrow, and its grounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Polygon, Rectangle
from matplotlib.patheffects import withStroke

from servicecircle.maps.ink import swatch
from servicecircle.maps.letters import MM_PER_POINT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from servicecircle.maps.letters import Letters
    from servicecircle.maps.looks import Look

SHORT_MM, LONG_MM, MARGIN_MM = 210.0, 297.0, 9.0
SIDE_MM, BELOW_MM, BETWEEN_MM = 60.0, 62.0, 4.0
"""Width of a legend beside the map, height of one below it, and what lies between."""

TITLE_PT, LEAD_PT, LEGEND_PT, FOOT_PT = 15.0, 8.8, (7.6, 7.0, 6.4, 5.8, 5.2), 6.6
LINE = 1.36
"""Height of a line as a share of the letters' size."""

_FEWEST_GAPS = 8
"""So many uncovered areas are listed in smaller letters rather than fewer in large ones."""

_SLACK = 0.985
"""Letters on a screen are set to whole pixels, and so run a little wider than measured."""

_ROUND = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5)
_INK, _SOFT = "#1f2328", "#57606a"

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the legend: a heading, or what a look means, or words alone."""

    text: str
    shape: str = ""
    look: Look | None = None
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """What stands around a map, in the reader's language; `foot` are paragraphs."""

    title: str
    lead: str
    north: str
    scale: str
    metres: str
    kilometres: str
    foot: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where things stand on a sheet, in millimetres from its upper left corner."""

    width: float
    height: float
    map: Box
    legend: Box
    columns: int
    scale: float


class Sheet:
    """
    A sheet with its furniture, ready for a map to be drawn into its axes.

    Parameters
    ----------
    box
        West, south, east and north of what has to be seen, in metres.
    """

    def __init__(self, box: Box, words: Words, letters: Letters) -> None:
        self.words, self.letters = words, letters
        self._plan = max((self._planned(box, tall=tall) for tall in (False, True)), key=lambda p: -p.scale)
        plan = self._plan
        self.figure = Figure(figsize=(plan.width / 25.4, plan.height / 25.4), facecolor="#ffffff")
        self.paper = self._axes((0, 0, plan.width, plan.height), 10)
        self.paper.set(xlim=(0, plan.width), ylim=(plan.height, 0))
        self.paper.axis("off")
        self.map = self._axes(plan.map, 1)
        self.map.set(xticks=[], yticks=[])
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        wide, high = (side * plan.scale / 2000 for side in plan.map[2:])
        self.seen: Box = (x - wide, y - high, x + wide, y + high)
        self.map.set(xlim=self.seen[::2], ylim=self.seen[1::2])
        self._head_and_foot()

    def _planned(self, box: Box, *, tall: bool) -> _Plan:
        width, height = (SHORT_MM, LONG_MM) if tall else (LONG_MM, SHORT_MM)
        inner = width - 2 * MARGIN_MM
        top = MARGIN_MM + _height(TITLE_PT) * len(self._title(inner)) + 1
        top += _height(LEAD_PT) * len(self._lead(inner)) + 1.5
        bottom = height - MARGIN_MM - _height(FOOT_PT) * len(self._foot(inner)) - 2
        if tall:
            below = bottom - BELOW_MM
            area = (MARGIN_MM, top, inner, below - top - BETWEEN_MM)
            legend = (MARGIN_MM, below, inner, BELOW_MM)
        else:
            area = (MARGIN_MM, top, inner - SIDE_MM - BETWEEN_MM, bottom - top)
            legend = (width - MARGIN_MM - SIDE_MM, top, SIDE_MM, bottom - top)
        needed = max(1.06 * (box[2] - box[0]) / area[2], 1.06 * (box[3] - box[1]) / area[3], 1.0) * 1000
        return _Plan(width, height, area, legend, 3 if tall else 1, _round_up(needed))

    def _title(self, room_mm: float) -> list[str]:
        return self.letters.lines(self.words.title, room_mm * _SLACK, TITLE_PT, most=2)

    def _lead(self, room_mm: float) -> list[str]:
        return self.letters.lines(self.words.lead, room_mm * _SLACK, LEAD_PT, most=3)

    def _foot(self, room_mm: float) -> list[str]:
        room_mm *= _SLACK
        return [
            line for text in self.words.foot for line in self.letters.lines(text, room_mm, FOOT_PT, most=6)
        ]

    def _axes(self, box: Box, order: int) -> Axes:
        x, y, wide, high = box
        plan = self._plan
        return self.figure.add_axes(
            (x / plan.width, 1 - (y + high) / plan.height, wide / plan.width, high / plan.height),
            zorder=order, facecolor="none",
        )  # fmt: skip

    def _head_and_foot(self) -> None:
        inner, y = self._plan.width - 2 * MARGIN_MM, MARGIN_MM
        for line in self._title(inner):
            y += _height(TITLE_PT)
            self.write(line, MARGIN_MM, y - 1.6, TITLE_PT)
        y += 1
        for line in self._lead(inner):
            y += _height(LEAD_PT)
            self.write(line, MARGIN_MM, y - 1, LEAD_PT, color=_SOFT)
        y = self._plan.height - MARGIN_MM
        for line in reversed(self._foot(inner)):
            self.write(line, MARGIN_MM, y, FOOT_PT, color=_SOFT)
            y -= _height(FOOT_PT)

    def write(self, text: str, x: float, y: float, size_pt: float, *, halo: bool = False, **how: Any) -> None:
        """Write a text at a place in millimetres, on its base line; it is never read as a formula."""
        self.paper.text(
            x, y, self.letters.written(text), parse_math=False, **{"color": _INK, **how},
            fontproperties=FontProperties(fname=str(self.letters.path), size=size_pt),
            path_effects=[withStroke(linewidth=1.7, foreground="#ffffff")] if halo else None, zorder=8,
        )  # fmt: skip

    def place_mm(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Return where a place on the map lies on the sheet."""
        left, top, _, _ = self._plan.map
        return left + (x_m - self.seen[0]) / self._plan.scale * 1000, top + (
            self.seen[3] - y_m
        ) / self._plan.scale * 1000

    @property
    def frame_mm(self) -> Box:
        """Left, top, right and bottom of the map on the sheet."""
        left, top, wide, high = self._plan.map
        return left, top, left + wide, top + high

    def legend(self, sections: Sequence[Sequence[Entry]], gaps: Sequence[Entry], heading: str) -> int:
        """
        Draw the legend, and as many of the gaps as there is room for.

        Parameters
        ----------
        sections
            The rows of each layer, its heading first.
        gaps
            Rows about uncovered areas, the most important first; `heading` stands above them.

        Returns
        -------
        How many gaps are listed.
        """
        last = LEGEND_PT[-1]
        for size_pt in LEGEND_PT:
            fewest = 0 if size_pt == last else min(len(gaps), _FEWEST_GAPS)
            for count in range(len(gaps), fewest - 1, -1):
                listed = [Entry(heading.format_map({"count": count}), heading=True), *gaps[:count]]
                rows = self._flow([*sections, listed if count else []], size_pt)
                if rows is not None:
                    self._draw_legend(rows, size_pt)
                    return count
        self._draw_legend(self._flow(sections, last, cut=True) or [], last)
        return 0

    def _flow(
        self, sections: Sequence[Sequence[Entry]], size_pt: float, *, cut: bool = False
    ) -> list[tuple[Entry, list[str], float, float]] | None:
        """Return entries with their lines and places; None where they do not fit and may not be cut."""
        left, top, wide, high = self._plan.legend
        columns = self._plan.columns
        room = (wide - BETWEEN_MM * (columns - 1)) / columns
        rows: list[tuple[Entry, list[str], float, float]] = []
        column, y = 0, 0.0
        for section in sections:
            for number, entry in enumerate(section):
                indent = 8.6 if entry.look else 0.0
                lines = self.letters.lines(entry.text, (room - indent) * _SLACK, size_pt, most=2)
                needed = _height(size_pt) * len(lines) + (1.2 if entry.heading and y else 0.0)
                keep = _height(size_pt) if number == 0 and len(section) > 1 else 0.0
                if y + needed + keep > high:
                    column, y = column + 1, 0.0
                if column == columns:
                    return rows if cut else None
                y += needed
                rows.append((entry, lines, left + column * (room + BETWEEN_MM), top + y))
        return rows

    def _draw_legend(self, rows: Sequence[tuple[Entry, list[str], float, float]], size_pt: float) -> None:
        line = _height(size_pt)
        for entry, lines, x, bottom in rows:
            first = bottom - line * (len(lines) - 1)
            if entry.look:
                swatch(self.paper, entry.shape, entry.look, x + 3.6, first - line * 0.48, high=line * 0.74)
            for number, text in enumerate(lines):
                self.write(
                    text, x + (8.6 if entry.look else 0), first + number * line - line * 0.26, size_pt,
                    color=_INK if entry.heading else _SOFT,
                )  # fmt: skip

    def furnish(self) -> list[Box]:
        """Draw the north arrow and the scale bar; return the boxes that they take."""
        left, top, right, bottom = self.frame_mm
        x, y = right - 7, top + 4
        for side, colour in ((-1, "#ffffff"), (1, _INK)):
            corners = np.array([(x, y), (x + 2.4 * side, y + 8), (x, y + 6)])
            self.paper.add_artist(Polygon(corners, closed=True, fc=colour, ec=_INK, lw=0.7, zorder=7))
        self.write(self.words.north, x, y + 11.6, 8.5, ha="center", halo=True)
        return [(x - 4, y - 2, x + 4, y + 13), self._scale_bar(left + 4, bottom - 4)]

    def _scale_bar(self, x: float, y: float) -> Box:
        scale = self._plan.scale
        length_m = _round_down(42.0 * scale / 1000)
        wide = length_m / scale * 1000
        unit, by = (self.words.kilometres, 1000) if length_m >= 1000 else (self.words.metres, 1)
        title = self.words.scale.format_map({"scale": f"{scale:.0f}"})
        box = (x - 2, y - 12.4, x + max(wide + 12, self.letters.width_mm(title, 7) + 2), y + 2)
        self.paper.add_artist(Rectangle(box[:2], box[2] - box[0], box[3] - box[1], fc="#ffffff", ec="none",
                                       alpha=0.85, zorder=6))  # fmt: skip
        self.write(title, x, y - 8.6, 7)
        for part in range(4):
            self.paper.add_artist(Rectangle((x + part * wide / 4, y - 1.6), wide / 4, 1.6, ec=_INK, lw=0.6,
                                           fc=_INK if part % 2 == 0 else "#ffffff", zorder=7))  # fmt: skip
        for share in (0.0, 0.5, 1.0):
            label = f"{length_m * share / by:g}" + (f" {unit}" if share == 1 else "")
            figure = label.split(" ", maxsplit=1)[0]
            at = x + wide * share - self.letters.width_mm(figure, 7) / 2
            self.write(label, at if share else x, y - 3.2, 7)
        return box


def _height(size_pt: float) -> float:
    return size_pt * MM_PER_POINT * LINE


def _round_up(scale: float) -> float:
    """Return the next round scale."""
    power = 10.0 ** math.floor(math.log10(scale))
    return next((power * step for step in _ROUND if power * step >= scale * (1 - 1e-9)), power * 10)


def _round_down(length_m: float) -> float:
    power = 10.0 ** math.floor(math.log10(length_m))
    return power * max(step for step in (1, 2, 4, 5) if power * step <= length_m)
