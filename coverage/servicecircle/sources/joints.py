"""Joints: where added roads meet the main streets, as junctions on both and short links between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from servicecircle.sources.lines import TOUCH_M

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from servicecircle.sources.streets import RawStreets
    from servicecircle.units import Floats

JOIN_M = 15.0
"""Ends of roads this near to a street meet it: the drawing error of road layers."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """
    The straight parts of some ways.

    Parameters
    ----------
    at
        Vertex of the ways at which each part starts.
    way, start, end, length_m
        Of each part.
    tree
        Over the parts as lines.
    """

    at: NDArray[np.int64]
    way: NDArray[np.int64]
    start: Floats
    end: Floats
    length_m: Floats
    tree: shapely.STRtree


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """
    Places of a road layer where it is taken for a street.

    Parameters
    ----------
    ref, xy
        A vertex of the layer.
    along
        The part of the main streets that the layer follows there.
    """

    ref: NDArray[np.int64]
    xy: Floats
    along: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Meetings:
    """Places on a main part and on an added part that meet; part -1 where it is a vertex that has a ref."""

    main_part: NDArray[np.int64]
    main_xy: Floats
    main_ref: NDArray[np.int64]
    added_part: NDArray[np.int64]
    added_xy: Floats
    added_ref: NDArray[np.int64]

    @classmethod
    def all_of(cls, several: Sequence[_Meetings]) -> _Meetings:
        return cls(*(np.concatenate([getattr(m, name) for m in several]) for name in cls.__slots__))

    @classmethod
    def of_vertices(
        cls, part: NDArray[np.int64], foot: Floats, ref: NDArray[np.int64], xy: Floats
    ) -> _Meetings:
        """Let vertices of added roads meet main parts."""
        none = np.full(len(ref), -1)
        return cls(part, foot, none, none, xy, ref)


def parts_of(raw: RawStreets) -> Parts:
    """Return the straight parts of ways, without those that have no length or end outside the extract."""
    ends = np.zeros(len(raw.ref), dtype=bool)
    ends[raw.first[1:][np.diff(raw.first) > 0] - 1] = True
    at = np.flatnonzero(~ends)
    metres = np.hypot(*(raw.xy[at + 1] - raw.xy[at]).T)
    at, metres = at[metres > 0], metres[metres > 0]  # NaN is not
    start, end = raw.xy[at], raw.xy[at + 1]
    way = np.searchsorted(raw.first, at, side="right") - 1
    lines: NDArray[np.object_] = np.asarray(shapely.linestrings(np.stack([start, end], axis=1)))
    return Parts(at, way, start, end, metres, shapely.STRtree(lines))


def join(
    main: RawStreets, added: RawStreets, cuts: Cuts, free_ends: NDArray[np.int64], *, join_m: float
) -> tuple[RawStreets, int, float]:
    """
    Join added roads to the main streets.

    They meet where they cross on one level; where a road was cut off, because from there on it is a street;
    where a free end of a road is near to a street; and where a dead end of a street is near to a road.

    Parameters
    ----------
    cuts
        Ends of what was recognised as streets, with the part of the main streets that it follows.
    free_ends
        Refs of the added roads at which nothing goes on.
    join_m
        How near an end has to be.

    Returns
    -------
    All streets, the number of joints, and the metres of links.
    """
    streets, roads = parts_of(main), parts_of(added)
    levels = _levels(main)[streets.way], _levels(added)[roads.way]
    crossings = _crossings(streets, roads, levels)
    cut_off = _cut_off(main, added, streets, cuts)
    ends = _ends_near(added, roads, free_ends, streets, levels, crossings, join_m)
    met = _Meetings.all_of([crossings, cut_off, ends])
    dead_ends = _dead_ends_near(main, streets, roads, levels, met, join_m)
    return _joined(main, added, streets, roads, _Meetings.all_of([met, dead_ends]))


def _levels(raw: RawStreets) -> NDArray[np.object_]:
    return np.full(len(raw.way_id), "", dtype=object) if raw.level is None else raw.level


def _feet(xy: Floats, parts: Parts, part: NDArray[np.int64]) -> Floats:
    """Return the nearest point of a part to each point."""
    across = parts.end[part] - parts.start[part]
    share = ((xy - parts.start[part]) * across).sum(axis=1) / parts.length_m[part] ** 2
    share = np.clip(share, 0.0, 1.0)[:, None]
    return np.where(share == 1.0, parts.end[part], parts.start[part] + share * across)


def _crossings(streets: Parts, roads: Parts, levels: tuple[NDArray[np.object_], ...]) -> _Meetings:
    lines = roads.tree.geometries
    b, a = streets.tree.query(lines, predicate="dwithin", distance=TOUCH_M)
    level = levels[0][a] == levels[1][b]
    a, b = a[level], b[level]
    ends = shapely.get_coordinates(shapely.shortest_line(streets.tree.geometries[a], lines[b])).reshape(
        -1, 2, 2
    )
    none = np.full(len(a), -1)
    return _Meetings(a, ends[:, 0], none, b, ends[:, 1], none)


def _cut_off(main: RawStreets, added: RawStreets, streets: Parts, cuts: Cuts) -> _Meetings:
    """
    Hold a road together where it is partly a street.

    At a vertex from which an added road goes on, and at one where the road passes from a street that stops,
    or from a piece of streets, to another, there is a link to what it follows.
    """
    foot = _feet(cuts.xy, streets, cuts.along)
    metres = np.hypot(*(cuts.xy - foot).T)
    way = streets.way[cuts.along]
    order = np.lexsort((cuts.along, np.round(metres, 6), way, cuts.ref))
    ref, way = cuts.ref[order], way[order]
    order = order[
        (np.diff(ref, prepend=-1) != 0) | (np.diff(way, prepend=-1) != 0)
    ]  # one per vertex and street
    ref, way = cuts.ref[order], streets.way[cuts.along[order]]
    chosen = np.zeros(len(order), dtype=bool)
    stops = _stops_there(main, streets, cuts.along[order], foot[order])
    level, piece = _levels(main)[way], _pieces(main, streets)[cuts.along[order]]
    passes = (ref[1:] == ref[:-1]) & (level[1:] == level[:-1])
    passes &= stops[1:] | stops[:-1] | (piece[1:] != piece[:-1])
    for i in np.flatnonzero(passes):
        if not _share_a_vertex(main, way[i], way[i + 1]):
            chosen[[i, i + 1]] = True
    goes_on = np.flatnonzero(np.isin(ref, added.ref))
    nearest = goes_on[np.lexsort((np.round(metres[order[goes_on]], 6), ref[goes_on]))]
    chosen[nearest[np.diff(ref[nearest], prepend=-1) != 0]] = True
    rows = order[chosen]
    return _Meetings.of_vertices(cuts.along[rows], foot[rows], cuts.ref[rows], cuts.xy[rows])


def _share_a_vertex(raw: RawStreets, one: int, other: int) -> bool:
    here, there = (raw.ref[raw.first[way] : raw.first[way + 1]] for way in (one, other))
    return bool(np.isin(here, there).any())


def _stops_there(raw: RawStreets, parts: Parts, part: NDArray[np.int64], xy: Floats) -> NDArray[np.bool_]:
    """Tell whether a dead end of its part is near to each point."""
    dead = np.isin(np.arange(len(raw.ref)), _dead_ends(raw, parts))
    at = parts.at[part]
    near = [np.hypot(*(xy - raw.xy[end]).T) <= JOIN_M for end in (at, at + 1)]
    return np.asarray((dead[at] & near[0]) | (dead[at + 1] & near[1]))


def _dead_ends(raw: RawStreets, parts: Parts) -> NDArray[np.int64]:
    """Return the vertices at which a single part ends."""
    ends = np.concatenate([parts.at, parts.at + 1])
    _, first, times = np.unique(raw.ref[ends], return_index=True, return_counts=True)
    return np.asarray(ends[first[times == 1]])


def _pieces(raw: RawStreets, parts: Parts) -> NDArray[np.int64]:
    """Return a number for each part, the same for those that hang together."""
    refs, ends = np.unique(raw.ref[np.concatenate([parts.at, parts.at + 1])], return_inverse=True)
    tails, heads = np.split(ends.ravel(), 2)
    return _groups(tails, heads, size=len(refs))[tails]


def _groups(tails: NDArray[np.int64], heads: NDArray[np.int64], *, size: int) -> NDArray[np.int64]:
    """Return the connected group of each of `size` nodes."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(tails)), (tails, heads)), shape=(size, size))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def _ends_near(
    added: RawStreets, roads: Parts, free_ends: NDArray[np.int64], streets: Parts,
    levels: tuple[NDArray[np.object_], ...], crossings: _Meetings, join_m: float,
) -> _Meetings:  # fmt: skip
    """Let the free ends of added roads meet the nearest street, unless they crossed one just before."""
    at = np.flatnonzero(np.isin(added.ref, free_ends))
    way = np.searchsorted(added.first, at, side="right") - 1
    near = _near(way, added.xy[at], roads.way[crossings.added_part], crossings.added_xy, join_m)
    at, way = at[~near], way[~near]
    end, part = _nearest(added.xy[at], _levels(added)[way], streets, levels[0], join_m)
    xy = added.xy[at[end]]
    return _Meetings.of_vertices(part, _feet(xy, streets, part), added.ref[at[end]], xy)


def _dead_ends_near(
    main: RawStreets, streets: Parts, roads: Parts, levels: tuple[NDArray[np.object_], ...], met: _Meetings,
    join_m: float,
) -> _Meetings:  # fmt: skip
    """Let dead ends of streets meet the nearest added road, unless their street met one just before."""
    at = _dead_ends(main, streets)
    way = np.searchsorted(main.first, at, side="right") - 1
    near = _near(way, main.xy[at], streets.way[met.main_part], met.main_xy, join_m)
    at, way = at[~near], way[~near]
    end, part = _nearest(main.xy[at], _levels(main)[way], roads, levels[1], join_m)
    xy, none = main.xy[at[end]], np.full(len(end), -1)
    return _Meetings(none, xy, main.ref[at[end]], part, _feet(xy, roads, part), none)


def _near(
    way: NDArray[np.int64], xy: Floats, met_way: NDArray[np.int64], met_xy: Floats, join_m: float
) -> NDArray[np.bool_]:
    """Tell which points have a meeting of their own way within reach."""
    tree = shapely.STRtree(np.asarray(shapely.points(met_xy)))
    point, meeting = tree.query(shapely.points(xy), predicate="dwithin", distance=join_m)
    return np.isin(np.arange(len(xy)), point[way[point] == met_way[meeting]])


def _nearest(
    xy: Floats, level: NDArray[np.object_], parts: Parts, level_of_part: NDArray[np.object_], join_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the points with a part of their level in reach, and the nearest; a touch is of any level."""
    points: NDArray[np.object_] = np.asarray(shapely.points(xy))
    point, part = parts.tree.query(points, predicate="dwithin", distance=join_m)
    metres = shapely.distance(points[point], parts.tree.geometries[part])
    fits = (level[point] == level_of_part[part]) | (metres <= TOUCH_M)
    point, part, metres = point[fits], part[fits], metres[fits]
    order = np.lexsort((part, np.round(metres, 6), point))
    order = order[np.diff(point[order], prepend=-1) != 0]
    return point[order], part[order]


def _joined(
    main: RawStreets, added: RawStreets, streets: Parts, roads: Parts, met: _Meetings
) -> tuple[RawStreets, int, float]:
    """Put the junctions in, name equal places alike, and link those that are apart."""
    fresh = 1 + max(int(refs.max(initial=0)) for refs in (main.ref, added.ref, met.added_ref))
    one, other = met.main_ref.copy(), met.added_ref.copy()
    on_main, on_added = met.main_part >= 0, met.added_part >= 0
    main, one[on_main] = _insert(main, streets.at[met.main_part[on_main]], met.main_xy[on_main], fresh)
    added, other[on_added] = _insert(
        added, roads.at[met.added_part[on_added]], met.added_xy[on_added], fresh + len(one)
    )
    pairs, rows = np.unique(np.column_stack([one, other]), axis=0, return_index=True)
    metres = np.hypot(*(met.main_xy[rows] - met.added_xy[rows]).T)
    apart = metres > TOUCH_M
    ends = np.stack([met.added_xy[rows[apart]], met.main_xy[rows[apart]]], axis=1).reshape(-1, 2)
    merged = _together(main, added, ends, pairs[apart][:, ::-1].ravel())
    return replace(merged, ref=_alike(merged.ref, pairs[~apart])), len(pairs), float(metres[apart].sum())


def _insert(
    raw: RawStreets, at: NDArray[np.int64], xy: Floats, fresh: int
) -> tuple[RawStreets, NDArray[np.int64]]:
    """Put vertices into the parts that start at `at`; one that is there already serves. Return their refs."""
    along, left = np.hypot(*(xy - raw.xy[at]).T), np.hypot(*(xy - raw.xy[at + 1]).T)
    refs = np.where(along <= left, raw.ref[at], raw.ref[at + 1])
    new = np.minimum(along, left) > TOUCH_M
    places = np.column_stack([at[new], np.round(along[new], 2)])
    _, first, serial = np.unique(places, axis=0, return_index=True, return_inverse=True)
    refs[new] = fresh + serial.ravel()
    before, put = at[new][first] + 1, xy[new][first]
    shift = np.searchsorted(before, raw.first, side="left")
    return replace(
        raw,
        xy=np.insert(raw.xy, before, put, axis=0),
        ref=np.insert(raw.ref, before, fresh + np.arange(len(put))),
        first=raw.first + shift,
    ), refs


def _together(main: RawStreets, added: RawStreets, ends: Floats, refs: NDArray[np.int64]) -> RawStreets:
    """Return the main streets, the added roads, and links of two vertices each, in this order."""
    links = len(refs) // 2
    more = len(added.way_id) + links
    both = np.ones(links, dtype=bool)
    last = len(main.ref) + len(added.ref)
    return replace(
        main,
        xy=np.concatenate([main.xy, added.xy, ends]),
        ref=np.concatenate([main.ref, added.ref, refs]),
        first=np.concatenate(
            [main.first, added.first[1:] + len(main.ref), last + 2 * np.arange(1, links + 1)]
        ).astype(np.int64),
        way_id=np.concatenate([main.way_id, added.way_id, np.zeros(links, np.int64)]),
        name=np.concatenate([main.name, added.name, np.full(links, "", dtype=object)]),
        forward=np.concatenate([main.forward, added.forward, both]),
        backward=np.concatenate([main.backward, added.backward, both]),
        trunk=np.concatenate([main.trunk, added.trunk, ~both]),
        from_osm=main.from_osm or added.from_osm,
        hidden=main.hidden | added.hidden,
        attributes=None if main.attributes is None else [*main.attributes, *({} for _ in range(more))],
        level=np.concatenate([_levels(main), _levels(added), np.full(links, "", dtype=object)]),
    )


def _alike(ref: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the same ref to all vertices that pairs say are one place: the lowest."""
    if len(pairs) == 0:
        return ref
    known, ends = np.unique(pairs, return_inverse=True)
    tails, heads = ends.reshape(-1, 2).T
    group = _groups(tails, heads, size=len(known))
    lowest = known[np.unique(group, return_index=True)[1]]
    at = np.minimum(np.searchsorted(known, ref), len(known) - 1)
    return np.where(known[at] == ref, lowest[group[at]], ref)
