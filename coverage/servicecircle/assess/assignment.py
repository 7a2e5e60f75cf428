"""Assignment: people to facilities with places, as many as there is room for and with the least walking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from servicecircle.units import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """
    Who goes where.

    Parameters
    ----------
    amount
        What is assigned over each pair of person and facility.
    unassigned
        What is left of each person's demand.
    """

    amount: Floats
    unassigned: Floats


def assign(
    person: NDArray[np.int64],
    facility: NDArray[np.int64],
    metres: Floats,
    *,
    demand: Floats,
    places: Floats,
) -> Assignment:
    """
    Assign demand to places: first the greatest amount that fits, then the fewest person-metres.

    An exact transport problem. Where no facility overflows when all go to their nearest, that is its
    solution; only groups of people and facilities in which one does are handed to the solver.

    Parameters
    ----------
    person, facility, metres
        The pairs that are within reach, each once, and the walk.
    demand, places
        Of each person and each facility; the parts of a person may go to several facilities.
    """
    amount = np.zeros(len(person))
    useful = np.flatnonzero((demand[person] > 0) & (places[facility] > 0))
    group = _groups(person[useful], facility[useful], len(demand), len(places))
    nearest = useful[_nearest(person[useful], facility[useful], metres[useful])]
    amount[nearest] = demand[person[nearest]]
    load = np.bincount(facility, weights=amount, minlength=len(places))
    full = np.isin(facility[useful], np.flatnonzero(load > places))
    for number in np.unique(group[full]):
        pairs = useful[group == number]
        amount[pairs] = _transport(person[pairs], facility[pairs], metres[pairs], demand, places)
    taken = np.bincount(person, weights=amount, minlength=len(demand))
    return Assignment(amount, np.maximum(demand - taken, 0.0))


def _groups(
    person: NDArray[np.int64], facility: NDArray[np.int64], people: int, facilities: int
) -> NDArray[np.int64]:
    """Number the groups of people and facilities that have no pair in common with any other."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = people + facilities
    links = coo_array((np.ones(len(person)), (person, people + facility)), shape=(size, size))
    _, label = connected_components(links, directed=False)
    return np.asarray(label[person], dtype=np.int64)


def _nearest(person: NDArray[np.int64], facility: NDArray[np.int64], metres: Floats) -> NDArray[np.int64]:
    order = np.lexsort((facility, metres, person))
    return order[np.diff(person[order], prepend=-1) > 0]


def _transport(
    person: NDArray[np.int64], facility: NDArray[np.int64], metres: Floats, demand: Floats, places: Floats
) -> Floats:
    """Solve one group by linear programming."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array, vstack

    people, row = np.unique(person, return_inverse=True)
    facilities, column = np.unique(facility, return_inverse=True)
    pairs = np.arange(len(person))
    ones = np.ones(len(person))
    sums: Any = vstack([
        coo_array((ones, (row, pairs)), shape=(len(people), len(pairs))),
        coo_array((ones, (column, pairs)), shape=(len(facilities), len(pairs))),
    ]).tocsr()  # fmt: skip
    # one more person assigned moves at most one other per facility: no detour outweighs a place
    worth = (len(facilities) + 1) * (float(metres.max()) + 1.0)
    bounds = np.concatenate([demand[people], places[facilities]])
    found: Any = linprog(metres - worth, A_ub=sums, b_ub=bounds, bounds=(0, None), method="highs-ipm")
    return np.asarray(np.maximum(found.x, 0.0), dtype=float)
