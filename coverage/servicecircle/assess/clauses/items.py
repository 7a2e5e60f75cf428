"""Facilities and estates measured one by one: the worst of a unit, and the share that meets above it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.clauses.answer import ROUNDING, Answer, Case, told
from servicecircle.assess.clauses.scopes import WHOLE, homes, unit_level, zones_for
from servicecircle.kinds import satisfying

if TYPE_CHECKING:
    from servicecircle.assess.clauses.facts import Facts
    from servicecircle.assess.verdicts import Certainty, Verdict
    from servicecircle.standards.clause import Clause
    from servicecircle.units import Floats

    Counts = dict[str, int]

STATUSES = {
    "operating": frozenset({"operating"}),
    "accepted": frozenset({"operating", "accepted", "suspended"}),
    "built": frozenset({"operating", "accepted", "suspended", "built_idle"}),
}
"""Statuses that count. A facility that runs, or has run, has passed its acceptance."""

_SHARE_OF = {"facility": "share of facilities", "estate": "share of estates"}
NONE_OF = {"facility": "no_facilities", "estate": "no_estates"}
"""Why a zone without items of a kind is not judged."""


def facilities_of(facts: Facts, kinds: tuple[str, ...], counted: str) -> pd.DataFrame:
    """
    Return the facilities that satisfy some kinds, with `counted` and `sure`.

    Those of unknown status are there, neither counted nor sure; `listed` counts every one but the closed.
    """
    every = facts.facilities
    rows = every[every["kind"].isin(satisfying(kinds)) & every["status"].ne("closed")]
    unknown = rows["status"].eq("unknown")
    counts = rows["status"].isin(STATUSES[counted]) if counted in STATUSES else rows["status"].ne("")
    chosen = rows.assign(counted=counts, sure=rows["sure"].astype(bool) & (counts | ~unknown))
    return chosen[counts | unknown]


def as_items(
    rows: pd.DataFrame, measured: Floats, clause: Clause, *, threshold: float | Floats
) -> pd.DataFrame:
    """
    Judge each row by its own figure; an unknown figure (NaN) neither meets nor fails.

    Parameters
    ----------
    rows
        Facilities or estates with `item_id, item_name, counted, sure`.

    Returns
    -------
    The rows with `measured`, `threshold`, `margin` and `meets` (1, 0, or NaN for unknown).
    """
    asked = np.broadcast_to(np.asarray(threshold, dtype=float), measured.shape)
    if clause.operator == "<=":
        margin = asked - measured
    elif clause.operator == "between" and clause.threshold_upper is not None:
        margin = np.minimum(measured - asked, clause.threshold_upper - measured)
    else:
        margin = measured - asked
    meets = np.where(np.isnan(margin), np.nan, margin >= -ROUNDING)
    return rows.assign(measured=measured, threshold=asked, margin=margin, meets=meets)


def judge_items(
    items: pd.DataFrame,
    clause: Clause,
    facts: Facts,
    *,
    unit: str,
    missing: str,
    nothing: str,
    kind: str,
    case_unit: str = "",
) -> list[Answer]:
    """
    Answer for each unit by the worst of its items, and above the units by the share of items that meet.

    Parameters
    ----------
    unit, case_unit
        Unit of the items' figures, and of those shown of each where it is another.
    missing, nothing
        The column that holds them, and the input that lacks where there is no item at all.
    kind
        What they are: "facility" or "estate".
    """
    level = unit_level(clause.levels)
    above = judge_share(
        items, clause, facts, missing=missing, nothing=nothing, kind=kind, case_unit=case_unit or unit
    )
    worst = _Worst.of(items, level)
    return [
        worst.answer(answer, clause, unit=unit) if answer.zone_code in worst.items else answer
        for answer in above
    ]


def judge_share(
    items: pd.DataFrame,
    clause: Clause,
    facts: Facts,
    *,
    missing: str,
    nothing: str,
    kind: str,
    case_unit: str,
    threshold: float | None = 1.0,
) -> list[Answer]:
    """Answer for each unit and zone above by the share of items that meet; parameters as `judge_items`."""
    level = unit_level(clause.levels)
    cases = cases_by_zone(items, case_unit, kind, level)
    counts: dict[str, dict[str, Counts]] = {}
    answers = []
    for code, at in zones_for(facts, items, level):
        if at not in counts:
            counts[at] = _count(items, items[at] if at else pd.Series(WHOLE, index=items.index))
        found = counts[at].get(code)
        blank = Answer(
            code, None, None, None, threshold, _SHARE_OF[kind], cases=cases.get(code, ())
        )  # fmt: skip
        if found is None:
            answers.append(replace(blank, missing=nothing, reason="" if nothing else NONE_OF[kind]))
        else:
            answers.append(_share(blank, found, missing=missing))
    return answers


def _count(items: pd.DataFrame, zone: pd.Series) -> dict[str, Counts]:
    """Count the items of each zone: those that meet, fail or are not known, sure and doubtful."""
    sure, counted = items["sure"].astype(bool), items["counted"].astype(bool)
    marks = {"met": items["meets"].eq(1), "failed": items["meets"].eq(0), "unknown": items["meets"].isna()}
    flags = {f"sure_{name}": mark & sure for name, mark in marks.items()}
    flags |= {f"doubtful_{name}": mark & ~sure for name, mark in marks.items()}
    flags |= {"counted": counted} | {f"counted_{name}": mark & counted for name, mark in marks.items()}
    sums = pd.DataFrame(flags).astype(np.int64).groupby(zone.to_numpy(), sort=False).sum()
    return {
        str(code): dict(zip(sums.columns, found, strict=True))
        for code, found in zip(sums.index, sums.to_numpy().tolist(), strict=True)
    }


def _share(blank: Answer, counts: Counts, *, missing: str) -> Answer:
    """Return the share that meets; where none is sure, none may be there, and nothing is lacking."""
    known = {
        name: counts[f"sure_{name}"] + counts[f"doubtful_{name}"] for name in ("met", "failed", "unknown")
    }
    evidence = told({
        "items": sum(known.values()), "meeting": known["met"], "failing": known["failed"],
        "unknown": known["unknown"],
        "doubtful": counts["doubtful_met"] + counts["doubtful_failed"] + counts["doubtful_unknown"],
    })  # fmt: skip
    if not known["met"] + known["failed"]:
        return replace(blank, missing=missing, evidence=evidence)
    low, high = _bounds(counts)
    met, failed = (counts["counted_met"], counts["counted_failed"]) if counts["counted"] else (
        known["met"], known["failed"]
    )  # fmt: skip
    measured = met / (met + failed) if met + failed else low
    return replace(blank, low=low, measured=measured, high=high, evidence=evidence)


def _bounds(counts: Counts) -> tuple[float, float]:
    """Return the least and the greatest share that meets, doubtful items there or not."""
    met, failed, unknown = counts["sure_met"], counts["sure_failed"], counts["sure_unknown"]
    sure = met + failed + unknown
    at_least = sure + counts["doubtful_failed"] + counts["doubtful_unknown"]
    low = met / at_least if at_least else 1.0
    more = counts["doubtful_met"] + counts["doubtful_unknown"]
    better = met + unknown + more
    high = better / (sure + more) if better else float(sure == 0)
    return low, high


@dataclass(frozen=True, slots=True, eq=False)
class _Worst:
    """
    The worst items of each unit.

    Parameters
    ----------
    items
        Margin, figure and threshold of the worst item of each unit known: of all, of those that count, and of
        the sure ones.
    unknown
        Units with an item of unknown figure.
    """

    items: dict[str, dict[str, tuple[float, float, float]]]
    unknown: frozenset[str]

    @classmethod
    def of(cls, items: pd.DataFrame, level: str) -> _Worst:
        """Find the worst items of each unit of a level."""
        inside = items[items[level].ne("")]
        known = inside[inside["margin"].notna()].sort_values(["margin", "item_id"], kind="stable")
        found: dict[str, dict[str, tuple[float, float, float]]] = {}
        for name, mark in (("all", True), ("counted", known["counted"]), ("sure", known["sure"])):
            first = known[np.broadcast_to(np.asarray(mark, dtype=bool), len(known))].drop_duplicates(level)
            figures = first[[level, "margin", "measured", "threshold"]].itertuples(index=False)
            for code, *figure in figures:
                found.setdefault(code, {})[name] = tuple(figure)
        return cls(found, frozenset(inside.loc[inside["margin"].isna(), level]))

    def answer(self, share: Answer, clause: Clause, *, unit: str) -> Answer:
        """
        Judge a unit by its worst item, in place of the share that meets.

        Doubtful items make the figure no better: the least counts them, the most leaves them out. An item
        whose figure is unknown may be as bad as can be.
        """
        ends, unknown = self.items[share.zone_code], share.zone_code in self.unknown
        operator = clause.operator or ">="
        margin, _, threshold = min(ends.values())
        figures = {end[1] for end in ends.values()}
        if "sure" not in ends and margin < -ROUNDING:
            figures.add(threshold)
        if unknown:
            figures.add(math.inf if operator == "<=" else 0.0)
        verdict: Verdict = "met"
        if margin < -ROUNDING or unknown:
            verdict = "to_verify" if ends.get("sure", (0.0,))[0] >= -ROUNDING else "not_met"
        certainty: Certainty = "certain" if len(figures) == 1 else "likely"
        return replace(
            share, low=min(figures), measured=ends.get("counted", ends["all"])[1], high=max(figures),
            threshold=threshold, unit=unit, operator=operator,
            threshold_upper=clause.threshold_upper if operator == "between" else None,
            stated=(verdict, "cannot_tell" if verdict == "to_verify" else certainty),
        )  # fmt: skip


def nothing_of(facts: Facts, kinds: tuple[str, ...]) -> str:
    """Return the input that lacks where no facility of some kinds is listed at all."""
    if facts.facilities["kind"].isin(satisfying(kinds)).any():
        return ""
    return "facilities" if "any" in kinds else f"facilities.{kinds[0]}"


def _cases(items: pd.DataFrame, unit: str, kind: str) -> list[Case]:
    """Return each item with its own figure and verdict, by id; estates with areas in place of ratios."""
    ordered = items.sort_values("item_id", kind="stable")
    return [
        Case(
            kind, str(row["item_id"]), str(row["item_name"]), _known(row.get("shown", row["measured"])),
            _known(row.get("shown_threshold", row["threshold"])), _verdict(row["meets"]),
            _why(row["meets"], sure=row["sure"], said=row.get("reason_given", "")), unit,
        )
        for row in ordered.to_dict("records")
    ]  # fmt: skip


def cases_by_zone(items: pd.DataFrame, unit: str, kind: str, level: str) -> dict[str, tuple[Case, ...]]:
    """Return the cases of each zone: every item stands in the lowest zone that it lies in."""
    if items.empty:
        return {}
    ordered = items.sort_values("item_id", kind="stable")
    cases: dict[str, list[Case]] = {}
    for code, case in zip(homes(ordered, level), _cases(ordered, unit, kind), strict=True):
        cases.setdefault(code, []).append(case)
    return {code: tuple(found) for code, found in cases.items()}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _verdict(meets: float) -> Verdict:
    if math.isnan(meets):
        return "not_judged"
    return "met" if meets else "not_met"


def _why(meets: float, *, sure: bool, said: str) -> str:
    if said:
        return said
    if math.isnan(meets):
        return "no_value"
    return "" if sure else "doubtful"
