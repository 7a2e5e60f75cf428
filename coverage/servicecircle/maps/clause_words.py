"""What a verdict says in words: what was found, what is asked for, by when, and why nothing was judged."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

from servicecircle.maps.text import EMPTY
from servicecircle.standards.lacking import missing_input

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicecircle.maps.text import Text
    from servicecircle.standards.clause import Clause

    Row = Mapping[str, Any]
    """A row of the verdicts, as a run finds it or as it was written."""

_SIGNS = {">=": "≥", "<=": "≤"}


def is_share(unit: Any) -> bool:
    """Tell whether a figure is a share."""
    return str(unit).split(" ", maxsplit=1)[0] == "share"


def figure(text: Text, value: float, unit: Any) -> str:
    """Return a figure as its unit asks: a share in per cent, people whole; without its unit."""
    if not math.isfinite(value):
        return EMPTY
    if is_share(unit):
        return str(text.share(value))
    return str(text.people(value)) if unit == "people" else number(value)


def number(value: float) -> str:
    """Return a number with two decimals at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def asked(text: Text, clause: Clause | None, row: Row) -> str:
    """Return what is asked for, with its sign."""
    said = figure(text, row["threshold"], row["unit"])
    if said == EMPTY:
        return EMPTY
    return sign(clause, row["unit"]) + said


def sign(clause: Clause | None, unit: Any) -> str:
    """Return how a figure of a unit has to stand to what a clause asks for."""
    if clause is None or (is_share(unit) and not clause.unit.startswith("%")):
        return "≥"  # the clause's own figure is another one: this is the share of units that meet it
    return _SIGNS.get(clause.operator, "≥" if is_share(unit) else "")


def unit_word(text: Text, unit: Any) -> str:
    """Return the unit of a figure, of shares without what they are shares of in brackets."""
    said = text.label("limit_unit", unit)
    return said.split("（")[0] if is_share(unit) else said


def verdict(text: Text, row: Row) -> str:
    """Return a verdict; one that could not be made says why."""
    if row["verdict"] != "not_judged":
        return text.label("verdict", row["verdict"])
    if row["reason"] == "report_only":
        return text.label("verdict", "reported")
    why = missing_input(row["missing"], text.language) if row["missing"] else ""
    why = why or (text.label("reason", row["reason"]) if row["reason"] else "")
    said = text.label("verdict", "not_judged")
    return text.say("because", what=said, why=why) if why else said


def deadline(text: Text, row: Row) -> str:
    """Return the day by which a clause is to be met, and whether it has passed."""
    if not row["deadline"]:
        return EMPTY
    day = text.date(dt.date.fromisoformat(row["deadline"]))
    return text.say("deadline", day=day, state=text.label("deadline_state", row["deadline_state"]))
