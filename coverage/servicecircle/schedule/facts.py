"""Why a run is held back, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicecircle import words
from servicecircle.kinds import KINDS
from servicecircle.units import percent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicecircle.schedule.states import Fact


def said(key: str, language: words.Language, **facts: Any) -> str:
    """Return one of the schedule's own words; facts are inserted as they are."""
    entry: list[str] = words.table("schedule")[key]
    return entry[0 if language == "zh" else 1].format_map(facts)


def sentence(fact: Fact, language: words.Language) -> tuple[str, str]:
    """Return why a run is held back, and how to go on."""
    shares = fact.code.endswith("share")
    told = {key: _shown(key, value, language, shares=shares) for key, value in fact.facts.items()}
    return words.say(fact.code, language, told)


def reasons(facts: Iterable[Fact], language: words.Language) -> list[str]:
    """Return why a run is held back, a line each, then each way to go on once."""
    said_of = [sentence(fact, language) for fact in facts]
    return [*(why for why, _ in said_of), *dict.fromkeys(mend for _, mend in said_of)]


def _shown(key: str, value: str | float, language: words.Language, *, shares: bool) -> str:
    if key == "kind":
        kind = KINDS.get(str(value))
        return str(value) if kind is None else kind.zh if language == "zh" else kind.en
    if key in {"table", "headline"}:
        return said(str(value), language) if value in words.table("schedule") else str(value)
    if isinstance(value, str):
        return "".join(c if c.isprintable() else " " for c in value)
    if key in {"points", "most"}:
        return f"{value:+.1f}" if key == "points" else f"{value:.1f}"
    if key in {"change", "limit"}:
        return f"{value:.2%}"
    return percent(value) if shares else f"{value:,.0f}"
