"""Sensitivity: the same walks under other limits, speeds and measures; no way is searched again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.coverage import OWN
from servicecircle.units import metres_in, within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicecircle.assess.walks import Walks
    from servicecircle.units import Floats

LIMITS_M = (800.0, 1000.0)
LIMITS_MIN = (12.0, 15.0)
SPEEDS_M_S = (0.8, 1.0, 1.11, 1.33)
"""A frail walker, the slower and the usual planning figure (4 km/h), and a brisk walker."""

BASES_M = {"wide": 1000.0, "strict": 800.0}
"""宽口径 and 严口径: fifteen minutes at 4.0 and at 3.2 km/h."""

COLUMNS = (
    "circle", "group", "measure", "limit", "limit_unit", "walk_m_s", "limit_m", "people_judged",
    "people_within", "share_within",
)  # fmt: skip


def sensitivity(people: pd.DataFrame, walks: Sequence[Walks], groups: Sequence[str]) -> pd.DataFrame:
    """
    Count who is covered under other limits, by streets and in a straight line.

    Parameters
    ----------
    people
        Demand points with their weights, and `metres` and `straight_m` under the circle of their village.
    walks
        The walks under each circle, searched without a bound.

    Returns
    -------
    One row per circle (`own`: everybody under the rule of their village), group, measure and limit.
    """
    judged = np.flatnonzero(people["judged"])
    scopes = {OWN: (judged, people["metres"].to_numpy()[judged], people["straight_m"].to_numpy()[judged])}
    for walk in walks:
        own = people["circle"].to_numpy()[walk.row] == walk.circle.id
        chosen = own if walk.circle.id in {"15min", "1km"} else np.ones(len(own), bool)
        scopes[walk.circle.id] = walk.row[chosen], walk.metres[chosen], walk.straight_m[chosen]
    rows = []
    for circle, (row, *ways) in scopes.items():
        for measure, metres in zip(("network", "straight"), ways, strict=True):
            for group in ("people", *groups):
                weight = people[group].to_numpy(float)[row]
                rows += [(circle, group, measure, *of) for of in _shares(metres.astype(float), weight)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _shares(metres: Floats, weight: Floats) -> list[tuple[object, ...]]:
    limits = [(limit, "m", np.nan, limit) for limit in LIMITS_M]
    limits += [(t, "min", speed, metres_in(t, speed * 3.6)) for t in LIMITS_MIN for speed in SPEEDS_M_S]
    judged = float(weight.sum())
    found: list[tuple[object, ...]] = []
    for limit, unit, speed, limit_m in limits:
        inside = _inside(metres, weight, limit_m)
        found.append((limit, unit, speed, limit_m, judged, inside, inside / judged if judged else np.nan))
    return found


def both_bases(metres: Floats, weight: Floats) -> dict[str, float | None]:
    """Return the shares of people within the wide and the strict basis: `wide_share`, `strict_share`."""
    judged = float(weight.sum())
    return {
        f"{basis}_share": _inside(metres, weight, limit_m) / judged if judged else None
        for basis, limit_m in BASES_M.items()
    }


def _inside(metres: Floats, weight: Floats, limit_m: float) -> float:
    """Add up who is inside a limit in the order in which all are added up: no share is over a whole."""
    return float((weight * within(metres, limit_m)).sum())
