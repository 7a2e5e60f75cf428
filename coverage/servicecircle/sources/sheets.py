"""Spreadsheets and delimited text as rows of cells, with the header found under the title rows."""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
import unicodedata
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from servicecircle.errors import InputError
from servicecircle.sources.cells import number, text
from servicecircle.sources.columns import is_known

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

TITLE_ROWS = 10
"""Rows of titles and notes that may stand above the header."""

Row = tuple[int, list[Any]]
_SUM = re.compile(
    r"(?i).{0,12}(合计|小计|总计|共计|累计|(sub|grand)?-?total)[:：]?(\(.*\)|\d+[个处所张人]?)?"
)
_SUM_WORD = re.compile(r"(?i)计|total")
_CODE = re.compile(r"\d{6}")
_TOP_BYTES = 1 << 16
_END = "\x00end of table"


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """
    A table found in a sheet.

    Parameters
    ----------
    frame
        Raw cells under their headers.
    rows
        Number of each row as a spreadsheet counts it.
    title
        What stands above the header; it may name the unit of all figures.
    sums, blank
        Numbers of the rows left out: sums of other rows, and rows that hold nothing.
    """

    frame: pd.DataFrame
    rows: NDArray[np.int64]
    title: str
    sums: tuple[int, ...]
    blank: tuple[int, ...]


def table_in(rows: list[Row], *, where: str) -> Sheet:
    """
    Return the cells below the header, without the rows that only add up others.

    Raises
    ------
    InputError
        There is no row at all.
    """
    if not rows:
        raise InputError("tables.no_header", where=where)
    start, header, _ = _header(rows)
    title = " ".join(text(cell) for _, cells in rows[:start] for cell in cells if cell not in header)
    top, body = rows[start - 1][0], rows[start:]
    rows[:] = []  # a table of a million rows is held once
    numbers = np.array([number for number, _ in body], dtype=np.int64)
    between = np.arange(top + 1, numbers[-1]) if len(numbers) else numbers
    adds_up = np.array([_adds_up(cells) for _, cells in body], dtype=bool)
    frame = _frame(
        [cells for (_, cells), left_out in zip(body, adds_up, strict=True) if not left_out], header
    )
    return Sheet(
        frame, numbers[~adds_up], title,
        sums=tuple(numbers[adds_up].tolist()), blank=tuple(np.setdiff1d(between, numbers).tolist()),
    )  # fmt: skip


def _frame(body: list[list[Any]], header: list[Any]) -> pd.DataFrame:
    width = max([len(header), *map(len, body)])
    columns = _names([text(cell) for cell in header] + [""] * (width - len(header)))
    for cells in body:
        cells.extend([None] * (width - len(cells)))
    frame = pd.DataFrame(body, columns=columns, dtype=object)
    unnamed = [c for c, cell in zip(columns, [*header, *[None] * width], strict=False) if not text(cell)]
    return frame.drop(columns=[c for c in unnamed if all(text(value) == "" for value in frame[c])])


def _adds_up(cells: list[Any]) -> bool:
    """Tell whether a row only sums up others: `小计` in front, or behind a serial, and no zone's code."""
    front = list(islice((cell for cell in cells if cell is not None and cell != ""), 2))
    if not any(isinstance(cell, str) and _SUM_WORD.search(cell) for cell in front):
        return False
    said = [re.sub(r"\s", "", unicodedata.normalize("NFKC", text(cell))) for cell in front]
    return any(_SUM.fullmatch(cell) for cell in said) and not any(_CODE.search(cell) for cell in said)


def _header(rows: list[Row]) -> tuple[int, list[Any], int]:
    """Return where the body starts, the header, and how many of its cells are known headers."""
    top = [cells for _, cells in rows[: TITLE_ROWS + 2]]
    found = [(i + 1, cells, _known_cells(cells)) for i, cells in enumerate(top[: TITLE_ROWS + 1])]
    for i, (above, below) in enumerate(pairwise(top)):
        width = max(len(above), len(below))
        over, under = (
            [text(cell) for cell in cells] + [""] * (width - len(cells)) for cells in (above, below)
        )
        if all(is_known(cell) for cell in under if cell) or _stands_under(over, under):
            both = _both(over, under)
            found.append((i + 2, both, _known_cells(both)))
    best = max(found, key=lambda candidate: candidate[2])
    if best[2]:
        return best
    most = max(len([c for c in cells if text(c)]) for cells in top)
    return next(f for f in found if 2 * len([c for c in f[1] if text(c)]) >= most)


def _stands_under(over: list[str], under: list[str]) -> bool:
    """Tell whether a row parts merged headers above it, `床位数` into `总数` and `护理型`: never numbers."""
    merged = [not o or not after for o, after in zip(over, [*over[1:], "end"], strict=True)]
    parts = [(is_merged, cell) for is_merged, cell in zip(merged, under, strict=True) if cell]
    return bool(parts) and all(is_merged and math.isnan(number(cell)) for is_merged, cell in parts)


def _both(over: list[str], under: list[str]) -> list[str]:
    """Name columns by a header of two rows: by the word, of all they give together, that is known."""
    names, group = [], ""
    for above, below in zip(over, under, strict=True):
        group = above or (group if below else "")
        basis = next((word for word in ("户籍", "常住") if word in group and word not in below), "")
        words = (basis + below, below + group, group + below, below, above) if below else (above,)
        names.append(next((word for word in words if is_known(word)), group + below))
    return names


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


def known_headers(rows: list[Row]) -> int:
    """Return how many cells of the header are known ones."""
    return _header(rows)[2] if rows else 0


def filled(rows: Iterable[Iterable[Any]]) -> Iterator[Row]:
    """Number rows from 1, drop blank ones, and cut the empty cells at their ends."""
    for i, row in enumerate(rows, 1):
        cells = list(row)
        while cells and (cells[-1] is None or text(cells[-1]) == ""):
            cells.pop()
        if cells:
            yield i, cells


def read_delimited(path: Path) -> list[Row]:
    """
    Read delimited text: UTF-8, UTF-16 or GB18030; comma, semicolon, tab or bar. Every cell stays text.

    Raises
    ------
    InputError
        The text is in none of these encodings, or a quotation mark is never closed.
    """
    lines = list(io.StringIO(decode(path.read_bytes(), where=str(path)), newline=""))
    top = lines[: 4 * TITLE_ROWS]
    tries = [(delimiter, _parse(top, delimiter)[0]) for delimiter in ",;\t|"]
    delimiter = max(tries, key=lambda one: _worth(one[1]))[0]
    rows, open_line = _parse(lines, delimiter)
    if open_line:
        raise InputError("tables.open_quote", where=f"{path}:{open_line}")
    return rows


def _worth(rows: list[Row]) -> tuple[int, int]:
    """Rank a delimiter by the known headers it yields, then by the cells of the header."""
    if not rows:
        return 0, TITLE_ROWS  # nothing but delimiters: these are it
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
                return list(filled(records)), 0
            records.append(record)
            began.append(reader.line_num + 1)
    except csv.Error:  # a cell beyond all bounds: it began at an open quotation mark
        return list(filled(records)), began[-1]
    return list(filled(records[:-1])), began[-2]


def decode(raw: bytes, *, where: str) -> str:
    """Return text by its BOM, as UTF-16 where it holds zeros, as UTF-8 or as GB18030; nothing is replaced."""
    boms = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
    marked = next((encoding for bom, encoding in boms if raw.startswith(bom)), None)
    top = raw[:_TOP_BYTES]
    zeros = top[::2].count(0), top[1::2].count(0)  # one of the two bytes of , and of a digit
    if not marked and 20 * max(zeros) > len(top) > 20 * min(zeros):
        marked = "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
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
