"""How complete the known streets are around people: a gap may be one of the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.sums import by_zone, total
from servicecircle.assess.walks import limits_for
from servicecircle.units import TOLERANCE_M, within

if TYPE_CHECKING:
    import geopandas as gpd

    from servicecircle.findings import Findings
    from servicecircle.network.place import Placements
    from servicecircle.study import Rules

NEAR_M, SPARSE_SHARE = 100.0, 0.5
"""Streets are sparse where a smaller share of a village's people live this near to one: our own choice."""


def street_completeness(
    zones: gpd.GeoDataFrame, segments: gpd.GeoDataFrame, people: pd.DataFrame
) -> pd.DataFrame:
    """
    Measure the known streets of each village.

    Parameters
    ----------
    zones
        Zones of all levels; villages are marked `unit`.
    segments
        Street segments with `length_m` and the `zone_code` of their midpoint.
    people
        Demand points with `people`, `zone_code` and `snap_m`, the distance to the nearest segment.

    Returns
    -------
    One row per village: `code`, `name`, `people`, `street_m`, `street_m_per_100` people, `street_m_per_km2`
    (NaN without a polygon), `near_share` of the people within `NEAR_M` of a street, `sparse`.
    """
    units = zones.loc[zones["unit"], ["code", "name", "geometry"]].reset_index(drop=True)
    codes, size = pd.Index(units["code"]), len(units)
    of_segment = codes.get_indexer(pd.Index(segments["zone_code"]))
    of_person = codes.get_indexer(pd.Index(people["zone_code"]))
    here, weight = of_person >= 0, people["people"].to_numpy(float)
    near = here & within(people["snap_m"].to_numpy(float), NEAR_M)
    inside = of_segment >= 0
    table = pd.DataFrame({
        "code": units["code"], "name": units["name"],
        "people": by_zone(of_person[here], weight[here], size),
        "street_m": by_zone(of_segment[inside], segments["length_m"].to_numpy(float)[inside], size),
    })  # fmt: skip
    living = table["people"].where(table["people"] > 0)
    area_km2 = units.geometry.area / 1e6
    table["street_m_per_100"] = 100 * table["street_m"] / living
    table["street_m_per_km2"] = table["street_m"] / area_km2.where(area_km2 > 0)
    table["near_share"] = by_zone(of_person[near], weight[near], size) / living
    return table.assign(sparse=table["near_share"] < SPARSE_SHARE)


def say_sparse(completeness: pd.DataFrame, findings: Findings) -> None:
    """List the villages whose known streets are sparse."""
    for village in completeness.loc[completeness["sparse"]].to_dict("records"):
        per_km2 = village["street_m_per_km2"]
        findings.note(
            "coverage.streets_sparse", subject=village["code"], people_touched=village["people"],
            name=village["name"], share=100 * village["near_share"], near_m=f"{NEAR_M:.0f}",
            per_100=f"{village['street_m_per_100']:,.0f}",
            per_km2="–" if np.isnan(per_km2) else f"{per_km2:,.0f}",
        )  # fmt: skip


def say_turned(people: pd.DataFrame, places: Placements, rules: Rules, findings: Findings) -> None:
    """Tell how many people a barrier keeps from their nearest street, and how many from any."""
    weight, limit_m = people["people"].to_numpy(float), limits_for(people["area_class"], rules)
    cut_off = ~places.placed & within(places.snap_m, limit_m)
    turned = places.placed & (places.access_m.min(axis=1) > places.snap_m + TOLERANCE_M)
    for code, chosen in (("barriers.turned", turned), ("barriers.cut_off", cut_off)):
        if chosen.any():
            touched = total(weight[chosen])
            findings.note(code, people_touched=touched, people=f"{touched:,.0f}")
