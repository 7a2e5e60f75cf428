"""
Placement: where a point meets the streets.

The nearest point of the nearest segment, exactly. A k-d tree over street samples proposes, exact distances
decide, and a bound proves that no other segment can be nearer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from servicecircle.network.barriers import Sides
from servicecircle.units import TOLERANCE_M, within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from servicecircle.network.network import Network
    from servicecircle.units import Floats

_SPACING_M = 20.0
_FIRST_LOOK = 8  # samples looked at before falling back to all within the bound
_CHUNK = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Placements:
    """
    Up to two places on the streets for each point: the nearest, and off the islet where that is on one.

    Parameters
    ----------
    segment
        Segment of each place (n, 2); meaningless where `access_m` is infinite.
    offset_m
        Way along the segment from its start to the place (n, 2).
    access_m
        Straight walk from the point to the place (n, 2); infinite where there is no such place.
    snap_m
        Distance to the nearest segment (n,), whether or not it is near enough to count.
    """

    segment: NDArray[np.int64]
    offset_m: Floats
    access_m: Floats
    snap_m: Floats

    def __len__(self) -> int:
        return len(self.snap_m)

    @property
    def placed(self) -> NDArray[np.bool_]:
        """Whether each point has a place on the streets."""
        return np.asarray(np.isfinite(self.access_m).any(axis=1))

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Placements:
        """Return the placements of some points."""
        return Placements(self.segment[rows], self.offset_m[rows], self.access_m[rows], self.snap_m[rows])

    def only(self, chosen: NDArray[np.bool_]) -> Placements:
        """Return the same placements with all but the chosen points off the streets."""
        access_m = np.where(chosen[:, None], self.access_m, np.inf)
        return Placements(self.segment, self.offset_m, access_m, self.snap_m)


@dataclass(frozen=True, slots=True, eq=False)
class StreetIndex:
    """
    The straight parts of some segments, and a k-d tree over samples of them.

    Parameters
    ----------
    start, step
        Start (p, 2) and direction (p, 2) of each straight part.
    length_m, along_m
        Length of each part, and its start's way along its segment.
    segment
        Segment of each part, ascending.
    part
        Part of each sample.
    tree
        Over the samples: every point of a part lies within half the spacing of a sample of that part.
    """

    start: Floats
    step: Floats
    length_m: Floats
    along_m: Floats
    segment: NDArray[np.int64]
    part: NDArray[np.int64]
    tree: cKDTree

    @classmethod
    def of(cls, network: Network, chosen: NDArray[np.bool_] | None = None) -> StreetIndex | None:
        """Index the segments of a network, or the chosen ones; None where there is no segment."""
        owner = np.repeat(np.arange(len(network.u)), np.diff(network.first))
        begins = np.flatnonzero(owner[:-1] == owner[1:])
        if chosen is not None:
            begins = begins[chosen[owner[begins]]]
        if len(begins) == 0:
            return None
        start, step = network.vertices[begins], network.vertices[begins + 1] - network.vertices[begins]
        length_m = np.hypot(*step.T)
        segment = owner[begins]
        opens = np.flatnonzero(np.diff(segment, prepend=-1))
        before = np.cumsum(length_m) - length_m
        along = before - np.repeat(before[opens], np.diff(np.append(opens, len(begins))))
        counts = np.maximum(1, np.ceil(length_m / _SPACING_M)).astype(np.int64)
        part = np.repeat(np.arange(len(begins)), counts)
        serial = np.arange(len(part)) - np.repeat(np.cumsum(counts) - counts, counts)
        samples = start[part] + step[part] * ((serial + 0.5) / counts[part])[:, None]
        return cls(start, step, length_m, along, segment, part, cKDTree(samples))

    def nearest(self, xy: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
        """Return the nearest segment, the way along it, and the distance, of each point (n, 2)."""
        chunks = [self._nearest(xy[i : i + _CHUNK]) for i in range(0, len(xy), _CHUNK)]
        if not chunks:
            return np.empty(0, np.int64), np.empty(0), np.empty(0)
        part, along, distance = (np.concatenate(column) for column in zip(*chunks, strict=True))
        return self.segment[part], along, distance

    def _nearest(self, xy: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
        looked = min(_FIRST_LOOK, self.tree.n)
        far, sample = (np.asarray(found) for found in self.tree.query(xy, k=[*range(1, looked + 1)]))
        point = np.repeat(np.arange(len(xy)), looked)
        part, along, distance = self._best(xy, point, self.part[sample].ravel())
        # a part none of whose samples was seen is at least this far; the margin keeps ties in sight
        unseen = far[:, -1] - _SPACING_M / 2 - 2 * TOLERANCE_M
        open_ = np.flatnonzero(~(unseen > distance)) if looked < self.tree.n else np.empty(0, np.int64)
        if len(open_):
            reach = distance[open_] + _SPACING_M / 2 + 2 * TOLERANCE_M
            samples = self.tree.query_ball_point(xy[open_], reach, return_sorted=False)
            counts = np.array([len(s) for s in samples])
            point = np.repeat(np.arange(len(open_)), counts)
            candidates = self.part[np.concatenate([np.asarray(s, dtype=np.int64) for s in samples])]
            part[open_], along[open_], distance[open_] = self._best(xy[open_], point, candidates)
        return part, along, distance

    def _best(
        self, xy: Floats, point: NDArray[np.int64], part: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], Floats, Floats]:
        """Return the nearest of the proposed parts of each point; of equals, the lowest segment."""
        away = xy[point] - self.start[part]
        squared = np.maximum(self.length_m[part] ** 2, np.finfo(float).tiny)
        share = np.clip((away * self.step[part]).sum(axis=1) / squared, 0.0, 1.0)
        # at the far end the vertex itself, so that all parts meeting there are equally far
        foot = np.where((share == 1.0)[:, None], self.start[part] + self.step[part],
                        self.start[part] + share[:, None] * self.step[part])  # fmt: skip
        distance = np.hypot(*(xy[point] - foot).T)
        least = np.full(len(xy), np.inf)
        np.minimum.at(least, point, distance)
        tied = distance <= least[point] + TOLERANCE_M
        order = np.lexsort((distance[tied], self.segment[part[tied]], point[tied]))
        winners = np.flatnonzero(tied)[order]
        winners = winners[np.flatnonzero(np.diff(point[winners], prepend=-1))]
        along = self.along_m[part[winners]] + share[winners] * self.length_m[part[winners]]
        return part[winners], along, distance[winners]


@dataclass(frozen=True, slots=True, eq=False)
class Placer:
    """
    Places points on a network.

    Parameters
    ----------
    everywhere, off_islets
        Indices of all segments, and of those on no islet.
    sides
        What lies across barriers; None where there are none.
    """

    network: Network
    everywhere: StreetIndex
    off_islets: StreetIndex | None
    sides: Sides | None = None

    @classmethod
    def of(cls, network: Network, *, barriers: NDArray[np.object_] | None = None) -> Placer:
        """Index a network once for all points; no access walk crosses a line of `barriers`, in its CRS."""
        everywhere = StreetIndex.of(network)
        if everywhere is None:
            raise ValueError("a network has at least one segment")
        mixed = network.islet.any() and not network.islet.all()
        sides = None if barriers is None or len(barriers) == 0 else Sides.of(network, barriers)
        return cls(network, everywhere, StreetIndex.of(network, ~network.islet) if mixed else None, sides)

    def place(self, xy: Floats, *, snap_m: float | Floats) -> Placements:
        """
        Place points on the streets.

        Parameters
        ----------
        xy
            Coordinates (n, 2) in the network's CRS; NaN is nowhere.
        snap_m
            Farthest that a point may lie from its place, one number or one per point.
        """
        count = len(xy)
        segment = np.zeros((count, 2), np.int64)
        offset_m = np.full((count, 2), np.nan)
        access_m = np.full((count, 2), np.inf)
        limit = np.broadcast_to(np.asarray(snap_m, dtype=float), (count,))
        known = np.flatnonzero(np.isfinite(xy).all(axis=1))
        self._fill(self.everywhere, xy, known, 0, segment, offset_m, access_m)
        snap = access_m[:, 0].copy()
        self._keep_sides(xy, known, limit, 0, segment, offset_m, access_m)
        on_islet = known[self.network.islet[segment[known, 0]]]
        if self.off_islets is not None and len(on_islet):
            self._fill(self.off_islets, xy, on_islet, 1, segment, offset_m, access_m)
            self._keep_sides(xy, on_islet, limit, 1, segment, offset_m, access_m)
        access_m[~within(access_m, limit[:, None])] = np.inf
        return Placements(segment, np.where(np.isfinite(access_m), offset_m, np.nan), access_m, snap)

    def _fill(
        self, index: StreetIndex, xy: Floats, rows: NDArray[np.int64], slot: int,
        segment: NDArray[np.int64], offset_m: Floats, access_m: Floats,
    ) -> None:  # fmt: skip
        found, along, distance = index.nearest(xy[rows])
        segment[rows, slot] = found
        offset_m[rows, slot] = np.minimum(along, self.network.length_m[found])
        access_m[rows, slot] = distance

    def _keep_sides(
        self, xy: Floats, rows: NDArray[np.int64], limit: Floats, slot: int,
        segment: NDArray[np.int64], offset_m: Floats, access_m: Floats,
    ) -> None:  # fmt: skip
        """Give points whose walk to their place crosses a barrier the nearest place on their side."""
        if self.sides is None:
            return
        near = rows[within(access_m[rows, slot], limit[rows])]
        rows = near[self.sides.blocked(xy[near], segment[near, slot], offset_m[near, slot])]
        found, along, metres = self.sides.nearest(xy[rows], limit[rows], mainland=slot == 1)
        segment[rows, slot], access_m[rows, slot] = found, metres
        offset_m[rows, slot] = np.minimum(along, self.network.length_m[found])
