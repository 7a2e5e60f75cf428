"""Gaps: the places of one village whose people are not covered, how far they have to go, and why."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from servicecircle import words
from servicecircle.assess.sums import quantile, total
from servicecircle.assess.walks import DOUBTFUL
from servicecircle.crs import WGS84, transform
from servicecircle.network.place import StreetIndex
from servicecircle.units import TOLERANCE_M

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.network.network import Network
    from servicecircle.units import Floats

RANKED_FROM_PEOPLE = 1.0
NEAR_STREET_M = 300.0
"""A gap is placed by a named street this near, else by the nearest village."""

COLUMNS = (
    "gap_id", "class", "zone_code", "zone_name", "township_name", "place", "people", "elderly", "lon", "lat",
    "seconds", "metres", "straight_m", "nearest_facility", "reason", "advice",
)  # fmt: skip
_SMALL = "s"  # gaps of less than one person: numbered after the ranked ones, marked as unranked
_COMPASS = ("east", "northeast", "north", "northwest", "west", "southwest", "south", "southeast")


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """What a gap is named after: named streets, and villages by their middle."""

    streets: StreetIndex | None
    street_name: NDArray[np.object_]
    village_xy: Floats
    village_name: NDArray[np.object_]
    language: words.Language

    @classmethod
    def of(cls, network: Network, zones: gpd.GeoDataFrame, language: words.Language) -> Places:
        """Gather the names of a study."""
        units = zones.loc[zones["unit"]]
        middle = shapely.point_on_surface(units.geometry.to_numpy())
        xy = np.column_stack([shapely.get_x(middle), shapely.get_y(middle)])
        named = StreetIndex.of(network, network.name != "")
        return cls(named, network.name, xy, units["name"].to_numpy(), language)

    def describe(self, xy: Floats) -> list[str]:
        """Say where each point (n, 2) is: at a street, or in some direction from a village."""
        segment, near_m = np.zeros(len(xy), np.int64), np.full(len(xy), np.inf)
        if self.streets is not None:
            segment, _, near_m = self.streets.nearest(xy)
        said = np.array(self._by_village(xy), dtype=object)
        for i in np.flatnonzero(near_m <= NEAR_STREET_M):
            said[i] = self._say("by_street", name=self.street_name[segment[i]], metres=near_m[i])
        return [str(place) for place in said]

    def _by_village(self, xy: Floats) -> list[str]:
        from scipy.spatial import cKDTree

        known = np.flatnonzero(np.isfinite(self.village_xy).all(axis=1))
        if len(known) == 0:
            return [""] * len(xy)
        tree = cKDTree(self.village_xy[known])
        least = np.asarray(tree.query(xy)[0])
        equals = tree.query_ball_point(xy, least + TOLERANCE_M, return_sorted=True)
        nearest = known[np.array([villages[0] for villages in equals], dtype=np.int64)]
        away = xy - self.village_xy[nearest]
        octant = np.round(np.arctan2(away[:, 1], away[:, 0]) / (np.pi / 4)).astype(int) % 8
        ways = [words.label("compass", _COMPASS[o], self.language) for o in octant]
        return [
            self._say("by_village", name=name, metres=metres, way=way)
            for name, metres, way in zip(self.village_name[nearest], least, ways, strict=True)
        ]

    def _say(self, key: str, *, metres: float, **facts: Any) -> str:
        key = key if metres >= 10 else f"{key}_at"
        sentence = words.label("place", key, self.language)
        return sentence.format_map({**facts, "metres": f"{round(metres, -1):.0f}"})


def find_gaps(
    people: pd.DataFrame,
    zones: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    places: Places,
    *,
    join_m: float,
    crs: CRS,
) -> gpd.GeoDataFrame:
    """
    Join the uncovered people of each village into gaps.

    Parameters
    ----------
    people
        Judged demand points with `x_m, y_m, people, zone_code, within, reason, metres, straight_m,
        seconds, facility_id`, and `elderly` where given.
    zones
        For names.
    facilities
        For the names of the facilities that are nearest.
    join_m
        People of one village this near to each other are in one gap.
    """
    import geopandas as gpd

    out = people.loc[people["judged"] & ~people["within"]].reset_index(drop=True)
    xy = out[["x_m", "y_m"]].to_numpy()
    out["gap"] = _joined(xy, out["zone_code"], join_m)
    names = dict(zip(zones["code"], zones["name"], strict=True))
    townships = _township_names(zones)
    titles = dict(zip(facilities["facility_id"], facilities["name"], strict=True))
    order = np.argsort(out["gap"].to_numpy(), kind="stable")
    out, xy = out.iloc[order], xy[order]
    columns = {str(name): out[name].to_numpy() for name in out.columns}
    bounds = np.append(np.flatnonzero(np.diff(columns["gap"], prepend=-1)), len(out))
    rows = [_figures({k: v[i:j] for k, v in columns.items()}, titles) for i, j in pairwise(bounds)]
    table = pd.DataFrame(rows, columns=[*COLUMNS, "x_m", "y_m"])
    table["zone_name"] = [names[zone] for zone in table["zone_code"]]
    table["township_name"] = [townships[zone] for zone in table["zone_code"]]
    table["place"] = places.describe(table[["x_m", "y_m"]].to_numpy(float))
    table["advice"] = [words.label("advice", reason, places.language) for reason in table["reason"]]
    shapes = shapely.multipoints(np.asarray(shapely.points(xy)), indices=columns["gap"])
    table = table.assign(geometry=np.asarray(shapes))
    table = _ranked(table)
    table[["lon", "lat"]] = transform(table[["x_m", "y_m"]].to_numpy(float), crs, WGS84)
    kept = [*COLUMNS, "geometry"]
    return gpd.GeoDataFrame(table[kept], geometry="geometry", crs=crs)


def _joined(xy: Floats, zone: pd.Series, join_m: float) -> NDArray[np.int64]:
    """Number the groups of points of one zone that chains of short hops connect."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    if len(xy) == 0:
        return np.empty(0, np.int64)
    number = pd.factorize(zone, sort=True)[0]
    # zones are moved apart in a third dimension, so that no pair ever joins two of them
    lifted = np.column_stack([xy, number * (2.0 * join_m + 1.0)])
    pairs = cKDTree(lifted).query_pairs(join_m + TOLERANCE_M, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(xy), len(xy)))
    return connected_components(links, directed=False)[1].astype(np.int64)


def _figures(members: dict[str, NDArray[Any]], titles: dict[str, str]) -> dict[str, Any]:
    """Return what is said of one gap, by the columns of the people in it."""
    weight = members["people"]
    xy = np.array([members["x_m"], members["y_m"]]).T
    middle = xy[_nearest_to_mean(xy, weight)]
    reason = _heaviest(members["reason"], weight)
    facility = _heaviest(members["nearest_id"], weight)
    return {
        "class": _class_of(reason),
        "zone_code": members["zone_code"][0],
        "people": total(weight),
        "elderly": total(members["elderly"]) if "elderly" in members else np.nan,
        "seconds": quantile(members["seconds"], weight, 0.5),
        "metres": quantile(members["metres"], weight, 0.5),
        "straight_m": quantile(members["straight_m"], weight, 0.5),
        "nearest_facility": titles.get(facility) or facility,
        "reason": reason,
        "x_m": middle[0],
        "y_m": middle[1],
    }


def _nearest_to_mean(xy: Floats, weight: Floats) -> int:
    mean = np.average(xy, axis=0, weights=weight if weight.sum() > 0 else None)
    return int(np.argmin(np.hypot(*(xy - mean).T)))


def _heaviest(values: NDArray[np.object_], weight: Floats) -> str:
    """Return the value that most people share; the first in the alphabet at a tie."""
    names, which = np.unique(values.astype(str), return_inverse=True)
    return str(names[np.argmax([total(weight[which == i]) for i in range(len(names))])])


def _class_of(reason: str) -> str:
    if reason in DOUBTFUL:
        return "to_verify"
    return "detour" if reason == "detour" else "certain"


def _township_names(zones: gpd.GeoDataFrame) -> dict[str, str]:
    names = dict(zip(zones["code"], zones["name"], strict=True))
    townships = set(zones.loc[zones["level"].eq("township"), "code"])
    parents = dict(zip(zones["code"], zones["parent_code"], strict=True))
    units = zones.loc[zones["unit"], "code"]
    return {u: names.get(parents[u], "") if parents[u] in townships else "" for u in units}


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    """Name each gap by its village and its rank there by people; those under one person are unranked."""
    order = table.sort_values(
        ["zone_code", "people", "y_m", "x_m"], ascending=[True, False, False, True], kind="stable"
    ).reset_index(drop=True)
    ranked = order["people"] >= RANKED_FROM_PEOPLE
    rank = order.groupby(["zone_code", ranked.rename("ranked")]).cumcount() + 1
    order["gap_id"] = [
        f"{zone}-{number}" if is_ranked else f"{zone}-{_SMALL}{number}"
        for zone, number, is_ranked in zip(order["zone_code"], rank, ranked, strict=True)
    ]
    return order
