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
    from numpy.typing import NDArray

    from servicecircle.findings import Findings
    from servicecircle.network.place import Placements
    from servicecircle.study import Rules

FAR_FROM_STREETS_M = 300.0
"""People farther than this from any street live where no streets are mapped."""

NEAR_M, SPARSE_SHARE = 100.0, 0.5
"""Streets are sparse where a smaller share of a zone's people live this near to one: our own choice."""

COLUMNS = (
    "street_km", "street_km_per_km2", "street_m_per_person", "share_near_street", "people_off_streets",
    "streets_state",
)  # fmt: skip
"""What the zones table says of streets."""


def off_streets(people: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell who has no place on the streets, or lives far from any."""
    return ~people["placed"].to_numpy(bool) | (people["snap_m"].to_numpy(float) > FAR_FROM_STREETS_M)


def street_completeness(
    zones: gpd.GeoDataFrame, segments: gpd.GeoDataFrame, people: pd.DataFrame
) -> pd.DataFrame:
    """
    Add up the known streets of each village, and who lives near to them.

    Parameters
    ----------
    zones
        Zones of all levels; villages are marked `unit`.
    segments
        Street segments with `length_m` and the `zone_code` of their midpoint.
    people
        Demand points with `people`, `zone_code`, `placed` and `snap_m`, the distance to the nearest
        segment.

    Returns
    -------
    One row per village: `street_m`, `area_km2` (NaN without a polygon), `near` (people within `NEAR_M` of
    a street) and `off` (people off the streets).
    """
    units = zones.loc[zones["unit"]].reset_index(drop=True)
    codes, size = pd.Index(units["code"]), len(units)
    of_segment = codes.get_indexer(pd.Index(segments["zone_code"]))
    of_person = codes.get_indexer(pd.Index(people["zone_code"]))
    here, weight = of_person >= 0, people["people"].to_numpy(float)
    near = here & within(people["snap_m"].to_numpy(float), NEAR_M)
    off = here & off_streets(people)
    inside = of_segment >= 0
    area_km2 = units.geometry.area / 1e6
    return pd.DataFrame({
        "street_m": by_zone(of_segment[inside], segments["length_m"].to_numpy(float)[inside], size),
        "area_km2": area_km2.where(area_km2 > 0),
        "near": by_zone(of_person[near], weight[near], size),
        "off": by_zone(of_person[off], weight[off], size),
    })  # fmt: skip


def describe_streets(zones: pd.DataFrame, sums: pd.DataFrame) -> pd.DataFrame:
    """Return zones with `COLUMNS`, from their `people` and the sums over their villages, row by row."""
    people = zones["people"]
    living = people.where(people > 0)
    share = sums["near"] / living
    return zones.assign(
        street_km=sums["street_m"] / 1000,
        street_km_per_km2=sums["street_m"] / 1000 / sums["area_km2"].where(sums["area_km2"] > 0),
        street_m_per_person=sums["street_m"] / living,
        share_near_street=share,
        people_off_streets=sums["off"],
        streets_state=np.select(
            [people <= 0, sums["off"] > people / 2, share < SPARSE_SHARE],
            ["", "unmapped", "sparse"], default="mapped",
        ),
    )  # fmt: skip


def say_sparse(zones: gpd.GeoDataFrame, findings: Findings) -> None:
    """List the villages whose known streets are sparse, or not mapped at all."""
    villages = zones.loc[zones["level"].eq(zones["level"].iloc[-1])].drop_duplicates("code")
    for village in villages.loc[villages["streets_state"].isin(["sparse", "unmapped"])].itertuples():
        density = village.street_km_per_km2
        findings.note(
            "coverage.streets_sparse", subject=village.code, people_touched=village.people,
            name=village.name, share=100 * village.share_near_street, near_m=f"{NEAR_M:.0f}",
            per_100=f"{100 * village.street_m_per_person:,.0f}",
            per_km2="–" if np.isnan(density) else f"{1000 * density:,.0f}",
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
