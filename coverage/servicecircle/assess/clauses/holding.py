"""Units that hold a facility of their own, or one that is assigned to them; and the share of them that do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from servicecircle.assess.clauses.answer import Answer, Case
from servicecircle.assess.clauses.items import facilities_of
from servicecircle.assess.clauses.rolling import Outcome, roll_up, share_asked
from servicecircle.assess.clauses.scopes import LEVEL_OF, ORDER, WHOLE
from servicecircle.kinds import satisfying

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from servicecircle.assess.clauses.facts import Facts
    from servicecircle.standards.clause import Clause, HoldingTest

    Counts = NDArray[np.int64]

COUNTY_TOWN = "县城区"
LATER = ("planned", "under_construction", "built_idle", "accepted")
_IDS_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Facilities in each of some units: at the least, as the data has it, at the most, and those to come."""

    low: Counts
    measured: Counts
    high: Counts
    possible: Counts
    later: dict[str, Counts]
    rows: dict[int, list[int]]
    loose: pd.Series


def judge_holding(clause: Clause, test: HoldingTest, facts: Facts) -> list[Answer]:
    """
    Judge which units hold the facilities asked for, and above them the share of units that do.

    Where a clause asks for a share below all, one unit without a facility is told of, but fails nothing.
    """
    if not_listed(test.kinds, facts):
        return [_nothing(clause, missing=f"facilities.{test.kinds[0]}")]
    if test.having and f"facilities.{test.having}" not in facts.given:
        return [_nothing(clause, missing=f"facilities.{test.having}")]
    units = units_asked(test, facts)
    if units.empty:
        missing, reason = _why_none(test, facts)
        return [_nothing(clause, missing=missing, reason=reason)]
    rows = _having(facilities_of(facts, test.kinds, test.counted), test.having)
    to_come = facilities_of(facts, test.kinds, "listed")
    held = _held(units, rows, to_come[to_come["status"].isin(LATER)], _assigned(test, facts, rows))
    known = np.ones(len(units), dtype=bool)
    if test.people_at_least:
        known = _people(units, test).notna().to_numpy()
    answers = list(_units(clause, test, facts, units, rows, held, known))
    outcome = Outcome(
        units=units, judged=known, surely=held.low >= test.at_least,
        seemingly=held.measured >= test.at_least, possibly=held.possible >= test.at_least,
        loose=_loose_above(held.loose, facts.units),
    )  # fmt: skip
    return [*answers, *roll_up(outcome, facts, clause)]


def not_listed(kinds: tuple[str, ...], facts: Facts) -> bool:
    """Tell whether kinds that are no elder-care facility, such as senior universities, stand in no table."""
    wanted = satisfying(kinds)
    return wanted.isdisjoint(satisfying(["any"])) and not facts.facilities["kind"].isin(wanted).any()


def units_asked(test: HoldingTest, facts: Facts) -> pd.DataFrame:
    """
    Return the units that a test speaks of; those whose people are unknown too, where it asks for a number.

    "1,000 people and more" includes 1,000.
    """
    units = facts.units
    asked = units["word"].isin(test.units)
    if COUNTY_TOWN in test.units and "county_town" in units:
        asked |= units["county_town"].eq(1)
    if test.area_class:
        asked &= units["area_class"].eq(test.area_class) | ~units["level"].eq("village")
    if test.people_at_least:
        asked &= ~(_people(units, test) < test.people_at_least)
    return units[asked]


def _people(units: pd.DataFrame, test: HoldingTest) -> pd.Series:
    """Return the people by whom a test chooses its units."""
    return units.get(test.people_column, pd.Series(np.nan, index=units.index))


def _why_none(test: HoldingTest, facts: Facts) -> tuple[str, str]:
    """Return the input that lacks where no unit can be told, or else the reason."""
    levels = [LEVEL_OF[word] for word in test.units if word != COUNTY_TOWN]
    if not facts.units["level"].isin(levels).any():
        if COUNTY_TOWN in test.units:
            return "units.county_town", ""
        return (f"zones.{levels[0]}", "") if levels else ("", "no_units")
    return "", "no_units"


def _nothing(clause: Clause, *, missing: str = "", reason: str = "") -> Answer:
    asked = share_asked(clause)
    return Answer("", None, None, None, asked, "share of units", missing=missing, reason=reason)


def _having(rows: pd.DataFrame, having: str) -> pd.DataFrame:
    """Keep the facilities that have a yes/no column; one of which it is not known may have it."""
    if not having:
        return rows
    has = rows[having].astype(float)
    kept = rows.assign(sure=rows["sure"] & has.eq(1), counted=rows["counted"] & has.eq(1))
    return kept[~has.eq(0)]


def _assigned(test: HoldingTest, facts: Facts, rows: pd.DataFrame) -> pd.DataFrame:
    """Return which facilities (`row`, their place in `rows`) serve a zone (`code`) from elsewhere."""
    if test.served != "assigned" or facts.assigned.empty:
        return pd.DataFrame({"code": [], "row": []}, dtype=object)
    pairs = facts.assigned[["code", "facility_id"]].drop_duplicates()
    served = pairs.merge(rows.assign(row=np.arange(len(rows))), on="facility_id")
    own = served[list(ORDER)].eq(served["code"], axis=0).any(axis=1)
    return pd.DataFrame(served.loc[~own, ["code", "row"]])


def _held(units: pd.DataFrame, rows: pd.DataFrame, to_come: pd.DataFrame, served: pd.DataFrame) -> Held:
    """Count facilities by the zones that hold them, and those that serve a unit from elsewhere."""
    unit, row = _pairs(units, rows)
    away = units.index.get_indexer(pd.Index(served["code"]))
    unit = np.concatenate([unit, away[away >= 0]])
    row = np.concatenate([row, served["row"].to_numpy(np.int64)[away >= 0]])
    counted = rows["counted"].to_numpy(bool)
    sure = counted & rows["sure"].to_numpy(bool)

    def count(unit: Counts) -> Counts:
        return np.bincount(unit, minlength=len(units))

    astray = units.index.get_indexer(pd.Index(rows["elsewhere"]))
    possible = count(unit) + count(astray[astray >= 0])
    loose = _loose(rows, units)
    found: dict[int, list[int]] = {}
    for i, k in zip(unit.tolist(), row.tolist(), strict=True):
        found.setdefault(i, []).append(k)
    later, to_open = _pairs(units, to_come)
    status = to_come["status"].to_numpy()[to_open]
    return Held(
        low=count(unit[sure[row]]), measured=count(unit[counted[row]]),
        high=possible + _may_be_in(loose, units), possible=possible,
        later={name: count(later[status == name]) for name in LATER}, rows=found, loose=loose,
    )  # fmt: skip


def _pairs(units: pd.DataFrame, rows: pd.DataFrame) -> tuple[Counts, Counts]:
    """Return which unit holds which facility, both by their place in their frames."""
    if rows.empty:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    at = np.stack([units.index.get_indexer(pd.Index(rows[level])) for level in ORDER])
    level, row = np.nonzero(at >= 0)
    return at[level, row], row


def _loose(rows: pd.DataFrame, units: pd.DataFrame) -> pd.Series:
    """Count the facilities whose unit is not known, by the nearest zone that is."""
    lowest = units["level"].iloc[-1]
    vague = rows[rows["unplaced"] & rows[lowest].eq("")]
    if vague.empty:
        return pd.Series(dtype=np.int64)
    nearest = vague[list(ORDER)].replace("", np.nan).ffill(axis=1).iloc[:, -1].fillna("")
    return pd.Series(nearest.value_counts())


def _may_be_in(loose: pd.Series, units: pd.DataFrame) -> Counts:
    """Return how many facilities of unknown unit may be in each: those of a zone above it, or of none."""
    more = np.full(len(units), loose.get("", 0), dtype=np.int64)
    for level in ORDER if len(loose) else ():
        above = units[level].ne("") & units[level].ne(pd.Series(units.index, units.index))
        more += np.asarray(units[level].map(loose).where(above, 0).fillna(0), dtype=np.int64)
    return more


def _loose_above(loose: pd.Series, units: pd.DataFrame) -> dict[str, int]:
    """Return how many facilities of unknown unit may be in each zone above villages, and the whole study."""
    if loose.empty:
        return {}
    upper = units[units["level"].ne(ORDER[-1])]
    more = pd.Series(_may_be_in(loose, upper), index=upper.index)
    held = units[list(ORDER)].reindex(loose.index).fillna("")
    for level in ORDER[:-1]:
        more = more.add(loose.groupby(held[level].to_numpy()).sum().drop("", errors="ignore"), fill_value=0)
    return {WHOLE: int(loose.sum())} | {str(code): int(count) for code, count in more.items()}


def _units(
    clause: Clause, test: HoldingTest, facts: Facts, units: pd.DataFrame, rows: pd.DataFrame, held: Held,
    known: NDArray[np.bool_],
) -> Iterator[Answer]:  # fmt: skip
    some = share_asked(clause) < 1
    basis = "registered" if test.people_column == "registered_people" else facts.basis
    about = basis if test.people_at_least else ""
    items = [_case(facility) for facility in rows.to_dict("records")]
    shares, people = units["share_within"].to_numpy(float), _people(units, test).to_numpy(float)
    for i, code in enumerate(units.index):
        cases = tuple(items[row] for row in held.rows.get(i, ()))
        figures = {name: int(counts[i]) for name, counts in held.later.items() if counts[i]}
        evidence = _told(
            int(held.measured[i]), figures, shares[i], people[i] if about else None, about, cases
        )
        if not known[i]:
            yield Answer(
                code, None, None, None, test.at_least, "count", missing=f"units.{test.people_column}",
                evidence=evidence, cases=cases, one_of_some=some,
            )  # fmt: skip
            continue
        yield Answer(
            code, int(held.low[i]), int(held.measured[i]), int(held.high[i]), test.at_least, "count",
            evidence=evidence, cases=cases, one_of_some=some,
        )  # fmt: skip


def _case(facility: dict[Any, Any]) -> Case:
    sure = bool(facility["sure"]) and bool(facility["counted"])
    reason = "" if sure else "status_unknown" if facility["status"] == "unknown" else "doubtful"
    return Case(
        "facility", str(facility["facility_id"]), str(facility["name"]), None, None,
        "met" if sure else "to_verify", reason,
    )  # fmt: skip


def _told(
    held: int, later: dict[str, int], share: float, people: float | None, basis: str, cases: Sequence[Case]
) -> str:
    """Name what a unit holds, what is to come, who lives there and the share of people who reach one."""
    parts = [f"facilities={held}", *(f"{name}={count}" for name, count in later.items())]
    if people is not None:
        parts += [f"people={people:.6g}", f"basis={basis}"]
    if share == share:  # known
        parts.append(f"share_within={share:.6g}")
    if cases:
        parts.append(f"facility_id={ids_of([case.item_id for case in cases])}")
    return "; ".join(parts)


def ids_of(ids: Sequence[str]) -> str:
    """Return the first ids, and how many more there are."""
    more = len(ids) - _IDS_SHOWN
    return ", ".join(sorted(ids)[:_IDS_SHOWN]) + (f", +{more}" if more > 0 else "")
