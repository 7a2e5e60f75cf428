"""
Gaps and facilities marked with what was verified on site.

No figure of coverage changes by it here: facilities were moved, or left out, when they were checked, and
people whom the population source has where nobody lives count until the source is mended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from servicecircle.assess.sums import total
from servicecircle.checks.verified import QUESTIONS
from servicecircle.crs import WGS84, transform
from servicecircle.units import within

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from servicecircle.checks.inputs import Inputs
    from servicecircle.checks.verified import Answer
    from servicecircle.findings import Findings

_TO_MEND = {
    "road_open": "verified.road_open",
    "nobody": "verified.nobody",
    "people_wrong": "verified.people_wrong",
}
"""What a yes about a gap asks for."""

_MOVED = ("verified.moved", "verified.placed")
"""Findings of facilities that an answer gave a place when they were checked."""


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """
    Gaps and facilities with a column `verified`, '' where nobody looked.

    Parameters
    ----------
    counts
        For the manifest, where a sheet was fed back: how many answers there are, what they marked, what was
        said.
    """

    gaps: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    counts: dict[str, Any]


def gaps_meant(gaps: gpd.GeoDataFrame, answers: Sequence[Answer], *, join_m: float) -> list[int | None]:
    """
    Return the gap that each answer is about, by position: the nearest of its zone, within `join_m`.

    A gap's id is not asked: it may change from run to run. None where there is no such gap any more.
    """
    asked = np.array([(answer.lon, answer.lat) for answer in answers], dtype=np.float64).reshape(-1, 2)
    points = np.asarray(shapely.points(transform(asked, WGS84, gaps.crs)))
    rows_of = gaps.reset_index(drop=True).groupby("zone_code").indices
    found: list[int | None] = []
    for answer, point in zip(answers, points, strict=True):
        rows = rows_of.get(answer.zone_code if answer.is_gap else None, np.empty(0, np.int64))
        away = shapely.distance(gaps.geometry.to_numpy()[rows], point)
        near = len(rows) > 0 and bool(within(np.nanmin(np.append(away, np.inf)), join_m))
        found.append(int(rows[np.nanargmin(away)]) if near else None)
    return found


def mark_verified(
    gaps: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, inputs: Inputs, findings: Findings
) -> Marked:
    """
    Mark gaps and facilities with who verified what and when; what has to be mended is a finding.

    Parameters
    ----------
    findings
        Of the whole run: they tell which facilities were moved.
    """
    answers, language, join_m = inputs.verified, inputs.study.language, inputs.study.rules.gap_join_m
    of_gap, of_facility = [""] * len(gaps), [""] * len(facilities)
    row_of = {facility_id: i for i, facility_id in enumerate(facilities["facility_id"])}
    nobody = set()
    for answer, gap in zip(answers, gaps_meant(gaps, answers, join_m=join_m), strict=True):
        if not answer.is_gap:
            if answer.item in row_of:
                _add(of_facility, row_of[answer.item], answer.text(language))
        elif gap is None:
            findings.note("verified.gap_gone", subject=answer.cells["place"] or answer.item)
        else:
            _add(of_gap, gap, answer.text(language))
            _say_what_to_mend(answer, gaps.iloc[gap], findings)
            nobody |= {gap} if answer.said.get("nobody") else set()
    people = gaps["people"].to_numpy()[sorted(nobody)]
    counts = {
        "answers": len(answers), "gaps": _marked(of_gap), "facilities": _marked(of_facility),
        "moved": sum(finding.code in _MOVED for finding in findings),
        "said": {question: sum(a.said.get(question, False) for a in answers) for question in QUESTIONS},
        "gaps_nobody": len(nobody), "people_nobody": total(people),
    }  # fmt: skip
    counts = {"verified": counts} if inputs.study.study.verified else {}
    return Marked(gaps.assign(verified=of_gap), facilities.assign(verified=of_facility), counts)


def _say_what_to_mend(answer: Answer, gap: Any, findings: Findings) -> None:
    for question, code in _TO_MEND.items():
        if answer.said.get(question):
            findings.note(code, subject=gap["gap_id"], people_touched=float(gap["people"]))


def _add(marks: list[str], i: int, mark: str) -> None:
    marks[i] = f"{marks[i]}; {mark}" if marks[i] else mark


def _marked(marks: list[str]) -> int:
    return sum(bool(mark) for mark in marks)
