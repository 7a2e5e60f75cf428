"""Villages in four classes: a facility of their own or a neighbour's, and whether it covers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.clauses.items import STATUSES
from servicecircle.assess.verdicts import reaches

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from servicecircle.study import Circle

CLASSES = ("own_covered", "own_poor", "neighbour", "uncovered")
STATES = ("not_built", "built_idle")
"""应建未建: none is built and the village is not covered. 已建未用: one is built and does not operate."""

COLUMNS = ("village_class", "served_by", "served_by_name", "build_state")
"""What the zones table says of villages, in the rows of their own circle."""

_USABLE = frozenset({"", "not_operating", "position_doubtful", "off_streets"})


def classify_villages(
    table: gpd.GeoDataFrame,
    zones: pd.DataFrame,
    people: pd.DataFrame,
    facilities: pd.DataFrame,
    *,
    circles: Sequence[Circle],
    class_share: float,
) -> gpd.GeoDataFrame:
    """
    Add to the zones table what kind of village each is.

    Parameters
    ----------
    table
        The zones table: a row per zone and circle.
    zones
        Classified zones: `unit`, `code`, and the `circle` of each village.
    people
        Demand points with `within`, `zone_code` and `nearest_id`, whom they go to.
    facilities
        With `kind`, `status`, `reason` and `zone_code`.
    class_share
        Share of its people from which a village counts as covered.

    Returns
    -------
    The table with `COLUMNS`; they are "" in the rows of upper zones and of circles that are not the village's
    own, and the class is "" where a village is not judged.
    """
    circle_of = zones.loc[zones["unit"]].set_index("code")["circle"]
    own = table["code"].map(circle_of).fillna("").eq(table["circle"]) & table["circle"].ne("")
    holds = table["units_with_facility"].gt(0)
    covered = reaches(table["share_within"].to_numpy(float), class_share)
    kinds = np.select([holds & covered, holds, covered], CLASSES[:3], CLASSES[3])
    judged = own & table["state"].eq("judged")
    classed = pd.Series(np.where(judged, kinds, ""), index=table.index)
    served = _served_by(people).reindex(table["code"]).fillna("").to_numpy()
    served = np.where(classed.eq("neighbour"), served, "")
    names = facilities.drop_duplicates("facility_id").set_index("facility_id")["name"]
    built, idle = _building(facilities, circle_of, circles)
    states = np.select(
        [own & table["code"].isin(idle), classed.eq("uncovered") & ~table["code"].isin(built)],
        ["built_idle", "not_built"], default="",
    )  # fmt: skip
    return table.assign(
        village_class=classed, served_by=served,
        served_by_name=names.reindex(served).fillna("").to_numpy(), build_state=states,
    )  # fmt: skip


def count_classes(table: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return how many villages there are of each class and state."""
    return {
        "village_classes": {c: int(table["village_class"].eq(c).sum()) for c in CLASSES},
        "build_states": {s: int(table["build_state"].eq(s).sum()) for s in STATES},
    }


def _served_by(people: pd.DataFrame) -> pd.Series:
    """Return the facility that most of each village's covered people go to; at a tie the lowest id."""
    covered = people[people["within"].to_numpy(bool)]
    sums = covered.groupby(["zone_code", "nearest_id"], sort=True)["people"].sum().reset_index()
    most = sums.sort_values(["zone_code", "people"], ascending=[True, False], kind="stable")
    return most.drop_duplicates("zone_code").set_index("zone_code")["nearest_id"]


def _building(
    facilities: pd.DataFrame, circle_of: pd.Series, circles: Sequence[Circle]
) -> tuple[set[str], set[str]]:
    """Return the villages in which a facility of their circle's kinds is built, and stands idle."""
    kinds = {circle.id: frozenset(circle.kinds) for circle in circles}
    rule = facilities["zone_code"].map(circle_of).fillna("")
    of_kind = [k in kinds.get(c, ()) for k, c in zip(facilities["kind"], rule, strict=True)]
    built = facilities["status"].isin(STATUSES["built"]) & facilities["reason"].isin(_USABLE)
    built &= np.array(of_kind, dtype=bool)
    idle = built & facilities["status"].ne("operating")
    return set(facilities.loc[built, "zone_code"]), set(facilities.loc[idle, "zone_code"])
