"""Findings: what was mended, doubted or rejected on the way, carried to every output."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servicecircle import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

COLUMNS = ("code", "severity", "subject", "row", "message", "remedy", "people_touched")
_RANK = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing a reader of the result has to know.

    Parameters
    ----------
    code
        Entry of the message catalogue, such as `facilities.no_coordinates`.
    subject
        What it is about: a file, a zone code, a facility's name.
    row
        Row of the source table as a spreadsheet counts it (the header is row 1), where there is one.
    people_touched
        People whose result depends on it; None where that is unknown.
    facts
        Values that the catalogue's sentences name.
    """

    code: str
    subject: str = ""
    row: int | None = None
    people_touched: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> str:
        """`error` (left out), `warning` (doubted) or `info` (mended, noted)."""
        return words.messages()[self.code]["severity"]

    def said(self, language: words.Language) -> tuple[str, str]:
        """Return the message and the remedy."""
        return words.say(self.code, language, self.facts)


class Findings:
    """An append-only list of findings."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self._items = list(findings)

    def note(
        self,
        code: str,
        *,
        subject: object = "",
        row: int | None = None,
        people_touched: float | None = None,
        **facts: Any,
    ) -> None:
        """Add a finding; `facts` fill the catalogue's sentences."""
        self._items.append(Finding(code, str(subject), row, people_touched, facts))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def extend(self, others: Iterable[Finding]) -> None:
        """Add the findings of another stage."""
        self._items.extend(others)

    def counts(self) -> dict[str, int]:
        """Return how many findings there are by code, in alphabetical order."""
        return dict(sorted(Counter(f.code for f in self._items).items()))

    def to_frame(self, language: words.Language = "en") -> pd.DataFrame:
        """Return one row per finding, worst first, with the columns of `findings.csv`."""
        import pandas as pd

        ordered = sorted(self._items, key=lambda f: (_RANK[f.severity], f.code, f.subject, f.row or 0))
        rows = [(f.code, f.severity, f.subject, f.row, *f.said(language), f.people_touched) for f in ordered]
        frame = pd.DataFrame(rows, columns=list(COLUMNS))
        return frame.astype({"row": "Int64", "people_touched": "float64"})
