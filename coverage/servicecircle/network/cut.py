"""From ways to the arrays of a network: cut at junctions, measured, sorted into pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from servicecircle.crs import choose_crs, lonlat_box, transform
from servicecircle.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.sources.streets import RawStreets
    from servicecircle.units import Floats


def cut_ways(raw: RawStreets, *, crs: str | CRS, islet_m: float, where: str = "") -> dict[str, Any]:
    """
    Cut ways at junctions, measure the segments in the chosen CRS and sort them into pieces.

    Returns
    -------
    What a `Network` is made of, by the names of its fields.

    Raises
    ------
    InputError
        No street is left, or the CRS does not fit them.
    """
    raw_first, keep = _whole_parts(raw)
    if len(keep) == 0:
        raise InputError("streets.none_walkable", where=where, read=raw.counts.get("ways_read", 0))
    metric = choose_crs(lonlat_box(raw.xy[keep], raw.crs), crs)
    xy = transform(raw.xy[keep], raw.crs, metric)
    if not np.isfinite(xy).all():
        raise InputError("streets.outside_crs", where=where, crs=metric.name)
    starts, ends = _segment_ends(raw.ref[keep], raw_first)
    first, picked = _gather(starts, ends)
    vertices = xy[picked]
    length_m = _lengths(vertices, first)
    node_ref, ends_at = np.unique(raw.ref[keep][np.concatenate([starts, ends])], return_inverse=True)
    node_xy = np.empty((len(node_ref), 2))
    node_xy[ends_at] = xy[np.concatenate([starts, ends])]
    u, v = ends_at[: len(starts)].astype(np.int64), ends_at[len(starts) :].astype(np.int64)
    piece, piece_m = _pieces(u, v, length_m, len(node_ref))
    way = _way_of(raw.first, keep)[starts]
    return {
        "crs": metric, "node_ref": node_ref, "node_xy": node_xy, "u": u, "v": v, "length_m": length_m,
        "forward": raw.forward[way], "backward": raw.backward[way], "first": first, "vertices": vertices,
        "way_id": raw.way_id[way], "name": raw.name[way], "trunk": raw.trunk[way],
        "node_piece": piece, "piece_m": piece_m, "islet": piece_m[piece[u]] < islet_m, "islet_m": islet_m,
        "from_osm": raw.from_osm,
        "attributes": None if raw.attributes is None else tuple(raw.attributes[w] for w in way),
    }  # fmt: skip


def _way_of(first: NDArray[np.int64], vertices: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.searchsorted(first, vertices, side="right") - 1


def _whole_parts(raw: RawStreets) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """
    Return the first index of each unbroken part, and the vertices that are kept.

    A node outside the extract breaks its way; a vertex repeated at once, and a part of one vertex,
    are no street.
    """
    located = np.asarray(np.isfinite(raw.xy).all(axis=1))
    opens = np.zeros(len(raw.ref), dtype=bool)
    opens[raw.first[:-1][np.diff(raw.first) > 0]] = True
    opens[1:] |= ~located[:-1]
    repeated = np.zeros(len(raw.ref), dtype=bool)
    repeated[1:] = (raw.ref[1:] == raw.ref[:-1]) & ~opens[1:]
    keep = np.flatnonzero(located & ~repeated)
    part = np.cumsum(opens)[keep]
    alone = np.bincount(part, minlength=part.max(initial=0) + 1)[part] < 2
    keep, part = keep[~alone], part[~alone]
    firsts = np.flatnonzero(np.diff(part, prepend=-1))
    return np.append(firsts, len(keep)).astype(np.int64), keep


def _segment_ends(
    ref: NDArray[np.int64], first: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the vertices at which segments start and end: places met twice, and ends of ways."""
    _, place, times = np.unique(ref, return_inverse=True, return_counts=True)
    cut = times[place] > 1
    cut[first[:-1]] = True
    cut[first[1:] - 1] = True
    cuts = np.flatnonzero(cut)
    last = np.zeros(len(ref), dtype=bool)
    last[first[1:] - 1] = True
    from_here = ~last[cuts]
    return cuts[from_here], cuts[1:][from_here[:-1]]


def _gather(
    starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return offsets, and the vertices of each segment from its start to its end, both included."""
    sizes = ends - starts + 1
    first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return first, np.repeat(starts - first[:-1], sizes) + np.arange(first[-1])


def _lengths(vertices: Floats, first: NDArray[np.int64]) -> Floats:
    """Sum each segment by itself: differences of one running sum would lose a hundredth of a millimetre."""
    steps = np.hypot(*np.diff(vertices, axis=0, append=vertices[-1:]).T)
    steps[first[1:] - 1] = 0.0
    return np.add.reduceat(steps, first[:-1])


def _pieces(
    u: NDArray[np.int64], v: NDArray[np.int64], length_m: Floats, nodes: int
) -> tuple[NDArray[np.int64], Floats]:
    """Return each junction's piece, and each piece's street length."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(u)), (u, v)), shape=(nodes, nodes)).tocsr()
    count, piece = connected_components(links, directed=False)
    piece_m = np.bincount(piece[u], weights=length_m, minlength=count)
    return piece.astype(np.int64), piece_m.astype(float)
