"""Above the units: the share of them that meet a clause, per zone and for a study without upper zones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.clauses.answer import ROUNDING, Answer, told
from servicecircle.assess.clauses.scopes import ORDER, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from servicecircle.assess.clauses.facts import Facts
    from servicecircle.standards.clause import Clause

SHARE_OF_UNITS = "share of units"


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """
    What became of the units of a clause.

    Parameters
    ----------
    units
        Their rows of `Facts.units`.
    judged, surely, seemingly, possibly
        Whether each is judged, and meets the clause at the least, as the data has it, and at the most.
    loose
        How many more may meet it in each zone above, by facilities that may be in it, but are in no unit
        known: by zone code.
    """

    units: pd.DataFrame
    judged: NDArray[np.bool_]
    surely: NDArray[np.bool_]
    seemingly: NDArray[np.bool_]
    possibly: NDArray[np.bool_]
    loose: Mapping[str, int] = field(default_factory=dict)


def roll_up(outcome: Outcome, facts: Facts, clause: Clause) -> Iterator[Answer]:
    """Yield the share of judged units that meet, for every zone above them that is no unit itself."""
    units = outcome.units
    count = 0
    for level in ORDER[:-1]:
        above = units[level].where(~units[level].isin(units.index), "")
        for code, members in pd.Series(np.arange(len(units))).groupby(above.to_numpy()):
            if code:
                count += 1
                yield _share(outcome, str(code), members.to_numpy(), facts, clause)
    if not count and len(units) and not units["level"].eq(ORDER[0]).any():
        yield _share(outcome, WHOLE, np.arange(len(units)), facts, clause)


def share_asked(clause: Clause) -> float:
    """Return the share of units that a clause asks for: all of them where it gives none."""
    of_units = clause.test is None or clause.test.measure == "holding"
    if clause.threshold is None or not clause.unit.startswith("%") or not of_units:
        return 1.0
    return clause.threshold / 100


def _share(outcome: Outcome, code: str, members: NDArray[np.int64], facts: Facts, clause: Clause) -> Answer:
    judged = int(outcome.judged[members].sum())
    figures: dict[str, float] = {"units": len(members), "units_judged": judged}
    asked = share_asked(clause)
    if not judged:
        return Answer(
            code, None, None, None, asked, SHARE_OF_UNITS, reason="no_units_judged", evidence=told(figures)
        )
    low, measured, high = (
        int((marks & outcome.judged)[members].sum())
        for marks in (outcome.surely, outcome.seemingly, outcome.possibly)
    )
    high = min(judged, high + outcome.loose.get(code, 0))
    figures |= {"units_met": low, "units_to_verify": high - low}
    share = float(facts.units["share_within"].get(code, np.nan))
    if not np.isnan(share):
        figures["share_within"] = share
    return Answer(
        code, low / judged, measured / judged, high / judged, asked, SHARE_OF_UNITS, evidence=told(figures)
    )


def units_of(answers: Sequence[Answer], facts: Facts) -> Outcome:
    """Return what became of the units that answers tell of; those in no zone of the study are left out."""
    known = [answer for answer in answers if answer.zone_code in facts.units.index]
    verdicts = np.array([answer.verdict[0] for answer in known], dtype=object)
    seems = [answer.measured is not None and bool((answer.margin or 0.0) >= -ROUNDING) for answer in known]
    return Outcome(
        units=facts.units.loc[[answer.zone_code for answer in known]],
        judged=np.isin(verdicts, ["met", "not_met", "to_verify"]),
        surely=verdicts == "met",
        seemingly=np.array(seems, dtype=bool) & (verdicts != "not_judged"),
        possibly=np.isin(verdicts, ["met", "to_verify"]),
    )
