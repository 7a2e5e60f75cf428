"""What one test found in one zone, and the verdict that follows; the same for every kind of clause."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicecircle.assess.verdicts import Certainty, Verdict

ROUNDING = 1e-9
"""What sums of shares and areas may lack to what is asked for."""


@dataclass(frozen=True, slots=True)
class Case:
    """
    One item that an answer rests on: a facility, an estate or a unit.

    Parameters
    ----------
    item_kind
        "facility", "estate" or "unit".
    measured, threshold
        Its own figure and what is asked of it; None where unknown or nothing is asked.
    verdict, reason
        Of this item alone.
    unit
        Of both figures, where it is not the answer's own.
    """

    item_kind: str
    item_id: str
    item_name: str
    measured: float | None
    threshold: float | None
    verdict: Verdict
    reason: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What a test found in one zone.

    Parameters
    ----------
    low, measured, high
        The figure at its least, as the data has it, and at its most, doubtful rows counted against or for it;
        None where it is not known.
    threshold, unit
        What is asked for, in the clause's operator, and the unit of all four figures ("share" is 0..1).
    missing
        The input that would allow a verdict, as `table.column` ("facilities.beds"); "" where nothing lacks.
    reason
        Why it is not judged, where that is no missing input ("no_units", "no_facilities", "not_asked").
    operator, threshold_upper
        ">=", "<=", "==" (at least as much), "rounds_to" (a share, to the whole per cent) or "between", and
        the upper bound of the last.
    stated
        Verdict and certainty where they follow from more than these figures.
    one_of_some
        Whether it tells of one of the units of which the clause asks a share for: such a unit never fails.
    """

    zone_code: str
    low: float | None
    measured: float | None
    high: float | None
    threshold: float | None
    unit: str
    operator: str = ">="
    threshold_upper: float | None = None
    missing: str = ""
    reason: str = ""
    evidence: str = ""
    cases: tuple[Case, ...] = field(default=())
    stated: tuple[Verdict, Certainty] | None = None
    one_of_some: bool = False

    @property
    def verdict(self) -> tuple[Verdict, Certainty]:
        """The verdict, and how certain it is: `to_verify` where doubtful rows could turn it."""
        if self.stated is not None:
            return self.stated
        if self.missing or self.reason or self.low is None or self.high is None or self.threshold is None:
            return "not_judged", ""
        at_low, at_high = self._holds(self.low), self._holds(self.high)
        if at_low != at_high or (not at_low and self._holds_between(self.low, self.high)):
            return "to_verify", "cannot_tell"
        certain = abs(self.high - self.low) <= ROUNDING
        return "met" if at_low else "not_met", "certain" if certain else "likely"

    @property
    def margin(self) -> float | None:
        """What is over (+) or lacking (-) to the threshold; None where there is no verdict."""
        if self.measured is None or self.threshold is None:
            return None
        if self.operator == "<=":
            return self.threshold - self.measured
        if self.operator == "rounds_to":
            return -abs(_per_cent(self.measured) - _per_cent(self.threshold)) / 100
        if self.operator == "between" and self.threshold_upper is not None:
            return min(self.measured - self.threshold, self.threshold_upper - self.measured)
        return self.measured - self.threshold

    def _holds(self, value: float) -> bool:
        threshold = self.threshold or 0.0
        if self.operator == "<=":
            return value <= threshold + ROUNDING
        if self.operator == "rounds_to":
            return _per_cent(value) == _per_cent(threshold)
        if self.operator == "between" and self.threshold_upper is not None:
            return threshold - ROUNDING <= value <= self.threshold_upper + ROUNDING
        return value >= threshold - ROUNDING

    def _holds_between(self, low: float, high: float) -> bool:
        """Tell whether a figure from below the lower bound to over the upper one may lie between them."""
        if self.operator != "between" or self.threshold is None or self.threshold_upper is None:
            return False
        return low < self.threshold and high > self.threshold_upper


def told(figures: Mapping[str, float]) -> str:
    """Name the figures that an answer rests on, in the columns' own words."""
    return "; ".join(f"{name}={value:.6g}" for name, value in figures.items())


def _per_cent(share: float) -> int:
    return math.floor(share * 100 + 0.5 + ROUNDING)
