"""How far a run is from the last good one, and what of that holds it back."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from servicecircle.assess.coverage import OWN
from servicecircle.history.headlines import HEADLINES, WHOLE, headlines
from servicecircle.schedule.states import Fact
from servicecircle.units import percent, within

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from servicecircle.history.headlines import Key
    from servicecircle.outputs.reading import RunFrames
    from servicecircle.scheduling import Drift

_FEW = 2
"""So many rows, facilities of a kind or villages of a township come and go without a question."""

_OF_VILLAGES = HEADLINES[:2]
"""Headlines that count villages; the others count people."""


@dataclass(frozen=True, slots=True)
class Measured:
    """
    What of a run is compared with the last good one.

    Parameters
    ----------
    rows
        By table.
    kinds
        Facilities by kind.
    shares
        Headlines, 0..1.
    villages
        How many a township has, by its code.
    names
        Of townships, by code.
    inputs
        SHA-256 by role and file name.
    """

    as_of: str
    rows: dict[str, float]
    people: float
    street_km: float
    kinds: dict[str, float]
    shares: dict[Key, float]
    villages: dict[str, int]
    names: dict[str, str]
    inputs: dict[tuple[str, str], str]


def measure(run: RunFrames) -> Measured:
    """Return what of a written run is compared."""
    told, zones = run.manifest, run.zones
    counts = told["counts"]
    rows = {"facilities": counts["facilities"], "people": counts.get("people_rows", 0)}
    rows |= {f"zones_{level}": n for level, n in counts["zones"].items()}
    rows |= dict(counts.get("registers", {}))
    townships = zones.loc[zones["level"].eq("township")].drop_duplicates("code")
    lowest = zones["level"].iloc[-1] if len(zones) else ""
    villages = zones.loc[zones["level"].eq(lowest)].drop_duplicates("code")["parent_code"]
    return Measured(
        as_of=str(told["study"]["as_of"]),
        rows={name: float(n) for name, n in rows.items()},
        people=_all_people(run),
        street_km=float(counts["street_km"]),
        kinds={str(kind): float(n) for kind, n in Counter(run.facilities["kind"]).items() if kind},
        shares=headlines(zones),
        villages={str(code): int(n) for code, n in villages.value_counts().items()},
        names=dict(zip(townships["code"].map(str), townships["name"].map(str), strict=True)),
        inputs=inputs_of(told),
    )


def _all_people(run: RunFrames) -> float:
    """Return all people; of a public edition, which has no totals, those of the highest zones."""
    totals = run.manifest.get("totals")
    if totals:
        return float(totals["scaled"])
    own = run.zones.loc[run.zones["circle"].eq(OWN)]
    highest = own.loc[own["level"].eq(own["level"].iloc[0])] if len(own) else own
    return math.fsum(highest["people"].dropna())


def inputs_of(manifest: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Return the digest of each input of a run."""
    return {(str(e["role"]), str(e["name"])): str(e["sha256"]) for e in manifest.get("inputs", ())}


def drifts(
    before: Measured, now: Measured, limits: Drift, *, earlier: Sequence[Mapping[tuple[str, str], str]] = ()
) -> tuple[Fact, ...]:
    """
    Return what holds a run back; nothing for one that may be published.

    Parameters
    ----------
    before
        The run that is published.
    earlier
        Inputs of the published runs before that one.
    """
    return (
        *_old_inputs(before, now, earlier),
        *_counted("rows", "table", before.rows, now.rows, limits.rows),
        *_amount("people", before.people, now.people, limits.people),
        *_amount("street_km", before.street_km, now.street_km, limits.street_km),
        *_counted("kinds", "kind", before.kinds, now.kinds, limits.kinds),
        *_jumps(before, now, limits.share),
    )


def _old_inputs(
    before: Measured, now: Measured, earlier: Sequence[Mapping[tuple[str, str], str]]
) -> Iterator[Fact]:
    if now.as_of < before.as_of:
        yield Fact(code="drift.older", facts={"before": before.as_of, "now": now.as_of})
    for key, sha256 in sorted(now.inputs.items()):
        if before.inputs.get(key, sha256) != sha256 and any(run.get(key) == sha256 for run in earlier):
            yield Fact(code="drift.old_file", facts={"file": key[1]})


def changed_verdicts(before: pd.DataFrame, now: pd.DataFrame) -> dict[str, int]:
    """Return how many villages have another verdict, and how many meet their circle now, or no more."""
    sides = [_verdicts(zones) for zones in (before, now)]
    both = [(sides[0][code], verdict) for code, verdict in sides[1].items() if code in sides[0]]
    changed = [(old, new) for old, new in both if old != new]
    return {
        "changed": len(changed),
        "better": sum(new == "met" for _, new in changed),
        "worse": sum(old == "met" for old, _ in changed),
    }


def _verdicts(zones: pd.DataFrame) -> dict[str, str]:
    lowest = zones["level"].iloc[-1] if len(zones) else ""
    rows = zones.loc[zones["level"].eq(lowest) & zones["circle"].ne(OWN)].drop_duplicates("code")
    return dict(zip(rows["code"].map(str), rows["verdict"].fillna("").map(str), strict=True))


def _counted(
    what: str, of: str, before: Mapping[str, float], now: Mapping[str, float], limit: float
) -> Iterator[Fact]:
    for name in sorted({*before, *now}):
        if abs(now.get(name, 0.0) - before.get(name, 0.0)) > _FEW:
            yield from _amount(what, before.get(name, 0.0), now.get(name, 0.0), limit, **{of: name})


def _amount(what: str, before: float, now: float, limit: float, **named: str) -> Iterator[Fact]:
    """Compare two amounts; what was not there before has changed beyond all limits."""
    change = 0.0 if now == before else abs(now - before) / before if before else math.inf
    if not within(change, limit):
        facts: dict[str, str | float] = {"before": before, "now": now, "limit": limit, **named}
        yield Fact(code=f"drift.{what}", facts=facts | ({"change": change} if before else {"change": "—"}))


def _jumps(before: Measured, now: Measured, limit: float) -> Iterator[Fact]:
    """Compare the headlines of the whole, and with twice the limit those of each township."""
    for (code, name), share in sorted(now.shares.items()):
        was = before.shares.get((code, name))
        if was is None:
            continue
        change, allowed = share - was, limit if code == WHOLE else 2 * limit
        few = name in _OF_VILLAGES and abs(change) * now.villages.get(code, 0) <= _FEW + 1e-9
        if within(abs(change), allowed) or (code != WHOLE and few):
            continue
        facts: dict[str, str | float] = {
            "headline": name, "before": was, "now": share,
            "points": _points(share) - _points(was), "most": 100 * allowed,
        }  # fmt: skip
        if code == WHOLE:
            yield Fact(code="drift.share", facts=facts)
        else:
            facts["township"] = now.names.get(code) or code
            yield Fact(code="drift.township_share", facts=facts)


def _points(share: float) -> float:
    """Return a share in points of a hundred as it is printed, so that what is said adds up."""
    return float(percent(share).rstrip("%"))
