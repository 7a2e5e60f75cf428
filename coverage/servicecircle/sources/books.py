"""Workbooks, .xlsx and .xls: the sheet that holds the table, as rows of cells; attacks refused."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from servicecircle.errors import InputError
from servicecircle.sources.columns import listed
from servicecircle.sources.merges import merges_in
from servicecircle.sources.sheets import TITLE_ROWS, filled, known_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servicecircle.sources.blocks import Merge, Row

UNPACKED_BYTES = 1 << 30
_SMALL_BYTES, _PACKED_TIMES = 100 << 20, 200  # XML of real workbooks packs 5 to 30 times
_MOST_ROWS = 1 << 20
"""No sheet of a workbook has more rows."""

_DAMAGED = (
    BadZipFile, ValueError, TypeError, AttributeError, LookupError, EOFError, SyntaxError, OSError,
    AssertionError, RuntimeError, OverflowError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
"""What readers raise on damaged, encrypted or foreign files."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    title: str
    visible: bool
    rows: Callable[[], Iterator[Row]]
    merges: Callable[[], list[Merge]]


@dataclass(frozen=True, slots=True)
class Cells:
    """
    The cells of one sheet.

    Parameters
    ----------
    rows, merges
        Its rows, and cells merged downwards.
    title
        Of the sheet.
    others, known
        Where it was chosen from several: the titles of the others that can be seen, and how many known
        headers it has.
    """

    rows: list[Row]
    merges: list[Merge]
    title: str
    others: tuple[str, ...] = ()
    known: int = 0


def read_workbook(path: Path, *, sheet: str | None) -> Cells:
    """
    Read one sheet of an .xlsx or .xls workbook: values as stored, formulas as last computed.

    Without a name: the visible sheet with the most known headers.

    Raises
    ------
    InputError
        The file is damaged, encrypted, unpacks beyond reason or declares XML entities; the sheet is missing
        or not clear.
    """
    try:
        with path.open("rb") as stream:
            is_zip = stream.read(2) == b"PK"  # whatever the suffix says
        return (_read_new if is_zip else _read_old)(path, sheet)
    except InputError:
        raise
    except _DAMAGED as error:
        raise InputError("tables.unreadable", where=str(path), why=str(error)) from error


def read_sheets(path: Path) -> dict[str, list[Row]]:
    """
    Read every sheet of an .xlsx workbook, by title, as `read_workbook` reads one.

    Raises
    ------
    InputError
        As of `read_workbook`.
    """
    try:
        with _new_book(path) as book:
            return {sheet.title: list(_new_rows(sheet, str(path))) for sheet in book.worksheets}
    except InputError:
        raise
    except _DAMAGED as error:
        raise InputError("tables.unreadable", where=str(path), why=str(error)) from error


def _read_new(path: Path, name: str | None) -> Cells:
    with _new_book(path) as book:
        sheets = [
            _Sheet(
                ws.title, ws.sheet_state == "visible", partial(_new_rows, ws, str(path)),
                partial(merges_in, ws),
            )
            for ws in book.worksheets
        ]  # fmt: skip
        return _choose(sheets, name, where=str(path))


@contextmanager
def _new_book(path: Path) -> Iterator[Any]:
    import openpyxl

    _refuse_attacks(path)
    with path.open("rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl on styles and checks that it does not keep
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        try:
            yield book
        finally:
            book.close()


def _new_rows(worksheet: Any, where: str) -> Iterator[Row]:
    worksheet.reset_dimensions()  # some programs write a wrong size into the sheet
    return filled(_few(worksheet.iter_rows(values_only=True), where))


def _few(rows: Iterator[Any], where: str) -> Iterator[Any]:
    """Pass on the rows of a sheet; one numbered a billion would come behind a billion empty ones."""
    for i, row in enumerate(rows):
        if i >= _MOST_ROWS:
            raise InputError("tables.too_many_rows", where=where, rows=_MOST_ROWS)
        yield row


def _read_old(path: Path, name: str | None) -> Cells:
    import xlrd

    try:
        with Path(os.devnull).open("w", encoding="utf-8") as log:
            # merged cells are told with the formatting only
            book = xlrd.open_workbook(path, logfile=log, formatting_info=True)
            sheets = [
                _Sheet(
                    s.name, s.visibility == 0, partial(_old_rows, s, book.datemode), partial(_old_merges, s)
                )
                for s in book.sheets()
            ]
            return _choose(sheets, name, where=str(path))
    except (xlrd.XLRDError, xlrd.compdoc.CompDocError) as error:
        raise InputError("tables.unreadable", where=str(path), why=str(error)) from error


def _old_rows(sheet: Any, datemode: int) -> Iterator[Row]:
    return filled([_old_value(cell, datemode) for cell in sheet.row(i)] for i in range(sheet.nrows))


def _old_merges(sheet: Any) -> list[Merge]:
    return [(top + 1, end, left) for top, end, left, _ in sheet.merged_cells if end - top > 1]


def _old_value(cell: Any, datemode: int) -> Any:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_DATE:
        return xlrd.xldate_as_datetime(cell.value, datemode)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#N/A")
    return bool(cell.value) if cell.ctype == xlrd.XL_CELL_BOOLEAN else cell.value


def _refuse_attacks(path: Path) -> None:
    """Refuse what unpacks beyond reason, and XML with a document type: no spreadsheet writes one."""
    with ZipFile(path) as archive:
        parts = archive.infolist()
        size, packed = sum(p.file_size for p in parts), sum(p.compress_size for p in parts)
        if size > UNPACKED_BYTES or (size > _SMALL_BYTES and size > _PACKED_TIMES * packed):
            raise InputError("tables.too_big", where=str(path), size_mb=f"{size / 1e6:,.0f}")
        for part in parts:
            with archive.open(part) as stream:
                if _has_doctype(stream):
                    raise InputError("tables.entities", where=str(path), part=part.filename)


def _has_doctype(stream: IO[bytes]) -> bool:
    """Tell whether an XML file has a document type; only what stands before its first element is read."""
    seen: list[str] = []
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda *_: seen.append("doctype")
    parser.StartElementHandler = lambda *_: seen.append("element")
    try:
        while not seen and (chunk := stream.read(1 << 12)):
            parser.Parse(chunk)
    except expat.ExpatError:  # a picture, or XML that its reader will refuse
        pass
    return seen[:1] == ["doctype"]


def _choose(sheets: list[_Sheet], name: str | None, *, where: str) -> Cells:
    if name is not None:
        named = next((sheet for sheet in sheets if sheet.title == name), None)
        if named is None:
            titles = listed(sheet.title for sheet in sheets)
            raise InputError("tables.no_sheet", where=where, sheet=name, sheets=titles)
        return Cells(list(named.rows()), named.merges(), name)
    visible = [sheet for sheet in sheets if sheet.visible] or sheets
    scores = [known_headers(list(islice(sheet.rows(), TITLE_ROWS + 2))) for sheet in visible]
    best = [sheet for sheet, score in zip(visible, scores, strict=True) if score == max(scores)]
    if not any(scores):
        best = [next((sheet for sheet in visible if next(sheet.rows(), None)), visible[0])]
    if len(best) > 1:
        raise InputError("tables.which_sheet", where=where, sheets=listed(sheet.title for sheet in best))
    (chosen,) = best
    others = tuple(sheet.title for sheet in visible if sheet is not chosen)
    return Cells(list(chosen.rows()), chosen.merges(), chosen.title, others, max(scores))
