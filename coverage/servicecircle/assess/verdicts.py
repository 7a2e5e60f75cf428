"""From shares to verdicts, the same at every level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, overload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from servicecircle.units import Floats

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


@overload
def reaches(share: float, required: float) -> bool: ...
@overload
def reaches(share: Floats, required: float) -> NDArray[np.bool_]: ...
def reaches(share: float | Floats, required: float) -> bool | NDArray[np.bool_]:
    """Tell whether a share reaches a line: exactly on it does, one that is not known (NaN) does not."""
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
