"""Charts on paper: boxes, curves and labels placed by the millimetre, the same bytes each time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from PIL import Image

from servicecircle.maps.pixels import packed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicecircle.maps.letters import Letters

WIDTH_MM = 160.0
"""The text of an A4 page is so wide."""

DPI, COLOURS = 200, 120
INK, SOFT, FAINT = "#1f2328", "#57606a", "#d4d7da"
_POINT_MM = 3.0
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)

Span = tuple[float, float]
Tick = tuple[float, str]


class Canvas:
    """A white sheet; places are millimetres from its upper left corner."""

    def __init__(self, height_mm: float, letters: Letters) -> None:
        self.letters = letters
        self._figure = Figure(figsize=(WIDTH_MM / 25.4, height_mm / 25.4), dpi=DPI, facecolor="#ffffff")
        self._paper = self._figure.add_axes((0, 0, 1, 1))
        self._paper.set(xlim=(0, WIDTH_MM), ylim=(height_mm, 0))
        self._paper.axis("off")

    def write(self, text: str, x: float, y: float, size_pt: float, **how: Any) -> None:
        """Write a text on its base line; it is never read as a formula."""
        self._paper.text(
            x, y, self.letters.written(text), parse_math=False, **{"color": INK, "zorder": 6, **how},
            fontproperties=FontProperties(fname=str(self.letters.path), size=size_pt),
            path_effects=[withStroke(linewidth=1.6, foreground="#ffffff")],
        )  # fmt: skip

    def line(self, xs: Sequence[float], ys: Sequence[float], **how: Any) -> None:
        """Draw a line through places."""
        self._paper.plot(xs, ys, **{"color": INK, "linewidth": 0.8, "solid_capstyle": "round", **how})

    def png(self) -> bytes:
        """Return the sheet as a picture of few colours."""
        drawn = FigureCanvasAgg(self._figure)
        drawn.draw()  # type: ignore[no-untyped-call]
        pixels = np.asarray(drawn.buffer_rgba())  # type: ignore[no-untyped-call]
        return packed(Image.fromarray(pixels[..., :3]), dpi=DPI, colours=COLOURS)


class Panel:
    """
    A box on a canvas in which values have their places.

    Parameters
    ----------
    box
        Left, top, right and bottom in millimetres.
    across, up
        The values at its sides.
    """

    def __init__(
        self, canvas: Canvas, box: tuple[float, float, float, float], *, across: Span, up: Span
    ) -> None:
        self.canvas = canvas
        self.left, self.top, self.right, self.bottom = box
        self.across, self._up = across, up

    def x(self, value: float) -> float:
        """Return where a value lies from left to right; in the middle where there is only one."""
        first, last = self.across
        share = 0.5 if first == last else (value - first) / (last - first)
        return self.left + share * (self.right - self.left)

    def y(self, value: float) -> float:
        """Return where a value lies from top to bottom."""
        low, high = self._up
        return self.bottom - (value - low) / (high - low) * (self.bottom - self.top)

    def rules(self, ticks: Sequence[Tick], size_pt: float) -> None:
        """Draw a faint line at each tick, its label left of it."""
        for value, label in ticks:
            at = self.y(value)
            self.canvas.line((self.left, self.right), (at, at), color=FAINT, linewidth=0.5, zorder=1)
            self.canvas.write(label, self.left - 1.2, at + 0.9, size_pt, color=SOFT, ha="right")

    def feet(self, ticks: Sequence[Tick], size_pt: float) -> None:
        """Write each tick below the box, the last one first, as far as they leave room for one another."""
        start = math.inf
        for value, label in reversed(_roomy(ticks)):
            wide, at = self.canvas.letters.width_mm(label, size_pt), self.x(value)
            at = min(max(at, self.left - 4 + wide / 2), self.right + 4 - wide / 2)
            if at + wide / 2 > start - 2:
                continue
            start = at - wide / 2
            mark = (self.bottom, self.bottom + 0.9)
            self.canvas.line((self.x(value),) * 2, mark, color=SOFT, linewidth=0.6)
            self.canvas.write(label, at, self.bottom + 4.2, size_pt, color=SOFT, ha="center")

    def curve(
        self, xs: Sequence[float], ys: Sequence[float], *, colour: str, marker: str, **how: Any
    ) -> None:
        """Draw a line with a point at each value, or at some of them and the last where they would touch."""
        places = [self.x(value) for value in xs], [self.y(value) for value in ys]
        step = max(1, math.ceil(_POINT_MM * len(xs) / (self.right - self.left)))
        marked = sorted(range(len(xs) - 1, -1, -step))
        look = {"markersize": 4.6, "markeredgecolor": "#ffffff", "markeredgewidth": 0.5, "linewidth": 1.5,
                "markevery": marked}  # fmt: skip
        self.canvas.line(*places, color=colour, marker=marker, zorder=4, **{**look, **how})


def _roomy(ticks: Sequence[Tick]) -> list[Tick]:
    """Return ticks so thinned out that the last one stays."""
    keep = max(1, math.ceil((len(ticks) - 1) / 5))
    return [tick for number, tick in enumerate(ticks) if (len(ticks) - 1 - number) % keep == 0]


def spread(wanted: Sequence[float], gap: float, span: Span) -> list[float]:
    """Return places near those wanted, in their order, at least a gap apart as far as the span allows."""
    if not wanted:
        return []
    low, high = span
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    order = sorted(range(len(wanted)), key=lambda k: (wanted[k], k))
    placed = [min(max(wanted[k], low), high) for k in order]
    for at in range(1, len(placed)):
        placed[at] = max(placed[at], placed[at - 1] + gap)
    placed[-1] = min(placed[-1], high)
    for at in range(len(placed) - 2, -1, -1):
        placed[at] = min(placed[at], placed[at + 1] - gap)
    found = dict(zip(order, placed, strict=True))
    return [found[k] for k in range(len(wanted))]


def scale(values: Sequence[float], *, least: float, top: float = math.inf) -> list[float]:
    """
    Return round numbers, evenly spaced, that reach below and above all values and not below zero.

    Parameters
    ----------
    least
        They reach at least so far, so that noise is not drawn as a mountain.
    top
        The highest number there can be, such as a whole.
    """
    low, high = min(values), max(values)
    lacking = max(least - (high - low), 0.0) / 2
    low, high = low - lacking, high + lacking
    if low < 0 <= min(values):
        low, high = 0.0, high - low
    if high > top >= max(values):
        low, high = low - (high - top), top
    power = 10.0 ** math.floor(math.log10((high - low) / 4))
    step = next(power * part for part in _STEPS if power * part >= (high - low) / 4 * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * number for number in range(first, last + 1)]
