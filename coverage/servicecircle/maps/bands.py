"""Bands of the walk to the nearest facility: by time or by distance, as the circle is limited."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from servicecircle.units import TOLERANCE_M, metres_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from servicecircle.maps.text import Text
    from servicecircle.study import Circle

PARTS = {"min": (1 / 3, 2 / 3, 1.0, 4 / 3), "m": (0.25, 0.5, 1.0, 1.5)}
"""Where bands end, as parts of the limit: 5, 10, 15 and 20 minutes; 250, 500, 1,000 and 1,500 m."""


def breaks(circle: Circle) -> list[float]:
    """Return where a circle's bands end, in its own unit; as they are printed, but for the limit itself."""
    digits = 1 if circle.limit_unit == "min" else 0
    return [
        circle.limit if part == 1 else round(circle.limit * part, digits) for part in PARTS[circle.limit_unit]
    ]


def band_of(metres: NDArray[np.float64], circle: Circle, walk_kmh: float) -> NDArray[np.intp]:
    """Return the number of the band of each walk; one of exactly a band's end is inside it."""
    ends = breaks(circle)
    if circle.limit_unit == "min":
        ends = [metres_in(minutes, walk_kmh) for minutes in ends]
    return np.searchsorted(ends, metres - TOLERANCE_M, side="left")


def circles_of(segments: pd.DataFrame, units: pd.DataFrame, circles: Sequence[Circle]) -> NDArray[Any]:
    """Return the circle of each segment's village; outside all villages the rural one."""
    rural = next(circle.id for circle in circles if circle.applies == "rural")
    ruled = dict(zip(units["code"], units["circle"], strict=True))
    return np.array([ruled.get(code) or rural for code in segments["zone_code"]], dtype=object)


def labels(text: Text, circles: Sequence[Circle]) -> list[str]:
    """Return what the bands are called, one text for the circles that share a colour."""
    told = [_labels(text, circle) for circle in circles]
    return [text.say("slash").join(parts) for parts in zip(*told, strict=True)]


def _labels(text: Text, circle: Circle) -> list[str]:
    unit, ends = circle.limit_unit, [f"{end:g}" for end in (0.0, *breaks(circle))]
    told = [text.say(f"{unit}_between", low=low, high=high) for low, high in pairwise(ends)]
    return [*told, text.say(f"{unit}_over", low=ends[-1])]


def title(text: Text, circles: Sequence[Circle]) -> str:
    """Return what the segments are called: by time or by distance, or whose bands are which."""
    if len(circles) > 1:
        names = text.say("slash").join(text.brief(text.circle(circle)) for circle in circles)
        return text.say("segments_both", circles=names)
    return text.say("segments_m" if circles and circles[0].limit_unit == "m" else "segments")
