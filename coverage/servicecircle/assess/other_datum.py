"""How many people change sides if a facility table's datum is not the one it was read in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np

from servicecircle.assess.sums import total
from servicecircle.assess.walks import walk_people
from servicecircle.crs import WGS84, transform

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from servicecircle.assess.walks import Walks
    from servicecircle.checks.inputs import Inputs
    from servicecircle.checks.settle import Reading
    from servicecircle.network.place import Placements, Placer
    from servicecircle.units import Floats

_SAME_DEGREES = 1e-9


def if_datum_wrong(
    inputs: Inputs,
    facilities: gpd.GeoDataFrame,
    people: pd.DataFrame,
    places: Placements,
    placer: Placer,
    walks: Sequence[Walks],
) -> list[dict[str, Any]]:
    """
    Measure again with each table whose datum was found, or doubted, in its next likeliest datum; say it.

    Facilities that were corrected or moved since the table was read stay where they are.

    Returns
    -------
    Per table and circle: `source`, `circle`, the `rival` datum, how many `facilities` it moves, and the
    people whom that would bring within reach (`into`) and out of it (`out_of`).
    """
    found = []
    for source, reading in _readings(inputs):
        moved, at = _moved(facilities, source, reading)
        if not len(at):  # another kind of table
            continue
        metres = moved.geometry.iloc[at].distance(facilities.geometry.iloc[at], align=False)
        for walk in walks:
            into, out_of = _changed(inputs, moved, people, places, placer, walk)
            circle = walk.circle.id
            found.append({
                "source": source, "circle": circle, "rival": reading.rival, "facilities": len(at),
                "into": into, "out_of": out_of,
            })  # fmt: skip
            inputs.findings.note(
                "detect.if_wrong", subject=source, people_touched=into + out_of, circle=circle,
                rival=reading.rival_title, facilities=len(at), into=f"{into:,.0f}", out=f"{out_of:,.0f}",
                metres=f"{metres.median():.0f}",
            )  # fmt: skip
    return found


def _readings(inputs: Inputs) -> list[tuple[str, Reading]]:
    return [(f.subject, f.facts["reading"]) for f in inputs.findings if "reading" in f.facts]


def _moved(
    facilities: gpd.GeoDataFrame, source: str, reading: Reading
) -> tuple[gpd.GeoDataFrame, np.ndarray]:
    """Return the facilities with those of a table where the rival has them, and which those are."""
    position = {int(row): i for i, row in enumerate(reading.row)}
    of_table = np.flatnonzero(facilities["source"].eq(source) & facilities["row"].isin(position))
    origin = np.array([position[int(row)] for row in facilities["row"].iloc[of_table]], dtype=np.intp)
    here: Floats = facilities[["lon", "lat"]].to_numpy(dtype=np.float64)[of_table]
    as_read = (np.abs(here - reading.settled[origin]) < _SAME_DEGREES).all(axis=1)
    at, origin = of_table[as_read], origin[as_read]
    xy = transform(reading.otherwise[origin], WGS84, facilities.crs)
    geometry = facilities.geometry.to_numpy().copy()
    geometry[at] = gpd.points_from_xy(xy[:, 0], xy[:, 1])
    return facilities.set_geometry(gpd.GeoSeries(geometry, index=facilities.index, crs=facilities.crs)), at


def _changed(
    inputs: Inputs,
    facilities: gpd.GeoDataFrame,
    people: pd.DataFrame,
    places: Placements,
    placer: Placer,
    walk: Walks,
) -> tuple[float, float]:
    """Return the people whom other places of facilities bring within reach, and those they leave out."""
    counted = facilities.loc[facilities[f"counts_{walk.circle.id}"]]
    xy, weight = people[["x_m", "y_m"]].to_numpy(), people["people"].to_numpy()[walk.row]
    rules = inputs.study.rules
    other = walk_people(placer, counted, xy, places, rows=walk.row, circle=walk.circle, rules=rules)
    return total(weight[other.within & ~walk.within]), total(weight[walk.within & ~other.within])
