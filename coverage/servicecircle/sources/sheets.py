"""Spreadsheets and delimited text as rows of cells, with the header found under the title rows."""

from __future__ import annotations

import codecs
import csv
import math
import re
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from servicecircle.errors import InputError
from servicecircle.sources.blocks import BLANK, Row, fill_down, part
from servicecircle.sources.cells import number, text
from servicecircle.sources.columns import is_known, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from servicecircle.sources.blocks import Block, Merge

TITLE_ROWS = 30
"""Rows of titles and notes that may stand above the header."""

_TOP_BYTES = 1 << 16
_KNOWN = 1 << 16
_END = "\x00end of table"
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")


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
    blocks
        Of the tables that it is made of, where their columns stand in the sheet, from 0.
    block
        Which of them each row is from.
    left_out
        Finding -> numbers of rows that hold no record: sums of others, blank rows, headers, units, notes.
    filled, left
        How many cells of a column took the value of the cell they are merged with, and how many did not.
    """

    frame: pd.DataFrame
    rows: NDArray[np.int64]
    title: str
    blocks: tuple[dict[str, int], ...]
    block: NDArray[np.intp]
    left_out: dict[str, list[int]]
    filled: dict[str, int]
    left: dict[str, int]


def table_in(rows: list[Row], *, where: str, merges: Sequence[Merge] = ()) -> Sheet:
    """
    Return the cells below the header, without the rows that hold no record.

    Parameters
    ----------
    rows
        Emptied, so that a table of a million rows is held once.
    merges
        Cells merged downwards; below the header their value is repeated.

    Raises
    ------
    InputError
        There is no row at all.
    """
    if not rows:
        raise InputError("tables.no_header", where=where)
    start, header, _ = _header(rows)
    title = " ".join(text(cell) for _, cells in rows[:start] for cell in cells if cell not in header)
    above, body = rows[:start], rows[start:]
    rows[:] = []
    filled, left = fill_down(header, body, merges)
    blank = _between(above[-1][0], [line for line, _ in body])
    parts, left_out = part(above, header, body)
    del body
    if blank:
        left_out[BLANK] = sorted([*blank, *left_out.get(BLANK, ())])
    return _joined(parts, title, left_out, filled, left)


def _between(top: int, lines: list[int]) -> list[int]:
    """Return the numbers that are missing between a row and the last of those below it."""
    if not lines or lines[-1] - top == len(lines):
        return []
    return sorted(set(range(top + 1, lines[-1])).difference(lines))


def _joined(
    parts: list[Block],
    title: str,
    left_out: dict[str, list[int]],
    filled: dict[str, int],
    left: dict[str, int],
) -> Sheet:
    """Return the tables of a sheet as one: what is called the same stands in one column."""
    frames, held = (list(made) for made in zip(*map(_frame, parts), strict=True))
    lines = [np.array([line for line, _ in block.rows], dtype=np.int64) for block in parts]
    called = {plain(name): name for frame in reversed(frames) for name in reversed(list(frame.columns))}
    places = []
    for i, (frame, block) in enumerate(zip(frames, parts, strict=True)):
        names = {name: called[plain(name)] for name in frame.columns} if i else {}
        if len(set(names.values())) < len(names):
            names = {}
        frames[i] = frame.rename(columns=names)
        places.append({names.get(name, name): block.columns[j] for name, j in held[i].items()})
        block.rows.clear()
    block_of = np.repeat(np.arange(len(parts)), [len(numbers) for numbers in lines])
    numbers = np.concatenate(lines)
    frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    if len(frames) > 1:
        order = np.argsort(numbers, kind="stable")
        frame = frame.astype(object).iloc[order].reset_index(drop=True)
        numbers, block_of = numbers[order], block_of[order]
    return Sheet(frame, numbers, title, tuple(places), block_of, left_out, filled, left)


def _frame(block: Block) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the records of a block, and where its columns stand in its header."""
    header, columns = block.header, block.columns
    names = _names([text(cell) for cell in header] + [""] * (len(columns) - len(header)))
    whole = columns == list(range(max(len(columns), *(len(cells) for _, cells in block.rows), 0)))
    body = [
        cells if whole else [cells[j] if j < len(cells) else None for j in columns] for _, cells in block.rows
    ]
    for cells in body:
        if len(cells) < len(columns):
            cells.extend([None] * (len(columns) - len(cells)))
    frame = pd.DataFrame(body, columns=names, dtype=object)
    unnamed = [name for j, name in enumerate(names) if j >= len(header) or not text(header[j])]
    frame = frame.drop(columns=[c for c in unnamed if all(text(value) == "" for value in frame[c])])
    return frame, {name: j for j, name in enumerate(names) if name in frame.columns}


def _header(rows: list[Row]) -> tuple[int, list[Any], int]:
    """Return where the body starts, the header, and how many of its cells are known headers."""
    top = [cells for _, cells in rows[: TITLE_ROWS + 2]]
    found = [(i + 1, cells, _known_cells(cells)) for i, cells in enumerate(top[: TITLE_ROWS + 1])]
    threes: list[tuple[int, list[Any], int]] = []
    for i, (above, below) in enumerate(pairwise(top)):
        over, under = _as_wide(above, below)
        if all(is_known(cell) for cell in under if cell) or _stands_under(over, under):
            both = _both(over, under)
            found.append((i + 2, both, _known_cells(both)))
            over, under = _as_wide(both, top[i + 2] if i + 2 < len(top) else [])
            if _stands_under(over, under):
                three = _both(over, under)
                threes.append((i + 3, three, _known_cells(three)))
    most = max(known for _, _, known in found + threes)
    if most:
        # a further table below the first may know more columns than it
        first = next((end for end, _, known in found[: len(top)] if known >= max(3, most / 2)), None)
        near = [f for f in found if first is None or f[0] in {first, first + 1}]
        near += [f for f in threes if first is None or first <= f[0] <= first + 2]
        return max(near, key=lambda candidate: candidate[2])
    most = max(len([c for c in cells if text(c)]) for cells in top)
    return next(f for f in found if 2 * len([c for c in f[1] if text(c)]) >= most)


def _as_wide(above: list[Any], below: list[Any]) -> tuple[list[str], list[str]]:
    """Return two rows as texts of one length."""
    width = max(len(above), len(below))
    over, under = ([text(cell) for cell in cells] + [""] * (width - len(cells)) for cells in (above, below))
    return over, under


def _stands_under(over: list[str], under: list[str]) -> bool:
    """Tell whether a row parts merged headers above it, `床位数` into `总数` and `护理型`: never numbers."""
    merged = [not o or not after for o, after in zip(over, [*over[1:], "end"], strict=True)]
    parts = [(is_merged, cell) for is_merged, cell in zip(merged, under, strict=True) if cell]
    return bool(parts) and all(is_merged and math.isnan(number(cell)) for is_merged, cell in parts)


def _both(over: list[str], under: list[str]) -> list[str]:
    """Name columns by two rows of a header: by the word, of all they give together, that is known."""
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
    """Number rows from 1, drop blank ones, and cut the empty cells at their ends; lists in place."""
    for i, row in enumerate(rows, 1):
        cells = row if isinstance(row, list) else list(row)
        while cells:
            last = cells[-1]
            if (type(last) is str and last.isalnum()) or text(last) != "":
                break
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
    whole = decode(path.read_bytes(), where=str(path))
    lines = (line[0] for line in _LINE.finditer(whole))  # one at a time: a copy of all would be as big
    top = list(islice(lines, 4 * TITLE_ROWS))
    tries = [(delimiter, _parse(top, delimiter)[0]) for delimiter in ",;\t|"]
    delimiter = max(tries, key=lambda one: _worth(one[1]))[0]
    rows, open_line = _parse(chain(top, lines), delimiter)
    if open_line:
        raise InputError("tables.open_quote", where=f"{path}:{open_line}")
    return rows


def _worth(rows: list[Row]) -> tuple[int, int]:
    """Rank a delimiter by the known headers it yields, then by the cells of the header."""
    if not rows:
        return 0, TITLE_ROWS  # nothing but delimiters: these are it
    _, header, known = _header(rows)
    return known, len(header)


def _parse(lines: Iterable[str], delimiter: str) -> tuple[list[Row], int]:
    """Return the rows, and the line of a quotation mark that is never closed (0: none)."""
    records: list[list[str]] = []
    reader = csv.reader(chain(lines, ("\n", _END)), delimiter=delimiter)
    known: dict[str, str] = {}  # kinds and villages stand in a million rows, and are held once
    before, began = 1, 1
    try:
        for record in reader:
            if record == [_END]:
                return list(filled(records)), 0
            if len(known) < _KNOWN:
                for cell in record:
                    known.setdefault(cell, cell)
            records.append([known.get(cell, cell) for cell in record])
            before, began = began, reader.line_num + 1
    except csv.Error:  # a cell beyond all bounds: it began at an open quotation mark
        return list(filled(records)), began
    return list(filled(records[:-1])), before


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
