"""What was verified on site: the answers filled in in `verify.xlsx`, and facilities moved by them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely.geometry import Point

from servicecircle import words
from servicecircle.crs import WGS84, transform
from servicecircle.errors import InputError
from servicecircle.sources.books import read_sheets
from servicecircle.sources.cells import degrees, is_blank, number, text, unguarded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import geopandas as gpd

    from servicecircle.checks.evidence import Box
    from servicecircle.findings import Findings
    from servicecircle.study import Study

QUESTIONS = ("road_open", "exists", "misplaced", "nobody", "people_wrong")
"""The columns that are answered by yes or no."""

TO_FILL_IN = (*QUESTIONS, "new_lon", "new_lat", "by", "date", "note")
NOT_THERE = "not_there"
"""Reason of a facility that was not found on site."""

_WORLD: Box = (-180.0, -90.0, 180.0, 90.0)
_YES = {"是", "有", "对", "√", "✓", "✔", "yes", "y", "true", "1"}
_NO = {"否", "无", "没有", "不是", "×", "✗", "✘", "x", "no", "n", "false", "0"}


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A row of the sheet that somebody filled in.

    Parameters
    ----------
    what
        `gap`, `facility`, or `village` (a facility in a village that is hardly covered); '' where the sheet
        says nothing that is known.
    item
        Id of the gap or the facility.
    zone_code, lon, lat
        Where it is, in degrees.
    said
        Questions answered: True for yes.
    cells
        The row as it stands, by our names of its columns.
    unclear
        Header and answer where that is neither yes nor no.
    sheet
        Title of the sheet it stands on.
    row
        Its row there.
    """

    what: str
    item: str
    zone_code: str
    lon: float
    lat: float
    said: Mapping[str, bool]
    cells: Mapping[str, str]
    unclear: tuple[tuple[str, str], ...]
    sheet: str
    row: int

    @property
    def is_gap(self) -> bool:
        """Tell whether it is about a gap; else about a facility."""
        return self.what == "gap"

    @property
    def new_place(self) -> tuple[str, str]:
        """Return the corrected longitude and latitude as they were written."""
        return self.cells["new_lon"], self.cells["new_lat"]

    @property
    def moves(self) -> bool:
        """Tell whether it gives a corrected place."""
        return any(self.new_place)

    def text(self, language: words.Language) -> str:
        """Say what was verified, by whom and when; without remarks, which may hold anything."""
        say: dict[str, Any] = words.table("verify")
        which = 0 if language == "zh" else 1
        told = [
            f"{say['column'][q][which]} {say['yes' if self.said[q] else 'no'][which]}"
            for q in QUESTIONS if q in self.said
        ]  # fmt: skip
        who = say["comma"][which].join(part for part in (self.cells["by"], self.cells["date"]) if part)
        head: str = say["verified"][which] + (say["by"][which].format(who=who) if who else "")
        return head + (say["colon"][which] + say["comma"][which].join(told) if told else "")


def verified_answers(study: Study, findings: Findings) -> tuple[Answer, ...]:
    """
    Return what the study's sheet of verifications holds, sheet by sheet.

    Raises
    ------
    InputError
        The file is no sheet of verifications.
    """
    name = study.study.verified
    if not name:
        return ()
    path = study.locate(name)
    if not path.is_file():
        findings.note("verified.missing", subject=name)
        return ()
    answers = read_answers(path)
    for answer in answers:
        if not answer.what:
            findings.note(
                "verified.unknown_kind", subject=answer.item, row=answer.row, source=name, sheet=answer.sheet,
                written=answer.cells["what"],
            )  # fmt: skip
        for column, written in answer.unclear:
            findings.note(
                "verified.unclear", subject=answer.item, row=answer.row, source=name, sheet=answer.sheet,
                column=column, written=written,
            )  # fmt: skip
    return tuple(answer for answer in answers if answer.what)


def read_answers(path: Path) -> list[Answer]:
    """
    Read the rows of a sheet of verifications in which anything is filled in, in either language.

    Raises
    ------
    InputError
        No sheet has the columns that `run` writes.
    """
    answers, known = [], False
    for title, rows in read_sheets(path).items():
        headers = [text(cell) for cell in rows[0][1]] if rows else []
        fields = [_headers().get(header, "") for header in headers]
        if not {*words.table("verify")["column"]} <= set(fields):
            continue
        known = True
        called = dict(zip(fields, headers, strict=True))
        for row, values in rows[1:]:
            cells = dict.fromkeys(called, "") | {
                field: unguarded(value) for field, value in zip(fields, values, strict=False)
            }
            if any(cells[field] for field in TO_FILL_IN):
                answers.append(_answer(cells, called, title, row))
    if not known:
        raise InputError("verified.foreign", where=str(path))
    return answers


@cache
def _headers() -> dict[str, str]:
    return {name: key for key, names in words.table("verify")["column"].items() for name in names}


@cache
def _kinds() -> dict[str, str]:
    return {name: key for key, names in words.table("verify")["what"].items() for name in names}


def _answer(cells: Mapping[str, str], called: Mapping[str, str], sheet: str, row: int) -> Answer:
    given = {question: cells[question].strip().lower() for question in QUESTIONS}
    said = {question: answer in _YES for question, answer in given.items() if answer in _YES | _NO}
    unclear = [q for q, answer in given.items() if q not in said and not is_blank(answer)]
    return Answer(
        what=_kinds().get(cells["what"], ""), item=cells["item"], zone_code=cells["zone_code"],
        lon=number(cells["lon"]), lat=number(cells["lat"]), said=said, cells=cells,
        unclear=tuple((called[q], cells[q]) for q in unclear), sheet=sheet, row=row,
    )  # fmt: skip


def move_facilities(
    facilities: gpd.GeoDataFrame, answers: Sequence[Answer], *, streets_box: Box | None, findings: Findings
) -> gpd.GeoDataFrame:
    """
    Put facilities where they were found on site, and leave out those that do not exist; each keeps its id.

    A facility is moved only to a place inside the streets' box. One that does not exist is listed with the
    reason `not_there` and counts nowhere. Everything else that was said of a facility changes nothing here.
    What was said of a gap changes no figure either: people whom the population source has where nobody lives
    stay in it, and count, until the source is mended; the gap is marked, and `run.json` sums them.
    """
    told = [answer for answer in answers if not answer.is_gap]
    if not told:
        return facilities
    row_of = {facility_id: i for i, facility_id in enumerate(facilities["facility_id"])}
    moved = facilities.copy()
    for answer in told:
        i = row_of.get(answer.item)
        if i is None:
            findings.note("verified.no_facility", subject=answer.item)
        elif answer.said.get("exists") is False:
            _leave_out(moved, i, answer, findings)
        elif answer.moves:
            _move(moved, i, answer, streets_box or _WORLD, findings)
        elif answer.said.get("misplaced"):
            findings.note("verified.no_new_place", subject=answer.item)
    return moved


def _leave_out(facilities: gpd.GeoDataFrame, i: int, answer: Answer, findings: Findings) -> None:
    if answer.moves:
        written = ", ".join(answer.new_place)
        findings.note("verified.contradiction", subject=answer.item, written=written)
        return
    facilities.loc[i, "reason"] = NOT_THERE
    findings.note("verified.not_there", subject=answer.item)


def _move(facilities: gpd.GeoDataFrame, i: int, answer: Answer, box: Box, findings: Findings) -> None:
    lonlat = np.array([[degrees(part) for part in answer.new_place]], dtype=np.float64)
    (lon, lat), written = lonlat[0], ", ".join(answer.new_place)
    west, south, east, north = box
    if not (west <= lon <= east and south <= lat <= north):
        findings.note("verified.bad_place", subject=answer.item, written=written)
        return
    if answer.said.get("misplaced") is False:
        findings.note("verified.contradiction", subject=answer.item, written=written)
        return
    before = facilities.geometry.iloc[i]
    point = Point(transform(lonlat, WGS84, facilities.crs)[0])
    facilities.loc[i, ["lon", "lat", "position_error_m"]] = lon, lat, 0.0
    facilities.loc[i, "geometry"] = point
    if facilities.loc[i, "reason"] in {"no_coordinates", "bad_coordinates"}:
        facilities.loc[i, "reason"] = "" if facilities.loc[i, "kind"] else "unknown_kind"
    facts: dict[str, Any] = {"lon": f"{lon:.6f}", "lat": f"{lat:.6f}"}
    if before is None:
        findings.note("verified.placed", subject=answer.item, **facts)
    else:
        findings.note("verified.moved", subject=answer.item, metres=f"{before.distance(point):.0f}", **facts)
