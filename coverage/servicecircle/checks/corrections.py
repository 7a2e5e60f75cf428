"""The repair loop: what is filled in in the sheet of `check` replaces the cell that it was asked for."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import Point

from servicecircle import words
from servicecircle.checks.attributes import yes_no
from servicecircle.checks.facility_rows import NUMBERS, PLACE, TARGETS, TEXTS, YES_NO, mark_of
from servicecircle.checks.positions import declared_crs
from servicecircle.crs import WGS84, transform
from servicecircle.errors import InputError
from servicecircle.kinds import recognise_kind, recognise_status
from servicecircle.sources.books import read_workbook
from servicecircle.sources.cells import degrees, number, text, unguarded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pyproj import CRS

    from servicecircle.checks.facility_rows import FacilityRows
    from servicecircle.findings import Findings
    from servicecircle.study import FacilityTable, Study

LEFT_OUT = "left_out"
"""Reason of a row that a correction leaves out."""

OWN_COLUMNS = {
    "file": "file", "sheet": "in_sheet", "column": "in_column", "read": "read_as", "meaning": "meaning",
    "answer": "correct_to", "mark": "row_mark",
}  # fmt: skip
"""Columns that only the sheet of corrections has, and their entries in `words/check.toml`."""

CELL = "in_cell"
"""Entry of the column of cell addresses, which nothing is known by: a sheet may lack it."""

_SHARED_COLUMNS = ("subject", "row")
_LEAVE_OUT = {"删除", "删去", "delete", "remove"}
_NOT_COMPARED = re.compile(r"[\s'—\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]+")
_LONGEST_COMPARED = 1000
_WITHOUT_PLACE = {"facilities.no_coordinates", *(code for code in TARGETS if code.startswith("unlocated."))}
"""Findings that a zone's code answers as well as coordinates do."""

_ZONE_CODE = re.compile(r"\d{9}|\d{12}")


@dataclass(frozen=True, slots=True)
class Correction:
    """
    A row of the sheet of corrections.

    Parameters
    ----------
    file, sheet, row, column
        The cell of the source that is meant; a file that is named twice by its path in the study.
    subject, read, mark
        What was read there: the row's name, the cell, and a mark of the whole row.
    code, meaning
        The finding that asked for it, and what it is called; '' where no finding is called so.
    answer
        What was filled in.
    cell
        Address of the cell, for the reader.
    """

    file: str
    sheet: str
    row: int | None
    column: str
    subject: str
    read: str
    mark: str
    code: str
    meaning: str
    answer: str
    cell: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """Tell a row of the sheet from others, in whatever language it is written."""
        asked = self.code or self.meaning
        cell = (self.file, self.sheet, str(self.row), asked, self.column, self.subject, self.read, self.mark)
        return tuple(_comparable(part) for part in cell)

    def became(self, code: str, findings: Findings) -> None:
        """Note what became of it; the facts bring it back into the next sheet."""
        findings.note(
            code, subject=self.subject, row=self.row, file=self.file, source=self.file, sheet=self.sheet,
            column=self.column, read=self.read, mark=self.mark, about=self.code, meaning=self.meaning,
            answer=self.answer, cell=self.cell,
        )  # fmt: skip


def read_corrections(path: Path) -> list[Correction]:
    """
    Read every row of a sheet of corrections, in either language, filled in or not.

    Raises
    ------
    InputError
        It is no sheet of ours.
    """
    (_, header), *rows = _sheet(path) or [(1, [])]
    fields = [_headers().get(text(cell), "") for cell in header]
    if not {*OWN_COLUMNS, *_SHARED_COLUMNS} <= set(fields):
        raise InputError("corrections.foreign", where=str(path))
    return [_correction(dict(zip(fields, cells, strict=False))) for _, cells in rows]


def _sheet(path: Path) -> list[Any]:
    """Return the rows of the sheet by its title in one of the languages, else of the one that fits best."""
    for title in words.table("check")["sheet"]:
        try:
            return read_workbook(path, sheet=title).rows
        except InputError as error:
            if error.code != "tables.no_sheet":
                raise
    return read_workbook(path, sheet=None).rows


@cache
def _headers() -> dict[str, str]:
    own, labels = words.table("check"), words.table("labels")["column"]
    named = {field: own[key] for field, key in OWN_COLUMNS.items()}
    named |= {field: labels[field] for field in _SHARED_COLUMNS} | {"cell": own[CELL]}
    return {header: field for field, headers in named.items() for header in headers}


@cache
def _codes() -> dict[str, str]:
    """Return the findings by what they are called."""
    return {called: code for code, names in words.table("check")["finding"].items() for called in names}


def _correction(cells: Mapping[str, Any]) -> Correction:
    written = {field: unguarded(cells.get(field)) for field in (*OWN_COLUMNS, *_SHARED_COLUMNS, "cell")}
    row = number(written.pop("row"))
    code = _codes().get(written["meaning"], "")
    return Correction(row=int(row) if np.isfinite(row) else None, code=code, **written)


def shown_name(entry: FacilityTable, study: Study) -> str:
    """Return what a facility table is called in the sheet: its file's name, its path where two share it."""
    name = PurePath(entry.source).name
    sources = {other.source for other in study.facilities if PurePath(other.source).name == name}
    return name if len(sources) == 1 else entry.source


def corrections_by_table(study: Study, findings: Findings) -> list[list[Correction]]:
    """
    Return what is filled in for each facility table, in the order of the study.

    An answer that belongs to none of them is a finding; so is a sheet that is not there.

    Raises
    ------
    InputError
        A file is no sheet of corrections.
    """
    by_table: list[list[Correction]] = [[] for _ in study.facilities]
    for name in dict.fromkeys(entry.corrections for entry in study.facilities if entry.corrections):
        path = study.locate(name)
        if not path.is_file():
            findings.note("corrections.missing", subject=name)
            continue
        for correction in read_corrections(path):
            if not correction.answer:
                continue
            meant = [
                number for number, entry in enumerate(study.facilities)
                if entry.corrections == name and correction.row is not None
                and _may_mean(entry, correction, study)
            ]  # fmt: skip
            if len(meant) == 1:
                by_table[meant[0]].append(correction)
            else:
                correction.became("corrections.no_target", findings)
    return by_table


def _may_mean(entry: FacilityTable, correction: Correction, study: Study) -> bool:
    """Tell whether a correction may be one of a table: any sheet may be one that was found."""
    if shown_name(entry, study) != correction.file:
        return False
    if own := entry.sheet or entry.layer:
        return own == correction.sheet
    return all(
        (other.sheet or other.layer) != correction.sheet
        for other in study.facilities if other.source == entry.source and other is not entry
    )  # fmt: skip


def apply_corrections(
    rows: FacilityRows, corrections: Sequence[Correction]
) -> tuple[FacilityRows, pd.DataFrame]:
    """
    Return the rows with the corrected cells, and those that a correction leaves out as they are listed.

    A row that does not hold what was read any more is left alone. Every correction becomes a finding.
    """
    if not corrections:
        return rows, pd.DataFrame()
    bench = _Bench.of(rows)
    for correction in sorted(corrections, key=_keeps_row):  # who leaves a row out goes first
        bench.apply(correction)
    return bench.rows_left(), bench.rows_out()


@dataclass(slots=True)
class _Bench:
    """A table under repair."""

    rows: FacilityRows
    frame: pd.DataFrame
    columns: dict[str, str]
    crs: CRS
    position: dict[int, list[int]]
    called: Counter[str]
    answers: dict[tuple[int, tuple[str, ...]], str]
    out: set[int]

    @classmethod
    def of(cls, rows: FacilityRows) -> _Bench:
        frame, entry = rows.table.frame, rows.entry
        own = frame.crs if isinstance(frame, gpd.GeoDataFrame) else None
        crs = own or declared_crs(entry, where=str(rows.table.path)) or WGS84
        position: dict[int, list[int]] = {}
        for i, row in enumerate(rows.table.rows.tolist()):  # tables beside each other share their rows
            position.setdefault(row, []).append(i)
        called = Counter(_comparable(name) for field in ("name", "facility_id") for name in rows.texts(field))
        return cls(rows, frame.reset_index(drop=True), dict(rows.columns), crs, position, called, {}, set())

    def apply(self, correction: Correction) -> None:
        """Apply one correction, or say why not."""
        fields = self._fields(correction)
        places = self.position.get(correction.row or 0, [])
        i = next((i for i in places if self._still_there(correction, i, fields)), None)
        if i is None or (correction.sheet and correction.sheet != self.rows.sheet):
            correction.became("corrections.stale", self.rows.findings)
            return
        keeps = _keeps_row(correction)
        given = self._understood(correction, fields) if keeps else {}
        if not keeps:
            self.out.add(i)
            correction.became("corrections.row_left_out", self.rows.findings)
        elif given is None:
            correction.became("corrections.not_understood", self.rows.findings)
        elif i in self.out or self.answers.setdefault((i, fields), correction.answer) != correction.answer:
            correction.became("corrections.contradiction", self.rows.findings)
        else:
            self._put(i, given)
            correction.became("corrections.applied", self.rows.findings)

    def _fields(self, correction: Correction) -> tuple[str, ...]:
        """Return the fields that a correction is for: by its finding, else by the column it names."""
        if correction.code in TARGETS:
            return TARGETS[correction.code]
        choices = [PLACE, *((field,) for field in self.columns)]
        named = [c for c in choices if all(field in self.columns for field in c)]
        column = _comparable(correction.column)
        by_column = [c for c in named if _comparable(", ".join(self.columns[f] for f in c)) == column]
        if column and by_column:
            return by_column[0]
        return PLACE if _coordinates_in(correction.answer) else ()

    def _still_there(self, correction: Correction, i: int, fields: tuple[str, ...]) -> bool:
        """Tell whether a row is the one that was read, or one of that name, once, which holds the same."""
        if correction.mark == mark_of(self.rows.written_at(self.rows.origin[[i]])[0]):
            return True
        name = _comparable(correction.subject)
        own = {_comparable(self.rows.text_at(field, i)) for field in ("name", "facility_id")}
        same = _comparable(self.rows.read_at(fields, i)) == _comparable(correction.read)
        return bool(name) and name in own and self.called[name] == 1 and same

    def _understood(self, correction: Correction, fields: tuple[str, ...]) -> dict[str, Any] | None:
        """Return what an answer puts into each field; None where it makes no sense there."""
        answer = correction.answer
        if not fields:
            return None
        if correction.code in _WITHOUT_PLACE and _ZONE_CODE.fullmatch(answer.strip()):
            return {"unit": answer.strip()}
        if fields == PLACE:
            pair = _coordinates_in(answer)
            if pair and self.crs.is_projected and abs(pair[0]) <= 180 and abs(pair[1]) <= 90:
                pair = tuple(transform(np.array([pair]), WGS84, self.crs)[0].tolist())
            return dict(zip(PLACE, pair, strict=True)) if pair else None
        senseless = {
            "kind": lambda: recognise_kind(answer) is None,
            "status": lambda: recognise_status(answer) is None,
            **dict.fromkeys(NUMBERS, lambda: not np.isfinite(number(answer))),
            **dict.fromkeys(YES_NO, lambda: not np.isfinite(yes_no(answer))),
        }
        return None if senseless.get(fields[0], bool)() else {fields[0]: answer}

    def _put(self, i: int, given: dict[str, Any]) -> None:
        if given.keys() == set(PLACE) and isinstance(self.frame, gpd.GeoDataFrame):
            self.frame.loc[i, "geometry"] = Point(*given.values())
            return
        for field, value in given.items():
            column = self.columns.get(field)
            if column is None:
                column = self.columns[field] = _free_name(field, self.frame)
                self.frame[column] = None
            self.frame[column] = self.frame[column].astype(object)
            self.frame.loc[i, column] = value

    def rows_left(self) -> FacilityRows:
        """Return the table as it is checked."""
        keep = np.array([i not in self.out for i in range(len(self.frame))], dtype=bool)
        frame = self.frame.loc[keep].reset_index(drop=True)
        table = replace(self.rows.table, frame=frame, rows=self.rows.table.rows[keep])
        return replace(self.rows, table=table, columns=self.columns, origin=self.rows.origin[keep])

    def rows_out(self) -> pd.DataFrame:
        """Return the rows left out, with the columns of a checked table."""
        out = sorted(self.out)
        return pd.DataFrame({
            "facility_id": "", "name": [self.rows.text_at("name", i) for i in out], "kind": "",
            "status": "unknown", "lon": np.nan, "lat": np.nan, "reason": LEFT_OUT,
            "source": self.rows.entry.source, "row": self.rows.table.rows[out],
            "zone_hint": [self.rows.text_at("unit", i) for i in out],
            "origin": np.array(out, dtype=np.intp),
            **dict.fromkeys((*NUMBERS, *YES_NO), np.nan), **dict.fromkeys(TEXTS, ""),
        })  # fmt: skip


def _free_name(name: str, frame: pd.DataFrame) -> str:
    while name in frame.columns:
        name += "_"
    return name


def _comparable(written: str) -> str:
    """Return a text without what a workbook may change in it."""
    return _NOT_COMPARED.sub("", written)[:_LONGEST_COMPARED]


def _keeps_row(correction: Correction) -> bool:
    return correction.answer.strip().lower() not in _LEAVE_OUT


def _coordinates_in(answer: str) -> tuple[float, ...] | None:
    """Return the two numbers of an answer such as `114.05, 33.9` or `东经114.05° 北纬33.9°`."""
    plain = unicodedata.normalize("NFKC", answer).strip()
    for split in (r"[,、;]", r"[,、;\s]+"):
        pair = tuple(degrees(part) for part in re.split(split, plain) if part.strip())
        if len(pair) == 2 and np.isfinite(pair).all():
            return pair
    return None
