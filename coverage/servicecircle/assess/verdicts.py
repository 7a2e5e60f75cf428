"""From shares to verdicts, the same at every level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["met", "not_met", "to_verify", "not_judged"]
Certainty = Literal["certain", "likely", "cannot_tell", ""]

FEW_DOUBTFUL = 0.05
"""Under this share of doubtful people a verdict is certain."""

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of one zone and circle: sure, possible, and doubtful, of the people judged."""

    low: float
    high: float
    doubtful: float


def reaches(share: float, required: float) -> bool:
    """Tell whether a share reaches the reference line; exactly on it does."""
    return share >= required - _ROUNDING


def verdict_of(shares: Shares, required: float) -> tuple[Verdict, Certainty]:
    """Return the verdict of a zone whose streets are mapped and whose people are known."""
    if reaches(shares.low, required):
        verdict: Verdict = "met"
    elif not reaches(shares.high, required):
        verdict = "not_met"
    else:
        return "to_verify", "cannot_tell"
    return verdict, "certain" if shares.doubtful < FEW_DOUBTFUL else "likely"
