"""Coverage: people on the travel field, added up zone by zone, each under the circle of their village."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from servicecircle.assess.completeness import COLUMNS as STREET_COLUMNS
from servicecircle.assess.completeness import describe_streets, off_streets
from servicecircle.assess.sums import by_zone, quantile, total
from servicecircle.assess.verdicts import Shares, verdict_of
from servicecircle.units import seconds_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from servicecircle.assess.walks import Walks
    from servicecircle.study import Circle, Rules
    from servicecircle.units import Floats

OWN = "own"
"""Circle of the rows in which each person stands under the rule of their village."""

_UPPER_LEVELS = ("prefecture", "county", "township")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Coverage:
    """
    Zones and their figures under the rules of one study.

    Parameters
    ----------
    zones
        One row per zone and circle, with the columns of `zones.csv` and the zones' geometry.
    rules
        The parameters it was measured with.
    """

    zones: gpd.GeoDataFrame
    rules: Rules


@dataclass(frozen=True, slots=True, eq=False)
class _Tally:
    """
    The judged people of one circle, and their sums per village.

    Parameters
    ----------
    circle
        Id of the circle, or `own`.
    limit, limit_unit
        What is printed as its limit.
    applies
        Villages (n,) that it judges.
    holds
        Counting facilities in each village.
    unit, seconds, people, reason
        Of each judged person: village, walk, weight, and why not within.
    sums
        Per village, a column `<group>_<mark>` for people and each group.
    unmapped
        People per village whose streets are not mapped.
    """

    circle: str
    limit: float
    limit_unit: str
    applies: NDArray[np.bool_]
    holds: Floats
    unit: NDArray[np.int64]
    seconds: Floats
    people: Floats
    reason: NDArray[np.object_]
    sums: pd.DataFrame
    unmapped: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What every row rests on: people per group and streets of each village, and the parameters."""

    living: dict[str, Floats]
    streets: pd.DataFrame
    rules: Rules


def cover(
    zones: gpd.GeoDataFrame,
    people: pd.DataFrame,
    facilities: gpd.GeoDataFrame,
    walks: Sequence[Walks],
    *,
    streets: pd.DataFrame,
    groups: Sequence[str],
    rules: Rules,
) -> Coverage:
    """
    Add people up per zone and circle.

    Parameters
    ----------
    zones
        Classified zones of all levels.
    people
        Demand points: `people`, group columns, `zone_code`, `circle` of their village, `snap_m`, `placed`.
    facilities
        With `zone_code`, their village, and a column `counts_<circle>` per circle.
    walks
        The walks under each circle, of the people whose village it judges.
    streets
        What is known of each village's streets (`street_completeness`).
    """
    import geopandas as gpd

    units = zones.loc[zones["unit"]].reset_index(drop=True)
    unit = pd.Index(units["code"]).get_indexer(pd.Index(people["zone_code"]))
    weights = {"people": people["people"].to_numpy(), **{g: people[g].to_numpy() for g in groups}}
    inside = unit >= 0
    living = {g: by_zone(unit[inside], w[inside], len(units)) for g, w in weights.items()}
    tallies = [
        _tally(w, units, unit, people, weights, _held(facilities, units, w.circle.id), rules) for w in walks
    ]
    own = _own_tally(tallies, units, _held(facilities, units, None))
    known = _Known(living, streets, rules)
    each = np.arange(len(units))
    judged = {t.circle: _block(units, each, t, known) for t in tallies}
    ruled = units["circle"].to_numpy()
    own_verdicts = np.full(len(units), "not_judged", dtype=object)
    for t in tallies:
        own_verdicts[ruled == t.circle] = judged[t.circle]["verdict"].to_numpy()[ruled == t.circle]
    blocks = [judged[t.circle][t.applies] for t in tallies]
    blocks.append(_block(units, each, own, known)[ruled == ""].assign(circle=""))
    for level in _UPPER_LEVELS:
        upper = zones.loc[zones["level"].eq(level) & ~zones["unit"]].reset_index(drop=True)
        if upper.empty:
            continue
        group = _ancestor(units, upper, zones)
        for t in tallies:
            block = _block(upper, group, t, known, judged[t.circle]["verdict"].to_numpy())
            blocks.append(block[block["units"] > 0])
        blocks.append(_block(upper, group, own, known, own_verdicts))
    table = pd.concat(blocks, ignore_index=True)
    return Coverage(
        gpd.GeoDataFrame(_in_order(table, walks, groups), geometry="geometry", crs=zones.crs), rules
    )


def _held(facilities: gpd.GeoDataFrame, units: pd.DataFrame, circle: str | None) -> Floats:
    """Return how many facilities that count for a circle, or for any, stand in each village."""
    columns = [f"counts_{circle}"] if circle else [c for c in facilities if str(c).startswith("counts_")]
    counts = facilities[columns].to_numpy(bool).any(axis=1)
    at = pd.Index(units["code"]).get_indexer(pd.Index(facilities["zone_code"]))
    at = at[counts & (at >= 0)]
    return by_zone(at, np.ones(len(at)), len(units))


def _tally(
    walks: Walks, units: pd.DataFrame, unit: NDArray[np.int64], people: pd.DataFrame,
    weights: dict[str, Floats], holds: Floats, rules: Rules,
) -> _Tally:  # fmt: skip
    row, count = walks.row, len(units)
    here = unit[row]
    marks = {
        "judged": np.ones(len(row), bool), "within": walks.within, "doubtful": walks.doubtful,
        "streets": walks.by_streets, "line": walks.by_line,
        "by_connector": walks.within & walks.connector,
    }  # fmt: skip
    sums = pd.DataFrame({
        f"{group}_{mark}": by_zone(here[chosen], weight[row][chosen], count)
        for group, weight in weights.items() for mark, chosen in marks.items()
    })  # fmt: skip
    off = off_streets(people)[row]
    return _Tally(
        circle=walks.circle.id, limit=walks.circle.limit, limit_unit=walks.circle.limit_unit,
        applies=applies_to(walks.circle, units), holds=holds, unit=here,
        seconds=seconds_for(walks.metres, rules.walk_kmh), people=weights["people"][row],
        reason=walks.reason, sums=sums, unmapped=by_zone(here[off], weights["people"][row][off], count),
    )  # fmt: skip


def applies_to(circle: Circle, zones: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which zones a circle judges: those whose own it is; a further circle, those of its class too."""
    ruled = zones["circle"].eq(circle.id)
    if circle.id in {"15min", "1km"}:
        return ruled.to_numpy(bool)
    classes = ["urban", "rural"] if circle.applies == "all" else [circle.applies]
    return (ruled | zones["area_class"].isin(classes)).to_numpy(bool)


def _own_tally(tallies: Sequence[_Tally], units: pd.DataFrame, holds: Floats) -> _Tally:
    """Put every person under the rule of their village: it has one, so nothing is added twice."""
    ruled = units["circle"].to_numpy()
    kept = [(t, ruled == t.circle) for t in tallies]
    chosen = [of[t.unit] for t, of in kept]
    zero = tallies[0].sums * 0.0
    sums = sum((t.sums.mul(of.astype(float), axis=0) for t, of in kept), start=zero)
    own_holds = np.sum([np.where(of, t.holds, 0.0) for t, of in kept], axis=0)
    return _Tally(
        circle=OWN, limit=np.nan, limit_unit="", applies=np.ones(len(units), bool),
        holds=np.stack([own_holds, holds]),
        unit=np.concatenate([t.unit[c] for (t, _), c in zip(kept, chosen, strict=True)]),
        seconds=np.concatenate([t.seconds[c] for (t, _), c in zip(kept, chosen, strict=True)]),
        people=np.concatenate([t.people[c] for (t, _), c in zip(kept, chosen, strict=True)]),
        reason=np.concatenate([t.reason[c] for (t, _), c in zip(kept, chosen, strict=True)]),
        sums=sums, unmapped=np.sum([np.where(of, t.unmapped, 0.0) for t, of in kept], axis=0),
    )  # fmt: skip


def _ancestor(units: pd.DataFrame, upper: pd.DataFrame, zones: pd.DataFrame) -> NDArray[np.int64]:
    """Return the row of the upper zone that each village lies in; -1 where in none."""
    parent = dict(zip(zones["code"], zones["parent_code"], strict=True))
    wanted = {code: i for i, code in enumerate(upper["code"])}
    found = []
    for code in units["code"]:
        above = parent.get(code, "")
        while above and above not in wanted:
            above = parent.get(above, "")
        found.append(wanted.get(above, -1))
    return np.array(found, dtype=np.int64)


def _block(
    zones: pd.DataFrame, group: NDArray[np.int64], tally: _Tally, known: _Known,
    verdicts: NDArray[np.object_] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return one row per zone: the sums of the villages that `group` puts into it, and what follows."""
    size = len(zones)
    members = _members(np.where(tally.applies, group, -1), size)
    within_zone = _members(group, size)
    held, any_held = (tally.holds[0], tally.holds[1]) if tally.holds.ndim > 1 else (tally.holds, tally.holds)
    block = zones[
        ["code", "name", "level", "parent_code", "report_unit", "area_class", "area_class_source", "geometry"]
    ]
    block = block.assign(circle=tally.circle, limit=tally.limit, limit_unit=tally.limit_unit)
    living = {n if n == "people" else f"{n}_people": weight for n, weight in known.living.items()}
    weights = living | {str(column): sums.to_numpy() for column, sums in tally.sums.items()}
    block = _beside(block, {column: _summed(weight, members) for column, weight in weights.items()})
    streets = {column: _summed(sums.to_numpy(), members) for column, sums in known.streets.items()}
    block = describe_streets(block, pd.DataFrame(streets, index=block.index))
    unmapped = _summed(tally.unmapped, members)
    block["facilities"] = _summed(any_held, within_zone).astype(int)
    block["units_with_facility"] = _summed((held > 0).astype(float), members).astype(int)
    of_person = group[tally.unit]
    block[["median_seconds", "p90_seconds"]] = _quantiles(of_person, tally, size)
    block["main_reason"] = _main_reasons(of_person, tally, size)
    block = _with_shares(block, list(known.living))
    block["state"] = _states(block, unmapped, verdicts is None)
    return _with_counts(_with_verdicts(block, known.rules), members, verdicts)


def _members(group: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], np.arange(size + 1))
    return [order[first[i] : first[i + 1]] for i in range(size)]


def _summed(values: Floats, members: list[NDArray[np.int64]]) -> Floats:
    return np.array([total(values[m]) for m in members], dtype=float)


def _quantiles(group: NDArray[np.int64], tally: _Tally, size: int) -> Floats:
    people = _members(group, size)
    return np.array([
        [quantile(tally.seconds[p], tally.people[p], share) for share in (0.5, 0.9)] for p in people
    ]).reshape(-1, 2)  # fmt: skip


def _main_reasons(group: NDArray[np.int64], tally: _Tally, size: int) -> list[str]:
    """Return the reason that keeps most people of each zone outside; the first in the alphabet at a tie."""
    out = tally.reason != ""
    frame = pd.DataFrame({"zone": group[out], "reason": tally.reason[out], "people": tally.people[out]})
    sums = frame.groupby(["zone", "reason"], sort=True)["people"].sum()
    main = sums.groupby(level=0).idxmax()
    return [main.loc[i][1] if i in main.index else "" for i in range(size)]


def _beside(block: pd.DataFrame, columns: dict[str, Any]) -> pd.DataFrame:
    """Add columns in one step: many groups bring many, and one by one they would be slow."""
    return pd.concat([block, pd.DataFrame(columns, index=block.index)], axis=1)


def _with_shares(block: pd.DataFrame, groups: Sequence[str]) -> pd.DataFrame:
    shares: dict[str, Any] = {}
    for name in groups:
        judged = block[f"{name}_judged"].where(block[f"{name}_judged"] > 0)
        prefix = "" if name == "people" else f"{name}_"
        reached = block[f"{name}_within"] + block[f"{name}_doubtful"]
        shares[f"{prefix}share_within"] = block[f"{name}_within"] / judged
        shares[f"{prefix}share_low"] = block[f"{name}_streets"] / judged
        shares[f"{prefix}share_high"] = np.minimum(reached / judged, judged / judged)
        shares[f"{prefix}share_straight"] = block[f"{name}_line"] / judged
    shares["gap_people"] = block["people_judged"] - block["people_within"]
    return _beside(block, shares)


def _states(block: pd.DataFrame, unmapped: Floats, lowest: bool) -> NDArray[np.str_]:  # noqa: FBT001
    no_class = block["people_judged"].eq(0) & block["people"].gt(0)
    few_streets = lowest & (unmapped > block["people_judged"].to_numpy() / 2)
    return np.select(
        [block["people"].le(0), no_class, few_streets],
        ["no_people", "no_class", "streets_unmapped"], default="judged",
    )  # fmt: skip


def _with_verdicts(block: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    doubtful = block["people_doubtful"] / block["people_judged"].where(block["people_judged"] > 0)
    rows: list[tuple[str, str, str]] = []
    for state, low, high, doubt, reason in zip(
        block["state"], block["share_low"], block["share_high"], doubtful, block["main_reason"], strict=True
    ):
        if state != "judged":
            rows.append(("not_judged", "", state))
            continue
        verdict, certainty = verdict_of(Shares(low, high, doubt), rules.share_required)
        rows.append((verdict, certainty, "" if verdict == "met" else reason))
    block[["verdict", "certainty", "reason"]] = np.array(rows, dtype=object).reshape(-1, 3)
    return block


def _with_counts(
    block: pd.DataFrame, members: list[NDArray[np.int64]], verdicts: NDArray[np.object_] | None
) -> pd.DataFrame:
    """Count the villages below by their verdicts; a village counts itself."""
    own = block["verdict"].to_numpy()
    below = [own[[i]] for i in range(len(block))] if verdicts is None else [verdicts[m] for m in members]
    block["units"] = [len(b) for b in below]
    block["units_judged"] = [int((b != "not_judged").sum()) for b in below]
    for verdict in ("met", "not_met", "to_verify"):
        block[f"units_{verdict}"] = [int((b == verdict).sum()) for b in below]
    return block


def columns(groups: Sequence[str]) -> list[str]:
    """Return the columns of the zones table, in order."""
    marks = (
        "people",
        "judged",
        "within",
        "doubtful",
        "share_within",
        "share_low",
        "share_high",
        "share_straight",
    )
    return [
        "code", "name", "level", "parent_code", "report_unit", "area_class", "area_class_source", "circle",
        "limit", "limit_unit", "people", "people_judged", "people_within", "people_doubtful", "share_within",
        "share_low", "share_high", "share_straight", "median_seconds", "p90_seconds", "facilities", "units",
        "units_judged", "units_met", "units_not_met", "units_to_verify", "units_with_facility", "gap_people",
        "state", "certainty", "verdict", "reason", "people_by_connector", *STREET_COLUMNS,
        *(f"{g}_{mark}" for g in groups for mark in marks),
    ]  # fmt: skip


def _in_order(table: pd.DataFrame, walks: Sequence[Walks], groups: Sequence[str]) -> pd.DataFrame:
    """Sort by level from the top down, code and circle, own first."""
    levels = {level: i for i, level in enumerate((*_UPPER_LEVELS, "village"))}
    circles = {OWN: -1, **{w.circle.id: i for i, w in enumerate(walks)}}
    keys = pd.DataFrame({
        "level": table["level"].map(levels), "code": table["code"], "circle": table["circle"].map(circles)
    })  # fmt: skip
    order = keys.sort_values(["level", "code", "circle"], kind="stable").index
    return table.loc[order, [*columns(groups), "geometry"]].reset_index(drop=True)
