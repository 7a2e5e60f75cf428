"""Sums and quantiles of people that do not depend on how the work was cut up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from servicecircle.units import Floats

_ROUNDING = 1e-12


def by_zone(zone: NDArray[np.int64], weights: Floats, zones: int) -> Floats:
    """Add up weights per zone number, in the order of the people."""
    return np.bincount(zone, weights=weights, minlength=zones).astype(float)


def total(parts: Iterable[float]) -> float:
    """Add up parts exactly, whatever their order."""
    return math.fsum(parts)


def quantile(values: Floats, weights: Floats, share: float) -> float:
    """
    Return the least value with at least a share of the weight at or below it; unreached ones are last.

    NaN where there is no weight, or where the quantile falls among the unreached.
    """
    order = np.argsort(values, kind="stable")
    running = np.cumsum(weights[order])
    if len(running) == 0 or running[-1] <= 0:
        return math.nan
    at = int(np.searchsorted(running, share * running[-1] * (1 - _ROUNDING), side="left"))
    value = float(values[order[min(at, len(order) - 1)]])
    return value if math.isfinite(value) else math.nan
