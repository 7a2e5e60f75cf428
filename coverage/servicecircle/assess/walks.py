"""Who walks how far: every person's way to the nearest facility that counts, and why it is too far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from servicecircle.kinds import COUNTING_STATUS
from servicecircle.travel.field import TravelField, straight_to, travel_field
from servicecircle.units import within

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from servicecircle.network.place import Placements, Placer
    from servicecircle.study import Circle, Rules
    from servicecircle.units import Floats

DOUBTFUL = ("position_unsure", "off_streets", "island", "long_detour")
"""Reasons that may be the map's fault: perhaps inside the limit in a straight line, outside it by streets."""


@dataclass(frozen=True, slots=True, eq=False)
class Walks:
    """
    The walks of some people under one circle.

    Parameters
    ----------
    circle
        The circle they are judged by.
    field
        The travel field of the facilities that count for it.
    row
        The people (p,) by their row in the people table.
    metres, straight_m
        Way by the streets and straight line to the nearest counting facility; infinite where there is
        none.
    facility
        Number of the facility reached, in the field's order.
    connector
        Whether each person's own access walk is a connector: longer than `connector_m`.
    by_streets, by_line
        Whether each is surely inside the limit: by streets wherever an unlocated facility may stand, and
        in a straight line.
    reason
        Why a person is not within; empty for those who are.
    """

    circle: Circle
    field: TravelField
    row: NDArray[np.int64]
    metres: Floats
    straight_m: Floats
    facility: NDArray[np.int64]
    connector: NDArray[np.bool_]
    by_streets: NDArray[np.bool_]
    by_line: NDArray[np.bool_]
    within: NDArray[np.bool_]
    reason: NDArray[np.object_]

    @property
    def doubtful(self) -> NDArray[np.bool_]:
        """Whether each person is outside perhaps only because the map is wrong."""
        return np.asarray(np.isin(self.reason, DOUBTFUL), dtype=bool)


def counting(facilities: gpd.GeoDataFrame, kinds: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which facilities count: operating, of one of the kinds, with coordinates."""
    usable = facilities["reason"].eq("") & facilities["status"].eq(COUNTING_STATUS)
    return np.asarray(usable & facilities["kind"].isin(list(kinds)), dtype=bool)


def walk_people(
    placer: Placer,
    facilities: gpd.GeoDataFrame,
    xy: Floats,
    places: Placements,
    *,
    rows: NDArray[np.int64],
    circle: Circle,
    rules: Rules,
) -> Walks:
    """
    Measure the walks of some people to the nearest facility of a circle.

    Parameters
    ----------
    placer
        The indexed streets.
    facilities
        The facilities that count for the circle.
    xy, places
        Coordinates (n, 2) of all people, and their places on the streets.
    rows
        The people to measure.
    """
    field = travel_field(placer, facilities, snap_m=rules.snap_m.facilities)
    here = places.take(rows)
    straight_m = straight_to(field.facility_xy, xy[rows])
    metres, facility = field.metres_from(here)
    metres = np.maximum(metres, straight_m)  # a way along a straight street may round below the line
    by_streets, by_line = within(metres, circle.limit_m), within(straight_m, circle.limit_m)
    inside = by_line if rules.measure == "straight" else by_streets
    possible, error_m = by_line, _position_errors(facilities, field)
    if (error_m > 0).any():
        possible = by_line | _perhaps_near(field, xy[rows], error_m, circle.limit_m)
        by_streets = within(field.with_longer_access(error_m).metres_from(here)[0], circle.limit_m)
    reason = _why_not(field, here, metres, straight_m, inside, by_line, possible, rules.doubt_detour)
    connector = _by_connector(field, here, rules.connector_m)
    return Walks(
        circle, field, rows, metres, straight_m, facility, connector, by_streets, by_line, inside, reason
    )  # fmt: skip


def _by_connector(field: TravelField, places: Placements, connector_m: float) -> NDArray[np.bool_]:
    """
    Tell whose access walk is longer than a limit: that of the way found, else the nearest.

    Who lives near an islet but far from the other streets may go by either.
    """
    long = np.isfinite(places.access_m) & ~within(places.access_m, connector_m)
    connector = long[:, 0].copy()
    either = np.flatnonzero(long[:, 1] & ~long[:, 0])
    both = places.take(either)
    near = replace(both, access_m=np.where([True, False], both.access_m, np.inf))
    connector[either] = field.metres_from(both)[0] < field.metres_from(near)[0]
    return connector


def _why_not(
    field: TravelField,
    places: Placements,
    metres: Floats,
    straight_m: Floats,
    inside: NDArray[np.bool_],
    by_line: NDArray[np.bool_],
    possible: NDArray[np.bool_],
    doubt_detour: float,
) -> NDArray[np.object_]:
    """Return the first reason that holds for each person who is not within."""
    with np.errstate(invalid="ignore"):
        long = metres > doubt_detour * straight_m
    held = [
        (inside, ""),
        (np.full(len(metres), len(field.facility_ids) == 0), "no_counting_facility"),
        (~possible, "too_far"),
        (~by_line, "position_unsure"),
        (~places.placed, "off_streets"),
        (_on_island(field, places), "island"),
        (long, "long_detour"),
    ]
    return np.select([h for h, _ in held], [r for _, r in held], default="detour").astype(object)


def _position_errors(facilities: gpd.GeoDataFrame, field: TravelField) -> Floats:
    """Return how far each facility of a field may stand from its point: those placed by a name only."""
    if "position_error_m" not in facilities:
        return np.zeros(len(field.facility_ids))
    errors = facilities.set_index(facilities["facility_id"].astype(str))["position_error_m"]
    return np.asarray(errors.reindex(list(field.facility_ids)).fillna(0.0), dtype=float)


def _perhaps_near(field: TravelField, xy: Floats, error_m: Floats, limit_m: float) -> NDArray[np.bool_]:
    """Tell who would be inside the limit in a straight line if an unlocated facility stood on their side."""
    near = np.zeros(len(xy), dtype=bool)
    for place, error in zip(field.facility_xy[error_m > 0], error_m[error_m > 0], strict=True):
        near |= within(np.hypot(*(xy - place).T), limit_m + error)
    return near


def _on_island(field: TravelField, places: Placements) -> NDArray[np.bool_]:
    """Tell whose pieces of street hold no facility that counts."""
    piece = field.network.segment_piece
    served = np.zeros(len(field.network.piece_m), dtype=bool)
    there = np.isfinite(field.facilities.access_m)
    served[piece[field.facilities.segment[there]]] = True
    reached = (served[piece[places.segment]] & np.isfinite(places.access_m)).any(axis=1)
    return np.asarray(~reached)


def limits_for(area_class: pd.Series, rules: Rules) -> Floats:
    """Return how far each person may lie from the streets, by the class of their zone; rural without."""
    return np.where(area_class.eq("urban"), rules.snap_m.urban, rules.snap_m.rural).astype(float)
