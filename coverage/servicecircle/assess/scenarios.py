"""Other answers to the same question: other kinds counted, planned facilities opened, trunk roads closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.assess.sites import opened_later
from servicecircle.assess.sums import total
from servicecircle.assess.walks import limits_for, walk_people
from servicecircle.errors import InputError
from servicecircle.kinds import COUNTING_STATUS
from servicecircle.network.build import build_network
from servicecircle.network.place import Placer
from servicecircle.sources.streets import without_trunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    import pandas as pd

    from servicecircle.assess.walks import Walks
    from servicecircle.checks.inputs import Inputs
    from servicecircle.network.place import Placements


def other_answers(
    inputs: Inputs,
    facilities: gpd.GeoDataFrame,
    people: pd.DataFrame,
    places: Placements,
    placer: Placer,
    walks: Sequence[Walks],
) -> dict[str, dict[str, float]]:
    """
    Return how many more people each circle would cover, per question and circle.

    Questions: `other_kinds` (operating facilities of the kinds left out count too), `when_opened` (what is
    built, being built or planned is open), `trunk_relied` (people covered only because trunk roads count).
    """
    rules, findings = inputs.study.rules, inputs.findings
    xy, weight = people[["x_m", "y_m"]].to_numpy(), people["people"].to_numpy()
    usable = facilities["geometry"].notna() & facilities["reason"].ne("unknown_kind")
    operating = usable & facilities["status"].eq(COUNTING_STATUS)
    later = usable & opened_later(facilities)

    def covered(walk: Walks, chosen: pd.Series, on: Placer, at: Placements) -> float:
        other = walk_people(
            on, facilities.loc[chosen], xy, at, rows=walk.row, circle=walk.circle, rules=rules
        )
        return total(weight[other.row[other.within]])

    base = {w.circle.id: total(weight[w.row[w.within]]) for w in walks}
    answers: dict[str, dict[str, float]] = {"other_kinds": {}, "when_opened": {}, "trunk_relied": {}}
    dry = _without_trunk(inputs, people)
    all_rely = dry is None and bool(inputs.streets.trunk.any()) and rules.measure == "network"
    for walk in walks:
        circle, counts = walk.circle.id, facilities[f"counts_{walk.circle.id}"]
        of_kind = later & facilities["kind"].isin(walk.circle.kinds)
        answers["other_kinds"][circle] = covered(walk, operating, placer, places) - base[circle]
        answers["when_opened"][circle] = covered(walk, counts | of_kind, placer, places) - base[circle]
        relied = base[circle] - covered(walk, counts, *dry) if dry else base[circle] * all_rely
        answers["trunk_relied"][circle] = relied
        for code, question in (
            ("coverage.kinds_left_out", "other_kinds"),
            ("coverage.when_opened", "when_opened"),
        ):
            more = answers[question][circle]
            if more > 0:
                findings.note(code, subject=circle, people_touched=more, people=f"{more:,.0f}", circle=circle)
        if relied > 0:
            findings.note(
                "streets.trunk_relied", subject=circle, people_touched=relied, people=f"{relied:,.0f}"
            )
    return answers


def _without_trunk(inputs: Inputs, people: pd.DataFrame) -> tuple[Placer, Placements] | None:
    """Return the streets without trunk roads and the people's places on them; None where there are none."""
    rules = inputs.study.rules
    rest = without_trunk(inputs.streets)
    if rest is None:
        return None
    try:
        network = build_network(rest, crs=inputs.crs, islet_m=rules.islet_m)
    except InputError:  # the other ways are no streets
        return None
    dry = Placer.of(network, barriers=inputs.barriers)
    limit_m = limits_for(people["area_class"], rules)
    return dry, dry.place(people[["x_m", "y_m"]].to_numpy(), snap_m=limit_m)
