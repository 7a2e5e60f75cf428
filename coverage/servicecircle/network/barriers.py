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

_PAST_M = 1e-5  # so far beside the end of a barrier a walk passes it
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
    bends, bend_to, bend_id
        Both ends of each barrier part, the other end of it, and a number that equal places share.
    bend_tree
        Over the bends.
    """

    barriers: shapely.STRtree
    lines: NDArray[np.object_]
    segment: NDArray[np.int64]
    start: Floats
    end: Floats
    along_m: Floats
    mainland: NDArray[np.bool_]
    parts: shapely.STRtree
    bends: Floats
    bend_to: Floats
    bend_id: NDArray[np.int64]
    bend_tree: shapely.STRtree

    @classmethod
    def of(cls, network: Network, barriers: NDArray[np.object_]) -> Sides:
        """Cut the streets of a network at barrier lines in its CRS."""
        turns, line = shapely.get_coordinates(barriers, return_index=True)
        first = np.flatnonzero(line[1:] == line[:-1])
        walls = np.stack([turns[first], turns[first + 1]], axis=1)
        tree = shapely.STRtree(_straight(walls[:, 0], walls[:, 1]))
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
        bends, bend_to = walls.reshape(-1, 2), walls[:, ::-1].reshape(-1, 2)
        _, bend_id = np.unique(bends, axis=0, return_inverse=True)
        return cls(tree, network.lines(), segment, begins, ends, along[parts] + cut_m,
                   ~network.islet[segment], shapely.STRtree(_straight(begins, ends)),
                   bends, bend_to, bend_id.ravel(), shapely.STRtree(_points(bends)))  # fmt: skip

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
            at, reach = xy[low : low + _CHUNK], limit_m[low : low + _CHUNK]
            feet = self._in_reach(at, reach, streets)
            found = self._first_open(at, *feet)
            best = np.full(len(at), np.inf)
            best[found[0]] = np.hypot(*(at[found[0]] - found[2]).T)
            hidden = np.hypot(*(at[feet[0]] - feet[2]).T) < best[feet[0]] - TOLERANCE_M
            past = self._past_ends(at, np.minimum(reach, best), feet[0][hidden], feet[1][hidden])
            point, part, foot = self._first_open(
                at, *(np.concatenate(columns) for columns in zip(found, past, strict=True))
            )
            row = low + point
            segment[row], metres[row] = self.segment[part], np.hypot(*(at[point] - foot).T)
            along[row] = self.along_m[part] + np.hypot(*(foot - self.start[part]).T)
        return segment, along, metres

    def _in_reach(
        self, xy: Floats, limit_m: Floats, streets: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """Return pairs of a point and a part in its reach, and the nearest point of the part."""
        reach_m = limit_m + TOLERANCE_M
        point, part = self.parts.query(_points(xy), predicate="dwithin", distance=reach_m)
        point, part = point[streets[part]], part[streets[part]]
        across = self.end[part] - self.start[part]
        squared = np.maximum((across**2).sum(axis=1), np.finfo(float).tiny)
        share = np.clip(((xy[point] - self.start[part]) * across).sum(axis=1) / squared, 0.0, 1.0)[:, None]
        return point, part, np.where(share == 1.0, self.end[part], self.start[part] + share * across)

    def _past_ends(
        self, xy: Floats, reach_m: Floats, point: NDArray[np.int64], part: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """
        Return pairs of a point and a part with a place that is seen just past a barrier's end or bend.

        Where the nearest place of a part is hidden, the nearest that is seen is one of these. The pairs given
        are sorted by point.
        """
        who, vertex = self._rims(xy, reach_m, np.unique(point))
        first, last = (np.searchsorted(point, who, side=side) for side in ("left", "right"))
        counts = last - first
        pair = np.repeat(np.arange(len(who)), counts)
        hidden = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(len(pair))
        who, part = who[pair], part[hidden]
        sight = self.bends[vertex[pair]] - xy[who]
        beside = _PAST_M * np.column_stack([-sight[:, 1], sight[:, 0]]) / np.hypot(*sight.T)[:, None]
        sight = np.concatenate([sight + beside, sight - beside])
        who, part = np.tile(who, 2), np.tile(part, 2)
        ahead, step = self.start[part] - xy[who], self.end[part] - self.start[part]
        with np.errstate(divide="ignore", invalid="ignore"):
            beyond, share = (_turn(ahead, of) / _turn(sight, step) for of in (step, sight))
        met = (beyond >= 1) & (share >= 0) & (share <= 1)
        return who[met], part[met], (self.start[part] + step * share[:, None])[met]

    def _rims(
        self, xy: Floats, reach_m: Floats, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return pairs of a point and a barrier's end or bend in its reach that its sight can pass beside."""
        near, bend = self.bend_tree.query(
            _points(xy[rows]), predicate="dwithin", distance=reach_m[rows] + TOLERANCE_M
        )
        who = rows[near]
        sight = self.bends[bend] - xy[who]
        off = sight.any(axis=1)
        who, bend, sight = who[off], bend[off], sight[off]
        side = np.sign(_turn(sight, self.bend_to[bend] - self.bends[bend]))
        _, group = np.unique(np.column_stack([who, self.bend_id[bend]]), axis=0, return_inverse=True)
        low, high = np.ones(len(who)), -np.ones(len(who))
        np.minimum.at(low, group.ravel(), side)
        np.maximum.at(high, group.ravel(), side)
        rim = (low * high >= 0)[group.ravel()]
        _, once = np.unique(group.ravel()[rim], return_index=True)
        return who[rim][once], bend[rim][once]

    def _first_open(
        self, xy: Floats, point: NDArray[np.int64], part: NDArray[np.int64], foot: Floats
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """Return the points that reach one of their feet, ascending, with the nearest such foot."""
        away = np.hypot(*(xy[point] - foot).T)
        order = np.lexsort((self.segment[part], np.round(away, 6), point))
        point, part, foot = point[order], part[order], foot[order]
        bounds = np.searchsorted(point, np.arange(len(xy) + 1))
        row, end = bounds[:-1].copy(), bounds[1:]
        looking = np.flatnonzero(row < end)
        while len(looking):
            crosses = self._cross(xy[looking], foot[row[looking]])
            looking = looking[crosses]
            row[looking] += 1
            looking = looking[row[looking] < end[looking]]
        chosen = np.flatnonzero(row < end)
        return chosen, part[row[chosen]], foot[row[chosen]]


def _points(xy: Floats) -> NDArray[np.object_]:
    points: NDArray[np.object_] = np.asarray(shapely.points(xy), dtype=object)
    return points


def _turn(a: Floats, b: Floats) -> Floats:
    """Return the cross products of vectors (n, 2)."""
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def _straight(start: Floats, end: Floats) -> NDArray[np.object_]:
    lines: NDArray[np.object_] = np.asarray(shapely.linestrings(np.stack([start, end], axis=1)), dtype=object)
    return lines


def _cuts(barriers: shapely.STRtree, lines: NDArray[np.object_]) -> tuple[NDArray[np.int64], Floats]:
    """Return the parts that a barrier crosses, and where."""
    part, barrier = barriers.query(lines, predicate="intersects")
    crossing = shapely.intersection(lines[part], barriers.geometries[barrier])
    xy, pair = shapely.get_coordinates(crossing, return_index=True)
    return part[pair], xy
