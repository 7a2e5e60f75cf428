"""Clauses beside the units that do not meet them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.maps.text import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from servicecircle.maps.scene import Scene
    from servicecircle.maps.text import Text
    from servicecircle.standards.clause import Clause

_SEVERITIES = ("fail", "warn", "report")
_VERDICTS = ("not_met", "to_verify", "met", "not_judged")
MOST_NAMED = 3
"""So many unmet clauses are named beside a village; the others are counted."""


def unmet(scene: Scene, codes: Iterable[str]) -> list[str]:
    """Return per village how many clauses it does not meet, and the first of them."""
    text = scene.text
    if scene.profile is None:
        return [EMPTY for _ in codes]
    phrases = {clause.id: phrase(text, clause, clause.id) for clause in scene.profile.clauses}
    failing = scene.verdicts["verdict"].eq("not_met") & scene.verdicts["severity"].ne("report")
    rows = ordered(scene.verdicts[failing])
    by_zone = rows.groupby("zone_code", sort=False)["clause_id"].agg(list).to_dict()
    said = []
    for code in codes:
        if code not in by_zone:
            said.append(text.count(0))
            continue
        ids = by_zone[code]
        names = text.say("semicolon").join(phrases.get(key, key) for key in ids[:MOST_NAMED])
        more = text.say("and_more") if len(ids) > MOST_NAMED else ""
        said.append(text.say("unmet_named", count=len(ids), names=names + more))
    return said


def ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """Put what fails first, then what is to be verified; what is only reported last."""
    rank = {key: number for number, key in enumerate(_SEVERITIES)}
    found = {key: number for number, key in enumerate(_VERDICTS)}
    keyed = rows.assign(_found=rows["verdict"].map(found), _rank=rows["severity"].map(rank))
    judged = keyed["verdict"].ne("not_judged")
    keyed = keyed.assign(_last=~judged).sort_values(["_last", "_found", "_rank", "clause_id"], kind="stable")
    return keyed.drop(columns=["_found", "_rank", "_last"])


def phrase(text: Text, clause: Clause | None, key: str) -> str:
    """Return a clause's words in the language of the page."""
    if clause is None:
        return key
    return clause.phrase if text.language == "zh" else clause.en or clause.phrase
