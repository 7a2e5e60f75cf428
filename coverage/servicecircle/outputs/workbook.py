"""The workbook: the tables with headers and values in words, codes as text, shares as percentages."""

from __future__ import annotations

import datetime as dt
import io
import re
import unicodedata
import zipfile
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from servicecircle import words
from servicecircle.kinds import KINDS, SUBJECTS
from servicecircle.outputs.cells import harmless, plain_value
from servicecircle.standards.lacking import missing_input
from servicecircle.units import percent

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    import pandas as pd

    from servicecircle.study import Study

EMPTY = "—"
SHEET_ROWS = 1_048_575
"""Rows that a sheet holds below its header; a longer table goes on in a further sheet."""

_CELL_CHARACTERS = 32_767
_WIDEST = 60
_SHARE = "0.0%"
_MOST_DECIMALS = 7
_FORMATS = (
    {"lon": "0.000000", "lat": "0.000000"}
    | dict.fromkeys(("limit", "measured", "threshold", "margin", "low", "high"), "General")
    | dict.fromkeys(("street_km", "street_km_per_km2", "street_m_per_person"), "0.0")
    | dict.fromkeys(("measured_a", "measured_b", "threshold_a", "threshold_b", "walk_m_s"), "General")
    | dict.fromkeys(("beds_per_1000", "access_per_1000", "places_needed", "places_assigned"), "#,##0.0")
    | {"places_unassigned": "#,##0.0", "limit_m": "#,##0.0"}
)
_SHARES = ("measured", "threshold", "low", "high", "measured_a", "measured_b", "threshold_a", "threshold_b")
_SHARE_ROW = dict.fromkeys(_SHARES, _SHARE) | {"margin": "0.0%"}
_LEFT, _RIGHT, _NUMBER = (Alignment(horizontal=side, vertical="top") for side in ("left", "right", None))
_SENTENCE = Alignment(horizontal="left", vertical="top", wrap_text=True)
_SENTENCES = {"message", "remedy", "phrase"}
_ENUMS = {
    "class": "gap_class", "unit": "limit_unit", "differs": "used", "group": "column",
    "verdict_a": "verdict", "verdict_b": "verdict",
}  # fmt: skip

_CODES = {"code", "parent_code", "zone_code", "gap_id", "facility_id", "item_id", "township", "unit_code"}


@dataclass(frozen=True, slots=True)
class _Column:
    """How a column is shown: header, words of its values, divisor and format of its numbers, no value."""

    name: str
    header: str
    values: Mapping[str, str]
    divisor: float
    number_format: str
    nothing: str | None = EMPTY

    def shown(self, value: Any) -> Any:
        """Return what a cell of this column holds."""
        if value is None or value == "":
            return self.nothing
        if isinstance(value, bool):
            return self.values[str(value).lower()]
        if isinstance(value, str):
            return self.values.get(value) or _fitting(harmless(self._spoken(value)))
        return value / self.divisor if self.divisor != 1 else value

    def _spoken(self, text: str) -> str:
        """Return evidence, `people_judged=120; facilities=1`, with its figures named in words."""
        if self.name != "evidence":
            return text
        return re.sub(r"\b([a-z]\w*)=", lambda found: f"{self.values.get(found[1], found[1])} = ", text)


def write_workbook(
    tables: Mapping[str, pd.DataFrame],
    path: Path,
    *,
    study: Study,
    sheet_rows: int = SHEET_ROWS,
    to_fill_in: Collection[str] = (),
) -> Path:
    """
    Write one sheet per table, in the study's language.

    Codes are text, shares are percentages, walking times are minutes and an empty value is a dash; in the
    columns `to_fill_in` it is an empty cell. The same tables give the same bytes.
    """
    book = Workbook(write_only=True)
    for name, table in tables.items():
        title = words.label("sheet", name, study.language)
        for number, start in enumerate(range(0, max(len(table), 1), sheet_rows), 1):
            _fill(book.create_sheet(title if number == 1 else f"{title} {number}"),
                  table.iloc[start : start + sheet_rows], study, to_fill_in)  # fmt: skip
    return save_dated(book, path, as_of=study.study.as_of)


def _fill(sheet: Any, table: pd.DataFrame, study: Study, to_fill_in: Collection[str]) -> None:
    columns = [_column(str(name), study, None if name in to_fill_in else EMPTY) for name in table.columns]
    if "verdict" in table and "reason" in table:
        reported = table["reason"].eq("report_only") & table["verdict"].eq("not_judged")
        table = table.assign(verdict=table["verdict"].mask(reported, "reported"))
    if "missing" in table:
        lacking = {text: missing_input(text, study.language) for text in table["missing"].dropna().unique()}
        columns = [replace(c, values=lacking) if c.name == "missing" else c for c in columns]
    rows = [
        [column.shown(plain_value(value)) for value, column in zip(row, columns, strict=True)]
        for row in table.astype(object).to_numpy()
    ]
    shares = table["unit"].astype(str).str.startswith("share") if "unit" in table else [False] * len(table)
    last = get_column_letter(len(columns))
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = f"A1:{last}{len(rows) + 1}"
    for number, column in enumerate(columns, 1):
        widest = max((_width(row[number - 1]) for row in rows), default=0)
        width = min(max(widest, _width(column.header) + 2) + 2, _WIDEST)
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.append([_header(sheet, column) for column in columns])
    pens = _Pens(sheet)
    for row, is_share in zip(rows, shares, strict=True):
        formats = _SHARE_ROW if is_share else {}
        sheet.append([
            pens.write(value, column.name, formats.get(column.name, column.number_format))
            for value, column in zip(row, columns, strict=True)
        ])  # fmt: skip


def share_format(share: float) -> str:
    """
    Return the number format of a share: one decimal, and more where that would read as more than there is.

    A spreadsheet rounds where pages cut: 0.7396, which a page prints as 73.9 %, reads 73.96 %, and 0.9996
    does not read 100.0 %. The cell keeps the whole number.
    """
    if not 0 <= share < 1:
        return _SHARE
    exact, cut = Decimal(repr(float(share))), percent(share)
    for decimals in range(1, _MOST_DECIMALS + 1):
        read = exact.quantize(Decimal(1).scaleb(-decimals - 2), ROUND_HALF_UP)
        if percent(float(read)) == cut:
            return f"0.{'0' * decimals}%"
    return f'"{cut}"'


def _column(name: str, study: Study, nothing: str | None) -> _Column:
    shown = name.removesuffix("seconds") + "minutes" if name.endswith("seconds") else name
    if name in _CODES or nothing is None:  # what is typed in stays as it was typed
        number_format = "@"
    elif name.startswith("share_") or name.endswith(("_share_within", "_share")):
        number_format = _SHARE
    else:
        number_format = "0.0" if shown != name else _FORMATS.get(name, "#,##0")
    divisor = 1.0 if shown == name else 60.0
    return _Column(name, _heading(shown, study), _values(name, study), divisor, number_format, nothing)


def _heading(name: str, study: Study) -> str:
    """Return a column's header; that of a group without names of its own is put together."""
    columns, parts = words.table("labels")["column"], words.table("labels")["group_column"]
    for group in study.people.groups:
        part = name.removeprefix(f"{group}_")
        if name not in columns and part != name and part in parts:
            named = words.label("column", group, study.language)
            return words.label("group_column", part, study.language).format(group=named)
    return words.label("column", name, study.language)


def _values(name: str, study: Study) -> dict[str, str]:
    """Return the words of a column's values; none for columns of free text."""
    if name in {"kind", "hub_kind", "spoke_kind"}:
        which = 0 if study.language == "zh" else 1
        kinds = {code: (kind.zh, kind.en)[which] for code, kind in KINDS.items()}
        return {code: names[which] for code, names in SUBJECTS.items()} | kinds
    if name == "evidence":
        return {key: words.label("column", key, study.language) for key in words.table("labels")["column"]}
    group = _ENUMS.get(name, name)
    named = {key: words.label(group, key, study.language) for key in words.table("labels").get(group, {})}
    if name == "circle":
        named |= {circle.id: harmless(circle.name) for circle in study.circles if circle.name}
    return named


def _fitting(text: str) -> str:
    """Return a text cut to what a cell holds; its characters are counted as UTF-16 does."""
    raw = text.encode("utf-16-le")
    if len(raw) <= 2 * _CELL_CHARACTERS:
        return text
    return raw[: 2 * (_CELL_CHARACTERS - 1)].decode("utf-16-le", errors="ignore") + "…"


def _width(value: Any) -> int:
    """Return the characters a value takes; a Chinese one takes two."""
    if not isinstance(value, str):
        return 10
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in value[: 2 * _WIDEST])


def _header(sheet: Any, column: _Column) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, column.header)
    cell.font = Font(bold=True)
    cell.fill = PatternFill("solid", fgColor="DDEBF0")
    cell.alignment = Alignment(vertical="center", wrap_text=True)
    return cell


class _Pens:
    """The cells of a sheet: a row is written as it is appended, so that the next one can reuse them."""

    def __init__(self, sheet: Any) -> None:
        self._sheet = sheet
        self._cells: dict[tuple[str, str, str | None], WriteOnlyCell] = {}

    def write(self, value: Any, column: str, number_format: str) -> WriteOnlyCell:
        """Return a cell of a column that holds a value."""
        text = isinstance(value, str)
        if number_format == _SHARE and not text and column != "margin":
            number_format = share_format(value)
        alignment = _RIGHT if value == EMPTY else _SENTENCE if column in _SENTENCES else _LEFT
        alignment = alignment if text else _NUMBER
        key = column, number_format, alignment.horizontal
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = WriteOnlyCell(self._sheet)
            cell.number_format = number_format
            cell.alignment = alignment
        cell.value = value
        if text:
            cell.data_type = "s"  # whatever it looks like: a formula, an error, a number
        return cell


def save_dated(book: Workbook, path: Path, *, as_of: dt.date | None) -> Path:
    """Save a workbook with the data's date in place of the present time: the same book, the same bytes."""
    stream = io.BytesIO()
    book.save(stream)
    stamp = f"{(as_of or dt.date(1980, 1, 1)).isoformat()}T00:00:00Z".encode()
    with zipfile.ZipFile(stream) as made, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as kept:
        for name in made.namelist():
            part = made.read(name)
            if name == "docProps/core.xml":
                part = re.sub(rb"(<dcterms:(created|modified)[^>]*>)[^<]*", rb"\g<1>" + stamp, part)
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            kept.writestr(entry, part)
    return path
