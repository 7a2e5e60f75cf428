"""Words and figures as a page prints them, in one language."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle import words
from servicecircle.kinds import KINDS
from servicecircle.units import percent

if TYPE_CHECKING:
    from servicecircle.study import Circle

EMPTY = "—"
BRIEF = 80
"""Letters of a name in a title; its whole stands in the tables."""


class Shown(str):
    """A number as it is printed, which remembers what it was: tables sort by that."""

    __slots__ = ("value",)

    value: float

    @classmethod
    def of(cls, text: str, value: Any) -> Shown:
        """Return a text with its number."""
        shown = cls(text)
        shown.value = float(value)
        return shown


_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def unturned(text: str) -> str:
    """Return a text without the marks that turn the direction of what is written after it."""
    return _TURNING.sub("", text)


def _known(value: Any) -> bool:
    return not pd.isna(value) and math.isfinite(value)


@dataclass(frozen=True, slots=True)
class Text:
    """
    The words of one language, and how it writes numbers; what is unknown is a dash.

    Parameters
    ----------
    modelled
        People were not counted one by one: a sentence says 约 before their number, a column 推算 above it.
    """

    language: words.Language
    modelled: bool = False

    def say(self, key: str, **facts: Any) -> str:
        """Return one of the pages' own words; facts are inserted as they are."""
        entry: list[str] = words.table("pages")[key]
        return entry[0 if self.language == "zh" else 1].format_map(facts)

    def label(self, group: str, key: Any) -> str:
        """Return the word for a value of a column; a dash for none."""
        return words.label(group, key, self.language) if isinstance(key, str) and key else EMPTY

    def kind(self, code: Any) -> str:
        """Return what a facility kind is called; a word that is no kind stays as it was written."""
        if code in KINDS:
            return KINDS[code].zh if self.language == "zh" else KINDS[code].en
        return str(code) if code else EMPTY

    def circle(self, circle: Circle) -> str:
        """Return what a circle is called."""
        return unturned(circle.name or "") or self.label("circle", circle.id)

    def written(self, value: Any) -> str:
        """Return a user's own text."""
        return unturned(value) if isinstance(value, str) and unturned(value).strip() else EMPTY

    def brief(self, name: Any) -> str:
        """Return a name for a title or a sentence: one of any length leaves room for what follows."""
        whole = self.written(name)
        return whole if len(whole) <= BRIEF else whole[: BRIEF - 1] + "…"

    def share(self, share: Any) -> str:
        """
        Return a share in per cent, to one decimal.

        It is cut, not rounded: only a whole is 100 %, and what is printed as 90.0 % reaches nine tenths.
        """
        if not _known(share):
            return EMPTY
        return Shown.of(percent(share), share)

    def people(self, people: Any) -> str:
        """Return a number of people, never with decimals."""
        if not _known(people):
            return EMPTY
        if 0 < people <= 0.5:
            return Shown.of(self.say("under_one"), people)
        return Shown.of(f"{people:.0f}" if self.language == "zh" else f"{people:,.0f}", people)

    def about(self, people: Any) -> str:
        """Return a number of people as a sentence or a card says it: 约 before a modelled one."""
        said = self.people(people)
        if not self.modelled or said == EMPTY or not people > 0.5:
            return said
        return Shown.of(self.say("about", people=said), people)

    def heading(self, key: str) -> str:
        """Return the heading of a table's column of people: 推算 before what is modelled."""
        return self.say("modelled_column", label=self.say(key)) if self.modelled else self.say(key)

    def count(self, number: Any) -> str:
        """Return a whole number."""
        if not _known(number):
            return EMPTY
        return Shown.of(f"{number:.0f}" if self.language == "zh" else f"{number:,.0f}", number)

    def minutes(self, seconds: Any) -> str:
        """Return a walking time in minutes, to one decimal; a dash where there is no way."""
        return Shown.of(f"{seconds / 60:.1f}", seconds) if _known(seconds) else EMPTY

    def date(self, date: dt.date) -> str:
        """Return a date as the language writes it."""
        return self.say("date", year=date.year, month=date.month, day=date.day, iso=date.isoformat())
