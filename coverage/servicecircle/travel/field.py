"""The travel field: the walk from anywhere on the streets to the nearest facility."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from servicecircle.crs import crs_name
from servicecircle.errors import InputError
from servicecircle.network.network import shortest_links
from servicecircle.network.place import Placements, Placer
from servicecircle.units import TOLERANCE_M, within

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from servicecircle.network.network import Network
    from servicecircle.units import Floats

NOWHERE = -1
"""Facility of a place that reaches none; its metres are infinite."""

DEFAULT_SNAP_M = 300.0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TravelField:
    """
    Walking distances to the nearest of some facilities, over a whole network.

    Parameters
    ----------
    placer
        The indexed network it was computed on.
    facility_ids
        Ids of the facilities, ascending; other fields number them by their position here.
    facility_xy
        Their coordinates (f, 2).
    facilities
        Their places on the streets.
    node_m
        Walk from each junction to the nearest facility, its access walk included; infinite where none
        is reached.
    node_facility
        The facility reached; at equal distances the lowest; `NOWHERE` where none is.
    cutoff_m
        Distances beyond it are left infinite; None: no bound.
    """

    placer: Placer
    facility_ids: tuple[str, ...]
    facility_xy: Floats
    facilities: Placements
    node_m: Floats
    node_facility: NDArray[np.int64]
    cutoff_m: float | None = None

    def __repr__(self) -> str:
        reached = np.isfinite(self.node_m).sum()
        junctions = f"{reached} of {len(self.node_m)} junctions reached"
        return f"TravelField({len(self.facility_ids)} facilities, {junctions})"

    @property
    def network(self) -> Network:
        """The network it was computed on."""
        return self.placer.network

    def metres_from(self, places: Placements) -> tuple[Floats, NDArray[np.int64]]:
        """
        Return the walk from placed points to the nearest facility, and which it is.

        The least over each point's places: its access walk, the shortest way along the streets (on the
        facility's own segment, along that), and the facility's access walk.
        """
        metres = np.full(len(places), np.inf)
        nearest = np.full(len(places), NOWHERE)
        for point, cost, facility in (*self._by_junctions(places), *self._along_segments(places)):
            _keep_least(metres, nearest, point, cost, facility)
        if self.cutoff_m is not None:
            beyond = ~within(metres, self.cutoff_m)
            metres[beyond], nearest[beyond] = np.inf, NOWHERE
        return metres, nearest

    def _by_junctions(self, places: Placements) -> list[tuple[NDArray[np.int64], Floats, NDArray[np.int64]]]:
        net, found = self.network, []
        for slot in (0, 1):
            rows = np.flatnonzero(np.isfinite(places.access_m[:, slot]))
            segment, offset = places.segment[rows, slot], places.offset_m[rows, slot]
            access = places.access_m[rows, slot]
            for node, walk, allowed in net.ways_out(segment, offset):
                cost = np.where(allowed, access + walk + self.node_m[node], np.inf)
                found.append((rows, cost, self.node_facility[node]))
        return found

    def _along_segments(
        self, places: Placements
    ) -> list[tuple[NDArray[np.int64], Floats, NDArray[np.int64]]]:
        """Return the walks that stay on one segment, from point to facility."""
        net, found = self.network, []
        for slot in (0, 1):
            rows = np.flatnonzero(np.isfinite(places.access_m[:, slot]))
            for other in (0, 1):
                facility = np.flatnonzero(np.isfinite(self.facilities.access_m[:, other]))
                pair, f = _same(places.segment[rows, slot], self.facilities.segment[facility, other])
                row, facility = rows[pair], facility[f]
                ahead = self.facilities.offset_m[facility, other] - places.offset_m[row, slot]
                segment = places.segment[row, slot]
                allowed = np.where(ahead > 0, net.forward[segment], net.backward[segment]) | (ahead == 0)
                cost = places.access_m[row, slot] + np.abs(ahead) + self.facilities.access_m[facility, other]
                found.append((row, np.where(allowed, cost, np.inf), facility))
        return found

    def with_longer_access(self, extra_m: Floats) -> TravelField:
        """Return the field as it would be if each facility (f,) stood so much farther from its place."""
        facilities = replace(self.facilities, access_m=self.facilities.access_m + extra_m[:, None])
        node_m, node_facility = search(self.network, facilities, cutoff_m=self.cutoff_m)
        return replace(self, facilities=facilities, node_m=node_m, node_facility=node_facility)

    def to_points(self, points: gpd.GeoDataFrame, *, snap_m: float = DEFAULT_SNAP_M) -> pd.DataFrame:
        """
        Return the walk from each point to its nearest facility.

        Parameters
        ----------
        points
            Points in any CRS.
        snap_m
            Farthest that a point may lie from the streets.

        Returns
        -------
        One row per point, in its index: `metres` (infinite where none is reached), `straight_m`,
        `snap_m`, `facility_id`.
        """
        import pandas as pd

        xy = coordinates(points, self.network)
        places = self.placer.place(xy, snap_m=snap_m)
        metres, nearest = self.metres_from(places)
        straight_m = straight_to(self.facility_xy, xy)
        names = np.array([*self.facility_ids, None], dtype=object)[nearest]
        return pd.DataFrame(
            {
                "metres": np.maximum(metres, straight_m),
                "straight_m": straight_m,
                "snap_m": places.snap_m,
                "facility_id": names,
            },
            index=points.index,
        )


def travel_field(
    network: Network | Placer,
    points: gpd.GeoDataFrame,
    *,
    cutoff_m: float | None = None,
    snap_m: float = DEFAULT_SNAP_M,
) -> TravelField:
    """
    Search from all facilities at once, against the direction people walk.

    Parameters
    ----------
    network
        The streets; a `Placer` where several fields share one index.
    points
        Facilities, in any CRS; a column `facility_id` names them, else the index does.
    cutoff_m
        Bound of the search; None: the whole network.
    snap_m
        Farthest that a facility may lie from the streets.

    Raises
    ------
    InputError
        The points have no CRS.
    """
    placer = network if isinstance(network, Placer) else Placer.of(network)
    ids = points.get("facility_id", points.index)
    names = np.array([str(name) for name in ids], dtype=object)
    order = np.argsort(names, kind="stable")
    xy = coordinates(points, placer.network)[order]
    places = placer.place(xy, snap_m=snap_m)
    node_m, node_facility = search(placer.network, places, cutoff_m=cutoff_m)
    return TravelField(placer, tuple(names[order]), xy, places, node_m, node_facility, cutoff_m)


def search(
    network: Network, facilities: Placements, *, cutoff_m: float | None = None
) -> tuple[Floats, NDArray[np.int64]]:
    """Return each junction's walk to the nearest placed facility, and that facility's number."""
    from scipy.sparse.csgraph import dijkstra

    count = len(network.node_ref)
    starts = np.flatnonzero(facilities.placed)
    if len(starts) == 0:
        return np.full(count, np.inf), np.full(count, NOWHERE)
    graph = with_facilities(network.towards(), network, facilities)
    bound = np.inf if cutoff_m is None else cutoff_m + TOLERANCE_M
    metres, _, sources = dijkstra(
        graph, indices=count + starts, min_only=True, return_predecessors=True, limit=bound
    )
    nearest = np.where(np.isfinite(metres), sources - count, NOWHERE)
    return metres[:count], _lowest_of_equals(graph, metres, nearest)[:count]


def with_facilities(graph: csr_array, network: Network, facilities: Placements) -> csr_array:
    """Add one node per facility, linked to the ends of its segments: facilities stand in mid-segment."""
    from scipy.sparse import csr_array

    tails, heads, metres = [], [], []
    for slot in (0, 1):
        number = np.flatnonzero(np.isfinite(facilities.access_m[:, slot]))
        segment, offset = facilities.segment[number, slot], facilities.offset_m[number, slot]
        access = facilities.access_m[number, slot]
        for node, walk, allowed in network.ways_in(segment, offset):
            tails.append(number[allowed])
            heads.append(node[allowed])
            metres.append((access + walk)[allowed])
    nodes, extra = graph.shape[0], len(facilities)
    links = shortest_links(
        np.concatenate(tails), np.concatenate(heads), np.concatenate(metres), size=max(nodes, extra)
    )
    below = links[:extra]
    indptr = np.concatenate([graph.indptr, graph.indptr[-1] + below.indptr[1:]])
    indices = np.concatenate([graph.indices, below.indices])
    data = np.concatenate([graph.data, below.data])
    return csr_array((data, indices, indptr), shape=(nodes + extra, nodes + extra))


def _lowest_of_equals(graph: csr_array, metres: Floats, nearest: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where several facilities are equally near, pass the lowest number down the shortest ways."""
    tails = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    heads = graph.indices
    with np.errstate(invalid="ignore"):
        tight = np.abs(metres[tails] + graph.data - metres[heads]) <= TOLERANCE_M
    tails, heads = tails[tight], heads[tight]
    nearest = nearest.copy()
    while True:
        better = nearest[tails] < nearest[heads]
        if not better.any():
            return nearest
        np.minimum.at(nearest, heads[better], nearest[tails[better]])


def _keep_least(
    metres: Floats, nearest: NDArray[np.int64],
    point: NDArray[np.int64], cost: Floats, facility: NDArray[np.int64],
) -> None:  # fmt: skip
    """Lower the metres of points to a cost, naming the lowest facility of those equally near."""
    order = np.lexsort((facility, cost, point))
    order = order[np.isfinite(cost[order])]
    order = _best_rows(point[order], cost[order], facility[order], order)
    point, cost, facility = point[order], cost[order], facility[order]
    before = metres[point]
    nearer = cost < before - TOLERANCE_M
    equal = ~nearer & (cost <= before + TOLERANCE_M) & (facility < nearest[point])
    change = nearer | equal
    nearest[point[change]] = facility[change]
    metres[point] = np.minimum(before, cost)


def _best_rows(
    point: NDArray[np.int64], cost: Floats, facility: NDArray[np.int64], order: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Of rows sorted by point and cost, keep one per point: the lowest facility among the nearest."""
    opens = np.flatnonzero(np.diff(point, prepend=-1))
    least = np.repeat(cost[opens], np.diff(np.append(opens, len(point))))
    tied = np.flatnonzero(cost <= least + TOLERANCE_M)
    again = tied[np.lexsort((facility[tied], point[tied]))]
    return order[again[np.flatnonzero(np.diff(point[again], prepend=-1))]]


def _same(left: NDArray[np.int64], right: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all pairs of positions with equal values."""
    order = np.argsort(right, kind="stable")
    low = np.searchsorted(right[order], left, side="left")
    high = np.searchsorted(right[order], left, side="right")
    counts = high - low
    pair = np.repeat(np.arange(len(left)), counts)
    within_run = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
    return pair, order[np.repeat(low, counts) + within_run]


def straight_to(facility_xy: Floats, xy: Floats) -> Floats:
    """Return the straight line from each point (n, 2) to the nearest facility; infinite without any."""
    from scipy.spatial import cKDTree

    facility_xy = facility_xy[np.isfinite(facility_xy).all(axis=1)]
    straight_m = np.full(len(xy), np.inf)
    known = np.isfinite(xy).all(axis=1)
    if len(facility_xy) and known.any():
        straight_m[known] = cKDTree(facility_xy).query(xy[known])[0]
    return straight_m


def coordinates(points: gpd.GeoDataFrame, network: Network) -> Floats:
    """Return the coordinates (n, 2) of points in the network's CRS; NaN where there is no point."""
    if points.crs is None:
        raise InputError("points.no_crs", crs=crs_name(network.crs))
    geometry = points.geometry.to_crs(network.crs)
    return np.column_stack([geometry.x.to_numpy(float), geometry.y.to_numpy(float)])
