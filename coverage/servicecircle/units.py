"""Units, and the one comparison of a cost with a limit."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import NDArray

TOLERANCE_M = 1e-6
"""Lengths are sums of square roots: a walk of exactly the limit may come out a hair longer."""

Floats = NDArray[np.float64]


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
