"""Nearness, measured and reported: to a medical institution, and from each spoke to its hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from servicecircle.assess.clauses.answer import Answer, Case, told
from servicecircle.assess.clauses.items import facilities_of, nothing_of
from servicecircle.assess.clauses.scopes import count_marked, scopes, unit_level
from servicecircle.assess.hubs import link_hubs
from servicecircle.assess.sums import quantile
from servicecircle.kinds import satisfying
from servicecircle.travel.field import straight_to
from servicecircle.units import within

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from servicecircle.assess.clauses.facts import Facts
    from servicecircle.standards.clause import Clause, HubTest, NearnessTest
    from servicecircle.units import Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Ways:
    """
    How far some facilities are from what they should be near to.

    Parameters
    ----------
    ids, names
        The facilities.
    metres
        Along the streets, else in a straight line; infinite where no way leads, NaN where no place is known.
    reason
        Why there are no metres.
    measured_as
        "metres" along the streets, "straight_m" where a study has none.
    """

    ids: list[str]
    names: list[str]
    metres: Floats
    reason: list[str]
    measured_as: str

    def spread(self, rows: NDArray[np.int64]) -> dict[str, float]:
        """Return median, nine tenths and most of those from which a way leads, and the number of others."""
        metres = self.metres[rows]
        known = metres[np.isfinite(metres)]
        figures: dict[str, float] = {}
        if len(known):
            ones, name = np.ones(len(known)), self.measured_as
            figures = {
                f"{name}_median": quantile(known, ones, 0.5), f"{name}_p90": quantile(known, ones, 0.9),
                f"{name}_max": float(known.max()),
            }  # fmt: skip
        without = int(np.isinf(metres).sum())
        return figures | ({"no_way": without} if without else {})

    def cases(self, rows: NDArray[np.int64], asked: float | None) -> tuple[Case, ...]:
        """Return each facility with its distance, by id; the reason stands where there is none."""
        finite = np.isfinite(self.metres)
        return tuple(
            Case(
                "facility", self.ids[k], self.names[k], float(self.metres[k]) if finite[k] else None, asked,
                "not_judged", "report_only" if finite[k] else self.reason[k], "m",
            )
            for k in rows.tolist()
        )  # fmt: skip


def judge_nearness(clause: Clause, test: NearnessTest, facts: Facts) -> list[Answer]:
    """
    Report the share of facilities with a medical institution within some metres along the streets.

    In a straight line where the study has no streets. No document names a distance: `metres` is one's own
    choice, and the evidence holds the distribution.
    """
    rows = operating(facts, test.kinds)
    medical = None if facts.medical is None else _there(facts.medical)
    from_xy, to_xy = _xy(rows), np.empty((0, 2)) if medical is None or medical.empty else _xy(medical)
    missing = nothing_of(facts, test.kinds)
    if not missing and not np.isfinite(to_xy).all(axis=1).any():
        missing = "medical"
    straight_m = straight_to(to_xy, from_xy)
    straight_m[np.isinf(straight_m)] = np.nan
    metres = straight_m
    if facts.walk_to is not None:
        walks, _ = facts.walk_to(from_xy, to_xy)
        metres = np.where(np.isnan(straight_m), np.nan, np.fmax(walks, straight_m))
    ways = _ways(rows, metres, np.where(np.isnan(metres), "no_coordinates", "no_way"), facts)
    answers = []
    for scope in scopes(facts, rows, unit_level(clause.levels)):
        here = metres[scope.rows]
        known = here[~np.isnan(here)]
        if missing or len(known) == 0:
            answers.append(reported(scope.code, None, "share", missing=missing))
            continue
        near = within(known, test.metres)
        figures = {
            "facilities": len(here), "located": len(known), "near": int(near.sum()), "near_m": test.metres,
            **ways.spread(scope.rows),
        }  # fmt: skip
        cases = ways.cases(scope.own, test.metres)
        answers.append(reported(scope.code, float(near.mean()), "share", evidence=told(figures), cases=cases))
    return answers


def judge_hub(_clause: Clause, test: HubTest, facts: Facts) -> list[Answer]:
    """Report the share of spokes with a hub in their own street or township, and how far it is."""
    hubs, spokes = operating(facts, test.hubs), operating(facts, test.spokes)
    links = link_hubs(
        facts.facilities, facts.units["name"], facts.walk_to,
        hubs=satisfying(test.hubs), spokes=satisfying(test.spokes),
    )  # fmt: skip
    found = links.loc[links["spoke_id"].ne(""), ["spoke_id", "hub_state", "metres", "straight_m"]]
    spokes = spokes.merge(found, left_on="facility_id", right_on="spoke_id", validate="1:1")
    nothing = nothing_of(facts, test.spokes)
    linked, straight_m = spokes["hub_state"].eq("linked").to_numpy(), spokes["straight_m"].to_numpy(float)
    metres = straight_m
    if facts.walk_to is not None:
        walks = spokes["metres"].to_numpy(float)
        metres = np.where(np.isnan(straight_m), np.nan, np.where(np.isnan(walks), np.inf, walks))
    lacks = np.where(spokes["township"].eq(""), "no_township", "no_hub")
    ways = _ways(
        spokes, metres, np.where(linked, np.where(np.isnan(metres), "no_coordinates", "no_way"), lacks), facts
    )
    centres = count_marked(hubs, ~hubs["township"].isin(spokes["township"]).to_numpy())
    answers = []
    for scope in scopes(facts, spokes, "township"):
        count, having = len(scope.rows), int(linked[scope.rows].sum())
        if not count:
            answers.append(reported(scope.code, None, "share", missing=nothing))
            continue
        of_them, lonely = centres.get(scope.code, (0, 0))
        figures = {
            "spoke_facilities": count, "with_hub": having, "orphan_spokes": count - having,
            "hubs": of_them, "hubs_without_spokes": lonely, **ways.spread(scope.rows),
        }  # fmt: skip
        cases = ways.cases(scope.own, None)
        answers.append(reported(scope.code, having / count, "share", evidence=told(figures), cases=cases))
    return answers


def operating(facts: Facts, kinds: tuple[str, ...]) -> pd.DataFrame:
    """Return the facilities in operation that satisfy some kinds."""
    rows = facilities_of(facts, kinds, "operating")
    return rows[rows["counted"]].sort_values("facility_id", kind="stable")


def reported(
    code: str,
    value: float | None,
    unit: str,
    *,
    missing: str = "",
    evidence: str = "",
    cases: tuple[Case, ...] = (),
) -> Answer:
    """Return a figure of which nothing is asked."""
    reason = "" if missing or value is not None else "no_facilities"
    return Answer(
        code, value, value, value, None, unit, missing=missing, reason=reason, evidence=evidence, cases=cases
    )  # fmt: skip


def _there(medical: pd.DataFrame) -> pd.DataFrame:
    """Leave out the institutions that are closed or not there yet."""
    if "status" not in medical:
        return medical
    return medical[~medical["status"].isin({"closed", "planned", "under_construction"})]


def _ways(rows: pd.DataFrame, metres: Floats, reason: NDArray[np.str_], facts: Facts) -> _Ways:
    return _Ways(
        ids=[str(own) for own in rows["facility_id"]], names=[str(name) for name in rows["name"]],
        metres=metres, reason=reason.tolist(),
        measured_as="straight_m" if facts.walk_to is None else "metres",
    )  # fmt: skip


def _xy(rows: pd.DataFrame) -> Floats:
    return rows[["x_m", "y_m"]].to_numpy(float)
