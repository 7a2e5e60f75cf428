"""Nearness, measured and reported: to a medical institution, and from each spoke to its hub."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from servicecircle.assess.clauses.answer import Answer, Case
from servicecircle.assess.clauses.items import facilities_of, nothing_of, told
from servicecircle.assess.clauses.scopes import ORDER, scopes, unit_level
from servicecircle.assess.sums import quantile
from servicecircle.kinds import satisfying
from servicecircle.units import within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from servicecircle.assess.clauses.facts import Facts
    from servicecircle.assess.clauses.scopes import Scope
    from servicecircle.standards.clause import Clause, HubTest, NearnessTest
    from servicecircle.units import Floats

HUB_COLUMNS = ("spoke_id", "spoke_name", "township", "hub_id", "hub_name", "metres", "reason")


def judge_nearness(clause: Clause, test: NearnessTest, facts: Facts) -> list[Answer]:
    """
    Report the share of facilities with a medical institution within some metres, in a straight line.

    No document names a distance: `metres` is one's own choice, and the evidence holds the distribution.
    """
    rows = operating(facts, test.kinds)
    xy = np.empty((0, 2)) if facts.medical is None or facts.medical.empty else _xy(_there(facts.medical))
    rows = rows.assign(straight_m=nearest(_xy(rows), xy)[0])
    missing = "" if np.isfinite(xy).all(axis=1).any() else "medical"
    return [
        _near(scope, test.metres, missing=nothing_of(facts, test.kinds) or missing)
        for scope in scopes(facts, rows, unit_level(clause.levels))
    ]


def _there(medical: pd.DataFrame) -> pd.DataFrame:
    """Leave out the institutions that are closed or not there yet."""
    if "status" not in medical:
        return medical
    return medical[~medical["status"].isin({"closed", "planned", "under_construction"})]


def _near(scope: Scope, metres: float, *, missing: str) -> Answer:
    straight_m = scope.rows["straight_m"].to_numpy(float)
    known = straight_m[~np.isnan(straight_m)]
    if missing or len(known) == 0:
        return reported(scope.code, None, "share", missing=missing)
    near = within(known, metres)
    figures = {
        "facilities": len(straight_m), "located": len(known), "near": int(near.sum()), "near_m": metres,
        **_spread(known),
    }  # fmt: skip
    cases = _cases(scope.own, "straight_m", metres, "no_coordinates")
    return reported(scope.code, float(near.mean()), "share", evidence=told(figures), cases=cases)


def judge_hub(clause: Clause, test: HubTest, facts: Facts) -> list[Answer]:
    """Report the share of spokes with a hub in their own street or township, and how far it is."""
    del clause
    hubs, spokes = operating(facts, test.hubs), operating(facts, test.spokes)
    table = hub_table(facts.facilities, test.hubs, test.spokes)
    found = table[["spoke_id", "metres", "reason"]].rename(columns={"reason": "lacks"})
    spokes = spokes.merge(found, left_on="facility_id", right_on="spoke_id", validate="1:1")
    nothing = nothing_of(facts, test.spokes)
    return [
        _hubs(scope, _within(hubs, scope.code), missing=nothing)
        for scope in scopes(facts, spokes, "township")
    ]


def hub_table(facilities: pd.DataFrame, hubs: tuple[str, ...], spokes: tuple[str, ...]) -> pd.DataFrame:
    """
    Return each spoke with the nearest hub of its own street or township.

    Parameters
    ----------
    facilities
        As in `Facts`; those in operation are taken. A facility that is both is no spoke.

    Returns
    -------
    One row per spoke, by id: `HUB_COLUMNS`. `metres` is the straight line, empty where a position is not
    known; `reason` tells why there is no hub, or which position lacks.
    """
    running = facilities[facilities["status"].eq("operating")]
    all_hubs = running[running["kind"].isin(satisfying(hubs))].sort_values("facility_id", kind="stable")
    at = running["kind"].isin(satisfying(spokes) - satisfying(hubs))
    all_spokes = running[at].sort_values("facility_id", kind="stable")
    by_township = {code: rows for code, rows in all_hubs.groupby("township") if code}
    parts = [
        _nearest_hubs(rows, by_township.get(code, all_hubs.iloc[:0]), str(code))
        for code, rows in all_spokes.groupby("township")
    ]
    if not parts:
        return pd.DataFrame(columns=list(HUB_COLUMNS))
    return pd.concat(parts).sort_values("spoke_id", kind="stable", ignore_index=True)[list(HUB_COLUMNS)]


def _nearest_hubs(spokes: pd.DataFrame, hubs: pd.DataFrame, township: str) -> pd.DataFrame:
    metres, number = nearest(_xy(spokes), _xy(hubs))
    found = hubs[["facility_id", "name"]].reset_index(drop=True).reindex(number).fillna("")
    lacking = ("no_hub" if hubs.empty else "no_coordinates") if township else "no_township"
    return pd.DataFrame({
        "spoke_id": spokes["facility_id"].to_numpy(),
        "spoke_name": spokes["name"].to_numpy(),
        "township": township,
        "hub_id": found["facility_id"].to_numpy(),
        "hub_name": found["name"].to_numpy(),
        "metres": metres,
        "reason": np.where(number < 0, lacking, ""),
    })  # fmt: skip


def _hubs(scope: Scope, hubs: pd.DataFrame, *, missing: str) -> Answer:
    spokes = scope.rows
    if spokes.empty:
        return reported(scope.code, None, "share", missing=missing)
    having = ~spokes["lacks"].isin(["no_hub", "no_township"])
    figures = {
        "spoke_facilities": len(spokes), "with_hub": int(having.sum()), "orphan_spokes": int((~having).sum()),
        "hubs": len(hubs), "hubs_without_spokes": int((~hubs["township"].isin(spokes["township"])).sum()),
        **_spread(spokes["metres"].to_numpy(float)),
    }  # fmt: skip
    cases = _cases(scope.own, "metres", None, "no_hub")
    return reported(scope.code, float(having.mean()), "share", evidence=told(figures), cases=cases)


def operating(facts: Facts, kinds: tuple[str, ...]) -> pd.DataFrame:
    """Return the facilities in operation that satisfy some kinds."""
    rows = facilities_of(facts, kinds, "operating")
    return rows[rows["counted"]].sort_values("facility_id", kind="stable")


def nearest(from_xy: Floats, to_xy: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the straight line to the nearest point and its number; NaN and -1 where a place is not known."""
    metres, number = np.full(len(from_xy), np.nan), np.full(len(from_xy), -1, dtype=np.int64)
    known, there = np.isfinite(from_xy).all(axis=1), np.flatnonzero(np.isfinite(to_xy).all(axis=1))
    if known.any() and len(there):
        straight_m, found = cKDTree(to_xy[there]).query(from_xy[known])
        metres[known], number[known] = straight_m, there[found]
    return metres, number


def reported(
    code: str,
    value: float | None,
    unit: str,
    *,
    missing: str = "",
    evidence: str = "",
    cases: tuple[Case, ...] = (),
) -> Answer:
    """Return a figure of which nothing is asked."""
    reason = "" if missing or value is not None else "no_facilities"
    return Answer(
        code, value, value, value, None, unit, missing=missing, reason=reason, evidence=evidence, cases=cases
    )  # fmt: skip


def _within(rows: pd.DataFrame, code: str) -> pd.DataFrame:
    return rows[(rows[list(ORDER)] == code).any(axis=1)] if code else rows


def _xy(rows: pd.DataFrame) -> Floats:
    return rows[["x_m", "y_m"]].to_numpy(float)


def _spread(straight_m: Floats) -> dict[str, float]:
    known = straight_m[~np.isnan(straight_m)]
    if len(known) == 0:
        return {}
    ones = np.ones(len(known))
    return {
        "straight_m_median": quantile(known, ones, 0.5),
        "straight_m_p90": quantile(known, ones, 0.9),
        "straight_m_max": float(known.max()),
    }


def _cases(rows: pd.DataFrame, column: str, asked: float | None, reason: str) -> tuple[Case, ...]:
    """Return each facility with its distance, by id; the reason stands where there is none."""
    figures = zip(rows["facility_id"], rows["name"], rows[column], strict=True)
    return tuple(
        Case("facility", str(facility_id), str(name), None, asked, "not_judged", reason, "m")
        if math.isnan(metres)
        else Case("facility", str(facility_id), str(name), metres, asked, "not_judged", "report_only", "m")
        for facility_id, name, metres in figures
    )
