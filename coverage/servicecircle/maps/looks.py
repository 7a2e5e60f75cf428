"""Colours, hatches and symbols: told apart in grey print and by colour-blind readers."""

from __future__ import annotations

from typing import Any

Look = dict[str, Any]

SHARE_BREAKS = (0.5, 0.7, 0.8, 0.9, 1.0)
SHARE_FILLS = ("#5a2200", "#93410a", "#c0661f", "#dd9446", "#a8d8cb", "#d9efe9")
"""From dark to light as coverage rises, orange below nine tenths and blue-green above."""

MINUTE_LINES = (("#8fd3c1", 2.0), ("#58b5ad", 2.2), ("#1f8a8f", 2.4), ("#b34a00", 2.6), ("#5a1d00", 2.8))

VERDICT_FILLS = {"met": "#6fbfae", "not_met": "#b34a00", "to_verify": "hatch", "not_judged": "#ffffff"}
CLASS_FILLS = {
    "own_covered": "#d9efe9",
    "own_poor": "#e3a75f",
    "neighbour": "#a3cde3",
    "uncovered": "#8a3d0c",
    "": "#ffffff",
}
HATCH_INK, DARK_FILLS = "#6e7781", ("#8a3d0c",)
"""The lines of a hatch; on dark fills they are white."""

CERTAINTY_FILLS = {"certain": "#4f9d94", "likely": "#b9dcd6", "cannot_tell": "hatch", "": "#ffffff"}
STREET_FILLS = {"mapped": "#d9efe9", "sparse": "#dd9446", "unmapped": "hatch", "": "#ffffff"}
CIRCLE_FILLS = ("#4f79a8", "#d9c27a", "#8c6bb1", "#9e9e9e", "#c6dbef", "#7f5539")
FURTHER_LINES = ("#8a5a00", "#8e2a6b", "#375a9e", "#4a6b1f")
SYMBOLS = ("circle", "square", "triangle", "diamond", "pentagon", "star", "wedge", "hexagon")
SYMBOL_FILLS = ("#1f3a78", "#6a2a6f")
BUILD_LOOKS = {"not_built": ("wedge", "#ffffff"), "built_idle": ("diamond", "#f2c14e")}
GAP_LOOKS = {
    "certain": ("cross", "#8f1d00"),
    "detour": ("plus", "#8f1d00"),
    "to_verify": ("circle", "#ffffff"),
}


def area(fill: str, *, doubtful: bool = False) -> Look:
    """Return the look of a filled zone; `hatch` is the grey of what has to be verified, doubtful ones too."""
    look = {"color": "#3c4043", "weight": 0.8, "fillColor": fill, "fillOpacity": 0.9}
    if fill == "hatch":
        return {**look, "fillColor": "#ffffff", "hatch": HATCH_INK}
    return {**look, "hatch": "#ffffff" if fill in DARK_FILLS else HATCH_INK} if doubtful else look


def outline(*, dashed: bool) -> Look:
    """Return the mark of a zone's rule: a full line for the first rule, a dotted one for others."""
    return {"weight": 1.0, "dashArray": "1 3"} if dashed else {"weight": 1.3, "dashArray": None}


def line(colour: str, weight: float, *, dash: str | None = None) -> Look:
    """Return the look of a line."""
    return {"color": colour, "weight": weight, "opacity": 1, "dashArray": dash}


def symbol(number: int, *, filled: bool) -> Look:
    """Return the symbol of the n-th kind, filled where it counts and hollow where it does not."""
    colour = SYMBOL_FILLS[number // len(SYMBOLS) % len(SYMBOL_FILLS)]
    return {
        "shape": SYMBOLS[number % len(SYMBOLS)],
        "radius": 6,
        "color": "#ffffff" if filled else colour,
        "weight": 1 if filled else 1.6,
        "fillColor": colour if filled else "#ffffff",
        "fillOpacity": 1,
    }


def gap(kind: str, *, weight: float) -> Look:
    """Return the symbol of an uncovered area, with a rim of some weight."""
    shape, fill = GAP_LOOKS[kind]
    edge = "#ffffff" if fill != "#ffffff" else "#5f6368"
    return {"shape": shape, "radius": 8, "color": edge, "weight": weight, "fillColor": fill, "fillOpacity": 1}


def building(state: str) -> Look:
    """Return the mark of a village where a facility is due, or stands idle."""
    shape, fill = BUILD_LOOKS[state]
    return {"shape": shape, "radius": 7, "color": "#111111", "weight": 1.4, "fillColor": fill,
            "fillOpacity": 1}  # fmt: skip


def dot(*, doubtful: bool) -> Look:
    """Return the look of people whom no circle covers."""
    fill = "#ffffff" if doubtful else "#8f1d00"
    return {"radius": 2.5, "color": "#5f6368" if doubtful else "#8f1d00", "weight": 1, "fillColor": fill,
            "fillOpacity": 0.8}  # fmt: skip
