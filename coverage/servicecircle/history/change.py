"""
What a change is put down to: shares of each part that sum to the whole, to the last bit.

Up to four changed fields, each part is a Shapley value: the mean, over every order in which the fields could
have changed, of what the figure moves when that one changes. So no order is preferred. Above four fields the
parts change one after the other in the order of `PARTS`, and the result says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import factorial, frexp, ldexp
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from servicecircle.units import percent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PARTS = (
    "boundaries", "people", "streets", "rules", "mending", "facilities_closed", "facilities_moved",
    "facilities_opened", "program",
)  # fmt: skip
"""The parts of a change, in the order in which they change where there are too many fields."""

MOST_FIELDS = 4
"""Fields, of which facilities are one, up to which every order is tried."""

BITS = 44
"""Figures are taken to this many bits below the largest, so that sums of them are exact."""

Method = Literal["every_order", "one_order"]
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Change(Generic[K]):
    """
    The change of figures and its parts.

    Parameters
    ----------
    parts
        By figure: the share of each part; they sum to `whole` exactly.
    whole
        By figure: new less old, to some 12 digits.
    """

    parts: Mapping[K, Mapping[str, float]]
    whole: Mapping[K, float]
    method: Method


def decompose(value: Callable[[frozenset[str]], Mapping[K, float]], changed: Sequence[str]) -> Change[K]:
    """
    Put the change of every figure down to the parts that changed.

    Parameters
    ----------
    value
        Figures of the mix in which the parts given are new and the others old; asked once for each mix.
    changed
        The parts that changed; their order does not matter.
    """
    parts = sorted(set(changed), key=lambda part: (PARTS.index(part) if part in PARTS else len(PARTS), part))
    fields = {part.partition("_")[0] for part in parts}
    method: Method = "every_order" if len(fields) <= MOST_FIELDS else "one_order"
    mixes = (
        _subsets(parts) if method == "every_order" else [frozenset(parts[:n]) for n in range(len(parts) + 1)]
    )
    found = {mix: value(mix) for mix in mixes}
    old, new = found[frozenset()], found[frozenset(parts)]
    shares: dict[K, dict[str, float]] = {}
    whole: dict[K, float] = {}
    for key in [key for key in old if key in new]:
        figures = {mix: figures_of.get(key, 0.0) for mix, figures_of in found.items()}
        shares[key], whole[key] = _shares(figures, parts, method)
    return Change(shares, whole, method)


def _shares(
    figures: Mapping[frozenset[str], float], parts: Sequence[str], method: Method
) -> tuple[dict[str, float], float]:
    grain = BITS - frexp(max(map(abs, figures.values())))[1]
    on_grid = {mix: round(Fraction(figure) * Fraction(2) ** grain) for mix, figure in figures.items()}
    whole = on_grid[frozenset(parts)] - on_grid[frozenset()]
    of = _shapley if method == "every_order" else _in_turn
    exact = of(on_grid, parts)
    rounded = {part: round(share) for part, share in exact.items()}
    left = whole - sum(rounded.values())
    if left:  # the largest part takes the rounding, so that a part without effect stays at nothing
        rounded[max(parts, key=lambda part: abs(exact[part]))] += left
    return {part: ldexp(share, -grain) for part, share in rounded.items()}, ldexp(whole, -grain)


def _shapley(figures: Mapping[frozenset[str], int], parts: Sequence[str]) -> dict[str, Fraction]:
    count = len(parts)
    shares = {}
    for part in parts:
        share = Fraction(0)
        for before in _subsets([other for other in parts if other != part]):
            orders = factorial(len(before)) * factorial(count - len(before) - 1)
            share += Fraction(orders, factorial(count)) * (figures[before | {part}] - figures[before])
        shares[part] = share
    return shares


def _in_turn(figures: Mapping[frozenset[str], int], parts: Sequence[str]) -> dict[str, Fraction]:
    return {
        part: Fraction(figures[frozenset(parts[: n + 1])] - figures[frozenset(parts[:n])])
        for n, part in enumerate(parts)
    }


def _subsets(parts: Sequence[str]) -> list[frozenset[str]]:
    return [frozenset(some) for size in range(len(parts) + 1) for some in combinations(parts, size)]


def shown_points(parts: Mapping[str, float], old: float, new: float) -> tuple[dict[str, float], float]:
    """
    Return parts and change of a share in points of a hundred, to one decimal, as a reader adds them up.

    The change is that of the two shares as they are printed, so it may be a tenth off the exact one. The
    tenths that the parts then lack go to those that rounding cut most.

    Parameters
    ----------
    parts
        What sums to the change, as shares; empty where it is not put down to any.
    """
    tenths = _printed_tenths(new) - _printed_tenths(old)
    exact = {part: share * 1000 for part, share in parts.items()}
    rounded = {part: round(share) for part, share in exact.items()}
    left = tenths - sum(rounded.values()) if parts else 0
    step = 1 if left > 0 else -1
    cut = sorted(exact, key=lambda part: (step * (rounded[part] - exact[part]), -abs(exact[part])))
    for part in cut[: abs(left)]:
        rounded[part] += step
    return {part: points / 10 for part, points in rounded.items()}, tenths / 10


def _printed_tenths(share: float) -> int:
    return round(10 * float(percent(share).removesuffix("%")))
