"""Ground between zones that belongs to none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from servicecircle.checks.shapes import are_polygons, union

if TYPE_CHECKING:
    import pandas as pd

    from servicecircle.findings import Findings

SLIVER_M = 5.0
"""Ground narrower than this between two zones is a slip of drawing, not a place."""

_TOO_SMALL_M2 = 1.0


def say_zone_gaps(units: pd.DataFrame, findings: Findings) -> None:
    """List the ground that zones of one level enclose and none of them holds: area and neighbours."""
    shapes = units["geometry"].to_numpy(dtype=object)
    drawn = np.flatnonzero(are_polygons(shapes))
    if len(drawn) == 0:
        return
    parts = shapely.get_parts(union(shapes[drawn]))
    rings = [ring for part in parts for ring in shapely.get_rings(part)[1:]]
    holes = np.array([shapely.Polygon(ring) for ring in rings], dtype=object)
    holes = holes[shapely.area(holes) >= _TOO_SMALL_M2] if len(holes) else holes
    if len(holes) == 0:
        return
    hole, zone = shapely.STRtree(shapes[drawn]).query(holes, predicate="intersects")
    codes = units["code"].to_numpy(dtype=object)[drawn]
    for i, shape in enumerate(holes):
        beside = sorted(codes[zone[hole == i]])
        code = "zones.sliver" if shapely.buffer(shape, -SLIVER_M / 2).is_empty else "zones.gap"
        findings.note(
            code, subject=beside[0] if beside else "", area_m2=shape.area, beside=", ".join(beside[:9])
        )
