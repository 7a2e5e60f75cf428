"""The datum detective: which datum a table's coordinates are in, named only where the evidence is strong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logsumexp

from servicecircle.checks.datum import gcj02_from_wgs84, wgs84_from
from servicecircle.checks.evidence import fit_places
from servicecircle.crs import WGS84, transform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from servicecircle.checks.evidence import Fit, Ground
    from servicecircle.units import Floats

ZoneFinder = Callable[["NDArray[np.intp]"], "NDArray[np.intp]"]

DATUMS = ("wgs84", "gcj02", "bd09")
CERTAIN = float(np.log(100.0))
"""Log-likelihood ratio over all other explanations together from which a datum, or a row's, is named."""

FEWEST_ROWS = 3
_FEWEST_MIXED = 8
_LOG_MIXED = float(np.log(0.1))
"""Tables of two datums are rarer than tables of one."""

_SHARES = np.arange(0.10, 0.901, 0.05)
"""Of the first of two datums; where fewer rows are of the other, they are rows astray."""

_SHARE_ERROR = 0.037
"""Standard error up to which a proportion is within 0.1, bar one time in a hundred."""

_AT_ONCE = 1000
_SAME_DEGREES = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Weighing:
    """
    What the rows of a table say of its datum.

    Parameters
    ----------
    scores
        Log-likelihood of each explanation, such as `gcj02` or `wgs84+bd09`, over that of places that have
        nothing to do with the streets and zones (`none`, 0).
    best
        The likeliest explanation.
    log_ratio
        Its log-likelihood ratio over all the others together.
    datum, other
        The datum of most rows and, of a mixture, the other; both '' where the evidence does not tell.
    share
        Of the rows in `datum`.
    row_datum
        The datum to take each row in; WGS-84 throughout where the evidence does not tell.
    row_sure
        Whether a row of a mixture was assigned on its own evidence; True throughout any other table.
    street_m
        Median distance of the rows to the nearest street under each datum.
    weighed
        How many rows were weighed.
    """

    scores: dict[str, float]
    best: str
    log_ratio: float
    datum: str
    other: str
    share: float
    row_datum: NDArray[np.object_]
    row_sure: NDArray[np.bool_]
    street_m: dict[str, float]
    weighed: int


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Rows under way: degrees as written, and how to find the zones they name."""

    lonlat: Floats
    name_zones: ZoneFinder
    ground: Ground

    def fit(self, rows: NDArray[np.intp]) -> Fit:
        lonlat = self.lonlat[rows]
        places = [transform(wgs84_from(lonlat, datum), WGS84, self.ground.crs) for datum in DATUMS]
        return fit_places(np.stack(places), self.name_zones(rows), self.ground)


def weigh_datums(lonlat: Floats, name_zones: ZoneFinder, ground: Ground) -> Weighing | None:
    """
    Weigh WGS-84, GCJ-02, BD-09 and mixtures of two by how well the places they give fit the ground.

    Parameters
    ----------
    lonlat
        Degrees as written (n, 2), longitude first; NaN where a row has none.
    name_zones
        Returns, of some rows, the position in the ground's zones of the zone each names; -1 for none.

    Returns
    -------
    None where fewer than `FEWEST_ROWS` rows lie about the streets, in China.
    """
    rows = np.flatnonzero(_can_tell(lonlat, ground))
    if len(rows) < FEWEST_ROWS:
        return None
    table = _Table(lonlat, name_zones, ground)
    fit = table.fit(rows[np.unique(np.linspace(0, len(rows) - 1, _AT_ONCE).astype(np.intp))])
    explained = _explanations(fit)
    scores = {name: _mean(logs) + (_LOG_MIXED if "+" in name else 0.0) for name, logs in explained.items()}
    scores["none"] = 0.0
    best = max(scores, key=lambda name: scores[name])
    log_ratio = scores[best] - float(logsumexp([s for name, s in scores.items() if name != best]))
    weighing = Weighing(
        scores=scores, best=best, log_ratio=log_ratio, datum="", other="", share=1.0,
        row_datum=np.full(len(lonlat), "wgs84", dtype=object), row_sure=np.ones(len(lonlat), dtype=np.bool_),
        street_m=dict(zip(DATUMS, np.median(fit.metres, axis=1).tolist(), strict=True)),
        weighed=len(fit.weight),
    )  # fmt: skip
    if log_ratio < CERTAIN or best == "none":
        return weighing
    if "+" not in best:
        return replace(weighing, datum=best, row_datum=np.full(len(lonlat), best, dtype=object))
    mixture = _unmix(fit, explained[best], best)
    if mixture.share_error > _SHARE_ERROR:
        return weighing
    row_datum = np.full(len(lonlat), mixture.datum, dtype=object)
    row_sure = weighing.row_sure.copy()
    row_datum[rows], sure = _assign(table, rows, mixture)
    row_sure[rows[~sure]] = False
    return replace(
        weighing, datum=mixture.datum, other=mixture.other, share=mixture.share,
        row_datum=row_datum, row_sure=row_sure,
    )  # fmt: skip


def _can_tell(lonlat: Floats, ground: Ground) -> NDArray[np.bool_]:
    """Tell which rows lie about the streets, at a place that the datums shift."""
    known = np.asarray(np.isfinite(lonlat).all(axis=1))
    tells = np.zeros(len(lonlat), dtype=np.bool_)
    shift = gcj02_from_wgs84(lonlat[known]) - lonlat[known]
    tells[known] = np.abs(shift).max(axis=1, initial=0.0) > _SAME_DEGREES
    return tells & ground.near(lonlat)


def _explanations(fit: Fit) -> dict[str, Floats]:
    """Return the log-likelihoods of a table of one datum by model, of a mixture by share and model."""
    weight = fit.weight[:, None]
    explained = {datum: (fit.log[i] * weight).sum(axis=0) for i, datum in enumerate(DATUMS)}
    if len(weight) < _FEWEST_MIXED:
        return explained
    for i, j in ((0, 1), (0, 2), (1, 2)):
        logs = [
            (np.logaddexp(fit.log[i] + np.log(share), fit.log[j] + np.log1p(-share)) * weight).sum(axis=0)
            for share in _SHARES
        ]
        explained[f"{DATUMS[i]}+{DATUMS[j]}"] = np.array(logs)
    return explained


def _mean(logs: Floats) -> float:
    return float(logsumexp(logs) - np.log(logs.size))


@dataclass(frozen=True, slots=True, eq=False)
class _Mixture:
    """Two datums, the more frequent first; the share of it, and what each model counts for."""

    datum: str
    other: str
    share: float
    share_error: float
    models: Floats

    def odds(self, fit: Fit) -> Floats:
        """Return the log-likelihood ratio of each row, of `datum` over `other`."""
        first, second = fit.log[[DATUMS.index(self.datum), DATUMS.index(self.other)]]
        return np.asarray(logsumexp(first, axis=1, b=self.models) - logsumexp(second, axis=1, b=self.models))


def _unmix(fit: Fit, logs: Floats, name: str) -> _Mixture:
    """Return a mixture's share: the expected share of these rows, and how far it may be off."""
    first, second = name.split("+")
    likely = np.exp(logs - logsumexp(logs))
    mixture = _Mixture(first, second, 0.5, 0.0, likely.sum(axis=0))
    chances = expit(mixture.odds(fit)[:, None] + np.log(_SHARES / (1.0 - _SHARES)))
    shares, spread = chances.mean(axis=0), (chances * (1.0 - chances)).sum(axis=0) / len(chances) ** 2
    by_share = likely.sum(axis=1)
    share = float(by_share @ shares)
    error = float(np.sqrt(by_share @ (spread + (shares - share) ** 2)))
    if share < 0.5:
        first, second, share = second, first, 1.0 - share
    return _Mixture(first, second, share, error, mixture.models)


def _assign(
    table: _Table, rows: NDArray[np.intp], mixture: _Mixture
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return the datum of each row and whether its own evidence told; the more frequent one where not."""
    parts = [mixture.odds(table.fit(rows[i : i + _AT_ONCE])) for i in range(0, len(rows), _AT_ONCE)]
    odds = np.concatenate(parts) + np.log(mixture.share / (1.0 - mixture.share))
    return np.where(odds > -CERTAIN, mixture.datum, mixture.other).astype(object), np.abs(odds) >= CERTAIN
