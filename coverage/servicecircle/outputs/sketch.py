"""A sketch of the inputs: outlines, streets and facilities as paths of an SVG picture of bounded size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from servicecircle.crs import transform
from servicecircle.kinds import COUNTING_STATUS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.checks.inputs import Inputs
    from servicecircle.sources.streets import RawStreets
    from servicecircle.units import Floats

    Shapes = NDArray[np.object_]

SIDE = 2000
"""Units of the picture's longer side; all its coordinates are whole numbers."""

_OUTLINE_BYTES, _STREET_BYTES, _DOT_BYTES = 300_000, 300_000, 60_000
_LAYER_BYTES = 150_000
_PEOPLE_UNITS = 16
"""People are drawn by squares of the picture: which of them hold any."""
_CELL_M = 100.0
_MARGIN_SHARE = 0.03
_LEAST_M = 200.0
_SHORTEST = 3.0
_BAR_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Sketch:
    """
    What is drawn, as SVG path data; dots are lines of no length with round ends.

    Parameters
    ----------
    width, height
        Size of the picture in its own units.
    streets_share
        How much of the streets' length in view is drawn; NaN where there is none.
    facilities
        Dots of the usable ones that operate (`counting`), of those that do not (`idle`) and of those of
        unknown kind (`unknown`).
    facility_counts
        How many each of these are, and how many lie beyond the picture (`elsewhere`).
    bar, bar_m
        Length of the scale bar in units and in metres.
    """

    width: int
    height: int
    outlines: str
    places: str
    streets: str
    streets_share: float
    facilities: dict[str, str]
    facility_counts: dict[str, int]
    bar: int
    bar_m: int
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True, slots=True)
class Layer:
    """
    An input of its own over the streets.

    Parameters
    ----------
    called
        `people`, `extra` (roads of one's own) or `barriers`.
    path
        Its SVG path data, of dots or lines.
    figure
        How many people or kilometres it is.
    """

    called: str
    path: str
    figure: float


@dataclass(frozen=True, slots=True)
class _Frame:
    """From metres to the picture's units, y downwards."""

    west: float
    north: float
    scale: float
    width: int
    height: int

    def units(self, xy: Floats) -> Floats:
        return np.column_stack([(xy[:, 0] - self.west) * self.scale, (self.north - xy[:, 1]) * self.scale])


def sketch(inputs: Inputs) -> Sketch:
    """Draw the zones that are judged, the streets among them, and the facilities."""
    zones = inputs.zones.geometry[inputs.zones["unit"]].to_numpy()
    zones = zones[~shapely.is_missing(zones)]
    frame = _frame(zones)
    flat = shapely.get_dimensions(zones) == 2
    outlines, _ = _lines(shapely.boundary(zones[flat]), frame, _OUTLINE_BYTES)
    streets, share = _lines(_ways(inputs.streets, inputs.crs), frame, _STREET_BYTES)
    facilities, counts = _facilities(inputs.facilities, frame)
    bar_m = _round_length(_BAR_SHARE * frame.width / frame.scale)
    return Sketch(
        width=frame.width, height=frame.height, outlines=outlines, streets=streets, streets_share=share,
        places=_dots(frame.units(shapely.get_coordinates(shapely.centroid(zones[~flat])))),
        facilities=facilities, facility_counts=counts, bar=round(bar_m * frame.scale), bar_m=bar_m,
        layers=tuple(layer for layer in _layers(inputs, frame) if layer.path),
    )  # fmt: skip


def _layers(inputs: Inputs, frame: _Frame) -> Iterator[Layer]:
    """Return the inputs that the sketch of zones and facilities leaves out."""
    rows = inputs.people.rows
    metres = rows[["x_m", "y_m"]].to_numpy(dtype=np.float64)[(rows["people"] > 0).to_numpy()]
    if inputs.study.people.household:  # where a household lives is never written out
        metres = np.floor(metres / _CELL_M) * _CELL_M + _CELL_M / 2
    xy = frame.units(metres)
    xy = xy[((xy >= 0) & (xy <= [frame.width, frame.height])).all(axis=1)]
    squares = np.floor(xy / _PEOPLE_UNITS) * _PEOPLE_UNITS + _PEOPLE_UNITS / 2
    yield Layer("people", _dots(squares, _LAYER_BYTES), float(rows["people"].sum()))
    if own := inputs.streets.counts.get("roads_ways", 0):
        roads = _ways(inputs.streets, inputs.crs, since=len(inputs.streets.first) - 1 - own)
        path, _ = _lines(roads, frame, _LAYER_BYTES)
        yield Layer("extra", path, inputs.streets.counts["roads_added_m"] / 1000.0)
    if inputs.barriers is not None and len(inputs.barriers):
        path, _ = _lines(inputs.barriers, frame, _LAYER_BYTES)
        yield Layer("barriers", path, float(shapely.length(inputs.barriers).sum()) / 1000.0)


def _frame(shapes: Shapes) -> _Frame:
    west, south, east, north = shapely.total_bounds(shapes)
    longer = max(east - west, north - south, _LEAST_M)
    margin = longer * _MARGIN_SHARE
    width, height = (max(side, _LEAST_M) + 2 * margin for side in (east - west, north - south))
    scale = SIDE / max(width, height)
    return _Frame(west - margin, north + margin, scale, round(width * scale), round(height * scale))


def _ways(streets: RawStreets, crs: CRS, *, since: int = 0) -> Shapes:
    """Return ways as lines; a way goes on behind a node that lies outside the extract as another."""
    start = int(streets.first[since])
    known = np.asarray(np.isfinite(streets.xy[start:]).all(axis=1))
    begins = np.zeros(len(known) + 1, dtype=bool)
    begins[streets.first[since:] - start] = True
    begins[1:] |= ~known
    part = np.cumsum(begins[:-1])[known]
    xy = transform(streets.xy[start:][known], streets.crs, crs)
    _, which, count = np.unique(part, return_inverse=True, return_counts=True)
    keep = (count >= 2)[which] & np.isfinite(xy).all(axis=1)
    keep &= np.bincount(which[keep], minlength=len(count))[which] >= 2
    _, line = np.unique(which[keep], return_inverse=True)
    return np.asarray(shapely.linestrings(xy[keep], indices=line), dtype=object)


def _lines(lines: Shapes, frame: _Frame, most_bytes: int) -> tuple[str, float]:
    """Return lines as path data, the longest first as far as they fit, and the share of length drawn."""
    drawn = shapely.transform(lines, frame.units)
    drawn = shapely.get_parts(shapely.clip_by_rect(drawn, 0, 0, frame.width, frame.height))
    length = shapely.length(drawn)
    drawn = shapely.simplify(drawn, 1.0, preserve_topology=False)
    found, size, covered = [], 0, 0.0
    for i in np.argsort(-length, kind="stable"):
        path = _path(drawn[i])
        size += len(path)
        if size > most_bytes or length[i] < _SHORTEST:
            break
        found.append(path)
        covered += float(length[i])
    total = float(length.sum())
    return "".join(found), covered / total if total else math.nan


def _path(line: Any) -> str:
    points = np.rint(shapely.get_coordinates(line)).astype(int)
    steps = np.diff(points, axis=0)
    steps = steps[steps.any(axis=1)]
    return f"M{points[0, 0]} {points[0, 1]}l" + " ".join(f"{x} {y}" for x, y in steps) if len(steps) else ""


def _dots(points: Floats, most_bytes: int = _DOT_BYTES) -> str:
    data = "".join(f"M{x} {y}h0" for x, y in np.unique(np.rint(points).astype(int), axis=0))
    return data[: data.rfind("M", 0, most_bytes)] if len(data) > most_bytes else data


def _facilities(facilities: gpd.GeoDataFrame, frame: _Frame) -> tuple[dict[str, str], dict[str, int]]:
    placed = facilities[facilities.geometry.notna()]
    xy = frame.units(np.column_stack([placed.geometry.x, placed.geometry.y]))
    seen = ((xy >= 0) & (xy <= [frame.width, frame.height])).all(axis=1)
    usable = (placed["reason"] == "").to_numpy()
    operating = (placed["status"] == COUNTING_STATUS).to_numpy()
    which = {"counting": usable & operating, "idle": usable & ~operating, "unknown": ~usable}
    counts = {name: int((seen & chosen).sum()) for name, chosen in which.items()}
    return (
        {name: _dots(xy[seen & chosen]) for name, chosen in which.items()},
        counts | {"elsewhere": int((~seen).sum())},
    )


def _round_length(longest_m: float) -> int:
    """Return the greatest of 1, 2, 5, 10 … metres that is not longer."""
    power = 10 ** math.floor(math.log10(longest_m))
    return int(max(step * power for step in (1, 2, 5) if step * power <= longest_m))
