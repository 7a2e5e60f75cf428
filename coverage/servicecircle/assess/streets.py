"""Street segments by their walk to the nearest facility, under the rule of the zone they lie in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from servicecircle.checks.people import zones_of
from servicecircle.network.place import Placements
from servicecircle.units import seconds_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from servicecircle.assess.walks import Walks
    from servicecircle.findings import Findings
    from servicecircle.network.network import Network
    from servicecircle.units import Floats


def zone_segments(network: Network, zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return one row per segment, with `zone_code`: the village of its midpoint."""
    segments = network.segments()
    return segments.assign(zone_code=zones_of(_midpoints(segments), zones))


def time_segments(
    network: Network,
    segments: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    walks: Sequence[Walks],
    *,
    walk_kmh: float,
) -> gpd.GeoDataFrame:
    """
    Return the segments, with their villages, with `seconds_u, seconds_v, seconds_mid`.

    The facilities are those that count in that village; outside all villages the rural ones. Infinite
    where none is reached.
    """
    count = len(segments)
    middle = Placements(
        segment=np.repeat(np.arange(count)[:, None], 2, axis=1),
        offset_m=np.column_stack([network.length_m / 2, np.full(count, np.nan)]),
        access_m=np.column_stack([np.zeros(count), np.full(count, np.inf)]),
        snap_m=np.zeros(count),
    )
    ruled = dict(zip(zones["code"], zones["circle"], strict=True))
    rule = np.array([ruled.get(code) or "1km" for code in segments["zone_code"]], dtype=object)
    metres = np.full((count, 3), np.inf)
    for walk in walks:
        here = np.flatnonzero(rule == walk.circle.id)
        field = walk.field
        metres[here, 0], metres[here, 1] = field.node_m[network.u[here]], field.node_m[network.v[here]]
        metres[here, 2] = field.metres_from(middle.take(here))[0]
    names = ("seconds_u", "seconds_v", "seconds_mid")
    timed = {name: seconds_for(values, walk_kmh) for name, values in zip(names, metres.T, strict=True)}
    order = [
        "segment_id", "osm_way", "name", "length_m", "seconds_u", "seconds_v", "seconds_mid", "zone_code",
        "geometry",
    ]  # fmt: skip
    return segments.assign(**timed)[order]


def say_islets(network: Network, findings: Findings) -> None:
    """Note the pieces of street that are cut off from the rest and short."""
    pieces = np.unique(network.segment_piece[network.islet])
    if len(pieces):
        km = network.piece_m[pieces].sum() / 1000.0
        findings.note("streets.islets", count=len(pieces), km=f"{km:.1f}", islet_m=f"{network.islet_m:g}")


def _midpoints(segments: gpd.GeoDataFrame) -> Floats:
    middle = segments.geometry.interpolate(0.5, normalized=True)
    return np.column_stack([middle.x, middle.y])
