"""
Roads of one's own, merged with the main streets: what these lack is added and joined, nothing is doubled.

A road layer is looked at in steps of a few metres. A step that runs along a street is that street and is
dropped; the others are added. The main streets keep their course: they only gain junctions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from servicecircle.crs import transform
from servicecircle.sources.joints import JOIN_M, Cuts, join, parts_of
from servicecircle.sources.streets import from_ways

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.sources.joints import Parts
    from servicecircle.sources.streets import RawStreets
    from servicecircle.units import Floats

SAME_M, PARALLEL_DEGREES = 20.0, 30.0
"""A road this near to a street, and turned from it by no more, is that street."""

DRIFT_M, DRIFT_LENGTH_M = 40.0, 50.0
"""So far a shorter stretch may stray from the street that the road follows before and after it."""

_STEP_M = 10.0
_CHUNK = 100_000


@dataclass(frozen=True, slots=True)
class Addition:
    """
    What a road layer brought.

    Parameters
    ----------
    added_m, same_m
        Metres added, and metres recognised as streets that were there; together the whole layer.
    joints, links_m
        Junctions made between added roads and streets, and metres of the links that lead to them.
    """

    added_m: float
    same_m: float
    joints: int
    links_m: float


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """
    A road layer in steps.

    Parameters
    ----------
    tail, head, tail_ref, head_ref
        Both ends of each step, and their identity; `inner_ref` and above lie inside a straight part.
    way, length_m
        Way and length of each step.
    inner_ref
        The first ref that is no vertex of the layer.
    """

    tail: Floats
    head: Floats
    tail_ref: NDArray[np.int64]
    head_ref: NDArray[np.int64]
    way: NDArray[np.int64]
    length_m: Floats
    inner_ref: int


def merge_streets(
    main: RawStreets, extras: Sequence[RawStreets], *, crs: CRS, join_m: float = JOIN_M
) -> tuple[RawStreets, list[Addition]]:
    """
    Add to the main streets what other road layers have and they lack.

    Parameters
    ----------
    main, extras
        Ways as they were read. The order of the layers does not matter.
    crs
        Metric CRS to compare them in, and of the result.
    join_m
        An end of an added road this near to a street of its level, or of a street to an added road, joins it.

    Returns
    -------
    The streets (`main` itself where nothing was added), and what each layer brought.
    """
    streets = _in_crs(main, crs)
    layers = [_in_crs(extra, crs) for extra in extras]
    additions: dict[int, Addition] = {}
    for i in sorted(range(len(layers)), key=lambda i: layers[i].xy.tobytes()):
        streets, additions[i] = _add(streets, layers[i], join_m)
    brought = [additions[i] for i in range(len(layers))]
    return (streets if any(a.added_m or a.joints for a in brought) else main), brought


def _in_crs(raw: RawStreets, crs: CRS) -> RawStreets:
    located = np.isfinite(raw.xy).all(axis=1)
    xy = np.full_like(raw.xy, np.nan)
    xy[located] = transform(raw.xy[located], raw.crs, crs)
    return replace(raw, xy=xy, crs=crs)


def _add(main: RawStreets, extra: RawStreets, join_m: float) -> tuple[RawStreets, Addition]:
    streets, layer = parts_of(main), parts_of(extra)
    steps = _in_steps(extra, layer, first_ref=int(main.ref.max(initial=0)) + 1)
    apart_m, along = _follow(steps, streets)
    same = _recognised(steps, apart_m)
    added = _added_ways(extra, steps, ~same)
    ends = np.concatenate([steps.tail_ref[same], steps.head_ref[same]])
    cuts = Cuts(ends, np.concatenate([steps.tail[same], steps.head[same]]), np.tile(along[same], 2))
    merged, joints, links_m = join(main, added, cuts, _free_ends(steps, ~same), join_m=join_m)
    metres = np.bincount(same, weights=steps.length_m, minlength=2)
    return merged, Addition(float(metres[0]), float(metres[1]), joints, links_m)


def _in_steps(extra: RawStreets, layer: Parts, *, first_ref: int) -> _Steps:
    """Cut straight parts into equal steps; all refs are numbered anew, from `first_ref` on."""
    known, ref = np.unique(extra.ref, return_inverse=True)
    counts = np.maximum(1, np.ceil(layer.length_m / _STEP_M)).astype(np.int64)
    part = np.repeat(np.arange(len(counts)), counts)
    serial = np.arange(len(part)) - np.repeat(np.cumsum(counts) - counts, counts)
    begins, ends = serial == 0, serial == counts[part] - 1
    inner_ref = first_ref + len(known)
    inner = inner_ref + np.arange(len(part))
    across = layer.end[part] - layer.start[part]
    at = layer.at[part]
    return _Steps(
        tail=layer.start[part] + across * (serial / counts[part])[:, None],
        head=np.where(ends[:, None], layer.end[part],
                      layer.start[part] + across * ((serial + 1) / counts[part])[:, None]),
        tail_ref=np.where(begins, first_ref + ref[at], inner),
        head_ref=np.where(ends, first_ref + ref[at + 1], inner + 1),
        way=layer.way[part], length_m=layer.length_m[part] / counts[part], inner_ref=inner_ref,
    )  # fmt: skip


def _follow(steps: _Steps, streets: Parts) -> tuple[Floats, NDArray[np.int64]]:
    """Return how far beside a street each step runs, infinite where beside none, and along which part."""
    apart_m, along = np.full(len(steps.way), np.inf), np.zeros(len(steps.way), np.int64)
    if len(streets.at) == 0:
        return apart_m, along
    for low in range(0, len(steps.way), _CHUNK):
        chosen = slice(low, low + _CHUNK)
        middle = (steps.tail[chosen] + steps.head[chosen]) / 2
        heading = (steps.head[chosen] - steps.tail[chosen]) / steps.length_m[chosen, None]
        step, part = streets.tree.query(shapely.points(middle), predicate="dwithin", distance=DRIFT_M)
        unit = (streets.end[part] - streets.start[part]) / streets.length_m[part, None]
        away = middle[step] - streets.start[part]
        ahead = (away * unit).sum(axis=1)
        beyond = ahead - np.clip(ahead, 0.0, streets.length_m[part])
        beside = np.abs(away[:, 0] * unit[:, 1] - away[:, 1] * unit[:, 0])
        turned = np.abs((heading[step] * unit).sum(axis=1))
        # past a dead end a road goes on by itself
        fits = (np.abs(beyond) <= _STEP_M) & (turned >= np.cos(np.radians(PARALLEL_DEGREES)))
        step, part, turned = step[fits], part[fits], turned[fits]
        metres = np.hypot(beside, beyond)[fits]
        order = np.lexsort((part, -turned, np.round(metres, 2), step))
        order = order[np.flatnonzero(np.diff(step[order], prepend=-1))]
        apart_m[low + step[order]], along[low + step[order]] = metres[order], part[order]
    return apart_m, along


def _recognised(steps: _Steps, apart_m: Floats) -> NDArray[np.bool_]:
    """Tell which steps are streets that are there already; a short drift between two such is one too."""
    same = apart_m <= SAME_M
    if len(same) == 0:
        return same
    state = np.where(same, 0, np.where(np.isfinite(apart_m) & (apart_m <= DRIFT_M), 1, 2))
    follows = np.append(
        False, (steps.way[1:] == steps.way[:-1]) & (steps.tail_ref[1:] == steps.head_ref[:-1])
    )
    opens = np.flatnonzero(~follows | (np.diff(state, prepend=-1) != 0))
    run_m = np.add.reduceat(steps.length_m, opens)
    before = np.append(2, state[opens[:-1]])
    after = np.append(state[opens[1:]], 2)
    chained_on = np.append(follows[opens[1:]], False)
    drift = (state[opens] == 1) & (run_m < DRIFT_LENGTH_M)
    drift &= follows[opens] & (before == 0) & chained_on & (after == 0)
    return np.asarray(same | np.repeat(drift, np.diff(np.append(opens, len(same)))))


def _added_ways(extra: RawStreets, steps: _Steps, kept: NDArray[np.bool_]) -> RawStreets:
    """Return the kept steps as ways, without the vertices that only stepping made."""
    chosen = np.flatnonzero(kept)
    breaks = (np.diff(chosen) > 1) | (steps.way[chosen[1:]] != steps.way[chosen[:-1]])
    breaks |= steps.tail_ref[chosen[1:]] != steps.head_ref[chosen[:-1]]
    runs = np.split(chosen, np.flatnonzero(breaks) + 1) if len(chosen) else []
    ways, levels = [], []
    for run in runs:
        ref = np.append(steps.tail_ref[run[0]], steps.head_ref[run])
        xy = np.concatenate([steps.tail[run[:1]], steps.head[run]])
        real = ref < steps.inner_ref
        real[[0, -1]] = True
        way = steps.way[run[0]]
        walk = (bool(extra.forward[way]), bool(extra.backward[way]))
        ways.append((xy[real], ref[real], extra.way_id[way], extra.name[way], walk, extra.trunk[way]))
        levels.append("" if extra.level is None else extra.level[way])
    return from_ways(ways, crs=extra.crs, from_osm=extra.from_osm, counts=extra.counts, levels=levels)


def _free_ends(steps: _Steps, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the refs at which an added road ends, and no other road of the layer goes on."""
    refs, times = np.unique(np.concatenate([steps.tail_ref, steps.head_ref]), return_counts=True)
    alone = refs[times == 1]
    return np.asarray(alone[np.isin(alone, np.concatenate([steps.tail_ref[kept], steps.head_ref[kept]]))])
