"""Sides: which street is on a point's side of the rivers, railways and motorways that nobody walks across."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from servicecircle.units import TOLERANCE_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from servicecircle.network.network import Network
    from servicecircle.units import Floats

TOUCH_M = 0.01
"""A walk that meets a barrier no farther than this from one of its ends does not cross it."""

_CHUNK = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """
    Streets cut where barriers cross them, to find the nearest that is reached without crossing one.

    Parameters
    ----------
    barriers
        The straight parts of the barriers.
    lines
        Geometry of each segment.
    segment, start, end, along_m
        Of each straight part of the streets, cut at the barriers: its segment, its ends, and the way along
        the segment to its start.
    mainland
        Whether each part lies on no islet.
    parts
        Over the parts.
    """

    barriers: shapely.STRtree
    lines: NDArray[np.object_]
    segment: NDArray[np.int64]
    start: Floats
    end: Floats
    along_m: Floats
    mainland: NDArray[np.bool_]
    parts: shapely.STRtree

    @classmethod
    def of(cls, network: Network, barriers: NDArray[np.object_]) -> Sides:
        """Cut the streets of a network at barrier lines in its CRS."""
        tree = shapely.STRtree(barriers)
        owner = np.repeat(np.arange(len(network.u)), np.diff(network.first))
        at = np.flatnonzero(owner[:-1] == owner[1:])
        start, end = network.vertices[at], network.vertices[at + 1]
        metres = np.hypot(*(end - start).T)
        opens = np.flatnonzero(np.diff(owner[at], prepend=-1))
        before = np.cumsum(metres) - metres
        along = before - np.repeat(before[opens], np.diff(np.append(opens, len(at))))
        part, cut = _cuts(tree, _straight(start, end))
        parts = np.concatenate([np.arange(len(at)), part])
        cut_m = np.concatenate([np.zeros(len(at)), np.hypot(*(cut - start[part]).T)])
        order = np.lexsort((cut_m, parts))
        parts, cut_m, begins = parts[order], cut_m[order], np.concatenate([start, cut])[order]
        last = np.diff(parts, append=-1) != 0
        ends = np.where(last[:, None], end[parts], np.roll(begins, -1, axis=0))
        segment = owner[at][parts]
        return cls(tree, network.lines(), segment, begins, ends, along[parts] + cut_m,
                   ~network.islet[segment], shapely.STRtree(_straight(begins, ends)))  # fmt: skip

    def blocked(self, xy: Floats, segment: NDArray[np.int64], offset_m: Floats) -> NDArray[np.bool_]:
        """Tell whether the straight walk from each point to a place on the streets crosses a barrier."""
        places = shapely.line_interpolate_point(self.lines[segment], offset_m)
        return self._cross(xy, shapely.get_coordinates(places))

    def _cross(self, xy: Floats, foot: Floats) -> NDArray[np.bool_]:
        walk_m = np.hypot(*(foot - xy).T)
        long = np.flatnonzero(walk_m > 2 * TOUCH_M)
        inset = (foot - xy)[long] * (TOUCH_M / walk_m[long])[:, None]
        met, _ = self.barriers.query(_straight(xy[long] + inset, foot[long] - inset), predicate="intersects")
        crosses = np.zeros(len(xy), dtype=bool)
        crosses[long[met]] = True
        return crosses

    def nearest(
        self, xy: Floats, limit_m: Floats, *, mainland: bool
    ) -> tuple[NDArray[np.int64], Floats, Floats]:
        """
        Return the nearest place of each point (n, 2) that no barrier lies before.

        Parameters
        ----------
        limit_m
            Farthest that a place may lie from each point.
        mainland
            Whether streets on islets are left out.

        Returns
        -------
        Segment, way along it, and distance; infinite where there is no such place. Of equally near ones,
        that of the lowest segment.
        """
        streets = self.mainland if mainland else np.ones(len(self.segment), dtype=bool)
        segment, along, metres = (
            np.zeros(len(xy), np.int64),
            np.full(len(xy), np.nan),
            np.full(len(xy), np.inf),
        )
        for low in range(0, len(xy), _CHUNK):
            here = slice(low, low + _CHUNK)
            point, part, foot = self._in_reach(xy[here], limit_m[here], streets)
            away = np.hypot(*(xy[here][point] - foot).T)
            order = np.lexsort((self.segment[part], np.round(away, 6), point))
            chosen, row = self._first_open(xy[here], point[order], foot[order])
            best = order[row]
            segment[low + chosen], metres[low + chosen] = self.segment[part[best]], away[best]
            on_part = np.hypot(*(foot[best] - self.start[part[best]]).T)
            along[low + chosen] = self.along_m[part[best]] + on_part
        return segment, along, metres

    def _in_reach(
        self, xy: Floats, limit_m: Floats, streets: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """Return pairs of a point and a part in its reach, and the nearest point of the part."""
        points: NDArray[np.object_] = np.asarray(shapely.points(xy), dtype=object)
        point, part = self.parts.query(points, predicate="dwithin", distance=limit_m + TOLERANCE_M)
        point, part = point[streets[part]], part[streets[part]]
        across = self.end[part] - self.start[part]
        squared = np.maximum((across**2).sum(axis=1), np.finfo(float).tiny)
        share = np.clip(((xy[point] - self.start[part]) * across).sum(axis=1) / squared, 0.0, 1.0)[:, None]
        return point, part, np.where(share == 1.0, self.end[part], self.start[part] + share * across)

    def _first_open(
        self, xy: Floats, point: NDArray[np.int64], foot: Floats
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the points that reach one of their feet, sorted by point and distance, and the first row."""
        bounds = np.searchsorted(point, np.arange(len(xy) + 1))
        row, end = bounds[:-1].copy(), bounds[1:]
        looking = np.flatnonzero(row < end)
        while len(looking):
            crosses = self._cross(xy[looking], foot[row[looking]])
            looking = looking[crosses]
            row[looking] += 1
            looking = looking[row[looking] < end[looking]]
        chosen = np.flatnonzero(row < end)
        return chosen, row[chosen]


def _straight(start: Floats, end: Floats) -> NDArray[np.object_]:
    lines: NDArray[np.object_] = np.asarray(shapely.linestrings(np.stack([start, end], axis=1)), dtype=object)
    return lines


def _cuts(barriers: shapely.STRtree, lines: NDArray[np.object_]) -> tuple[NDArray[np.int64], Floats]:
    """Return the parts that a barrier crosses, and where."""
    part, barrier = barriers.query(lines, predicate="intersects")
    crossing = shapely.intersection(lines[part], barriers.geometries[barrier])
    xy, pair = shapely.get_coordinates(crossing, return_index=True)
    return part[pair], xy
