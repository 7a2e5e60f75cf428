"""Spreadsheets and delimited text as rows of cells, with the header found under the title rows."""

from __future__ import annotations

import codecs
import csv
import io
import re
import warnings
import zlib
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import pandas as pd

from servicecircle.errors import InputError
from servicecircle.sources.cells import text
from servicecircle.sources.columns import is_known, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

TITLE_ROWS = 10
"""Rows of titles and notes that may stand above the header."""
UNPACKED_BYTES = 1 << 30
_SMALL_BYTES, _PACKED_TIMES = 100 << 20, 200  # XML of real workbooks packs 5 to 30 times

Row = tuple[int, list[Any]]
_END = "\x00end of table"


def frame_of(rows: list[Row], *, where: str) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """
    Return the cells below the header, and the row number of each.

    Raises
    ------
    InputError
        There is no row at all.
    """
    if not rows:
        raise InputError("tables.no_header", where=where)
    start, header, _ = _header(rows)
    body = rows[start:]
    width = max([len(header), *(len(cells) for _, cells in body)])
    columns = _names([text(cell) for cell in header] + [""] * (width - len(header)))
    frame = pd.DataFrame(
        [cells + [None] * (width - len(cells)) for _, cells in body], columns=columns, dtype=object
    )
    unnamed = [c for c, cell in zip(columns, [*header, *[None] * width], strict=False) if not text(cell)]
    empty = [c for c in unnamed if all(text(value) == "" for value in frame[c])]
    return frame.drop(columns=empty), np.array([number for number, _ in body], dtype=np.int64)


def _header(rows: list[Row]) -> tuple[int, list[Any], int]:
    """Return where the body starts, the header, and how many of its cells are known headers."""
    top = [cells for _, cells in rows[: TITLE_ROWS + 2]]
    found = [(i + 1, cells, _known_cells(cells)) for i, cells in enumerate(top[: TITLE_ROWS + 1])]
    for i, (above, below) in enumerate(pairwise(top)):
        filled = [cell for cell in below if text(cell)]
        if all(is_known(cell) for cell in filled):  # a header of two rows, 位置 above 经度 and 纬度
            width = max(len(above), len(below))
            over, under = above + [None] * (width - len(above)), below + [None] * (width - len(below))
            both = [u if text(u) else o for o, u in zip(over, under, strict=True)]
            found.append((i + 2, both, _known_cells(both)))
    best = max(found, key=lambda candidate: candidate[2])
    if best[2]:
        return best
    most = max(len([c for c in cells if text(c)]) for cells in top)
    return next(f for f in found if 2 * len([c for c in f[1] if text(c)]) >= most)


def _known_cells(cells: list[Any]) -> int:
    return sum(is_known(cell) for cell in cells)


def _names(headers: list[str]) -> list[str]:
    """Name every column once: `床位`, `床位 (2)`, and by its number where the header is empty."""
    names: list[str] = []
    for i, header in enumerate(headers, 1):
        name, again = header or f"column {i}", 2
        while name in names:
            name, again = f"{header or f'column {i}'} ({again})", again + 1
        names.append(name)
    return names


def _filled(rows: Iterable[Iterable[Any]]) -> Iterator[Row]:
    """Number rows from 1, drop blank ones, and cut the empty cells at their ends."""
    for number, row in enumerate(rows, 1):
        cells = list(row)
        while cells and text(cells[-1]) == "":
            cells.pop()
        if cells:
            yield number, cells


def read_workbook(path: Path, *, sheet: str | None) -> list[Row]:
    """
    Read one sheet of an .xlsx workbook: values as stored, formulas as last computed.

    Without a name: the visible sheet with the most known headers.

    Raises
    ------
    InputError
        The file is damaged, encrypted or unpacks beyond reason; the sheet is missing or not clear.
    """
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    damaged = (BadZipFile, InvalidFileException, KeyError, ValueError, TypeError, AttributeError, EOFError,
               SyntaxError, OSError, zlib.error)  # fmt: skip
    try:
        _refuse_bomb(path)
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl on styles and checks that it does not keep
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
            try:
                return list(_sheet_rows(_choose_sheet(book, sheet, where=str(path))))
            finally:
                book.close()
    except InputError:
        raise
    except damaged as error:
        raise InputError("tables.unreadable", where=str(path), why=str(error)) from error


def _refuse_bomb(path: Path) -> None:
    with ZipFile(path) as archive:
        parts = archive.infolist()
    size, packed = sum(p.file_size for p in parts), sum(p.compress_size for p in parts)
    if size > UNPACKED_BYTES or (size > _SMALL_BYTES and size > _PACKED_TIMES * packed):
        raise InputError("tables.too_big", where=str(path), size_mb=f"{size / 1e6:,.0f}")


def _choose_sheet(book: Any, name: str | None, *, where: str) -> Any:
    if name is not None:
        if name not in [ws.title for ws in book.worksheets]:
            raise InputError("tables.no_sheet", where=where, sheet=name, sheets=listed(book.sheetnames))
        return book[name]
    visible = [ws for ws in book.worksheets if ws.sheet_state == "visible"] or book.worksheets
    scores = [_score(ws) for ws in visible]
    if not any(scores):
        return next((ws for ws in visible if next(iter(_sheet_rows(ws)), None)), visible[0])
    best = [ws for ws, score in zip(visible, scores, strict=True) if score == max(scores)]
    if len(best) > 1:
        raise InputError("tables.which_sheet", where=where, sheets=listed(ws.title for ws in best))
    return best[0]


def _score(worksheet: Any) -> int:
    rows = list(islice(_sheet_rows(worksheet), TITLE_ROWS + 2))
    return _header(rows)[2] if rows else 0


def _sheet_rows(worksheet: Any) -> Iterator[Row]:
    worksheet.reset_dimensions()  # some programs write a wrong size into the sheet
    return _filled(worksheet.iter_rows(values_only=True))


def read_delimited(path: Path) -> list[Row]:
    """
    Read delimited text: UTF-8, UTF-16 with BOM or GB18030; comma, semicolon or tab. Every cell stays text.

    Raises
    ------
    InputError
        The text is in none of these encodings, or a quotation mark is never closed.
    """
    lines = list(io.StringIO(decode(path.read_bytes(), where=str(path)), newline=""))
    top = lines[: 4 * TITLE_ROWS]
    tries = [(delimiter, _parse(top, delimiter)[0]) for delimiter in ",;\t"]
    delimiter = max(tries, key=lambda one: _worth(one[1]))[0]
    rows, open_line = _parse(lines, delimiter)
    if open_line:
        raise InputError("tables.open_quote", where=f"{path}:{open_line}")
    return rows


def _worth(rows: list[Row]) -> tuple[int, int]:
    """Rank a delimiter by the known headers it yields, then by the cells of the header."""
    if not rows:
        return 0, 0
    _, header, known = _header(rows)
    return known, len(header)


def _parse(lines: list[str], delimiter: str) -> tuple[list[Row], int]:
    """Return the rows, and the line of a quotation mark that is never closed (0: none)."""
    records: list[list[str]] = []
    reader = csv.reader([*lines, "\n", _END], delimiter=delimiter)
    began = [1]
    try:
        for record in reader:
            if record == [_END]:
                return list(_filled(records)), 0
            records.append(record)
            began.append(reader.line_num + 1)
    except csv.Error:  # a cell beyond all bounds: it began at an open quotation mark
        return list(_filled(records)), began[-1]
    return list(_filled(records[:-1])), began[-2]


def decode(raw: bytes, *, where: str) -> str:
    """Return text by its BOM, else as UTF-8, else as GB18030; nothing is replaced."""
    boms = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
    marked = next((encoding for bom, encoding in boms if raw.startswith(bom)), None)
    try:
        try:
            return raw.decode(marked or "utf-8")
        except UnicodeDecodeError as error:
            # GBK fails within its first words; much good UTF-8 before the slip means damaged UTF-8
            if marked or len(re.findall(r"[^\x00-\x7f]", raw[: error.start].decode("utf-8", "ignore"))) >= 20:
                raise
            try:
                return raw.decode("gb18030")
            except UnicodeDecodeError as slip:
                raise max(error, slip, key=lambda one: one.start) from slip
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError("tables.encoding", where=f"{where}:{line}") from error
