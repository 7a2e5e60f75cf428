"""The verdicts of a street and of its villages: 一街一表, 一村一表."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from servicecircle.maps.clauses import ordered, phrase
from servicecircle.maps.tables import Table
from servicecircle.maps.text import EMPTY
from servicecircle.standards.lacking import missing_input

if TYPE_CHECKING:
    from servicecircle.maps.scene import Scene
    from servicecircle.maps.text import Text
    from servicecircle.standards.clause import Clause

_SIGNS = {">=": "≥", "<=": "≤"}


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
    of: list[Any] = list(rows.itertuples())
    columns = {
        label["clause"]: [phrase(text, clause, row.clause_id) for clause, row in zip(found, of, strict=True)],
        label["measured"]: [_figure(text, row.measured, row.unit) for row in of],
        text.say("asked"): [_asked(text, clause, row) for clause, row in zip(found, of, strict=True)],
        label["margin"]: [_margin(text, row.margin, row.unit) for row in of],
        text.label("column", "unit"): [text.label("limit_unit", row.unit) for row in of],
        label["verdict"]: [_verdict(text, row) for row in of],
        label["certainty"]: [text.label("certainty", row.certainty) for row in of],
        text.say("severity"): [text.label("severity", row.severity) for row in of],
        text.label("column", "deadline"): [_deadline(text, row) for row in of],
        text.say("clause_source"): [_source(scene, clause) for clause in found],
    }
    numbers = frozenset({label["measured"], text.say("asked"), label["margin"]})
    return Table("verdicts", text.say("sheet_of", name=name), columns, numbers, boxes=[None] * len(rows))


def _is_share(unit: str) -> bool:
    return unit.split(" ", maxsplit=1)[0] == "share"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _figure(text: Text, value: float, unit: str) -> str:
    if not math.isfinite(value):
        return EMPTY
    if _is_share(unit):
        return text.share(value)
    return text.people(value) if unit == "people" else _number(value)


def _asked(text: Text, clause: Clause | None, row: Any) -> str:
    if not math.isfinite(row.threshold):
        return EMPTY
    sign = _SIGNS.get(clause.operator, "") if clause is not None and not _is_share(row.unit) else "≥"
    return f"{sign}{_figure(text, row.threshold, row.unit)}"


def _margin(text: Text, margin: float, unit: str) -> str:
    if not math.isfinite(margin):
        return EMPTY
    if _is_share(unit):
        return text.say("points", points=f"{margin * 100:+.1f}")
    return f"{'+' if margin > 0 else ''}{_number(margin)}"


def _verdict(text: Text, row: Any) -> str:
    if row.verdict != "not_judged":
        return text.label("verdict", row.verdict)
    if row.reason == "report_only":
        return text.label("verdict", "reported")
    label = text.label("verdict", row.verdict)
    why = missing_input(row.missing, text.language) if row.missing else ""
    why = why or (text.label("reason", row.reason) if row.reason else "")
    return text.say("because", what=label, why=why) if why else label


def _deadline(text: Text, row: Any) -> str:
    if not row.deadline:
        return EMPTY
    return text.say("deadline", day=row.deadline, state=text.label("deadline_state", row.deadline_state))


def _source(scene: Scene, clause: Clause | None) -> str:
    profile = scene.profile
    if clause is None or profile is None or not clause.clause:
        return EMPTY
    return scene.text.say("clause_at", document=profile.name or profile.id, clause=clause.clause)
