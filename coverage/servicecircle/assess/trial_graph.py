"""
A page's piece of the streets in whole millimetres, and trials recalculated on it.

The browser searches the same numbers in the same order, so its figures are these figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import dijkstra

from servicecircle.assess.trial import Outcome
from servicecircle.assess.verdicts import reaches
from servicecircle.network.network import shortest_links
from servicecircle.units import within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from servicecircle.assess.trial import Site, Trial
    from servicecircle.units import Floats

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

NONE = -1
"""Access of a place that there is not."""

TOLERANCE_MM = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """
    Points and their places on the streets, in millimetres.

    Parameters
    ----------
    xy
        From the graph's origin (n, 2).
    segment, offset, access
        Up to two places each (n, 2); the access is `NONE` where there is no such place.
    given
        Whether a place is not simply the nearest point of its segment (n, 2): a barrier lies before that.
    """

    xy: Ints
    segment: Ints
    offset: Ints
    access: Ints
    given: Bools

    def take(self, rows: Ints | Bools) -> Spots:
        """Return some of the points."""
        return Spots(*(getattr(self, name)[rows] for name in self.__slots__))

    @classmethod
    def joined(cls, first: Spots, second: Spots) -> Spots:
        """Return two sets of points as one."""
        pairs = ((getattr(first, name), getattr(second, name)) for name in cls.__slots__)
        return cls(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True, slots=True, eq=False)
class TrialGraph:
    """
    Streets, people and facilities of a page.

    Parameters
    ----------
    origin_mm
        What all coordinates count from, in the study CRS.
    node_xy
        Coordinates of the junctions (n, 2).
    u, v, length, forward, backward, islet, piece
        Of each segment (m,), as in `Network`; in the order of the run's segments.
    piece_m
        Street length of each piece, in metres, beyond the page too.
    name
        Number of each segment's name in `names`; 0 is unnamed.
    first, vertices
        Geometry of each segment; none where it lies too far out for a site.
    counts, later
        For which circles each facility counts, and would once it opened (f, c).
    error
        How far each facility may stand from its point.
    village, circle
        Of each demand point; a neighbour's village is -1.
    weight, elderly
        Thousandths of people.
    state
        What the run found: bits 1 within, 2 doubtful, 4 surely within by the streets.
    limits
        Of each circle.
    judged
        Whether a village's streets are mapped and its people known, so that a trial may judge it.
    served_outside
        Pieces on which a facility beyond the page counts (pieces, c).
    walls
        Straight parts of the barriers (b, 2, 2).
    """

    origin_mm: tuple[int, int]
    node_xy: Ints
    u: Ints
    v: Ints
    length: Ints
    forward: Bools
    backward: Bools
    islet: Bools
    piece: Ints
    piece_m: Floats
    name: Ints
    names: tuple[str, ...]
    first: Ints
    vertices: Ints
    facility_ids: tuple[str, ...]
    facilities: Spots
    counts: Bools
    later: Bools
    error: Ints
    people: Spots
    village: Ints
    circle: Ints
    weight: Ints
    elderly: Ints
    state: Ints
    circle_kinds: tuple[tuple[str, ...], ...]
    limits: Floats
    codes: tuple[str, ...]
    judged: Bools
    served_outside: Bools
    walls: Ints
    snap: float
    doubt_detour: float
    straight: bool
    required: float

    def towards(self) -> tuple[Ints, Ints, Ints]:
        """Return tails, heads and lengths of the steps against the way people walk."""
        ahead, back = self.forward, self.backward
        return (
            np.concatenate([self.v[ahead], self.u[back]]),
            np.concatenate([self.u[ahead], self.v[back]]),
            np.concatenate([self.length[ahead], self.length[back]]),
        )


def place_site(graph: TrialGraph, x: int, y: int) -> Spots | None:
    """
    Place a point as the run places a facility.

    Returns
    -------
    None where a barrier lies before its nearest street: there the place is found by sight lines, which
    the page does not draw.
    """
    mainland = ~graph.islet
    spots = Spots(
        np.array([[x, y]]), np.zeros((1, 2), np.int64), np.zeros((1, 2), np.int64), np.full((1, 2), NONE),
        np.zeros((1, 2), bool),
    )  # fmt: skip
    segment, offset, distance, foot = _nearest(graph, x, y, np.ones(len(graph.u), bool))
    found = [(segment, offset, distance, foot)]
    if segment >= 0 and graph.islet[segment] and mainland.any():
        found.append(_nearest(graph, x, y, mainland))
    for slot, (segment, offset, distance, foot) in enumerate(found):
        if segment < 0 or distance > graph.snap + TOLERANCE_MM:
            continue
        if _blocked(graph, x, y, foot):
            return None
        spots.segment[0, slot], spots.offset[0, slot] = segment, offset
        spots.access[0, slot] = int(np.floor(distance + 0.5))
    return spots


def _nearest(graph: TrialGraph, x: int, y: int, chosen: Bools) -> tuple[int, int, float, tuple[float, float]]:
    """Return the nearest place on the chosen segments: segment, way along it, distance and foot."""
    candidates = np.flatnonzero(chosen & (np.diff(graph.first) > 0))
    if len(candidates) == 0:
        return NONE, 0, np.inf, (0.0, 0.0)
    xy = np.broadcast_to(np.array([x, y]), (len(candidates), 2))
    offset, distance, foot = feet(graph.first, graph.vertices, graph.length, xy, candidates)
    best = int(np.flatnonzero(distance <= distance.min() + TOLERANCE_MM)[0])
    return int(candidates[best]), int(offset[best]), float(distance[best]), (foot[best, 0], foot[best, 1])


def feet(
    first: Ints, vertices: Ints, length: Ints, xy: Ints, segment: Ints
) -> tuple[Ints, Floats, Floats]:  # fmt: skip
    """
    Return the nearest point of one segment for each point (n, 2), as graph.js finds it.

    Returns
    -------
    The way along the segment in whole millimetres, the distance (infinite where the segment has no geometry),
    and the point.
    """
    parts = np.maximum(np.diff(first)[segment] - 1, 0)
    row = np.repeat(np.arange(len(segment)), parts)
    opens = np.cumsum(parts) - parts
    at = first[segment][row] + np.arange(len(row)) - opens[row]
    start, end = vertices[at].astype(float), vertices[at + 1].astype(float)
    step = end - start
    squared = step[:, 0] * step[:, 0] + step[:, 1] * step[:, 1]
    dot = (xy[row, 0] - start[:, 0]) * step[:, 0] + (xy[row, 1] - start[:, 1]) * step[:, 1]
    share = np.clip(np.divide(dot, squared, out=np.zeros(len(row)), where=squared > 0), 0.0, 1.0)
    foot = np.where((share == 1.0)[:, None], end, start + share[:, None] * step)
    away = np.sqrt((xy[row, 0] - foot[:, 0]) ** 2 + (xy[row, 1] - foot[:, 1]) ** 2)
    lengths = np.sqrt(squared)
    before = np.cumsum(lengths) - lengths
    order = np.lexsort((np.arange(len(row)), away, row))
    best = order[np.flatnonzero(np.diff(row[order], prepend=-1))]
    here = row[best]
    whole = np.bincount(row, weights=lengths, minlength=len(segment))[here]
    along = before[best] - before[opens[here]] + share[best] * lengths[best]
    share_of_whole = np.divide(along, whole, out=np.zeros(len(here)), where=whole > 0)
    offset, distance, point = (
        np.zeros(len(segment), np.int64),
        np.full(len(segment), np.inf),
        np.zeros((len(segment), 2)),
    )
    offset[here] = np.floor(share_of_whole * length[segment[here]] + 0.5)
    distance[here], point[here] = away[best], foot[best]
    return offset, distance, point


def _blocked(graph: TrialGraph, x: int, y: int, foot: tuple[float, float]) -> bool:
    """Tell whether the straight walk from a point to its place crosses a barrier."""
    walk = np.array([[float(x), float(y)], foot])
    turns = _turns(walk[None], graph.walls.astype(float))
    return bool(turns.any())


def _turns(walk: Floats, walls: Floats) -> Bools:
    """Tell which walls a walk crosses: each lies on both sides of the other."""
    (ax, ay), (bx, by) = walk[0]
    cx, cy, dx, dy = walls[:, 0, 0], walls[:, 0, 1], walls[:, 1, 0], walls[:, 1, 1]
    one = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    two = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
    three = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
    four = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
    return np.asarray((one * two < 0) & (three * four < 0))


def try_in_graph(graph: TrialGraph, trial: Trial) -> Outcome:
    """Measure the people of a page anew on its graph, and say what changes for its own villages."""
    state = states(graph, trial)
    own = graph.village >= 0
    gained, lost = (
        own & (state & 1 > graph.state & 1),
        own & (state & 1 < graph.state & 1),
    )
    before, after = village_verdicts(graph, graph.state), village_verdicts(graph, state)
    changed = {
        code: (old, new)
        for code, old, new, judged in zip(graph.codes, before, after, graph.judged, strict=True)
        if judged and old != new
    }
    return Outcome(
        gained=_people(graph.weight, gained),
        lost=_people(graph.weight, lost),
        elderly_gained=_people(graph.elderly, gained),
        elderly_lost=_people(graph.elderly, lost),
        verdicts=changed,
    )


def _people(thousandths: Ints, chosen: Bools) -> float:
    return float(thousandths[chosen].sum()) / 1000


def states(graph: TrialGraph, trial: Trial) -> Ints:
    """Return everybody's state under a trial: the run's, where the trial changes nothing."""
    ids = np.array(graph.facility_ids, dtype=object)
    keep = ~np.isin(ids, list(trial.removed))
    opened = np.isin(ids, list(trial.opened))
    state = graph.state.copy()
    for number, kinds in enumerate(graph.circle_kinds):
        rows = np.flatnonzero(graph.circle == number)
        counts = graph.counts[:, number]
        tried = (counts & keep) | (graph.later[:, number] & opened)
        sites = [site for site in trial.sites if site.kind in kinds]
        if not sites and (tried == counts).all():
            continue
        old = _measure(graph, number, graph.facilities.take(counts), graph.error[counts], rows)
        spots, error = _with_sites(graph, graph.facilities.take(tried), graph.error[tried], sites)
        new = _measure(graph, number, spots, error, rows)
        state[rows] = np.where(old == new, state[rows], new)
    return state


def _with_sites(graph: TrialGraph, spots: Spots, error: Ints, sites: list[Site]) -> tuple[Spots, Ints]:
    for site in sites:
        placed = place_site(graph, site.x_mm - graph.origin_mm[0], site.y_mm - graph.origin_mm[1])
        if placed is None:
            raise ValueError("a barrier lies before the nearest street")
        spots, error = Spots.joined(spots, placed), np.append(error, 0)
    return spots, error


def _measure(graph: TrialGraph, circle: int, spots: Spots, error: Ints, rows: Ints) -> Ints:
    """Return the state of some people under one circle and the facilities that count for it."""
    people, limit = graph.people.take(rows), graph.limits[circle] + TOLERANCE_MM
    away = _straight(people.xy, spots.xy)
    straight = away.min(axis=1, initial=np.inf)
    by_line = within(straight, limit)
    metres = np.maximum(_walks(graph, people, spots), straight)
    by_streets = within(metres, limit)
    inside = by_line if graph.straight else by_streets
    possible = by_line
    if error.any():
        possible = by_line | (within(away, limit + error.astype(float)) & (error > 0)).any(axis=1)
        moved = Spots(
            spots.xy, spots.segment, spots.offset,
            np.where(spots.access >= 0, spots.access + error[:, None], NONE), spots.given,
        )  # fmt: skip
        by_streets = within(_walks(graph, people, moved), limit)
    placed = (people.access >= 0).any(axis=1)
    served = graph.served_outside[:, circle].copy()
    served[graph.piece[spots.segment[spots.access >= 0]]] = True
    reached = (served[graph.piece[people.segment]] & (people.access >= 0)).any(axis=1)
    with np.errstate(invalid="ignore"):
        long = metres > graph.doubt_detour * straight
    doubtful = ~inside & possible & (~by_line | ~placed | ~reached | long)
    return np.asarray(inside + 2 * doubtful + 4 * by_streets, dtype=np.int64)


def _straight(xy: Ints, to: Ints) -> Floats:
    away = xy[:, None, :].astype(float) - to[None, :, :]
    return np.asarray(np.sqrt(away[..., 0] * away[..., 0] + away[..., 1] * away[..., 1]))


def _walks(graph: TrialGraph, people: Spots, spots: Spots) -> Floats:
    """Return each person's walk to the nearest of some facilities; infinite where there is none."""
    node = _search(graph, spots)
    least = np.full(len(people.xy), np.inf)
    for slot in (0, 1):
        segment, offset, access = people.segment[:, slot], people.offset[:, slot], people.access[:, slot]
        there = access >= 0
        left = graph.length[segment] - offset
        for end, walk, free in (
            (graph.u, offset, graph.backward[segment] | (offset == 0)),
            (graph.v, left, graph.forward[segment] | (left == 0)),
        ):
            cost = np.where(there & free, access + walk + node[end[segment]], np.inf)
            least = np.minimum(least, cost)
        for f, other in zip(*np.nonzero(spots.access >= 0), strict=True):
            same = there & (segment == spots.segment[f, other])
            ahead = spots.offset[f, other] - offset
            free = np.where(ahead > 0, graph.forward[segment], graph.backward[segment]) | (ahead == 0)
            cost = np.where(same & free, access + np.abs(ahead) + spots.access[f, other], np.inf)
            least = np.minimum(least, cost)
    return least


def _search(graph: TrialGraph, spots: Spots) -> Floats:
    """Return each junction's walk to the nearest facility."""
    count = len(graph.node_xy)
    f, slot = np.nonzero(spots.access >= 0)
    segment, offset, access = spots.segment[f, slot], spots.offset[f, slot], spots.access[f, slot]
    left = graph.length[segment] - offset
    to_u, to_v = graph.forward[segment] | (offset == 0), graph.backward[segment] | (left == 0)
    seeds = np.concatenate([graph.u[segment][to_u], graph.v[segment][to_v]])
    cost = np.concatenate([(access + offset)[to_u], (access + left)[to_v]])
    if len(seeds) == 0:
        return np.full(count, np.inf)
    tails, heads, steps = graph.towards()
    source = np.full(len(seeds), count)
    links = shortest_links(  # one more millimetre from the source: a matrix holds no way of length nought
        np.concatenate([tails, source]), np.concatenate([heads, seeds]),
        np.concatenate([steps, cost + 1]).astype(float), size=count + 1,
    )  # fmt: skip
    return np.asarray(dijkstra(links, indices=np.array([count]))[0, :count]) - 1


def village_verdicts(graph: TrialGraph, state: Ints) -> list[str]:
    """Return each village's verdict, from the thousandths of its people."""
    own = graph.village >= 0
    village, weight, size = graph.village[own], graph.weight[own].astype(float), len(graph.codes)
    sums = [np.bincount(village, weights=weight, minlength=size)]
    sums += [
        np.bincount(village, weights=weight * (state[own] & bit > 0), minlength=size) for bit in (1, 2, 4)
    ]
    found = []
    for people, inside, doubtful, streets in zip(*sums, strict=True):
        if people <= 0:
            found.append("not_judged")
        elif reaches(streets / people, graph.required):
            found.append("met")
        else:
            possible = reaches(min((inside + doubtful) / people, 1.0), graph.required)
            found.append("to_verify" if possible else "not_met")
    return found
