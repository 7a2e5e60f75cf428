"""The engine: every clause of a profile, judged wherever it speaks; verdicts, severity and the evidence."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from servicecircle.assess.clauses.answer import Answer
from servicecircle.assess.clauses.circles import judge_circle
from servicecircle.assess.clauses.counting import judge_count
from servicecircle.assess.clauses.estates import judge_estate_area
from servicecircle.assess.clauses.facilities import judge_bed_share, judge_facility_share, judge_range
from servicecircle.assess.clauses.facts import Facts
from servicecircle.assess.clauses.holding import judge_holding
from servicecircle.assess.clauses.nearness import judge_hub, judge_nearness
from servicecircle.assess.clauses.ratios import judge_indicator, judge_ratio, judge_total
from servicecircle.assess.clauses.reports import judge_report
from servicecircle.assess.clauses.rolling import roll_up, units_of
from servicecircle.assess.clauses.scopes import WHOLE
from servicecircle.assess.coverage import Coverage
from servicecircle.assess.results import EVIDENCE_COLUMNS
from servicecircle.standards.register import load_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicecircle.assess.results import Results
    from servicecircle.standards.clause import Clause, Profile

COLUMNS = (
    "zone_code", "clause_id", "verdict", "measured", "threshold", "unit", "margin", "certainty", "reason",
    "evidence", "low", "high", "level", "severity", "deadline", "deadline_state", "missing",
)  # fmt: skip
_JUDGES: dict[str, Callable[..., list[Answer]]] = {
    "circle": judge_circle, "holding": judge_holding, "count": judge_count, "range": judge_range,
    "facility_share": judge_facility_share, "bed_share": judge_bed_share, "total": judge_total,
    "ratio": judge_ratio, "estate_area": judge_estate_area, "nearness": judge_nearness, "hub": judge_hub,
    "report": judge_report, "indicator": judge_indicator,
}  # fmt: skip
_SHARES = {
    "range": "share of facilities", "facility_share": "share of facilities", "bed_share": "share of beds",
    "units_with": "share of units", "having_share": "share of facilities",
    "estate_area": "share of estates", "nearness": "share of facilities", "hub": "share of facilities",
}  # fmt: skip
"""What a share is of, so that none is taken for the share of people."""

_TABLES = {"total": "units", "ratio": "units", "estate_area": "estates", "indicator": "indicators"}
"""What a test needs above all; the others need facilities."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """
    What became of the clauses of a profile.

    Parameters
    ----------
    verdicts
        One row per zone and clause, with `COLUMNS`.
    evidence
        One row per item that a verdict rests on, with `EVIDENCE_COLUMNS`.
    """

    verdicts: pd.DataFrame
    evidence: pd.DataFrame

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many verdicts there are, by severity and verdict."""
        found: dict[str, dict[str, int]] = {}
        for key, rows in self.verdicts.groupby(["severity", "verdict"]).size().items():
            severity, verdict = cast("tuple[str, str]", key)
            found.setdefault(severity, {})[verdict] = int(rows)
        return found


def judge(coverage: Coverage | Results, profile: str | Profile) -> pd.DataFrame:
    """
    Judge the clauses of a profile in every zone that they speak of.

    Parameters
    ----------
    coverage
        A run; or coverage alone, on which only circles can be judged, with deadlines by today.
    profile
        A profile, its name, or a file of one's own.

    Returns
    -------
    One row per zone and clause: `measured` between `low` and `high` is what was found, `threshold` what is
    asked for, `margin` what is over or lacking; `missing` names the input that would allow a verdict.
    """
    study = getattr(coverage, "study", None)
    if isinstance(profile, str):
        profile = load_profile(profile, folder=study.path.parent if study else None)
    return judge_clauses(_facts(coverage), profile).verdicts


def judge_clauses(facts: Facts, profile: Profile) -> Judgement:
    """Judge every clause of a profile on what is known."""
    words = facts.units["word"].to_dict() if len(facts.units) else {}
    verdicts: list[tuple[Any, ...]] = []
    evidence: list[tuple[Any, ...]] = []
    for clause in profile.clauses:
        severity = profile.severity(clause, facts.as_of)
        dated = "none" if clause.deadline is None else "due" if clause.is_due(facts.as_of) else "open"
        deadline = "" if clause.deadline is None else clause.deadline.isoformat()
        for answer in _answers(clause, facts):
            of_answer = "report" if answer.one_of_some else severity
            verdict, certainty, reason = _verdict(clause, answer)
            verdicts.append((
                answer.zone_code, clause.id, verdict, answer.measured, answer.threshold,
                _unit(clause, answer.unit), answer.margin, certainty, reason, answer.evidence, answer.low,
                answer.high, words.get(answer.zone_code, ""), of_answer, deadline, dated, answer.missing,
            ))  # fmt: skip
            evidence.extend(
                (clause.id, answer.zone_code, case.item_kind, case.item_id, case.item_name, case.measured,
                 case.threshold, _unit(clause, case.unit or answer.unit), case.verdict, case.reason)
                for case in answer.cases
            )  # fmt: skip
    return Judgement(
        _frame(verdicts, COLUMNS, ["zone_code", "clause_id"]),
        _frame(evidence, EVIDENCE_COLUMNS, ["clause_id", "zone_code", "item_kind", "item_id"]),
    )


def _facts(coverage: Coverage | Results) -> Facts:
    facts = getattr(coverage, "facts", None)
    if isinstance(facts, Facts):
        return facts
    rules = coverage.rules if isinstance(coverage, Coverage) else coverage.study.rules
    return Facts.of_zones(coverage.zones, rules, dt.datetime.now(dt.UTC).astimezone().date())


def _answers(clause: Clause, facts: Facts) -> Iterator[Answer]:
    """Yield what the test of a clause finds, and the share of units above them that it does not tell of."""
    if clause.test is None:
        return
    measure = clause.test.measure
    if measure != "circle" and not facts.given:
        if clause.state != "out_of_scope":
            missing = _TABLES.get(measure, "facilities")
            yield Answer(WHOLE, None, None, None, clause.threshold, clause.unit, missing=missing)
        return
    answers = _JUDGES[measure](clause, clause.test, facts)
    if clause.state == "out_of_scope":
        yield from (answer for answer in answers if answer.measured is not None)
        return
    if not answers:
        answers = [Answer(WHOLE, None, None, None, clause.threshold, clause.unit, reason="no_units")]
    yield from answers
    if clause.state == "measurable" and measure not in {"circle", "holding", "count"}:
        told = {answer.zone_code for answer in answers}
        above = roll_up(units_of(answers, facts), facts, clause) if any(told) else iter(())
        yield from (answer for answer in above if answer.zone_code not in told)


def _unit(clause: Clause, unit: str) -> str:
    """Return the unit of a figure; of a share, what it is a share of."""
    if unit != "share" or clause.test is None:
        return unit
    of = getattr(clause.test, "figure", clause.test.measure)
    return _SHARES.get(of, unit)


def _verdict(clause: Clause, answer: Answer) -> tuple[str, str, str]:
    if clause.state == "report_only":
        return "not_judged", "", "report_only"
    verdict, certainty = answer.verdict
    return verdict, certainty, answer.reason or ("missing_input" if answer.missing else "")


def _frame(rows: list[tuple[Any, ...]], columns: tuple[str, ...], by: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    figures = [c for c in ("measured", "threshold", "margin", "low", "high") if c in columns]
    frame[figures] = frame[figures].astype(float)
    return frame.sort_values(by, kind="stable", ignore_index=True)
