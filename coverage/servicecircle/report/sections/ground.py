"""What all sections of a report look up: the frames of a run in order, and its rows by zone, made once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from servicecircle.assess.coverage import OWN
from servicecircle.maps.tables import verdicts
from servicecircle.maps.text import Text
from servicecircle.report.phrases import Phrases
from servicecircle.report.sections.columns import records
from servicecircle.report.sections.whereabouts import zones_of_facilities

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from servicecircle.report.material import Material
    from servicecircle.standards.clause import Clause

    Row = Mapping[str, Any]

LEADING = ("elderly", "people")
"""The elderly lead every headline where they were counted."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """
    The tables of a run, and where each zone's rows stand in them.

    Parameters
    ----------
    lowest
        The level of the units that are judged.
    villages
        The zones of that level, one row each, under their own circle.
    townships
        The zones of township level, everybody under the rule of their village, where they stand above.
    gaps
        Those of most people first, numbered from 1 as on the maps.
    rows
        The zones table by code.
    in_zone
        Of gaps and verdicts, the positions of each zone's rows.
    zone_of
        The unit in which a facility stands, as far as it is known.
    verdict_rows
        Clause, verdict and severity of each row of the verdicts.
    """

    material: Material
    text: Text
    say: Phrases
    lowest: str
    villages: pd.DataFrame
    townships: pd.DataFrame
    gaps: pd.DataFrame
    rows: Mapping[str, Sequence[Row]]
    in_zone: Mapping[str, Mapping[str, Any]]
    verdict_of: Mapping[str, str]
    clauses: Mapping[str, Clause]
    zone_of: Mapping[str, str]
    verdict_rows: Sequence[tuple[str, str, str]]

    @classmethod
    def of(cls, material: Material) -> Ground:
        """Put the tables of a run in order."""
        run, zones = material.run, material.run.zones
        text = material.text
        lowest = str(zones["level"].iloc[-1]) if len(zones) else "village"
        villages = _one_each(zones, lowest)
        above = lowest == "village" and bool(zones["level"].eq("township").any())
        gaps = _numbered(run.gaps)
        rows: dict[str, list[Row]] = {}
        for row in records(zones):
            rows.setdefault(str(row["code"]), []).append(row)
        return cls(
            material=material, text=text, say=Phrases("report", material.study.language), lowest=lowest,
            villages=villages, townships=_one_each(zones, "township") if above else villages.iloc[:0],
            gaps=gaps, rows=rows,
            in_zone={"gaps": _places(gaps), "verdicts": _places(run.verdicts)},
            verdict_of=dict(zip(villages["code"], verdicts(text, villages), strict=True)),
            clauses={clause.id: clause for clause in material.profile.clauses},
            zone_of=zones_of_facilities(run),
            verdict_rows=list(
                zip(*(run.verdicts[c] for c in ("clause_id", "verdict", "severity")), strict=True)
            ),
        )  # fmt: skip

    @property
    def groups(self) -> tuple[str, ...]:
        """All people, and before them the elderly where they were counted."""
        return tuple(g for g in LEADING if f"{g}_within" in self.villages)

    @property
    def elderly(self) -> bool:
        """Whether the elderly were counted."""
        return "elderly" in self.groups

    @property
    def public(self) -> bool:
        """Whether anybody may read the report."""
        return self.material.study.output.public

    @property
    def summary(self) -> Mapping[str, Any]:
        """The headline figures as the run wrote them."""
        found: Mapping[str, Any] = self.material.run.manifest.get("summary") or {}
        return found

    def circle(self, circle_id: str) -> str:
        """Return what a circle is called; its id is no word of an office."""
        own = next((c for c in self.material.study.circles if c.id == circle_id), None)
        if own is not None:
            return self.text.circle(own)
        return self.text.label("circle", circle_id) if circle_id else self.text.say("no_circle")

    def inside(self, label: str) -> str:
        """Return a label as it stands inside a sentence."""
        return label[:1].lower() + label[1:] if self.text.language == "en" else label

    def name(self, code: str) -> str:
        """Return what a zone is called; its code where nobody named it."""
        known = self.rows.get(code)
        return str(known[0]["name"] or code) if known else code

    def own(self, code: str) -> Row:
        """Return a zone's row with everybody under the rule of their village."""
        rows = self.rows[code]
        return next((row for row in rows if row["circle"] == OWN), rows[0])

    def found(self, table: str, codes: Iterable[str]) -> pd.DataFrame:
        """Return the rows of gaps or verdicts that belong to some zones, in the table's order."""
        frame = self.gaps if table == "gaps" else self.material.run.verdicts
        places = [self.in_zone[table][code] for code in codes if code in self.in_zone[table]]
        return frame.iloc[np.sort(np.concatenate(places))] if places else frame.iloc[:0]

    def join(self, parts: Iterable[str]) -> str:
        """Return a list in one sentence."""
        return self.say("and").join(parts)


def _one_each(zones: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return one row per zone of a level: `own` where people of several rules live, else its own circle."""
    rows = zones[zones["level"].eq(level)]
    rows = rows.assign(_rank=rows["circle"].ne(OWN)).sort_values("_rank", kind="stable")
    kept = rows.drop_duplicates("code").drop(columns="_rank")
    return kept.sort_index().reset_index(drop=True)


def _numbered(gaps: pd.DataFrame) -> pd.DataFrame:
    keys = [key for key in LEADING if key in gaps]
    ordered = gaps.sort_values([*keys, "gap_id"], ascending=[*(False for _ in keys), True], kind="stable")
    return ordered.assign(number=np.arange(1, len(gaps) + 1)).reset_index(drop=True)


def _places(frame: pd.DataFrame) -> dict[str, Any]:
    found = frame.groupby(frame["zone_code"].to_numpy(), sort=False).indices
    return {str(code): at for code, at in found.items()}
