"""Facilities as they were used: what counts, where each stands, and whom it reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.sums import total
from servicecircle.assess.walks import counting
from servicecircle.travel.catchment import Walkers, catchments
from servicecircle.units import within

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from servicecircle.findings import Findings
    from servicecircle.network.place import Placements, Placer
    from servicecircle.study import Circle
    from servicecircle.travel.catchment import Catchment
    from servicecircle.units import Floats

DOUBTED_FROM_M = 50.0
"""A facility farther than this from any street has probably been located wrongly."""


def count_facilities(
    facilities: gpd.GeoDataFrame, places: Placements, circles: Sequence[Circle], findings: Findings
) -> gpd.GeoDataFrame:
    """Return the facilities with `counts_<circle>`, `used`, `snap_m` and the reason of those left out."""
    counted = facilities.assign(snap_m=np.where(np.isfinite(places.snap_m), places.snap_m, np.nan))
    for circle in circles:
        counted[f"counts_{circle.id}"] = counting(facilities, circle.kinds)
    used = counted[[f"counts_{c.id}" for c in circles]].to_numpy(bool).any(axis=1)
    usable = facilities["reason"].eq("").to_numpy()
    idle = usable & facilities["status"].ne("operating").to_numpy()
    counted["used"] = used
    counted["reason"] = np.select(
        [~usable, idle, ~used, ~places.placed, places.snap_m > DOUBTED_FROM_M],
        [facilities["reason"], "not_operating", "kind_not_counted", "off_streets", "position_doubtful"],
        default="",
    )
    for row in counted.loc[usable & (places.snap_m > DOUBTED_FROM_M)].itertuples():
        code = "facilities.position_doubtful" if row.reason != "off_streets" else "facilities.off_streets"
        findings.note(
            code, subject=row.facility_id, row=_whole(row.row), name=row.name, metres=f"{row.snap_m:.0f}"
        )
    return counted


def _whole(row: object) -> int | None:
    return int(row) if isinstance(row, int | np.integer) else None


def reached_by_each(
    placer: Placer,
    facilities: gpd.GeoDataFrame,
    places: Placements,
    xy: Floats,
    people: pd.DataFrame,
    people_places: Placements,
    circles: Sequence[Circle],
) -> tuple[Floats, list[tuple[Circle, Catchment, float]]]:
    """
    Search from each counting facility by itself, once per distinct limit.

    Returns
    -------
    The people of each facility (f,): those whose rule counts it and who reach it within their limit; and
    each facility's catchment per limit with the judged people in it.
    """
    judged = people["judged"].to_numpy(bool)
    weight = people["people"].to_numpy()
    rule = people["circle"].to_numpy()
    walkers = Walkers.of(placer.network, people_places.only(judged), places)
    served, found = np.zeros(len(facilities)), []
    for limit_m, group in _by_limit(circles):
        counts = np.stack([facilities[f"counts_{c.id}"].to_numpy(bool) for c in group])
        chosen = places.only(np.logical_or.reduce(counts))
        for catchment in catchments(placer.network, chosen, cutoff_m=limit_m, xy=xy):
            f = catchment.facility
            point, metres = walkers.metres_to(catchment)
            point = point[within(metres, limit_m)]
            ruled = np.isin(rule[point], [c.id for c, k in zip(group, counts[:, f], strict=True) if k])
            served[f] = total((served[f], *weight[point][ruled]))
            label = next(c for c, k in zip(group, counts[:, f], strict=True) if k)
            found.append((label, catchment, total(weight[point])))
    return served, found


def _by_limit(circles: Sequence[Circle]) -> Iterator[tuple[float, list[Circle]]]:
    """Group circles whose limits are the same walk: 15 minutes at 4 km/h is 1,000 m."""
    limits: list[tuple[float, list[Circle]]] = []
    for circle in circles:
        same = next((g for m, g in limits if within(abs(m - circle.limit_m), 0.0)), None)
        if same is None:
            limits.append((circle.limit_m, [circle]))
        else:
            same.append(circle)
    return iter(limits)


def facility_table(facilities: gpd.GeoDataFrame, served: Floats) -> gpd.GeoDataFrame:
    """Return the facility table: the columns of `facilities.csv` first, then what else was given."""
    first = [
        "facility_id", "name", "kind", "status", "lon", "lat", "snap_m", "used", "reason", "people_within",
        "zone_code",
    ]  # fmt: skip
    table = facilities.assign(people_within=np.where(facilities["used"], served, np.nan))
    hidden = [c for c in table.columns if str(c).startswith("counts_")]
    rest = [c for c in table.columns if c not in {*first, *hidden, "geometry"}]
    return table[[*first, *rest, "geometry"]]


def opened_later(facilities: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Tell which facilities will count once they open: built, accepted, being built or planned."""
    later = facilities["status"].isin(["built_idle", "accepted", "under_construction", "planned"])
    return np.asarray(later, dtype=bool)
