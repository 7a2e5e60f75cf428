"""Two documents side by side: the same study under both, clause by clause of the same theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from servicecircle.assess.clauses.judge import Judgement
    from servicecircle.standards.clause import Clause, Profile

COLUMNS = (
    "theme", "clause_a", "clause_b", "zone_code", "item_kind", "item_id", "item_name", "measured_a",
    "measured_b", "threshold_a", "threshold_b", "unit", "verdict_a", "verdict_b", "differs",
)  # fmt: skip

_OF_ITEM = ["zone_code", "item_kind", "item_id"]
_SHOWN = ["measured", "threshold", "verdict"]


def matching(one: Profile, other: Profile) -> list[tuple[Clause, Clause]]:
    """
    Pair the clauses that ask for the same: of one theme and kind, judged by the same test.

    Where a document says a thing several times, its first clause stands for the others.
    """
    first = _first_of(one), _first_of(other)
    return [(clause, first[1][key]) for key, clause in first[0].items() if key in first[1]]


def _first_of(profile: Profile) -> dict[tuple[str, str, str], Clause]:
    judged = [c for c in profile.clauses if c.test is not None and c.state == "measurable" and c.theme]
    return {(c.theme, c.kind, c.test.measure): c for c in reversed(judged) if c.test is not None}


def compare_profiles(
    one: Profile, judged: Judgement, other: Profile, judged_other: Judgement
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """
    Lay the verdicts of two profiles side by side.

    Returns
    -------
    One row per pair of clauses and zone, and one per facility or estate that a verdict rests on, with
    `COLUMNS`; a verdict is `not_applicable` where one document says nothing of a zone or an item. And which
    clauses were paired, and how many zones and items differ.
    """
    pairs = matching(one, other)
    sides = _rows(judged), _rows(judged_other)
    parts = [_pair(*pair, *sides) for pair in pairs]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    differing = table[table["differs"].eq(other=True)]
    paired = {clause.id for pair in pairs for clause in pair}
    return table, {
        "profiles": [one.id, other.id],
        "pairs": len(pairs),
        "differing_units": int(differing["item_kind"].eq("").sum()),
        "differing_items": int(differing["item_kind"].ne("").sum()),
        "unpaired": [[c.id for c in p.clauses if c.id not in paired and c.test] for p in (one, other)],
    }


def _rows(judged: Judgement) -> pd.DataFrame:
    """Return verdicts and the items that they rest on as rows of one kind."""
    zones = judged.verdicts.assign(item_kind="", item_id="", item_name="")
    columns = ["clause_id", *_OF_ITEM, "item_name", *_SHOWN, "unit"]
    items = judged.evidence.drop_duplicates(["clause_id", *_OF_ITEM])
    return pd.concat([zones[columns], items[columns]] if len(items) else [zones[columns]], ignore_index=True)


def _pair(a: Clause, b: Clause, one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    sides = one[one["clause_id"].eq(a.id)], other[other["clause_id"].eq(b.id)]
    both = sides[0].merge(sides[1], on=_OF_ITEM, how="outer", suffixes=("_a", "_b"))
    names = both["item_name_a"].fillna(both["item_name_b"])
    verdicts = both[["verdict_a", "verdict_b"]].fillna("not_applicable")
    return both.assign(
        theme=a.theme, clause_a=a.id, clause_b=b.id, item_name=names,
        unit=both["unit_a"].fillna(both["unit_b"]), verdict_a=verdicts["verdict_a"],
        verdict_b=verdicts["verdict_b"], differs=verdicts["verdict_a"].ne(verdicts["verdict_b"]),
    )[list(COLUMNS)]  # fmt: skip
