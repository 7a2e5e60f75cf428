"""A circle measured again, for the kinds of facility that a clause names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from servicecircle.assess.coverage import cover
from servicecircle.assess.walks import counting, walk_people
from servicecircle.kinds import satisfying

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from servicecircle.assess.clauses.facts import CircleOf
    from servicecircle.assess.coverage import Coverage
    from servicecircle.assess.walks import Walks
    from servicecircle.network.place import Placements, Placer


def measure_again(
    coverage: Coverage,
    zones: gpd.GeoDataFrame,
    people: pd.DataFrame,
    facilities: gpd.GeoDataFrame,
    walks: Sequence[Walks],
    *,
    placer: Placer,
    places: Placements,
    streets: pd.DataFrame,
    groups: Sequence[str],
) -> CircleOf:
    """
    Return what measures a circle of the study for other kinds; the same facilities are measured once.

    Parameters
    ----------
    coverage
        The circles as the study has them.
    zones, people, facilities, walks, streets, groups
        As `cover` was given them.
    placer, places
        The indexed streets, and the people's places on them.
    """
    known = {walk.circle.id: walk for walk in walks}
    found: dict[tuple[str, bytes], pd.DataFrame] = {}
    for walk in walks:
        counts = facilities[f"counts_{walk.circle.id}"].to_numpy(bool)
        found[walk.circle.id, counts.tobytes()] = _of(coverage, walk.circle.id)

    def circle_of(circle_id: str, kinds: tuple[str, ...]) -> pd.DataFrame:
        if circle_id not in known or not coverage.zones["circle"].eq(circle_id).any():
            return pd.DataFrame(coverage.zones.iloc[:0])
        walk = known[circle_id]
        wanted = tuple(sorted(satisfying(kinds)))
        counts = counting(facilities, wanted)
        key = circle_id, counts.tobytes()
        if key not in found:
            rules, circle = coverage.rules, walk.circle.model_copy(update={"kinds": wanted})
            xy = people[["x_m", "y_m"]].to_numpy()
            again = walk_people(
                placer, facilities.loc[counts], xy, places, rows=walk.row, circle=circle, rules=rules
            )
            marked = facilities.assign(**{f"counts_{circle_id}": counts})
            measured = cover(zones, people, marked, [again], streets=streets, groups=groups, rules=rules)
            found[key] = _of(measured, circle_id)
        return found[key]

    return circle_of


def _of(coverage: Coverage, circle_id: str) -> pd.DataFrame:
    return pd.DataFrame(coverage.zones[coverage.zones["circle"].eq(circle_id)])
