"""What charts are drawn of: figures from run to run, and the words beside them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from servicecircle import words
from servicecircle.assess.coverage import OWN
from servicecircle.history.headlines import HEADLINES, WHOLE
from servicecircle.maps import looks
from servicecircle.maps.clause_words import is_share, number
from servicecircle.maps.clauses import phrase
from servicecircle.report.figures import known
from servicecircle.report.phrases import Phrases

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from servicecircle.maps.text import Text
    from servicecircle.report.material import Material

RISEN, FALLEN, STILL = looks.MINUTE_LINES[2][0], looks.MINUTE_LINES[3][0], "#6e7781"
"""Blue-green, orange and grey, as on the maps."""

TEXT_PT, SMALL_PT, TINY_PT = 8.0, 7.0, 6.5


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart; its name is Latin."""

    name: str
    title: str
    alt: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Series:
    """The figures of one thing, those of the last run of each day of data, oldest first."""

    days: tuple[dt.date, ...]
    values: tuple[float, ...]

    @classmethod
    def of(cls, rows: pd.DataFrame, column: str) -> Series:
        """Return the series of a column; rows come in the order of their runs."""
        there = rows[column].map(known).astype(bool)  # of no rows too
        held = rows[there].drop_duplicates("as_of", keep="last").sort_values("as_of")
        days = tuple(dt.date.fromisoformat(str(day)[:10]) for day in held["as_of"])
        return cls(days, tuple(float(value) for value in held[column]))

    @property
    def ordinals(self) -> list[float]:
        """The days as numbers."""
        return [float(day.toordinal()) for day in self.days]


class Told:
    """What the charts of a report tell, and in which words."""

    def __init__(self, material: Material) -> None:
        self.text: Text = material.text
        self.say = Phrases("charts", material.study.language)
        self.headlines, self.clauses = material.headlines, material.clauses
        self.as_of = material.as_of
        self.asked = {clause.id: clause for clause in material.profile.clauses}
        verdicts, zones = material.run.verdicts, material.run.zones
        self.names = dict(zip(zones["code"].astype(str), zones["name"].astype(str), strict=True))
        own = zones.loc[zones["circle"].eq(OWN)]
        highest = set(own.loc[own["level"].eq(own["level"].iloc[0]), "code"]) if len(own) else set()
        self.whole = {WHOLE, *highest} if len(highest) == 1 else {WHOLE}
        """Codes that stand for the whole study."""
        of_whole = verdicts[verdicts["zone_code"].isin(self.whole)]
        self.units = dict(zip(of_whole["clause_id"], of_whole["unit"], strict=True))

    def called(self, headline: str) -> str:
        """Return what a headline is called."""
        return Phrases("history", self.text.language)(headline)

    def letters(self) -> list[str]:
        """Return every text that a chart may write."""
        at = 0 if self.text.language == "zh" else 1
        ours = [entry[at] for entry in words.table("charts").values()]
        phrases = [phrase(self.text, clause, key) for key, clause in self.asked.items()]
        names = [self.names[code] for code in self.headlines["zone_code"].unique() if code in self.names]
        return [*ours, *map(self.called, HEADLINES), self.text.date(self.as_of), "≥≤", *phrases, *names]

    def figure(self, value: float, unit: str) -> str:
        """Return a clause's figure."""
        return self.text.share(value) if is_share(unit) else number(value)

    def listed(self, said: Iterable[str]) -> str:
        """Return sentences after one another."""
        return self.say("semicolon").join(said)

    def ticks(self, days: Iterable[dt.date]) -> list[tuple[float, str]]:
        """Return days as places and labels."""
        return [(float(day.toordinal()), self.text.date(day)) for day in days]
