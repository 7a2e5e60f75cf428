"""What stands beside the verdicts: sensitivity, capacity, hubs, tasks, and a second document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from servicecircle.assess.capacity import bedded, measure_capacity, reach_within
from servicecircle.assess.clauses.judge import judge_clauses
from servicecircle.assess.comparison import compare_profiles
from servicecircle.assess.hubs import hub_kinds, link_hubs
from servicecircle.assess.sensitivity import sensitivity
from servicecircle.assess.tasks import follow_tasks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    import pandas as pd

    from servicecircle.assess.clauses.facts import Facts
    from servicecircle.assess.clauses.judge import Judgement
    from servicecircle.assess.walks import Walks
    from servicecircle.network.place import Placements, Placer
    from servicecircle.standards.clause import Profile
    from servicecircle.study import Circle
    from servicecircle.units import Floats

Tables = dict[str, "pd.DataFrame"]
"""Tables by name; one that a study gives nothing for is not there."""


def tables_of_clauses(
    facts: Facts, profile: Profile, judged: Judgement, *, other: Profile | None
) -> tuple[Tables, dict[str, Any]]:
    """Return `hubs`, `tasks` and `comparison`, and what the summary says of them."""
    hubs, spokes = hub_kinds(profile, facts.rules)
    linked = link_hubs(facts.facilities, facts.units["name"], facts.walk_to, hubs=hubs, spokes=spokes)
    tables: Tables = {"hubs": linked} if len(linked) else {}
    said: dict[str, Any] = {"hubs": _counts(linked, "hub_state")} if len(linked) else {}
    if len(facts.tasks):
        tables["tasks"] = follow_tasks(facts)
        said["tasks"] = _counts(tables["tasks"], "task_state")
    if other is not None:
        judged_other = judge_clauses(facts, other)
        tables["comparison"], said["comparison"] = compare_profiles(profile, judged, other, judged_other)
    return tables, said


def tables_of_walks(
    facts: Facts,
    people: pd.DataFrame,
    people_places: Placements,
    facilities: gpd.GeoDataFrame,
    facility_places: Placements,
    facility_xy: Floats,
    *,
    walks: Sequence[Walks],
    groups: Sequence[str],
    placer: Placer,
    circles: Sequence[Circle],
) -> tuple[Tables, dict[str, Any]]:
    """Return `sensitivity`, and `capacity` where beds are given, and what the summary says of them."""
    tables: Tables = {"sensitivity": sensitivity(people, walks, groups)}
    rules = facts.rules
    places = bedded(facilities, (*rules.urban_kinds, *rules.rural_kinds))
    chosen = places & facilities["reason"].ne("left_out").to_numpy(bool)
    beds = np.where(chosen, facilities["beds"].to_numpy(float), 0.0)
    if not (beds > 0).any():
        return tables, {}
    reach = reach_within(placer, facility_places.only(chosen), facility_xy, people, people_places, circles)
    group = "elderly" if "elderly" in groups else "people"
    tables["capacity"], totals = measure_capacity(facts, beds, people, reach, group=group)
    return tables, {"capacity": totals}


def _counts(table: pd.DataFrame, column: str) -> dict[str, int]:
    return {str(word): int(n) for word, n in table[column].value_counts().sort_index().items()}
