"""The street network: segments between junctions, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from servicecircle.units import TOLERANCE_M

if TYPE_CHECKING:
    import geopandas as gpd
    import networkx as nx
    from numpy.typing import NDArray
    from pyproj import CRS
    from scipy.sparse import csr_array

    from servicecircle.units import Floats


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Network:
    """
    Street segments between junctions, measured in one metric CRS.

    Parameters
    ----------
    crs
        Metric CRS of all coordinates.
    node_ref, node_xy
        Identity (n,) and coordinates (n, 2) of each junction or street end.
    u, v
        Junction at which each segment (m,) starts and ends.
    length_m
        Planar length of each segment's geometry.
    forward, backward
        Whether one may walk from `u` to `v`, and from `v` to `u`.
    first, vertices
        Segment `s` has the geometry `vertices[first[s]:first[s + 1]]`.
    way_id, name, trunk
        Of the way each segment is part of.
    node_piece, piece_m
        Piece of each junction, and the street length of each piece: connected ignoring direction.
    islet
        Whether each segment lies on an islet, a piece shorter than `islet_m`.
    islet_m
        Length under which a piece is an islet.
    from_osm
        Whether OpenStreetMap is to be credited.
    attributes
        Of each segment, values of an imported graph, handed on untouched.
    """

    crs: CRS
    node_ref: NDArray[np.int64]
    node_xy: Floats
    u: NDArray[np.int64]
    v: NDArray[np.int64]
    length_m: Floats
    forward: NDArray[np.bool_]
    backward: NDArray[np.bool_]
    first: NDArray[np.int64]
    vertices: Floats
    way_id: NDArray[np.int64]
    name: NDArray[np.object_]
    trunk: NDArray[np.bool_]
    node_piece: NDArray[np.int64]
    piece_m: Floats
    islet: NDArray[np.bool_]
    islet_m: float = 1000.0
    from_osm: bool = True
    attributes: tuple[dict[str, Any], ...] | None = None

    def __post_init__(self) -> None:
        for name in ("node_xy", "u", "v", "length_m", "vertices", "first", "islet"):
            getattr(self, name).setflags(write=False)

    def __repr__(self) -> str:
        return (
            f"Network({len(self.node_ref)} junctions, {len(self.u)} segments, "
            f"{self.length_m.sum() / 1000:.3f} km, {len(self.piece_m)} pieces, {self.crs.to_string()})"
        )

    @property
    def segment_piece(self) -> NDArray[np.int64]:
        """Piece of each segment."""
        return self.node_piece[self.u]

    def ways_out(
        self, segment: NDArray[np.int64], offset_m: Floats
    ) -> tuple[tuple[NDArray[np.int64], Floats, NDArray[np.bool_]], ...]:
        """
        Return, for places on segments, the walk to the start and to the end of the segment.

        Each as (junction, metres, whether one may walk there). Who stands at an end of a one-way
        segment stands on its junction, whichever way it runs.
        """
        left_m = self.length_m[segment] - offset_m
        return (
            (self.u[segment], offset_m, self.backward[segment] | (offset_m <= TOLERANCE_M)),
            (self.v[segment], left_m, self.forward[segment] | (left_m <= TOLERANCE_M)),
        )

    def ways_in(
        self, segment: NDArray[np.int64], offset_m: Floats
    ) -> tuple[tuple[NDArray[np.int64], Floats, NDArray[np.bool_]], ...]:
        """Return, for places on segments, the walk from the start and from the end, as `ways_out` does."""
        left_m = self.length_m[segment] - offset_m
        return (
            (self.u[segment], offset_m, self.forward[segment] | (offset_m <= TOLERANCE_M)),
            (self.v[segment], left_m, self.backward[segment] | (left_m <= TOLERANCE_M)),
        )

    def lines(self) -> NDArray[np.object_]:
        """Return each segment's geometry as a LineString."""
        owner = np.repeat(np.arange(len(self.u)), np.diff(self.first))
        lines: NDArray[np.object_] = np.asarray(shapely.linestrings(self.vertices, indices=owner))
        return lines

    def segments(self) -> gpd.GeoDataFrame:
        """Return one row per segment: `segment_id, osm_way, name, length_m, geometry`."""
        import geopandas as gpd

        return gpd.GeoDataFrame(
            {
                "segment_id": np.arange(len(self.u)),
                "osm_way": self.way_id,
                "name": self.name,
                "length_m": self.length_m,
            },
            geometry=self.lines(),
            crs=self.crs,
        )

    def towards(self) -> csr_array:
        """
        Return the graph (n, n) that a search from facilities runs on.

        Entry (a, b) is the walk from b to a in metres: a step against the way people go. Of parallel
        segments the shortest counts.
        """
        tails = np.concatenate([self.v[self.forward], self.u[self.backward]])
        heads = np.concatenate([self.u[self.forward], self.v[self.backward]])
        metres = np.concatenate([self.length_m[self.forward], self.length_m[self.backward]])
        return shortest_links(tails, heads, metres, size=len(self.node_ref))

    @classmethod
    def from_graph(
        cls, graph: nx.MultiDiGraph[Any], *, crs: str = "auto", islet_m: float = 1000.0
    ) -> Network:
        """
        Return the network of an OSMnx or NetworkX graph with node `x`, `y` and `graph["crs"]`.

        Both directions of a street become one segment, walkable both ways unless tagged otherwise.
        """
        from servicecircle.network.cut import cut_ways
        from servicecircle.sources.graphs import ways_of_graph

        return cls(**cut_ways(ways_of_graph(graph), crs=crs, islet_m=islet_m))

    def to_graph(self) -> nx.MultiDiGraph[Any]:
        """
        Return an OSMnx-style MultiDiGraph in longitude and latitude.

        Edges hold `length_m` (planar, in the network's CRS), `length` (the imported one where there was
        one), `osmid`, `name`, `geometry` and whatever an imported graph's edges held.
        """
        from servicecircle.network.graph import graph_of_network

        return graph_of_network(self)


def shortest_links(
    tails: NDArray[np.int64], heads: NDArray[np.int64], metres: Floats, *, size: int
) -> csr_array:
    """
    Return a sparse matrix of links, keeping the shortest of several between two nodes.

    SciPy adds up repeated entries, which would make parallel streets longer than either of them.
    """
    from scipy.sparse import csr_array

    order = np.lexsort((metres, heads, tails))
    tails, heads, metres = tails[order], heads[order], metres[order]
    fresh = np.ones(len(tails), dtype=bool)
    fresh[1:] = (tails[1:] != tails[:-1]) | (heads[1:] != heads[:-1])
    tails, heads, metres = tails[fresh], heads[fresh], metres[fresh]
    starts = np.searchsorted(tails, np.arange(size + 1))
    return csr_array((metres, heads.astype(np.int32), starts.astype(np.int32)), shape=(size, size))
