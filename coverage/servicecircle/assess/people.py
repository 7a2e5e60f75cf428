"""People under the rule of their village: placed on the streets, measured, and judged or listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.coverage import applies_to
from servicecircle.assess.walks import limits_for, walk_people
from servicecircle.units import seconds_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from pyproj import CRS

    from servicecircle.assess.walks import Walks
    from servicecircle.network.place import Placements, Placer
    from servicecircle.study import Circle, Rules


def place_people(
    rows: pd.DataFrame, zones: gpd.GeoDataFrame, placer: Placer, rules: Rules
) -> tuple[pd.DataFrame, Placements]:
    """
    Give each demand point its village's circle and its places on the streets.

    Returns
    -------
    The rows with `circle`, `area_class`, `snap_m`, `placed`, `judged` and the reason of those not judged;
    and their places.
    """
    units = zones.loc[zones["unit"]].set_index("code")
    people = rows.reset_index(drop=True)
    people["circle"] = people["zone_code"].map(units["circle"]).fillna("")
    people["area_class"] = people["zone_code"].map(units["area_class"]).fillna("")
    unruled = people["reason"].eq("") & people["circle"].eq("")
    people["reason"] = people["reason"].mask(unruled, "no_class")
    people["judged"] = people["reason"].eq("")
    limit_m = limits_for(people["area_class"], rules)
    places = placer.place(people[["x_m", "y_m"]].to_numpy(), snap_m=limit_m)
    return people.assign(snap_m=places.snap_m, placed=places.placed), places


def measure_people(
    people: pd.DataFrame,
    places: Placements,
    facilities: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    placer: Placer,
    *,
    circles: Sequence[Circle],
    rules: Rules,
) -> tuple[pd.DataFrame, list[Walks]]:
    """
    Measure every judged person's walk under each circle that applies to their village.

    Returns
    -------
    The people with `metres, straight_m, seconds, facility_id, nearest_id, within, reason, connector` under
    their own circle (`nearest_id` is the facility nearest by streets, else in a straight line), and the
    walks.
    """
    xy = people[["x_m", "y_m"]].to_numpy()
    units = zones.loc[zones["unit"]]
    measured = people.assign(
        metres=np.nan,
        straight_m=np.nan,
        facility_id=None,
        nearest_id="",
        within=False,
        doubtful=False,
        by_line=False,
        connector=False,
    ).astype({"facility_id": object, "nearest_id": object})
    walks = []
    for circle in circles:
        ruled = units.loc[applies_to(circle, units), "code"]
        rows = np.flatnonzero(people["judged"] & people["zone_code"].isin(ruled))
        counted = facilities.loc[facilities[f"counts_{circle.id}"]]
        walk = walk_people(placer, counted, xy, places, rows=rows, circle=circle, rules=rules)
        walks.append(walk)
        _record(measured, walk, xy)
    measured["seconds"] = seconds_for(measured["metres"].to_numpy(), rules.walk_kmh)
    return measured, walks


def _record(measured: pd.DataFrame, walk: Walks, xy: np.ndarray) -> None:
    """Write the walks of those whose own circle it is into the people table."""
    own = measured["circle"].to_numpy()[walk.row] == walk.circle.id
    row = walk.row[own]
    ids = np.array([*walk.field.facility_ids, None], dtype=object)
    reached = ids[walk.facility[own]]
    for column, values in (
        ("metres", walk.metres), ("straight_m", walk.straight_m), ("within", walk.within),
        ("reason", walk.reason), ("doubtful", walk.doubtful), ("by_line", walk.by_line),
        ("connector", walk.connector),
    ):  # fmt: skip
        measured.loc[row, column] = values[own]
    measured.loc[row, "facility_id"] = reached
    measured.loc[row, "nearest_id"] = np.where(pd.isna(reached), _straight_nearest(walk, xy[row]), reached)


def _straight_nearest(walk: Walks, xy: np.ndarray) -> np.ndarray:
    from scipy.spatial import cKDTree

    if len(walk.field.facility_ids) == 0 or len(xy) == 0:
        return np.full(len(xy), "", dtype=object)
    _, nearest = cKDTree(walk.field.facility_xy).query(xy)
    return np.array(walk.field.facility_ids, dtype=object)[nearest]


def people_table(people: pd.DataFrame, groups: Sequence[str], crs: CRS) -> gpd.GeoDataFrame:
    """Return the people layer: one point per demand point, with what was measured."""
    import geopandas as gpd

    columns = [
        "person_id", "people", *groups, "zone_code", "circle", "seconds", "metres", "straight_m", "snap_m",
        "facility_id", "within", "reason", "connector",
    ]  # fmt: skip
    points = gpd.points_from_xy(people["x_m"], people["y_m"])
    return gpd.GeoDataFrame(people[columns], geometry=points, crs=crs)
