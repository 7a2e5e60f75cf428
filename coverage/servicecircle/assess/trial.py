"""Trials: what a new, a removed or an opened facility would change, recalculated by the run's own engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.assess.completeness import off_streets
from servicecircle.assess.sites import opened_later
from servicecircle.assess.sums import by_zone, total
from servicecircle.assess.verdicts import Shares, verdict_of
from servicecircle.assess.walks import walk_people

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from servicecircle.assess.walks import Walks
    from servicecircle.network.place import Placements, Placer
    from servicecircle.study import Circle, Rules
    from servicecircle.units import Floats

MM = 1000.0
ELDERLY = "elderly"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ground:
    """
    What trials stand on: the streets, people and facilities of a run as it placed and measured them.

    Parameters
    ----------
    zones
        Classified zones of all levels.
    people, places
        The demand points with what was measured under their own circle, and their places.
    facilities, facility_places
        All facilities with `counts_<circle>`, and their places.
    walks
        One per circle.
    barriers
        Lines that nobody walks across, or None.
    circles
        The circles, in the order of `walks`.
    household
        Whether a demand point is a household: then it never leaves this machine.
    """

    placer: Placer
    zones: gpd.GeoDataFrame
    people: pd.DataFrame
    places: Placements
    facilities: gpd.GeoDataFrame
    facility_places: Placements
    walks: Sequence[Walks]
    circles: Sequence[Circle]
    rules: Rules
    barriers: NDArray[np.object_] | None = None
    household: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """A facility that is tried: whole millimetres in the study CRS, and its kind."""

    x_mm: int
    y_mm: int
    kind: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried at once: new sites, and the ids of facilities taken away and opened."""

    sites: tuple[Site, ...] = ()
    removed: frozenset[str] = field(default_factory=frozenset)
    opened: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What a trial changes: people newly covered and lost, and villages whose verdict becomes another.

    Parameters
    ----------
    verdicts
        Verdict before and after, by code of the villages where they differ.
    """

    gained: float
    lost: float
    elderly_gained: float
    elderly_lost: float
    verdicts: dict[str, tuple[str, str]]


def try_sites(ground: Ground, trial: Trial, codes: Sequence[str]) -> Outcome:
    """
    Place the tried facilities, measure everybody's walk anew, and say what changes.

    Parameters
    ----------
    codes
        The villages whose people and verdicts are told; each stands under its own circle.
    """
    facilities = _tried(ground, trial)
    people = ground.people
    xy = people[["x_m", "y_m"]].to_numpy()
    village = pd.Index(codes).get_indexer(pd.Index(people["zone_code"]))
    before, after = (np.zeros((len(people), 3), dtype=bool) for _ in range(2))
    known = np.zeros(len(people), dtype=bool)
    for walk in ground.walks:
        own = people["circle"].to_numpy()[walk.row] == walk.circle.id
        own &= village[walk.row] >= 0
        rows = walk.row[own]
        counted = facilities.loc[facilities[f"counts_{walk.circle.id}"].astype(bool)]
        again = walk_people(
            ground.placer, counted, xy, ground.places, rows=rows, circle=walk.circle, rules=ground.rules
        )
        before[rows] = _marks(walk)[own]
        after[rows] = _marks(again)
        known[rows] = True
    rows = np.flatnonzero(known)
    weights = {name: people[name].to_numpy(float) for name in ("people", ELDERLY) if name in people}
    verdicts = [
        _verdicts(
            village[rows], weights["people"][rows], marks[rows], len(codes), ground.rules.share_required
        )
        for marks in (before, after)
    ]
    judged = judged_states(ground, codes)
    changed = {
        code: (old, new) for code, old, new, is_judged in zip(codes, *verdicts, judged, strict=True)
        if is_judged and old != new
    }  # fmt: skip
    gained, lost = (~before & after)[:, 0], (before & ~after)[:, 0]
    none = np.zeros(len(people))
    return Outcome(
        gained=total(weights["people"][gained]),
        lost=total(weights["people"][lost]),
        elderly_gained=total(weights.get(ELDERLY, none)[gained]),
        elderly_lost=total(weights.get(ELDERLY, none)[lost]),
        verdicts=changed,
    )


def _tried(ground: Ground, trial: Trial) -> gpd.GeoDataFrame:
    """Return the facilities with those of the trial: what counts, for which circle."""
    facilities = ground.facilities.copy()
    ids = facilities["facility_id"]
    later = opened_later(facilities) & ids.isin(trial.opened) & facilities.geometry.notna()
    for circle in ground.circles:
        counts = facilities[f"counts_{circle.id}"].to_numpy(bool) & ~ids.isin(trial.removed)
        facilities[f"counts_{circle.id}"] = counts | (later & facilities["kind"].isin(circle.kinds))
    if not trial.sites:
        return facilities
    kinds = [site.kind for site in trial.sites]
    new = gpd.GeoDataFrame(
        {
            "facility_id": [f"trial-{number}" for number in range(len(kinds))],
            "kind": kinds,
            **{f"counts_{c.id}": [kind in c.kinds for kind in kinds] for c in ground.circles},
        },
        geometry=gpd.points_from_xy(
            [s.x_mm / MM for s in trial.sites], [s.y_mm / MM for s in trial.sites]
        ),
        crs=facilities.crs,
    )  # fmt: skip
    columns = [*new.columns, *({"position_error_m"} & set(facilities.columns))]
    if "position_error_m" in columns:
        new["position_error_m"] = 0.0
    return gpd.GeoDataFrame(pd.concat([facilities[columns], new[columns]], ignore_index=True))


def _marks(walk: Walks) -> NDArray[np.bool_]:
    """Return whether each person is within, doubtful, and surely within by the streets."""
    return np.column_stack([walk.within, walk.doubtful, walk.by_streets])


def judged_states(ground: Ground, codes: Sequence[str]) -> list[bool]:
    """Tell which villages can be judged: they have people, and half of them or more live near streets."""
    people = ground.people[ground.people["judged"]]
    village = pd.Index(codes).get_indexer(pd.Index(people["zone_code"]))
    weight, off = people["people"].to_numpy(float), np.asarray(off_streets(people), dtype=bool)
    inside = village >= 0
    lost = by_zone(village[inside & off], weight[inside & off], len(codes))
    alive = by_zone(village[inside], weight[inside], len(codes))
    return [bool(v) for v in (alive > 0) & (lost <= alive / 2)]


def _verdicts(
    village: NDArray[np.int64], weight: Floats, marks: NDArray[np.bool_], size: int, required: float
) -> list[str]:
    judged = by_zone(village, weight, size)
    within, doubtful, streets = (by_zone(village[m], weight[m], size) for m in marks.T)
    found = []
    for number in range(size):
        if judged[number] <= 0:
            found.append("not_judged")
            continue
        low = streets[number] / judged[number]
        high = min((within[number] + doubtful[number]) / judged[number], 1.0)
        found.append(verdict_of(Shares(low, high, doubtful[number] / judged[number]), required)[0])
    return found
