"""Units, and the one comparison of a cost with a limit."""

from __future__ import annotations

import math
from typing import overload

import numpy as np
from numpy.typing import NDArray

TOLERANCE_M = 1e-6
"""Lengths are sums of square roots: a walk of exactly the limit may come out a hair longer."""

Floats = NDArray[np.float64]

_WHOLE, _CUT = 1e-9, 1e-6
"""What sums of shares may lack to a whole, and thousandths to the next one."""


@overload
def within(cost: float, limit: float) -> bool: ...
@overload
def within(cost: Floats, limit: float | Floats) -> NDArray[np.bool_]: ...
def within(cost: float | Floats, limit: float | Floats) -> bool | NDArray[np.bool_]:
    """
    Tell whether a cost is inside a limit; exactly on the limit is inside.

    Infinite (unreachable) and NaN (unknown) costs are never inside.

    Parameters
    ----------
    cost, limit
        Numbers or arrays of one shape, in the same unit.
    """
    return cost <= limit + TOLERANCE_M


def metres_in(minutes: float, walk_kmh: float) -> float:
    """Return the metres walked in some minutes."""
    return minutes * 60.0 * walk_kmh / 3.6


@overload
def seconds_for(metres: float, walk_kmh: float) -> float: ...
@overload
def seconds_for(metres: Floats, walk_kmh: float) -> Floats: ...
def seconds_for(metres: float | Floats, walk_kmh: float) -> float | Floats:
    """Return the seconds that a walk of some metres takes."""
    return metres / (walk_kmh / 3.6)


def percent(share: float) -> str:
    """
    Return a share in per cent, to one decimal.

    It is cut, not rounded: only a whole is 100.0 %, and what is printed as 90.0 % reaches nine tenths.
    """
    if share >= 1 - _WHOLE:
        return "100.0%"
    return f"{min(math.floor(share * 1000 + _CUT), 999) / 10:.1f}%"
