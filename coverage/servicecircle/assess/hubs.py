"""Hub and spoke (辐射带动): each station's nearest hub in its own street or township, along the streets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.kinds import COUNTING_STATUS, satisfying
from servicecircle.standards.clause import HubTest
from servicecircle.travel.field import NOWHERE, travel_field

if TYPE_CHECKING:
    from servicecircle.network.place import Placer
    from servicecircle.standards.clause import Profile
    from servicecircle.study import Rules

HUBS = ("street_centre", "regional_centre", "township_home")
"""What radiates where the profile does not say."""

COLUMNS = (
    "hub_state", "township", "township_name", "spoke_id", "spoke_name", "spoke_kind", "hub_id", "hub_name",
    "hub_kind", "metres", "straight_m", "spokes",
)  # fmt: skip


def hub_kinds(profile: Profile, rules: Rules) -> tuple[frozenset[str], frozenset[str]]:
    """Return the kinds of hubs and of spokes: as the profile's clauses have it, else the circles' kinds."""
    tests = [clause.test for clause in profile.clauses if isinstance(clause.test, HubTest)]
    hubs = satisfying([kind for test in tests for kind in test.hubs] or HUBS)
    spokes = satisfying([k for t in tests for k in t.spokes] or (*rules.urban_kinds, *rules.rural_kinds))
    return hubs, spokes - hubs


def link_hubs(
    facilities: pd.DataFrame,
    names: pd.Series,
    placer: Placer,
    *,
    hubs: frozenset[str],
    spokes: frozenset[str],
) -> pd.DataFrame:
    """
    Name each operating spoke's nearest hub in its street or township.

    Parameters
    ----------
    facilities
        With `x_m`, `y_m` (NaN unknown) and the code of their `township`.
    names
        Names of zones by code.

    Returns
    -------
    One row per spoke: `linked`, or `orphan` where its township has no hub; and one row per hub without spokes
    (`no_spokes`). Metres are empty where there is no way or no position; the hub is then the nearest in a
    straight line, or the lowest id.
    """
    operating = facilities[facilities["status"].eq(COUNTING_STATUS)].sort_values("facility_id")
    centres, stations = operating[operating["kind"].isin(hubs)], operating[operating["kind"].isin(spokes)]
    linked = [
        _link(group, centres[centres["township"].eq(code) & (code != "")], placer)
        for code, group in stations.groupby("township", sort=True)
    ]
    parts = [*linked, _lonely(centres[~centres["township"].isin(stations["township"])])]
    table = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    named = table["township"].map(names).fillna("")
    table = table.assign(township_name=named, spokes=table["hub_id"].map(_numbers(table)))
    return table.sort_values(["township", "spoke_id", "hub_id"], ignore_index=True)[list(COLUMNS)]


def _numbers(table: pd.DataFrame) -> dict[str, int]:
    counts = table[table["spoke_id"].ne("")]["hub_id"].value_counts()
    return {hub: int(counts.get(hub, 0)) for hub in table["hub_id"] if hub}


def _lonely(hubs: pd.DataFrame) -> pd.DataFrame:
    return _rows(hubs, "hub").assign(
        hub_state="no_spokes", spoke_id="", spoke_name="", spoke_kind="", metres=np.nan, straight_m=np.nan
    )


def _rows(facilities: pd.DataFrame, role: str) -> pd.DataFrame:
    columns = {"facility_id": f"{role}_id", "name": f"{role}_name", "kind": f"{role}_kind"}
    return facilities[[*columns, "township"]].rename(columns=columns).reset_index(drop=True)


def _link(spokes: pd.DataFrame, hubs: pd.DataFrame, placer: Placer) -> pd.DataFrame:
    rows = _rows(spokes, "spoke")
    if hubs.empty:
        return rows.assign(
            hub_state="orphan", hub_id="", hub_name="", hub_kind="", metres=np.nan, straight_m=np.nan
        )
    to = hubs[["x_m", "y_m"]].to_numpy(float)
    away = np.hypot(*(spokes[["x_m", "y_m"]].to_numpy(float)[:, None] - to[None]).transpose(2, 0, 1))
    nearest = np.where(np.isnan(away), np.inf, away).argmin(axis=1)
    metres, by_streets = _walks(spokes, hubs, placer)
    hub = np.where(np.isfinite(metres), by_streets, nearest)
    chosen = hubs.iloc[hub]
    straight_m = away[np.arange(len(hub)), hub]
    return rows.assign(
        hub_state="linked", hub_id=chosen["facility_id"].to_numpy(), hub_name=chosen["name"].to_numpy(),
        hub_kind=chosen["kind"].to_numpy(),
        metres=np.where(np.isfinite(metres), np.fmax(metres, straight_m), np.nan), straight_m=straight_m,
    )  # fmt: skip


def _walks(spokes: pd.DataFrame, hubs: pd.DataFrame, placer: Placer) -> tuple[Any, Any]:
    """Return the walk from each spoke to the nearest hub along the streets, and that hub's row."""
    metres, nearest = np.full(len(spokes), np.inf), np.full(len(spokes), NOWHERE)
    there, from_ = hubs["x_m"].notna().to_numpy(), spokes["x_m"].notna().to_numpy()
    if not there.any() or not from_.any():
        return metres, nearest
    points = gpd.GeoDataFrame(
        {"facility_id": hubs["facility_id"][there]},
        geometry=gpd.points_from_xy(hubs["x_m"][there], hubs["y_m"][there]), crs=placer.network.crs,
    )  # fmt: skip
    field = travel_field(placer, points)
    places = placer.place(spokes[["x_m", "y_m"]].to_numpy(float)[from_], snap_m=300.0)
    found, facility = field.metres_from(places)
    metres[from_] = found
    row_of = {name: i for i, name in enumerate(hubs["facility_id"].astype(str))}
    rows = np.array([*(row_of[name] for name in field.facility_ids), NOWHERE])
    nearest[from_] = rows[facility]
    return metres, nearest
