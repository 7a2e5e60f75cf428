"""Hub and spoke (辐射带动): each station's nearest hub in its own street or township, along the streets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.kinds import COUNTING_STATUS, satisfying
from servicecircle.standards.clause import HubTest
from servicecircle.travel.field import NOWHERE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from servicecircle.assess.nearest import WalkTo
    from servicecircle.standards.clause import Profile
    from servicecircle.study import Rules
    from servicecircle.units import Floats

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
    walk_to: WalkTo | None,
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
    walk_to
        As `Facts` has it; None: there are no streets, and all are linked in a straight line.
    hubs, spokes
        Kinds of either; a facility that is both is no spoke.

    Returns
    -------
    One row per spoke: `linked`, or `orphan` where its township has no hub; and one row per hub without spokes
    (`no_spokes`). Metres are empty where there is no way or no position; the hub is then the nearest in a
    straight line, or the lowest id.
    """
    operating = facilities[facilities["status"].eq(COUNTING_STATUS)].sort_values("facility_id")
    centres = operating[operating["kind"].isin(hubs)].reset_index(drop=True)
    stations = operating[operating["kind"].isin(spokes - hubs)].reset_index(drop=True)
    hub, metres, straight_m = _nearest_hubs(stations, centres, walk_to)
    found = _rows(centres, "hub").drop(columns="township").reindex(hub).reset_index(drop=True).fillna("")
    state = np.where(hub == NOWHERE, "orphan", "linked")
    linked = pd.concat([_rows(stations, "spoke"), found], axis=1).assign(
        hub_state=state, metres=metres, straight_m=straight_m
    )
    parts = [linked, _lonely(centres[~centres["township"].isin(stations["township"])])]
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


def _nearest_hubs(
    spokes: pd.DataFrame, hubs: pd.DataFrame, walk_to: WalkTo | None
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return each spoke's hub by its place, the walk to it and the straight line, township by township."""
    found = np.full(len(spokes), NOWHERE, dtype=np.int64)
    metres, straight_m = np.full((2, len(spokes)), np.nan)
    from_xy, to_xy = spokes[["x_m", "y_m"]].to_numpy(float), hubs[["x_m", "y_m"]].to_numpy(float)
    centres = hubs.groupby("township").indices
    for code, stations in spokes.groupby("township").indices.items():
        if not code or code not in centres:
            continue
        there = centres[code]
        away = np.hypot(*(from_xy[stations, None] - to_xy[there]).transpose(2, 0, 1))
        nearest = np.where(np.isnan(away), np.inf, away).argmin(axis=1)
        if walk_to is not None:
            walks, by_streets = walk_to(from_xy[stations], to_xy[there])
            nearest = np.where(np.isfinite(walks), by_streets, nearest)
        straight = away[np.arange(len(stations)), nearest]
        if walk_to is not None:
            metres[stations] = np.where(np.isfinite(walks), np.fmax(walks, straight), np.nan)
        found[stations], straight_m[stations] = there[nearest], straight
    return found, metres, straight_m
