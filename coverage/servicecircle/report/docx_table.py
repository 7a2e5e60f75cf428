"""Tables of a Word report, written as XML: a report may hold over a thousand."""

from __future__ import annotations

import re
from html import escape
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from servicecircle.report.docx_look import TWIPS_PER_MM, fixed_line
from servicecircle.report.docx_parts import paragraph, run
from servicecircle.report.figures import shown
from servicecircle.report.phrases import Phrases
from servicecircle.report.plain import plain, width_em

if TYPE_CHECKING:
    from servicecircle.maps.text import Text
    from servicecircle.report.docx_look import Look
    from servicecircle.report.model import Column, Table

MOST_UPRIGHT = 9
"""Columns that an upright page holds; more of them turn it."""

_CENTRED = {"code", "date"}
_MANY, _VERY_MANY = 7, 14
_SMALL_PT, _SMALLEST_PT = 9.0, 7.5
_TURNED_MM = 200
"""A page with more room than this lies on its side."""

_TOGETHER = 8
"""Rows of a table that stays on one page."""

_LONG_CELL = 300
"""Characters of a cell that may fill a page: its row may be split."""

_WORD = re.compile(r"[!-~]+")
_SHORT_EM = 4
_BOLD, _LEAST_EM = 1.1, 2.0
_PADDING = 150
"""Twips beside the text of a cell."""


def table_xml(table: Table, caption: str, *, look: Look, text: Text, room_mm: float) -> str:
    """Return a table with its caption above and its notes below."""
    size = _size(len(table.columns), look, room_mm)
    rows = [_printed(row, table, text) for row in table.rows]
    wide = _widths(table, rows, size, round(room_mm * TWIPS_PER_MM))
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in wide)
    say = Phrases("writing", look.language)
    body = _body(table, rows, wide, size, look) if rows else _none(say("no_rows"), wide)
    layout = (
        f'<w:tblPr><w:tblStyle w:val="ReportTable"/><w:tblW w:w="{sum(wide)}" w:type="dxa"/>'
        '<w:jc w:val="center"/><w:tblLayout w:type="fixed"/><w:tblLook w:val="0020" w:firstRow="1"/>'
        f"</w:tblPr><w:tblGrid>{grid}</w:tblGrid>"
    )
    return "".join((
        paragraph("Caption", run(caption), "<w:keepNext/><w:keepLines/>"),
        f"<w:tbl>{layout}{_head(table, wide, size, look)}{body}</w:tbl>",
        *(paragraph("Note", run(note)) for note in _notes(table, say)),
    ))  # fmt: skip


def _printed(row: tuple[Any, ...], table: Table, text: Text) -> list[str]:
    cells = zip(row, table.columns, strict=True)
    return [plain(shown(value, column.format, text)) for value, column in cells]


def _notes(table: Table, say: Phrases) -> list[str]:
    if len(table.notes) == 1:
        return [say("notes", text=table.notes[0])]
    numbered = [say("numbered_note", number=n, text=note) for n, note in enumerate(table.notes, 1)]
    return [say("notes", text=numbered[0]), *numbered[1:]] if numbered else []


def _size(columns: int, look: Look, room_mm: float) -> float:
    if columns > _VERY_MANY or (columns > MOST_UPRIGHT and room_mm < _TURNED_MM):
        return min(look.sizes.table, _SMALLEST_PT)
    return min(look.sizes.table, _SMALL_PT) if columns > _MANY else look.sizes.table


def _resized(size: float, look: Look) -> tuple[str, str]:
    """Return the paragraph and the run properties of a size other than the style's."""
    if size == look.sizes.table:
        return "", ""
    line = f'<w:spacing w:before="0" w:after="0" w:line="{fixed_line(size)}" w:lineRule="exact"/>'
    return line, f'<w:sz w:val="{round(size * 2)}"/><w:szCs w:val="{round(size * 2)}"/>'


def _head(table: Table, wide: list[int], size: float, look: Look) -> str:
    line, letters = _resized(size, look)
    properties = f"<w:rPr>{letters}</w:rPr>" if letters else ""
    cells = (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/><w:vAlign w:val="center"/></w:tcPr>'
        f"{paragraph('TableHead', run(column.title, properties), line)}</w:tc>"
        for column, width in zip(table.columns, wide, strict=True)
    )
    return f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{''.join(cells)}</w:tr>"


def _body(table: Table, rows: list[list[str]], wide: list[int], size: float, look: Look) -> str:
    """Return the rows; texts are plain already, so that only escaping is left to do."""
    before = [
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/><w:vAlign w:val="center"/></w:tcPr><w:p><w:pPr>'
        f'<w:pStyle w:val="{_cell_style(column.format)}"/>'
        for column, width in zip(table.columns, wide, strict=True)
    ]
    written = []
    last = len(rows) - 1
    line, letters = _resized(size, look)
    for number, row in enumerate(rows):
        strong = "<w:b/>" if number in table.strong else ""
        properties = f"<w:rPr>{strong}{letters}</w:rPr>" if strong or letters else ""
        whole = "<w:trPr><w:cantSplit/></w:trPr>" if max(map(len, row)) <= _LONG_CELL else ""
        joined = "<w:keepNext/>" if number < last < _TOGETHER else ""
        middle = f'{joined}{line}</w:pPr><w:r>{properties}<w:t xml:space="preserve">'
        cells = (
            f"{start}{middle}{escape(cell, quote=False)}</w:t></w:r></w:p></w:tc>"
            for start, cell in zip(before, row, strict=True)
        )
        written.append(f"<w:tr>{whole}{''.join(cells)}</w:tr>")
    return "".join(written)


def _cell_style(kind: str) -> str:
    if kind == "text":
        return "TableText"
    return "TableCentre" if kind in _CENTRED else "TableNumber"


def _none(words: str, wide: list[int]) -> str:
    cell = f'<w:tcPr><w:tcW w:w="{sum(wide)}" w:type="dxa"/><w:gridSpan w:val="{len(wide)}"/></w:tcPr>'
    return f"<w:tr><w:tc>{cell}{paragraph('TableCentre', run(words))}</w:tc></w:tr>"


def _widths(table: Table, rows: list[list[str]], size: float, room: int) -> list[int]:
    """
    Return the columns' widths in twips, which fill the room.

    They are in proportion to those asked for, but no figure, code, date or word of a header is broken where
    there is room.
    """
    asked = [max(column.width, 0.1) for column in table.columns]
    least = [
        _PADDING + 20 * size * _least_em(column, [row[at] for row in rows])
        for at, column in enumerate(table.columns)
    ]
    edges = [0, *(round(edge) for edge in accumulate(_shared(room, asked, least)))]
    return [end - start for start, end in pairwise(edges)]


def _shared(room: float, asked: list[float], least: list[float]) -> list[float]:
    """Share the room as asked, but for the columns that need more: they take what they need first."""
    needy: set[int] = set()
    while True:
        left = room - sum(least[at] for at in needy)
        part = left / sum(width for at, width in enumerate(asked) if at not in needy)
        more = {at for at, width in enumerate(asked) if at not in needy and part * width < least[at]}
        if not more:
            return [least[at] if at in needy else part * width for at, width in enumerate(asked)]
        needy |= more
        if len(needy) == len(asked):  # there is not room enough: each gives up the same part
            return [room * width / sum(least) for width in least]


def _least_em(column: Column, cells: list[str]) -> float:
    """Return what a column needs to keep on one line: figures, codes, dates, Latin words and short texts."""
    is_text = column.format == "text"
    kept = [width for width in map(width_em, cells) if not is_text or width <= _SHORT_EM]
    heads = [_BOLD * width_em(word) for word in _WORD.findall(column.title)]
    title = width_em(column.title)
    return max([*kept, *heads, title if title <= _SHORT_EM else 0.0, _LEAST_EM])
