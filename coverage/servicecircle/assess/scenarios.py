"""Other answers to the same question: other kinds counted, planned facilities opened, trunk roads closed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.coverage import OWN
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

    from servicecircle.assess.walks import Walks
    from servicecircle.checks.inputs import Inputs
    from servicecircle.network.place import Placements
    from servicecircle.study import Rules


OPENED = "share_when_opened"
"""Column of the zones: the share covered when what is built, being built or planned is open."""


def walks_when_opened(
    facilities: gpd.GeoDataFrame,
    people: pd.DataFrame,
    places: Placements,
    placer: Placer,
    walks: Sequence[Walks],
    rules: Rules,
) -> list[Walks]:
    """Return the walks when what is built, being built or planned is open; the same where nothing is."""
    later = _usable(facilities) & opened_later(facilities)
    xy, found = people[["x_m", "y_m"]].to_numpy(), []
    for walk in walks:
        of_kind = later & facilities["kind"].isin(walk.circle.kinds)
        chosen = facilities.loc[facilities[f"counts_{walk.circle.id}"] | of_kind]
        found.append(
            walk_people(placer, chosen, xy, places, rows=walk.row, circle=walk.circle, rules=rules)
            if of_kind.any()
            else walk
        )
    return found


def share_when_opened(
    table: gpd.GeoDataFrame, zones: pd.DataFrame, people: pd.DataFrame, opened: Sequence[Walks]
) -> gpd.GeoDataFrame:
    """
    Add `share_when_opened` to the zones table: the judged people of each row, by the walks when all is open.

    Parameters
    ----------
    table
        The zones table: a row per zone and circle.
    zones
        Classified zones: `unit`, `code`, `parent_code`, and the `circle` of each village.
    """
    units = zones.loc[zones["unit"]]
    ruled = dict(zip(units["code"], units["circle"], strict=True))
    above = dict(zip(zones["code"], zones["parent_code"], strict=True))
    village, weight = people["zone_code"].to_numpy(), people["people"].to_numpy()
    parts: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for walk in opened:
        rows = walk.row[walk.within]
        for code, sum_ in pd.Series(weight[rows]).groupby(village[rows]).sum().items():
            place = str(code)
            own = [OWN] if ruled.get(place) == walk.circle.id else []
            seen: set[str] = set()
            while place and place not in seen:
                for circle in (walk.circle.id, *own):
                    parts[place, circle].append(float(sum_))
                seen.add(place)
                place = above.get(place) or ""
    sums = [total(parts[key]) for key in zip(table["code"], table["circle"], strict=True)]
    judged = table["people_judged"].where(table["people_judged"] > 0)
    return table.assign(**{OPENED: np.minimum(np.array(sums) / judged, 1.0)})


def _usable(facilities: gpd.GeoDataFrame) -> pd.Series[bool]:
    known: pd.Series[bool] = facilities["reason"].ne("unknown_kind") & facilities["geometry"].notna()
    return known


def other_answers(
    inputs: Inputs,
    facilities: gpd.GeoDataFrame,
    people: pd.DataFrame,
    places: Placements,
    placer: Placer,
    walks: Sequence[Walks],
    opened: Sequence[Walks],
) -> dict[str, dict[str, float]]:
    """
    Return how many more people each circle would cover, per question and circle.

    Questions: `other_kinds` (operating facilities of the kinds left out count too), `when_opened` (what is
    built, being built or planned is open), `trunk_relied` (people covered only because trunk roads count).
    """
    rules, findings = inputs.study.rules, inputs.findings
    xy, weight = people[["x_m", "y_m"]].to_numpy(), people["people"].to_numpy()
    operating = _usable(facilities) & facilities["status"].eq(COUNTING_STATUS)

    def covered(walk: Walks, chosen: pd.Series, on: Placer, at: Placements) -> float:
        other = walk_people(
            on, facilities.loc[chosen], xy, at, rows=walk.row, circle=walk.circle, rules=rules
        )
        return total(weight[other.row[other.within]])

    base = {w.circle.id: total(weight[w.row[w.within]]) for w in walks}
    answers: dict[str, dict[str, float]] = {"other_kinds": {}, "when_opened": {}, "trunk_relied": {}}
    dry = _without_trunk(inputs, people)
    all_rely = dry is None and bool(inputs.streets.trunk.any()) and rules.measure == "network"
    for walk, later in zip(walks, opened, strict=True):
        circle, counts = walk.circle.id, facilities[f"counts_{walk.circle.id}"]
        answers["other_kinds"][circle] = covered(walk, operating, placer, places) - base[circle]
        answers["when_opened"][circle] = total(weight[later.row[later.within]]) - base[circle]
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
