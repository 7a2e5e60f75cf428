"""What stands below a header: records, further tables beside and below the first, and rows that hold none."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from servicecircle.sources.cells import folded, number, text, unspaced
from servicecircle.sources.columns import headers_of, is_known, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Row = tuple[int, list[Any]]
Merge = tuple[int, int, int]
"""First row, last row and column, from 0, of cells merged into one downwards; rows are counted from 1."""

SUMS, HEADERS, UNITS, NOTES, BLANK = (
    "tables.sum_rows", "tables.header_again", "tables.unit_row", "tables.note_rows", "tables.blank_rows",
)  # fmt: skip
"""Findings about rows that hold no record."""

_SUM = re.compile(
    r"(?i).{0,12}(合计|小计|总计|共计|累计|(sub|grand)?-?total)[:：]?(\(.*\)|\d+[个处所张人家户名]?)?"
)
_SUM_WORD = re.compile(r"(?i)计|total")
_CODE = re.compile(r"\d{6}")
_SUSPECT = re.compile(r"(?i)计|total|[:：]|^\W?[一二三四五六七八九十]+(?:\W|$)")
_NOTE = re.compile(
    r"(注|备注|说明|附注|填表说明|(填表|填报|制表|审核|联系|经办|复核)(人|单位|日期|时间|电话|部门)?|(单位)?负责人|联系电话|数据来源|资料来源)"
    r"(\(.*?\))?:.*"
)
_SECTION = re.compile(r"\([一二三四五六七八九十]{1,3}\)(.*)|[一二三四五六七八九十]{1,3}(?:[、.](.*))?")
_UNIT = re.compile(
    r"(?:单位)?[:：]?[(\[]?((?:万|千)?(?:人|户|个|张|床|处|所|家|间|名|岁|层|元|米|m|m2|平方米|平米|亩|公顷|度|°|%))[)\]]?"
)
_SERIALS = frozenset({"序号", "序", "no", "serial", "serialnumber"})
_TOWNSHIP = re.compile(r".{1,12}(街道|镇|乡|办事处|管委会)(\(.*\))?[:：]?")
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_NAMED = frozenset(header for field in ("name", "code", "facility_id") for header in headers_of(field))
_PLACES = frozenset(header for field in ("lon", "lat", "code", "area_class") for header in headers_of(field))
_FEWEST = 3
"""Cells that tell a header, or a row of column numbers, from a record."""


@dataclass(frozen=True, slots=True)
class Block:
    """
    Records under one header.

    Parameters
    ----------
    header
        Its cells.
    columns
        Where each of them stands in the sheet, from 0.
    rows
        Numbered rows of the sheet; a cell is found by `columns`.
    """

    header: list[Any]
    columns: list[int]
    rows: list[Row]


def part(
    above: Sequence[Row], header: list[Any], body: list[Row]
) -> tuple[list[Block], dict[str, list[int]]]:
    """
    Return the tables below a header, and the numbers of rows that hold no record, by their finding.

    Parameters
    ----------
    above
        The rows of the header and of the titles over it: what repeats one of them is no record.
    header
        The header as it was understood; the units that stand in a row under it are added to it.
    """
    left_out: defaultdict[str, list[int]] = defaultdict(list)
    header = list(header)
    start = 0
    for i, (line, cells) in enumerate(body[:2]):
        if units := _units(cells):
            header = [_with_unit(head, units.get(j, "")) for j, head in enumerate(header)]
        elif not _are_column_numbers(cells):
            break
        left_out[UNITS if units else NOTES].append(line)
        start = i + 1
    blocks: list[tuple[list[Any], list[Row]]] = [(header, [])]
    heads = frozenset(
        filter(None, (text(c) for cells in (header, *(row for _, row in above)) for c in cells))
    )
    said = {_said(cells) for _, cells in above}
    width = sum(text(cell) != "" for cell in header)
    for line, cells in body[start:]:
        if width > _FEWEST and (alone := _alone(header, cells)):
            left_out[alone].append(line)
            continue
        front = _front(cells)
        if not _is_suspect(front, heads):
            blocks[-1][1].append((line, cells))
        elif _said(cells) in said:
            left_out[HEADERS].append(line)
        elif _is_header(cells, width):
            left_out[HEADERS].append(line)
            blocks.append((cells, []))
        elif _adds_up(front):
            left_out[SUMS].append(line)
        elif _is_note(cells, front, width):
            left_out[NOTES].append(line)
        else:
            blocks[-1][1].append((line, cells))
    return [block for head, rows in blocks for block in _side_by_side(head, rows)], left_out


def _is_suspect(front: list[Any], heads: frozenset[str]) -> bool:
    """Tell quickly whether a row may be no record."""
    return any(type(cell) is str and (cell in heads or _SUSPECT.search(cell)) for cell in front)


def _alone(header: list[Any], cells: list[Any]) -> str:
    """Tell what a row of one cell is that holds no record: a blank line's serial, or the title of a part."""
    last = len(cells) - 1
    if last > _FEWEST or any(text(cell) for cell in cells[:last]):
        return ""
    if last < len(header) and plain(header[last]) in _SERIALS:
        return NOTES if math.isnan(number(cells[last])) else BLANK
    return NOTES if last == 0 and _TOWNSHIP.fullmatch(unspaced(cells[last])) else ""


def _front(cells: list[Any]) -> list[Any]:
    """Return the first two cells that hold anything."""
    if len(cells) > 1 and cells[0] and cells[1]:
        return cells[:2]
    return [cell for cell in cells if cell is not None and cell != ""][:2]


def _said(cells: Iterable[Any]) -> tuple[str, ...]:
    return tuple(filter(None, map(text, cells)))


def _adds_up(front: list[Any]) -> bool:
    """Tell whether a row only sums up others: `小计` in front, or behind a serial, and no zone's code."""
    if not any(isinstance(cell, str) and _SUM_WORD.search(cell) for cell in front):
        return False
    said = [unspaced(cell) for cell in front]
    return any(_SUM.fullmatch(cell) for cell in said) and not any(_CODE.search(cell) for cell in said)


def _is_header(cells: list[Any], width: int) -> bool:
    """Tell whether a row below the header is one of a further table: nothing but names of columns."""
    said = _said(cells)
    return len(said) >= max(_FEWEST, width / 2) and len(set(said)) > 1 and all(map(is_known, said))


def _is_note(cells: list[Any], front: list[Any], width: int) -> bool:
    """Tell whether a row is a remark under the table, `注：…`, or the title of a part of it, `（一）…`."""
    first, held = unspaced(front[0]), len(_said(cells))
    if _NOTE.fullmatch(first):
        return held <= max(_FEWEST, width / 2)
    return bool(width > _FEWEST and held <= len(front) <= 2 and _SECTION.fullmatch(first)) and (
        held == 1 or not isinstance(front[1], int | float)
    )


def _units(cells: list[Any]) -> dict[int, str]:
    """Return the units in a row of nothing else, by column."""
    held = {j: _UNIT.fullmatch(folded(cell)) for j, cell in enumerate(cells) if text(cell)}
    return {j: found[1] for j, found in held.items() if found} if all(held.values()) else {}


def _with_unit(head: Any, unit: str) -> Any:
    return f"{text(head)}({unit})" if unit and text(head) else head


def _are_column_numbers(cells: list[Any]) -> bool:
    """Tell whether a row only numbers the columns: 1, 2, 3, 4 or 甲, 乙, 1, 2."""
    said = [cell.strip("()") for cell in map(unspaced, cells) if cell]
    letters = sum(cell in _STEMS for cell in said)
    wanted = [*_STEMS[:letters], *map(str, range(1, len(said) - letters + 1))]
    return len(said) > _FEWEST and said == wanted


def _side_by_side(header: list[Any], rows: list[Row]) -> Iterator[Block]:
    """Part tables that stand beside each other: their header says the same twice or more often."""
    parts = _repeated(header)
    if not parts:
        width = max([len(header), *(len(cells) for _, cells in rows)])
        yield Block(header, list(range(width)), rows)
        return
    shared = list(range(parts[0][0]))
    for part in parts:
        columns = [*shared, *part]
        held = [row for row in rows if _holds(row, part) or (part is parts[0] and not _holds_any(row, parts))]
        yield Block([header[j] for j in columns], columns, held)


def _holds(row: Row, columns: list[int]) -> bool:
    return any(text(row[1][j]) for j in columns if j < len(row[1]))


def _holds_any(row: Row, parts: list[list[int]]) -> bool:
    return any(_holds(row, part) for part in parts)


def _repeated(header: list[Any]) -> list[list[int]]:
    """Return the columns of each table in a header that names the same ones again and again."""
    heads = [plain(cell) for cell in header]
    first = next((j for j, head in enumerate(heads) if head in _NAMED and heads.count(head) > 1), None)
    if first is None:
        return []
    starts = [j for j, head in enumerate(heads) if head == heads[first]]
    while starts[0] and heads[starts[0] - 1] and len({heads[j - 1] for j in starts}) == 1:  # its serial
        starts = [j - 1 for j in starts]
    ends = [*starts[1:], len(heads)]
    parts = [[j for j in range(a, b) if heads[j]] for a, b in zip(starts, ends, strict=True)]
    alike = len({tuple(heads[j] for j in part) for part in parts}) == 1
    return parts if alike and len(parts[0]) >= _FEWEST - 1 else []


def fill_down(
    header: list[Any], body: list[Row], merges: Sequence[Merge]
) -> tuple[dict[str, int], dict[str, int]]:
    """
    Write the value of cells merged downwards into each of their rows, in place; mere blanks stay blank.

    A number is not repeated, as it may be the sum of its rows; a coordinate and a zone's code are.

    Returns
    -------
    How many cells were filled by header, and how many were left blank below a number.
    """
    filled: defaultdict[str, int] = defaultdict(int)
    left: defaultdict[str, int] = defaultdict(int)
    position = {line: i for i, (line, _) in enumerate(body)} if merges else {}
    until: defaultdict[int, int] = defaultdict(int)
    for top, bottom, column in sorted(merges):
        start = position.get(top)
        if start is None or top <= until[column]:  # a header, or merged twice as no program does
            continue
        until[column] = bottom
        cells = body[start][1]
        value = cells[column] if column < len(cells) else None
        called = text(header[column]) if column < len(header) else ""
        repeated = math.isnan(number(value)) or plain(called) in _PLACES
        for line, lower in body[start + 1 : start + 1 + bottom - top]:
            if line > bottom or text(value) == "":
                break
            lower.extend([None] * (column + 1 - len(lower)))
            if text(lower[column]) == "":
                (filled if repeated else left)[called] += 1
                lower[column] = value if repeated else None
    return dict(filled), dict(left)
