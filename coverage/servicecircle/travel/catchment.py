"""Catchments: the junctions and streets from which one facility is reached within a cut-off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from servicecircle.travel.field import with_facilities
from servicecircle.units import TOLERANCE_M, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from servicecircle.network.network import Network
    from servicecircle.network.place import Placements
    from servicecircle.units import Floats

_BLOCK_M = 4_000.0


@dataclass(frozen=True, slots=True, eq=False)
class Catchment:
    """
    The streets from which one facility is reached within a cut-off.

    Parameters
    ----------
    facility
        Number of the facility.
    node, node_m
        Junctions within the cut-off, and the walk from each.
    segment, begin_m, end_m
        Reached stretches: segment, and way along it at which each begins and ends; no two overlap.
    """

    facility: int
    node: NDArray[np.int64]
    node_m: Floats
    segment: NDArray[np.int64]
    begin_m: Floats
    end_m: Floats

    @property
    def street_m(self) -> float:
        """Length of the reached streets."""
        return float((self.end_m - self.begin_m).sum())


def catchments(
    network: Network, facilities: Placements, *, cutoff_m: float, xy: Floats
) -> Iterator[Catchment]:
    """
    Search from each placed facility by itself, up to a cut-off, in the order of their numbers.

    Facilities are searched in blocks of a few kilometres: no walk within the cut-off leaves the square
    that lies one cut-off around a block, so the rest of the network is not looked at.
    """
    found: dict[int, Catchment] = {}
    incident = _incidence(network)
    graph = with_facilities(network.towards(), network, facilities)
    order = np.argsort(network.node_xy[:, 0], kind="stable")
    by_x = order, network.node_xy[order, 0]
    for block in _blocks(np.flatnonzero(facilities.placed), xy):
        of_block = _of_block(network, facilities, block, cutoff_m, xy, incident, graph, by_x)
        found |= {c.facility: c for c in of_block}
    for facility in sorted(found):
        yield found[facility]


def _blocks(numbers: NDArray[np.int64], xy: Floats) -> Iterator[NDArray[np.int64]]:
    if len(numbers) == 0:
        return
    cell = np.floor(xy[numbers] / _BLOCK_M).astype(np.int64)
    _, block = np.unique(cell, axis=0, return_inverse=True)
    for number in range(block.max() + 1):
        yield numbers[block.ravel() == number]


def _incidence(network: Network) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return offsets per junction, and the segments that meet there."""
    ends = np.concatenate([network.u, network.v])
    order = np.argsort(ends, kind="stable")
    first = np.searchsorted(ends[order], np.arange(len(network.node_ref) + 1))
    return first, np.tile(np.arange(len(network.u)), 2)[order]


def _of_block(
    network: Network, facilities: Placements, block: NDArray[np.int64], cutoff_m: float, xy: Floats,
    incident: tuple[NDArray[np.int64], NDArray[np.int64]], graph: csr_array,
    by_x: tuple[NDArray[np.int64], Floats],
) -> Iterator[Catchment]:  # fmt: skip
    from scipy.sparse.csgraph import dijkstra

    low, high = xy[block].min(axis=0) - cutoff_m - 1.0, xy[block].max(axis=0) + cutoff_m + 1.0
    order, x = by_x
    strip = order[slice(*np.searchsorted(x, [low[0], high[0]]))]
    y = network.node_xy[strip, 1]
    near = np.sort(strip[(y >= low[1]) & (y <= high[1])])
    rows = np.concatenate([near, len(network.node_ref) + block])
    local = graph[rows][:, rows]
    starts = len(near) + np.arange(len(block))
    metres = dijkstra(local, indices=starts, limit=cutoff_m + TOLERANCE_M)[:, : len(near)]
    for number, walk in zip(block, metres, strict=True):
        reached = np.flatnonzero(np.isfinite(walk))
        yield _stretches(network, facilities, int(number), near[reached], walk[reached], cutoff_m, incident)


def _stretches(
    network: Network, facilities: Placements, facility: int, node: NDArray[np.int64], node_m: Floats,
    cutoff_m: float, incident: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> Catchment:  # fmt: skip
    position, of_node = _runs(incident[0], node)
    segment, at = incident[1][position], node[of_node]
    left = np.maximum(cutoff_m - node_m[of_node], 0.0)
    from_u = (network.u[segment] == at) & network.backward[segment]
    from_v = (network.v[segment] == at) & network.forward[segment]
    length = network.length_m[segment]
    parts = [
        (segment[from_u], np.zeros(from_u.sum()), np.minimum(left, length)[from_u]),
        (segment[from_v], np.maximum(length - left, 0.0)[from_v], length[from_v]),
        *_around(network, facilities, facility, cutoff_m),
    ]
    merged = union_stretches(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    return Catchment(facility, node, node_m, *merged)


def _around(
    network: Network, facilities: Placements, facility: int, cutoff_m: float
) -> Iterator[tuple[NDArray[np.int64], Floats, Floats]]:
    """Yield the stretches on the facility's own segments from which it is walked to directly."""
    for slot in (0, 1):
        access = facilities.access_m[facility, slot]
        if not within(access, cutoff_m):
            continue
        segment, offset = facilities.segment[facility, slot], facilities.offset_m[facility, slot]
        left, length = max(cutoff_m - access, 0.0), network.length_m[segment]
        begin = max(offset - left, 0.0) if network.forward[segment] else offset
        end = min(offset + left, length) if network.backward[segment] else offset
        yield np.array([segment]), np.array([begin]), np.array([end])


def union_stretches(
    segment: NDArray[np.int64], begin: Floats, end: Floats
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Join stretches of one segment that touch or overlap."""
    order = np.lexsort((begin, segment))
    segment, begin, end = segment[order], begin[order], end[order]
    # a shift per segment, wider than any segment, lets one running maximum serve all of them
    shift = segment * (end.max(initial=0.0) + 1.0)
    furthest = np.maximum.accumulate(end + shift) if len(end) else end
    opens = np.ones(len(segment), dtype=bool)
    opens[1:] = (begin + shift)[1:] > furthest[:-1] + TOLERANCE_M
    opens[1:] |= segment[1:] != segment[:-1]
    starts = np.flatnonzero(opens)
    joined = np.maximum.reduceat(end, starts) if len(starts) else end
    return segment[starts], begin[starts], joined


@dataclass(frozen=True, slots=True, eq=False)
class Walkers:
    """
    Placed points, sorted by the segments they stand on, to ask who reaches a given facility.

    Parameters
    ----------
    network, places
        The streets and the places of the points on them.
    facilities
        Places of the facilities.
    first, row, slot
        Points on segment `s` are `row[first[s]:first[s + 1]]`, by their place number `slot`.
    incident
        Offsets per junction, and the segments that meet there.
    """

    network: Network
    places: Placements
    facilities: Placements
    first: NDArray[np.int64]
    row: NDArray[np.int64]
    slot: NDArray[np.int64]
    incident: tuple[NDArray[np.int64], NDArray[np.int64]]

    @classmethod
    def of(cls, network: Network, places: Placements, facilities: Placements) -> Walkers:
        """Sort points by segment."""
        row, slot = np.nonzero(np.isfinite(places.access_m))
        segment = places.segment[row, slot]
        order = np.argsort(segment, kind="stable")
        first = np.searchsorted(segment[order], np.arange(len(network.u) + 1))
        return cls(network, places, facilities, first, row[order], slot[order], _incidence(network))

    def metres_to(self, found: Catchment) -> tuple[NDArray[np.int64], Floats]:
        """Return the points near a catchment's streets, each once, and their walk to its facility."""
        net = self.network
        # also those where none of the street is reached: its end may be a reached junction
        meeting = self.incident[1][_runs(self.incident[0], found.node)[0]]
        segments = np.unique(np.concatenate([found.segment, meeting]))
        pick, at = _runs(self.first, segments)
        row, slot, segment = self.row[pick], self.slot[pick], segments[at]
        offset, access = self.places.offset_m[row, slot], self.places.access_m[row, slot]
        by_end = [
            np.where(allowed, _looked_up(found, node) + walk, np.inf)
            for node, walk, allowed in net.ways_out(segment, offset)
        ]
        metres = np.minimum(*by_end)
        metres = access + np.minimum(metres, self._directly(found.facility, segment, offset))
        points, which = np.unique(row, return_inverse=True)
        least = np.full(len(points), np.inf)
        np.minimum.at(least, which, metres)
        return points, least

    def _directly(self, facility: int, segment: NDArray[np.int64], offset: Floats) -> Floats:
        """Return the walk along one segment to the facility, where it stands on that segment."""
        net, least = self.network, np.full(len(segment), np.inf)
        for slot in (0, 1):
            access = self.facilities.access_m[facility, slot]
            ahead = self.facilities.offset_m[facility, slot] - offset
            allowed = np.where(ahead > 0, net.forward[segment], net.backward[segment]) | (ahead == 0)
            here = (segment == self.facilities.segment[facility, slot]) & allowed & np.isfinite(access)
            least = np.where(here, np.minimum(least, np.abs(ahead) + access), least)
        return least


def _runs(first: NDArray[np.int64], chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions `first[c]` to `first[c + 1]` of each chosen c, and whose each is."""
    counts = first[chosen + 1] - first[chosen]
    at = np.repeat(np.arange(len(chosen)), counts)
    return np.repeat(first[chosen] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum()), at


def _looked_up(found: Catchment, node: NDArray[np.int64]) -> Floats:
    """Return the walk from junctions to the facility; infinite for those not reached."""
    if len(found.node) == 0:
        return np.full(len(node), np.inf)
    at = np.minimum(np.searchsorted(found.node, node), len(found.node) - 1)
    return np.where(found.node[at] == node, found.node_m[at], np.inf)
