"""Two runs side by side: what changed, and what the change of each headline is put down to."""

from __future__ import annotations

from dataclasses import dataclass
from math import ldexp
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle.errors import InputError
from servicecircle.history.change import BITS, PARTS, Change, decompose, shown_points
from servicecircle.history.facilities import Pairs
from servicecircle.history.gaps import MATCHED, follow
from servicecircle.history.headlines import HEADLINES, WHOLE, Key, headlines, villages_of
from servicecircle.history.hybrid import Mixes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicecircle.history.find import Kept
    from servicecircle.history.hybrid import Measure

VERDICT_COLUMNS = ("zone_code", "zone_name", "township_name", "old_verdict", "verdict")
PROGRAM = "program"
_ALIKE = 1e-9
"""Shares nearer than this are the same; the same inputs give the same figures to the last digits."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison:
    """
    What changed between two runs.

    Parameters
    ----------
    old, new
        Study, date and run of each side.
    headlines
        One row per zone (`WHOLE` first) and headline: `zone_code, zone_name, headline, old, new, change`, all
        shares, and one column per part.
    parts
        The parts that changed, in their order; the columns of `headlines` that sum to `change`.
    method
        `every_order` (Shapley), `one_order`, or '' where nothing could be put down.
    why_not
        Message code and file where the change could not be put down to parts.
    verdicts
        Villages whose verdict changed.
    gaps
        What became of each gap; those that are the same are left out.
    facilities
        Facilities that opened, closed or moved.
    """

    old: dict[str, str]
    new: dict[str, str]
    headlines: pd.DataFrame
    parts: tuple[str, ...]
    method: str
    why_not: tuple[str, str]
    verdicts: pd.DataFrame
    gaps: pd.DataFrame
    facilities: pd.DataFrame

    def shown(self, zone_code: str = WHOLE) -> list[dict[str, Any]]:
        """Return the headlines of a zone; change and parts in points of a hundred that add up as printed."""
        rows = []
        for row in self.headlines.loc[self.headlines["zone_code"].eq(zone_code)].to_dict("records"):
            parts = {part: row[part] for part in self.parts if pd.notna(row[part])}
            known = pd.notna(row["change"])
            points, change = shown_points(parts, row["old"], row["new"]) if known else ({}, row["change"])
            told = {key: row[key] for key in ("headline", "old", "new")}
            rows.append({**told, "change": change, "parts": points})
        return rows

    def counts(self) -> dict[str, int]:
        """Return how many gaps and facilities opened, closed and so on, and how many verdicts changed."""
        gaps, facilities = self.gaps["change"].value_counts(), self.facilities["change"].value_counts()
        return {
            **{f"gaps_{c}": int(gaps.get(c, 0)) for c in ("opened", "closed", *MATCHED[1:])},
            **{f"facilities_{c}": int(facilities.get(c, 0)) for c in ("opened", "closed", "moved")},
            "verdicts": len(self.verdicts),
            "better": int(self.verdicts["verdict"].eq("met").sum()),
            "worse": int(self.verdicts["old_verdict"].eq("met").sum()),
        }


def compare(old: Kept, new: Kept, *, measure: Measure) -> Comparison:
    """
    Lay two runs side by side and put the change of each headline down to what changed.

    Parameters
    ----------
    measure
        What measures checked inputs, `pipeline.measure`.

    Raises
    ------
    InputError
        The runs are of different studies.
    """
    ids = [str(side.frames.manifest["study"]["id"]) for side in (old, new)]
    if ids[0] != ids[1]:
        raise InputError("history.two_studies", old=ids[0], new=ids[1])
    found = headlines(old.frames.zones), headlines(new.frames.zones)
    table = _headline_table(found, new.frames.zones)
    change, why_not = _put_down(old, new, measure)
    parts: tuple[str, ...] = ()
    if change is not None:
        table, parts = _with_parts(table, change, found)
    followed = follow(old.frames.gaps, old.cells, new.frames.gaps, new.cells)
    counted = followed[["people", "old_people"]].max(axis=1).ge(1.0) & followed["change"].ne("same")
    return Comparison(
        old=_named(old), new=_named(new), headlines=table, parts=parts,
        method=change.method if change else "", why_not=why_not,
        verdicts=_verdicts(old.frames.zones, new.frames.zones),
        gaps=followed.loc[counted].reset_index(drop=True),
        facilities=Pairs.of(old.frames.facilities, new.frames.facilities).listed(),
    )  # fmt: skip


def _named(side: Kept) -> dict[str, str]:
    told = side.frames.manifest
    return {
        "run_id": side.run_id, "name": str(told["study"]["name"]), "as_of": str(told["study"]["as_of"]),
        "started_at": str(told["started_at"]), "version": str(told["version"]),
    }  # fmt: skip


def _headline_table(
    found: tuple[Mapping[Key, float], Mapping[Key, float]], zones: pd.DataFrame
) -> pd.DataFrame:
    names = dict(zip(zones["code"], zones["name"], strict=True))
    order = {name: i for i, name in enumerate(HEADLINES)}
    keys = sorted({*found[0], *found[1]}, key=lambda key: (key[0], order[key[1]]))
    rows = [
        (code, names.get(code, ""), name, *(side.get((code, name)) for side in found)) for code, name in keys
    ]
    table = pd.DataFrame(rows, columns=["zone_code", "zone_name", "headline", "old", "new"])
    table[["old", "new"]] = table[["old", "new"]].astype("float64")
    return table.assign(change=table["new"] - table["old"])


def _put_down(old: Kept, new: Kept, measure: Measure) -> tuple[Change[Key] | None, tuple[str, str]]:
    for side in (old, new):
        if side.study is None:
            return None, (side.why_not, side.lost)
    mixes = Mixes(old.study, new.study, measure=measure)  # type: ignore[arg-type]
    return decompose(mixes.value, mixes.changed), ("", "")


def _with_parts(
    table: pd.DataFrame, change: Change[Key], found: tuple[Mapping[Key, float], Mapping[Key, float]]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Add a column per part. What recorded figures differ from today's measure is the program's own part."""
    rows: list[dict[str, float]] = []
    for code, name in zip(table["zone_code"], table["headline"], strict=True):
        parts = dict(change.parts.get((code, name), {}))
        if parts or (code, name) in change.whole:
            recorded = found[1].get((code, name), 0.0) - found[0].get((code, name), 0.0)
            rest = recorded - change.whole[code, name]
            parts |= {PROGRAM: ldexp(round(ldexp(rest, BITS)), -BITS)} if abs(rest) > _ALIKE else {}
        rows.append(parts)
    present = {part for row in rows for part in row}
    parts_in_order = tuple(part for part in PARTS if part in present)
    shares = pd.DataFrame(rows, columns=list(parts_in_order), index=table.index, dtype="float64")
    whole = [
        change.whole.get((c, n)) if PROGRAM not in row else None
        for c, n, row in zip(table["zone_code"], table["headline"], rows, strict=True)
    ]
    exact = pd.Series(whole, index=table.index, dtype="float64").fillna(shares.sum(axis=1))
    explained = shares.notna().any(axis=1)
    table = table.assign(change=exact.where(explained, table["change"]))
    return table.join(shares), parts_in_order


def _verdicts(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return villages of both runs whose verdict under their own circle became another."""
    was, now = (villages_of(zones).set_index("code") for zones in (old, new))
    both = now.join(was["verdict"].rename("old_verdict"), how="inner")
    changed = both.loc[both["verdict"].fillna("").ne(both["old_verdict"].fillna(""))]
    names = dict(zip(new["code"], new["name"], strict=True))
    rows = {
        "zone_code": changed.index, "zone_name": changed["name"],
        "township_name": changed["parent_code"].map(names).fillna(""),
        "old_verdict": changed["old_verdict"], "verdict": changed["verdict"],
    }  # fmt: skip
    return pd.DataFrame({k: list(v) for k, v in rows.items()}, columns=list(VERDICT_COLUMNS))
