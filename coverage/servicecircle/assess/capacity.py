"""Capacity beside reach: the beds that people can walk to, and whether there are enough for all who can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from servicecircle.assess.assignment import assign
from servicecircle.assess.clauses.scopes import ORDER
from servicecircle.assess.sums import total
from servicecircle.assess.verdicts import reaches
from servicecircle.kinds import COUNTING_STATUS, satisfying
from servicecircle.travel.catchment import Walkers, catchments
from servicecircle.units import within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from servicecircle.assess.assignment import Assignment
    from servicecircle.assess.clauses.facts import Facts
    from servicecircle.network.place import Placements, Placer
    from servicecircle.study import Circle
    from servicecircle.units import Floats

WEIGHTS = (1.0, 0.68, 0.22)
"""
What a facility in the nearest, middle and farthest third of the way weighs: 0-5, 5-10 and 10-15 minutes.

The slower of the two sets of Luo and Qi (2009), "An enhanced two-step floating catchment area (E2SFCA)
method", Health & Place 15, 1100-1107.
"""

CLASSES = ("near_enough", "near_full", "far_enough", "far_short")
"""Near: covered by the circle. Enough: the beds it gets reach `beds_per_1000`."""

COLUMNS = (
    "code", "name", "level", "parent_code", "group", "demand", "share_within", "beds", "beds_per_1000",
    "facilities_reached", "beds_reached", "beds_unknown", "access_per_1000", "places_needed",
    "places_assigned", "places_unassigned", "assigned_metres", "capacity_class",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """
    Which facilities each person reaches within the limit of their village's circle.

    Parameters
    ----------
    person, facility
        Rows of the people and of the facilities, a pair at a time.
    metres, limit_m
        The walk, and how long it may be.
    """

    person: NDArray[np.int64]
    facility: NDArray[np.int64]
    metres: Floats
    limit_m: Floats


def reach_within(
    placer: Placer,
    facilities: Placements,
    facility_xy: Floats,
    people: pd.DataFrame,
    people_places: Placements,
    circles: Sequence[Circle],
) -> Reach:
    """
    Search from each placed facility along the streets, up to the longest limit.

    Parameters
    ----------
    people
        Demand points with `judged` and `circle`.
    """
    of_circle = {circle.id: circle.limit_m for circle in circles}
    limits = people["circle"].map(of_circle).fillna(0.0)
    limit_m: Floats = np.asarray(limits, dtype=np.float64)
    walkers = Walkers.of(placer.network, people_places.only(people["judged"].to_numpy(bool)), facilities)
    person: list[NDArray[np.int64]] = []
    facility: list[NDArray[np.int64]] = []
    walks: list[Floats] = []
    longest = max(of_circle.values())
    for catchment in catchments(placer.network, facilities, cutoff_m=longest, xy=facility_xy):
        point, metres = walkers.metres_to(catchment)
        near = within(metres, limit_m[point])
        person.append(point[near])
        facility.append(np.full(near.sum(), catchment.facility))
        walks.append(metres[near])
    if not person:
        none = np.zeros(0, dtype=np.int64)
        return Reach(none, none, np.zeros(0), np.zeros(0))
    who = np.concatenate(person)
    return Reach(who, np.concatenate(facility), np.concatenate(walks), limit_m[who])


def step_weights(reach: Reach) -> Floats:
    """Return the weight of each pair, by the third of the limit in which its walk ends."""
    third = reach.limit_m / 3
    near, middle = within(reach.metres, third), within(reach.metres, 2 * third)
    return np.select([near, middle], WEIGHTS[:2], WEIGHTS[2])


def floating_catchments(reach: Reach, *, demand: Floats, supply: Floats, weight: Floats) -> Floats:
    """
    Share each facility's supply among all who reach it, and add up what each person gets of it.

    The enhanced two-step floating catchment area: supply per weighted demand at each facility, then the
    weighted sum of these over the facilities that a person reaches. Over all people, demand times access is
    the supply of the facilities that anybody reaches.
    """
    wanted = np.bincount(reach.facility, weights=demand[reach.person] * weight, minlength=len(supply))
    ratio = np.divide(supply, wanted, out=np.zeros(len(supply)), where=wanted > 0)
    got = np.bincount(reach.person, weights=ratio[reach.facility] * weight, minlength=len(demand))
    return got.astype(float)


def bedded(facilities: pd.DataFrame, kinds: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which facilities have places, known or not: operating, of a circle's kinds or with beds given."""
    care = facilities["kind"].isin(satisfying(("any",))) & facilities["status"].eq(COUNTING_STATUS)
    beds = facilities["beds"].gt(0) if "beds" in facilities else False
    return np.asarray(care & (facilities["kind"].isin(kinds) | beds), dtype=bool)


def measure_capacity(
    facts: Facts, beds: Floats, people: pd.DataFrame, reach: Reach, *, group: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """
    Lay places beside reach, zone by zone.

    Parameters
    ----------
    beds
        Of each facility: NaN where it is not known, 0 where it has none that count.
    people
        Demand points with `judged`, `within`, `zone_code` and the weights `group`.
    group
        Who needs places: the elderly where they are given, else all people; `beds_per_1000` of the rules
        for every thousand of them.

    Returns
    -------
    One row per zone of every level with `COLUMNS`, and the totals.
    """
    rules = facts.rules
    supply = np.nan_to_num(beds)
    demand = people[group].to_numpy(float) * people["judged"].to_numpy(bool)
    needed = demand * rules.beds_per_1000 / 1000
    access = floating_catchments(reach, demand=demand, supply=supply, weight=step_weights(reach))
    found = assign(reach.person, reach.facility, reach.metres, demand=needed, places=supply)
    each = pd.DataFrame({
        "demand": demand, "covered": demand * people["within"].to_numpy(bool), "access": demand * access,
        "places_needed": needed, "places_unassigned": found.unassigned,
        "person_metres": np.bincount(
            reach.person, weights=found.amount * reach.metres, minlength=len(demand)
        ),
    })  # fmt: skip
    at = facts.units.reindex(people["zone_code"])[list(ORDER)].fillna("")
    rows = facts.facilities
    held = rows[bedded(rows, (*rules.urban_kinds, *rules.rural_kinds))]
    blocks = [
        _block(facts.units[facts.units["level"].eq(level)], each, at[level].to_numpy(), reach, beds, held)
        for level in ORDER
        if facts.units["level"].eq(level).any()
    ]
    table = pd.concat(blocks, ignore_index=True).assign(group=group)
    classes = _classes(table, rules.class_share, rules.beds_per_1000)
    lowest = table["level"].eq(table["level"].iloc[-1])
    table["capacity_class"] = np.where(lowest, classes, "")
    counts = {word: int(table["capacity_class"].eq(word).sum()) for word in CLASSES}
    return table[list(COLUMNS)], {"classes": counts, **_totals(beds, reach, needed, found, group)}


def _block(
    zones: pd.DataFrame, each: pd.DataFrame, zone_of: NDArray[Any], reach: Reach, beds: Floats,
    held: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """Return one row per zone of a level; `zone_of` is the one that each person lives in."""
    sums = each.groupby(zone_of).sum().reindex(zones.index).fillna(0.0)
    pairs = pd.DataFrame({"zone": zone_of[reach.person], "facility": reach.facility}).drop_duplicates()
    pairs["beds"] = beds[pairs["facility"].to_numpy()]
    reached = pairs.groupby("zone")["beds"]
    own = held.groupby(zones["level"].iloc[0])["beds"].sum().reindex(zones.index).fillna(0.0)
    living = sums["demand"].where(sums["demand"] > 0)
    assigned = sums["places_needed"] - sums["places_unassigned"]
    return pd.DataFrame({
        "code": zones.index, "name": zones["name"].to_numpy(), "level": zones["level"].to_numpy(),
        "parent_code": zones["parent_code"].to_numpy(),
        "demand": sums["demand"].to_numpy(),
        "share_within": (sums["covered"] / living).to_numpy(),
        "beds": own.to_numpy(),
        "beds_per_1000": (1000 * own / living).to_numpy(),
        "facilities_reached": reached.size().reindex(zones.index).fillna(0).to_numpy(int),
        "beds_reached": reached.sum().reindex(zones.index).fillna(0.0).to_numpy(),
        "beds_unknown": (reached.size() - reached.count()).reindex(zones.index).fillna(0).to_numpy(int),
        "access_per_1000": (1000 * sums["access"] / living).to_numpy(),
        "places_needed": sums["places_needed"].to_numpy(),
        "places_assigned": assigned.to_numpy(),
        "places_unassigned": sums["places_unassigned"].to_numpy(),
        "assigned_metres": (sums["person_metres"] / assigned.where(assigned > 0)).to_numpy(),
    })  # fmt: skip


def _classes(table: pd.DataFrame, class_share: float, beds_per_1000: float) -> NDArray[np.object_]:
    """Say of each village whether a facility is near and has places enough; "" where it cannot be told."""
    near = reaches(table["share_within"].to_numpy(float), class_share)
    enough = reaches(table["access_per_1000"].to_numpy(float), beds_per_1000)
    demand, unknown = (table[column].to_numpy(float) for column in ("demand", "beds_unknown"))
    held = [(demand <= 0) | (~enough & (unknown > 0)), near & enough, near, enough]
    return np.select(held, ["", *CLASSES[:3]], CLASSES[3]).astype(object)


def _totals(beds: Floats, reach: Reach, needed: Floats, found: Assignment, group: str) -> dict[str, Any]:
    supply = np.nan_to_num(beds)
    load = np.bincount(reach.facility, weights=found.amount, minlength=len(supply))
    full = (supply > 0) & (load >= supply * (1 - 1e-9))
    return {
        "group": group, "facilities": int((supply > 0).sum()),
        "facilities_unknown": int(np.isnan(beds).sum()),
        "facilities_full": int(full.sum()), "beds": total(supply),
        "beds_reached": total(supply[np.unique(reach.facility)]), "places_needed": total(needed),
        "places_assigned": total(found.amount), "places_unassigned": total(found.unassigned),
        "person_metres": total(found.amount * reach.metres),
    }  # fmt: skip
