"""The verdicts of a street and of its villages: 一街一表, 一村一表."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from servicecircle.maps.clause_words import asked, deadline, figure, is_share, number, verdict
from servicecircle.maps.clauses import ordered, phrase
from servicecircle.maps.tables import Table
from servicecircle.maps.text import EMPTY

if TYPE_CHECKING:
    from servicecircle.maps.scene import Scene
    from servicecircle.maps.text import Text
    from servicecircle.standards.clause import Clause


def verdict_table(scene: Scene, code: str, name: str) -> Table | None:
    """Return every clause that speaks of a zone: what is asked for, what was found, and by when."""
    if scene.profile is None:
        return None
    text = scene.text
    rows = ordered(scene.verdicts[scene.verdicts["zone_code"] == code])
    if rows.empty:
        return None
    clauses = {clause.id: clause for clause in scene.profile.clauses}
    found = [clauses.get(key) for key in rows["clause_id"]]
    shown = ("clause", "measured", "margin", "verdict", "certainty")
    label = {key: text.label("column", key) for key in shown}
    of: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]
    columns = {
        label["clause"]: [
            phrase(text, clause, row["clause_id"]) for clause, row in zip(found, of, strict=True)
        ],
        label["measured"]: [figure(text, row["measured"], row["unit"]) for row in of],
        text.say("asked"): [asked(text, clause, row) for clause, row in zip(found, of, strict=True)],
        label["margin"]: [_margin(text, row["margin"], row["unit"]) for row in of],
        text.label("column", "unit"): [text.label("limit_unit", row["unit"]) for row in of],
        label["verdict"]: [verdict(text, row) for row in of],
        label["certainty"]: [text.label("certainty", row["certainty"]) for row in of],
        text.say("severity"): [text.label("severity", row["severity"]) for row in of],
        text.label("column", "deadline"): [deadline(text, row) for row in of],
        text.say("clause_source"): [_source(scene, clause) for clause in found],
    }
    numbers = frozenset({label["measured"], text.say("asked"), label["margin"]})
    return Table("verdicts", text.say("sheet_of", name=name), columns, numbers, boxes=[None] * len(rows))


def _margin(text: Text, margin: float, unit: str) -> str:
    if not math.isfinite(margin):
        return EMPTY
    if is_share(unit):
        return text.say("points", points=f"{margin * 100:+.1f}")
    return f"{'+' if margin > 0 else ''}{number(margin)}"


def _source(scene: Scene, clause: Clause | None) -> str:
    profile = scene.profile
    if clause is None or profile is None or not clause.clause:
        return EMPTY
    return scene.text.say("clause_at", document=profile.name or profile.id, clause=clause.clause)
