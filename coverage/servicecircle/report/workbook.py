"""A report's tables as a workbook: filters, frozen headers, the figures as they are printed, a dictionary."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink

from servicecircle.maps.text import Text
from servicecircle.outputs.cells import harmless
from servicecircle.outputs.workbook import save_dated
from servicecircle.report.figures import known, shown
from servicecircle.report.model import Column, Paragraph, Points
from servicecircle.report.numbering import laid_out
from servicecircle.report.phrases import Phrases
from servicecircle.report.plain import plain, width_em
from servicecircle.report.tables import Sheet, meaning, sheets_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

    from servicecircle.report.model import Format, Report
    from servicecircle.words import Language

_A4 = 9
_WIDEST, _NARROWEST, _FRONT_WIDE, _UPRIGHT = 60.0, 8.0, 90.0, 102.0
"""Widths in digits: of columns, of the front page, of a table that is printed upright."""

_BODY_PT = 11.0
_MOST_LETTERS = 16_383
"""Of a cell: it holds 32,767 units, and a letter takes up to two."""

_MOST_IN_FOOT = 160
_HEAD_ROW = 2
_LINE_PT, _HIGHEST_PT = 15.0, 409.0
_FORMATS: dict[Format, tuple[str, str]] = {
    "text": ("General", "General"), "code": ("@", "@"), "count": ("0", "#,##0"), "people": ("0", "#,##0"),
    "share": ("0.0%", "0.0%"), "points": ("+0.0;-0.0;0.0", "+0.0;-0.0;0.0"), "metres": ("0", "#,##0"),
    "minutes": ("0.0", "0.0"), "decimal": ("0.0", "0.0"), "date": ('yyyy"年"m"月"d"日"', "yyyy-mm-dd"),
}  # fmt: skip
_NAMED = {"text", "code", "date"}
_UNITS = {"people", "share", "points", "metres", "minutes"}
_LINE = Side(style="thin", color="B7C0C9")
_BORDER = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_FILL, _STRONG_FILL = PatternFill("solid", fgColor="E6EEF2"), PatternFill("solid", fgColor="EEF3EA")
_BOLD, _PLAIN, _LINK = Font(bold=True), Font(), Font(color="0B5A8A", underline="single")
_TITLE, _CAPTION, _SOFT = Font(bold=True, size=16), Font(bold=True, size=12), Font(color="4A525C", size=9)
_LEFT = Alignment(horizontal="left", vertical="top", wrap_text=True)
_RIGHT = Alignment(horizontal="right", vertical="top")
_MIDDLE = Alignment(horizontal="center", vertical="center", wrap_text=True)


def write_xlsx(report: Report, path: Path) -> Path:
    """
    Write a report's tables, one per sheet; those of many units with the same columns stand in one sheet.

    Figures are held as they are printed, a share cut to a tenth of a per cent. The same report gives the
    same bytes.
    """
    layout, text = laid_out(report), Text(report.language)
    sheets = sheets_of(report, layout)
    book = Workbook()
    front = book.active
    front.title = Phrases("screen", report.language)("front")
    for sheet in sheets:
        _fill(book.create_sheet(sheet.name), sheet, text, front.title)
    dictionary = _dictionary(sheets, report.language)
    _fill(book.create_sheet(dictionary.name), dictionary, text, front.title)
    _front(front, report, [*sheets, dictionary])
    for worksheet in book.worksheets:
        _paper(worksheet, report)
    book.properties.creator, book.properties.title = plain(report.maker), plain(report.title)
    return save_dated(book, path, as_of=report.as_of)


# ---- cells ----


def held(value: Any, form: Format, text: Text) -> str | float | dt.date:
    """Return what a cell holds: a number that shows as the report prints it, or else what is printed."""
    printed = shown(value, form, text)
    if not known(value) or form in {"text", "code"}:
        return safe(printed)
    if form == "date":
        return dt.date.fromisoformat(str(value)[:10])
    if form == "share":
        return round(float(printed.removesuffix("%")) / 100, 3)
    try:
        number = float(printed.replace(",", ""))
    except ValueError:  # fewer than one person
        return printed
    return number if form in {"points", "minutes", "decimal"} else int(number)


def safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, no longer than a cell holds."""
    text = harmless(plain(text))
    return text if len(text) <= _MOST_LETTERS else text[: _MOST_LETTERS - 1] + "…"


def _put(cell: Cell, value: str | float | dt.date, font: Font = _PLAIN, alignment: Alignment = _LEFT) -> Cell:
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"  # whatever it looks like: a formula, an error, a number
    cell.font, cell.alignment = font, alignment
    return cell


# ---- sheets ----


def _fill(worksheet: Worksheet, sheet: Sheet, text: Text, front: str) -> None:
    """Write a table: its caption, its header, its rows, and below them what there is to note."""
    at = 0 if text.language == "zh" else 1
    named = [column.format in _NAMED for column in sheet.columns]
    formats = [_FORMATS[column.format][at] for column in sheet.columns]
    caption = _put(worksheet.cell(1, 1), safe(sheet.caption), _CAPTION, Alignment(vertical="center"))
    _link(caption, front, Phrases("screen", text.language)("to_front"))
    for number, column in enumerate(sheet.columns, 1):
        head = _put(worksheet.cell(_HEAD_ROW, number), safe(column.title), _BOLD, _MIDDLE)
        head.fill, head.border = _FILL, _BORDER
    widths = [_head_width(column) for column in sheet.columns]
    rows = [
        [held(value, column.format, text) for column, value in zip(sheet.columns, values, strict=True)]
        for _, values in sheet.rows
    ]
    for number, cells in enumerate(zip(*rows, strict=True)):
        widths[number] = min(max(widths[number], 2 + max(map(_width, cells))), _WIDEST)
    for row, ((strong, _), values) in enumerate(zip(sheet.rows, rows, strict=True), _HEAD_ROW + 1):
        for number, value in enumerate(values):
            cell = _put(worksheet.cell(row, number + 1), value, _BOLD if strong else _PLAIN,
                        _LEFT if named[number] else _RIGHT)  # fmt: skip
            cell.number_format, cell.border = formats[number], _BORDER
            if strong:
                cell.fill = _STRONG_FILL
        _heighten(worksheet, row, values, widths)
    if not rows:
        _put(worksheet.cell(_HEAD_ROW + 1, 1), Phrases("writing", text.language)("no_rows"))
    _heighten(worksheet, _HEAD_ROW, [plain(column.title) for column in sheet.columns], widths)
    for number, width in enumerate(widths, 1):
        worksheet.column_dimensions[get_column_letter(number)].width = width
    _notes(worksheet, sheet, min(sum(widths), 2 * _WIDEST))
    _frozen(worksheet, sheet)


def _heighten(
    worksheet: Worksheet, row: int, values: Sequence[Any], widths: Sequence[float], line: float = _LINE_PT
) -> None:
    """Give a row the height that its longest text needs; not every program finds it by itself."""
    lines = [
        -(-_width(value, most=_MOST_LETTERS) // (width - 1))
        for value, width in zip(values, widths, strict=True)
        if isinstance(value, str)
    ]
    most = max(lines, default=1.0)
    if most > 1 or line > _LINE_PT:
        worksheet.row_dimensions[row].height = min(line * max(most, 1.0) + 2, _HIGHEST_PT)


def _notes(worksheet: Worksheet, sheet: Sheet, room: float) -> None:
    at = _HEAD_ROW + max(len(sheet.rows), 1) + 2
    for row, note in enumerate(sheet.notes, at):
        _put(worksheet.cell(row, 1), safe(note), _SOFT)
        worksheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=len(sheet.columns))
        _heighten(worksheet, row, [note], [room])


def _frozen(worksheet: Worksheet, sheet: Sheet) -> None:
    last = f"{get_column_letter(len(sheet.columns))}{_HEAD_ROW + max(len(sheet.rows), 1)}"
    worksheet.freeze_panes = worksheet.cell(_HEAD_ROW + 1, 2)
    worksheet.auto_filter.ref = f"A{_HEAD_ROW}:{last}"
    worksheet.print_title_rows = f"1:{_HEAD_ROW}"


def _front(worksheet: Worksheet, report: Report, sheets: Sequence[Sheet]) -> None:
    """Write the first sheet: what leads the report, where the tables are, and the caveats."""
    say, screen = Phrases("writing", report.language), Phrases("screen", report.language)
    worksheet.column_dimensions["A"].width, worksheet.column_dimensions["B"].width = _FRONT_WIDE, 10
    lines: list[tuple[str, Font]] = [
        (report.title, _TITLE),
        (report.subtitle, _CAPTION),
        (report.stamp, _BOLD),
    ]
    lines += [(say("maker", maker=report.maker) if plain(report.maker) else "", _PLAIN)]
    day = Text(report.language).date(report.as_of)
    lines += [(say("as_of", date=day) if day not in report.subtitle else "", _PLAIN)]
    for block in report.front:
        if isinstance(block, Paragraph):
            lines.append((block.text, _BOLD if block.manner == "lead" else _PLAIN))
        elif isinstance(block, Points):
            lines += [(f"· {item}", _PLAIN) for item in block.items]
    top = _lines(worksheet, lines, 1) + 1
    for number, head in enumerate((screen("sheets"), screen("rows")), 1):
        _put(worksheet.cell(top, number), head, _BOLD, _MIDDLE).fill = _FILL
    for row, sheet in enumerate(sheets, top + 1):
        _link(_put(worksheet.cell(row, 1), safe(sheet.caption), _LINK), sheet.name, sheet.name)
        _put(worksheet.cell(row, 2), len(sheet.rows), _PLAIN, _RIGHT)
    _lines(
        worksheet,
        [*((one, _SOFT) for one in report.cautions), (report.provenance, _SOFT)],
        top + len(sheets) + 2,
    )


def _lines(worksheet: Worksheet, lines: Iterable[tuple[str, Font]], row: int) -> int:
    """Write texts below one another, and return the next row."""
    for text, font in lines:
        if plain(text):
            _put(worksheet.cell(row, 1), safe(text), font)
            share = (font.size or _BODY_PT) / _BODY_PT
            _heighten(worksheet, row, [plain(text)], [_FRONT_WIDE / share], _LINE_PT * share)
            row += 1
    return row


def _link(cell: Cell, name: str, hint: str) -> None:
    """Lead from a cell to a sheet."""
    quoted = name.replace("'", "''")
    cell.hyperlink = Hyperlink(ref=cell.coordinate, location=f"'{quoted}'!A1", tooltip=hint[:250])


def _paper(worksheet: Worksheet, report: Report) -> None:
    """Set how a sheet is printed: A4, as wide as the page, the stamp above and the caveats below."""
    wide = sum(column.width for column in worksheet.column_dimensions.values())
    setup = worksheet.page_setup
    setup.paperSize, setup.fitToWidth, setup.fitToHeight = _A4, 1, 0
    setup.orientation = "landscape" if wide > _UPRIGHT else "portrait"
    worksheet.sheet_properties.pageSetUpPr.fitToPage = True
    foot = " ".join(plain(caution) for caution in report.cautions)
    foot = foot if len(foot) <= _MOST_IN_FOOT else foot[: _MOST_IN_FOOT - 1] + "…"
    worksheet.oddHeader.center.text = plain(report.stamp)[:_MOST_IN_FOOT].replace("&", "&&") or None
    worksheet.oddFooter.left.text, worksheet.oddFooter.left.size = foot.replace("&", "&&") or None, 7
    worksheet.oddHeader.right.text = Phrases("writing", report.language)("page_of", page="&P", pages="&N")


def _width(value: Any, most: int = int(2 * _WIDEST)) -> float:
    """Return about how many digits wide a value is."""
    if isinstance(value, dt.date):
        return 15.0
    return 2.0 * width_em(value[:most]) if isinstance(value, str) else float(len(f"{value:.0f}") + 3)


def _head_width(column: Column) -> float:
    """Return how wide a header is, that of a number in two lines."""
    wide = _width(plain(column.title))
    return min(max(wide / (1 if column.format in _NAMED else 2) + 4, _NARROWEST), _WIDEST)


# ---- dictionary ----


def _dictionary(sheets: Sequence[Sheet], language: Language) -> Sheet:
    """Return what each column is, and in which sheets it stands."""
    screen = Phrases("screen", language)
    where: dict[tuple[str, str, Format], list[str]] = {}
    for sheet in sheets:
        for column in sheet.columns:
            where.setdefault((column.key, column.title, column.format), []).append(sheet.name)
    columns = tuple(
        Column(key, screen(key)) for key in ("title", "key", "meaning", "format", "unit", "where")
    )
    rows = [
        (False, (title, key, meaning(key, language), screen(f"as_{form}"),
                 screen(f"in_{form}") if form in _UNITS else "",
                 "; ".join(dict.fromkeys(names))))
        for (key, title, form), names in where.items()
    ]  # fmt: skip
    return Sheet(screen("dictionary"), screen("dictionary"), columns, rows)


# ---- bytes ----
