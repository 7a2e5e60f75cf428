"""Service circles: the share of people within, as measured zone by zone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicecircle.assess.clauses.answer import Answer

if TYPE_CHECKING:
    from servicecircle.assess.clauses.facts import Facts
    from servicecircle.standards.clause import CircleTest, Clause


def judge_circle(_clause: Clause, test: CircleTest, facts: Facts) -> list[Answer]:
    """
    Judge the share of people within a circle against the study's own reference line: no document gives one.

    A clause that names kinds of its own is measured again for these.
    """
    if not test.kinds:
        zones = facts.zones[facts.zones["circle"].eq(test.circle)]
    elif facts.circle_of is None:
        return [_unjudged(facts, missing="facilities")]
    else:
        zones = facts.circle_of(test.circle, test.kinds)
    if zones.empty:
        known = test.circle in {"15min", "1km"} or facts.zones["circle"].eq(test.circle).any()
        return [_unjudged(facts, reason="no_units") if known else _unjudged(facts, missing="rules.circles")]
    required = facts.rules.share_required
    return [_answer(zone, required) for zone in zones.itertuples()]


def _answer(zone: Any, required: float) -> Answer:
    return Answer(
        zone.code, zone.share_low, zone.share_low, zone.share_high, required, "share", reason=zone.reason,
        evidence=_evidence(zone), stated=(zone.verdict, zone.certainty),
    )  # fmt: skip


def _unjudged(facts: Facts, *, missing: str = "", reason: str = "") -> Answer:
    required = facts.rules.share_required
    return Answer("", None, None, None, required, "share", missing=missing, reason=reason)


def _evidence(zone: Any) -> str:
    """Name the figures a verdict rests on, in the columns' own words; the elderly's share beside them."""
    figures = ["people_judged", "people_within", "people_doubtful", "facilities"]
    if hasattr(zone, "elderly_share_within"):
        figures.append("elderly_share_within")
    return "; ".join(f"{name}={getattr(zone, name):.6g}" for name in figures)
