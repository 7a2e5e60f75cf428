"""A network as a NetworkX graph, in the form that OSMnx uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import shapely

from servicecircle.crs import WGS84, transform

if TYPE_CHECKING:
    from servicecircle.network.network import Network

_DECIMALS = 9  # 0.1 mm in degrees: inverts the projection without its noise


def graph_of_network(network: Network) -> nx.MultiDiGraph[Any]:
    """Return the network as an OSMnx-style MultiDiGraph in longitude and latitude."""
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(
        crs="epsg:4326", simplified=True, created_with="servicecircle"
    )
    lonlat = np.round(transform(network.node_xy, network.crs, WGS84), _DECIMALS)
    refs = network.node_ref.tolist()
    for ref, (lon, lat) in zip(refs, lonlat.tolist(), strict=True):
        graph.add_node(ref, x=lon, y=lat)
    vertices = np.round(transform(network.vertices, network.crs, WGS84), _DECIMALS)
    for segment in range(len(network.u)):
        line = vertices[network.first[segment] : network.first[segment + 1]]
        tail, head = refs[network.u[segment]], refs[network.v[segment]]
        data = _attributes(network, segment)
        if network.forward[segment]:
            graph.add_edge(tail, head, **data, geometry=shapely.LineString(line), reversed=False)
        if network.backward[segment]:
            graph.add_edge(head, tail, **data, geometry=shapely.LineString(line[::-1]), reversed=True)
    return graph


def _attributes(network: Network, segment: int) -> dict[str, Any]:
    own = network.attributes[segment] if network.attributes else {}
    length_m = float(network.length_m[segment])
    data = {
        "osmid": int(network.way_id[segment]), "name": network.name[segment], "length": length_m,
        **own, "length_m": length_m,
    }  # fmt: skip
    if not network.forward[segment] or not network.backward[segment]:
        data["oneway:foot"] = "yes" if network.forward[segment] else "-1"
    return {key: value for key, value in data.items() if key != "reversed" and value not in ("", None)}
