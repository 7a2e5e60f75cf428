"""The datum detective: which datum a table's coordinates are in, named only where the evidence is strong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logsumexp

from servicecircle.checks.datum import gcj02_from_wgs84, wgs84_from
from servicecircle.checks.evidence import fit_places, look_around, row_weights, some_rows
from servicecircle.crs import WGS84, transform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from servicecircle.checks.evidence import Background, Fit, Ground
    from servicecircle.units import Floats

ZoneFinder = Callable[["NDArray[np.intp]"], "NDArray[np.intp]"]

DATUMS = ("wgs84", "gcj02", "bd09")
CERTAIN = float(np.log(100.0))
"""Log-likelihood ratio over all other explanations together from which a datum, or a row's, is named."""

_TWO = float(np.log(20.0))
"""The same for a second datum over none; that there is none takes `CERTAIN`, as it ends all doubt."""

FEWEST_ROWS = 3
_FEWEST_MIXED = 8
_LOG_MIXED = float(np.log(0.5))
"""Tables of two datums are rarer than tables of one."""

_SHARES = np.arange(0.20, 0.801, 0.05)
"""Of the first of two datums; where fewer rows are of the other, they are rows astray."""

_HALF = 0.51
_CERTAIN_SHARE = 1.0 / (1.0 + np.exp(-CERTAIN))
"""Of the likelihood of everything, what is `CERTAIN` has so much."""

SHARE_ERROR = 0.037
"""Standard error up to which a proportion is within 0.1, bar one time in a hundred."""

_MOST_DOUBTED = 20_000
"""Rows of a table up to which each is looked at for itself where all are in one datum."""

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
        nothing to do with the streets and zones.
    best
        The likeliest explanation; `none` where the places fit nothing, or fit better moved otherwise.
    log_ratio
        Its log-likelihood ratio over all the others together, but for those that differ from it only in
        whether some rows are of a second datum.
    datum, other
        The datum of most rows and, of a mixture, the other; both '' where the evidence does not tell.
    alone
        Whether it is told that no second datum, or that just this one is there.
    share, share_error
        Of the rows in `datum`, and the standard error; above `SHARE_ERROR` the share is not to be relied on.
    row_datum
        The datum to take each row in; WGS-84 throughout where the evidence does not tell.
    row_sure
        Whether a row of a mixture was assigned on its own evidence; True throughout any other table.
    row_doubt
        The datum that a row of a table of one datum fits far better than its own; '' mostly.
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
    alone: bool
    share: float
    share_error: float
    row_datum: NDArray[np.object_]
    row_sure: NDArray[np.bool_]
    row_doubt: NDArray[np.object_]
    street_m: dict[str, float]
    weighed: int

    @property
    def over_all(self) -> float:
        """Log-likelihood ratio of the likeliest explanation over all the others together."""
        rivals = [score for name, score in self.scores.items() if name != self.best]
        return self.scores[self.best] - float(logsumexp(rivals))

    def runner_up(self, taken: str) -> str:
        """Return the likeliest single datum but one."""
        return max((d for d in DATUMS if d != taken), key=lambda datum: self.scores[datum])


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Rows under way: degrees as written, and how to find the zones they name."""

    lonlat: Floats
    name_zones: ZoneFinder
    ground: Ground

    def places(self, rows: NDArray[np.intp]) -> Floats:
        """Return x and y of rows under each datum (datums, n, 2)."""
        lonlat, crs = self.lonlat[rows], self.ground.crs
        return np.stack([transform(wgs84_from(lonlat, datum), WGS84, crs) for datum in DATUMS])

    def fits(self, rows: NDArray[np.intp], background: Background) -> Iterator[Fit]:
        """Return how well rows fit, some at a time."""
        for i in range(0, len(rows), _AT_ONCE):
            part = rows[i : i + _AT_ONCE]
            places = self.places(part)
            about = background.at(places, self.ground)
            yield fit_places(places, self.name_zones(part), self.ground, about)


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
    table, chosen = _Table(lonlat, name_zones, ground), some_rows(rows)
    places = table.places(chosen)
    background, elsewhere = look_around(places, ground)
    fit = fit_places(places, name_zones(chosen), ground, background)
    weight = row_weights(places[0])
    explained = _explanations(fit, weight)
    scores = {name: _mean(logs) + (_LOG_MIXED if "+" in name else 0.0) for name, logs in explained.items()}
    scores["none"] = max(elsewhere, 0.0)
    best = max(scores, key=lambda name: scores[name])
    weighing = Weighing(
        scores=scores, best=best, log_ratio=_ahead(scores, best, kin=False),
        datum="", other="", alone=False, share=1.0, share_error=0.0,
        row_datum=np.full(len(lonlat), "wgs84", dtype=object), row_sure=np.ones(len(lonlat), dtype=np.bool_),
        row_doubt=np.full(len(lonlat), "", dtype=object),
        street_m=dict(zip(DATUMS, np.median(fit.metres, axis=1).tolist(), strict=True)),
        weighed=len(chosen),
    )  # fmt: skip
    fits = [fit] if len(chosen) == len(rows) else table.fits(rows, background)
    enough = _TWO if "+" in best else CERTAIN
    told = weighing.log_ratio >= CERTAIN and _ahead(scores, best, kin=True) >= enough
    most = best if told and "+" not in best else _most(scores, explained)
    if best == "none" or not (told or most):
        return weighing
    if told and "+" in best:
        mixture = _unmix(fit, explained[best], best)
        row_datum, row_sure = np.full(len(lonlat), mixture.datum, dtype=object), weighing.row_sure.copy()
        row_datum[rows], row_sure[rows] = _assign(fits, mixture)
        return replace(
            weighing, datum=mixture.datum, other=mixture.other, alone=True, share=mixture.share,
            share_error=mixture.share_error, row_datum=row_datum, row_sure=row_sure,
        )  # fmt: skip
    row_doubt = weighing.row_doubt.copy()
    if len(rows) <= _MOST_DOUBTED:
        row_doubt[rows] = _doubt(fits, most, explained[most])
    row_datum = np.full(len(lonlat), most, dtype=object)
    return replace(weighing, datum=most, alone=told, row_datum=row_datum, row_doubt=row_doubt)


def _ahead(scores: dict[str, float], best: str, *, kin: bool) -> float:
    """Return how far the best is ahead of its kin, which have one datum more or less, or of all others."""
    parts = set(best.split("+"))
    rivals = [s for n, s in scores.items() if n != best and kin == _related(parts, set(n.split("+")))]
    return scores[best] - float(logsumexp(rivals)) if rivals else np.inf


def _related(parts: set[str], others: set[str]) -> bool:
    return parts < others or others < parts


def _most(scores: dict[str, float], explained: dict[str, Floats]) -> str:
    """Return the datum that more than half of the rows are certainly in; '' where none is."""
    parts = {datum: [scores[datum]] for datum in DATUMS}
    for name, logs in explained.items():
        if "+" in name:
            first, second = name.split("+")
            prior = _LOG_MIXED - np.log(logs.size)
            parts[first].append(float(logsumexp(logs[_SHARES > _HALF])) + prior)
            parts[second].append(float(logsumexp(logs[_SHARES < 1.0 - _HALF])) + prior)
    best = max(parts, key=lambda datum: float(logsumexp(parts[datum])))
    share = float(np.exp(logsumexp(parts[best]) - logsumexp(list(scores.values()))))
    return best if share >= _CERTAIN_SHARE else ""


def _can_tell(lonlat: Floats, ground: Ground) -> NDArray[np.bool_]:
    """Tell which rows lie about the streets, at a place that the datums shift."""
    known = np.asarray(np.isfinite(lonlat).all(axis=1))
    tells = np.zeros(len(lonlat), dtype=np.bool_)
    shift = gcj02_from_wgs84(lonlat[known]) - lonlat[known]
    tells[known] = np.abs(shift).max(axis=1, initial=0.0) > _SAME_DEGREES
    return tells & ground.near(lonlat)


def _explanations(fit: Fit, weight: Floats) -> dict[str, Floats]:
    """Return the log-likelihoods of a table of one datum by model, of a mixture by share and model."""
    explained = {datum: weight @ fit.log[i] for i, datum in enumerate(DATUMS)}
    if len(weight) < _FEWEST_MIXED:
        return explained
    for i, j in ((0, 1), (0, 2), (1, 2)):
        more = np.expm1(fit.log[i] - fit.log[j])
        logs = [weight @ np.log1p(share * more) for share in _SHARES]
        explained[f"{DATUMS[i]}+{DATUMS[j]}"] = explained[DATUMS[j]] + np.array(logs)
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
        likely = _likely(fit, self.models)
        return np.asarray(likely[DATUMS.index(self.datum)] - likely[DATUMS.index(self.other)])


def _likely(fit: Fit, models: Floats) -> Floats:
    """Return the log-likelihood of each row in each datum (datums, n), by all models."""
    return np.asarray(np.log(np.exp(fit.log) @ models))


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


def _assign(fits: Iterable[Fit], mixture: _Mixture) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return the datum of each row and whether its own evidence told; the more frequent one where not."""
    ratio = np.concatenate([mixture.odds(fit) for fit in fits])
    odds = ratio + np.log(mixture.share / (1.0 - mixture.share))
    least = np.minimum(np.abs(ratio), np.abs(odds)) * (np.sign(ratio) == np.sign(odds))
    sure = least >= CERTAIN
    return np.where(sure & (odds < 0), mixture.other, mixture.datum).astype(object), sure


def _doubt(fits: Iterable[Fit], datum: str, logs: Floats) -> NDArray[np.object_]:
    """Return the datum that each row fits far better than that of the table; '' where there is none."""
    models = np.exp(logs - logsumexp(logs))
    likely = np.concatenate([_likely(fit, models) for fit in fits], axis=1)
    best = np.argmax(likely, axis=0)
    far = likely.max(axis=0) - likely[DATUMS.index(datum)] >= CERTAIN
    return np.where(far, np.array(DATUMS, dtype=object)[best], "").astype(object)
