"""Ground between zones that belongs to none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from servicecircle.checks.shapes import are_polygons, union

if TYPE_CHECKING:
    import pandas as pd

    from servicecircle.checks.shapes import Shapes
    from servicecircle.findings import Findings

SLIVER_M = 5.0
"""Ground narrower than this between two zones is a slip of drawing, not a place."""

_TOO_SMALL_M2 = 1.0
_MITRE = 10.0
_TOUCHES_M = 0.01


def say_zone_gaps(units: pd.DataFrame, findings: Findings) -> None:
    """List the ground between zones of one level that none of them holds: its area and neighbours."""
    shapes = units["geometry"].to_numpy(dtype=object)
    drawn = np.flatnonzero(are_polygons(shapes))
    if len(drawn) == 0:
        return
    joined = union(shapes[drawn])
    rings = [ring for part in shapely.get_parts(joined) for ring in shapely.get_rings(part)[1:]]
    holes = np.array([shapely.Polygon(ring) for ring in rings], dtype=object)
    slits = _slits(joined)
    ground = np.concatenate([holes, slits])
    ground = ground[shapely.area(ground) >= _TOO_SMALL_M2] if len(ground) else ground
    if len(ground) == 0:
        return
    place, zone = shapely.STRtree(shapes[drawn]).query(ground, predicate="dwithin", distance=_TOUCHES_M)
    codes = units["code"].to_numpy(dtype=object)[drawn]
    enclosed = np.isin([id(shape) for shape in ground], [id(shape) for shape in holes])
    for i, shape in enumerate(ground):
        beside = sorted(codes[zone[place == i]])
        if not enclosed[i] and len(beside) < 2:  # a notch in the outline of one zone
            continue
        is_narrow = shapely.buffer(shape, -SLIVER_M / 2).is_empty
        findings.note(
            "zones.sliver" if is_narrow or not enclosed[i] else "zones.gap",
            subject=beside[0] if beside else "", area_m2=shape.area, beside=", ".join(beside[:9]),
        )  # fmt: skip


def _slits(joined: Any) -> Shapes:
    """
    Return narrow ground that is open at an end: between two zones that should share a border.

    It is what closes when the zones' outline is moved out and back by half its width; corners stay, as both
    ways are mitred.
    """
    parts = shapely.get_parts(joined)
    outline = np.array([shapely.Polygon(shapely.get_exterior_ring(part)) for part in parts], dtype=object)
    half = SLIVER_M / 2
    wide = shapely.buffer(outline, half, join_style="mitre", mitre_limit=_MITRE)
    closed = shapely.buffer(shapely.union_all(wide), -half, join_style="mitre", mitre_limit=_MITRE)
    found = shapely.get_parts(shapely.difference(closed, shapely.union_all(outline)))
    return np.asarray(found[shapely.length(found) > 4 * SLIVER_M], dtype=object)
