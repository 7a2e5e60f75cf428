"""`init`: a study file to complete and workbooks to fill in."""

from __future__ import annotations

import json
from string import Template
from typing import TYPE_CHECKING, Any

from servicecircle import words
from servicecircle.dictionary import dictionary_book
from servicecircle.errors import OutputError
from servicecircle.kinds import KINDS, RURAL_KINDS, STATUSES, URBAN_KINDS
from servicecircle.study import REGISTERS

if TYPE_CHECKING:
    from pathlib import Path

    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

    from servicecircle.words import Language

_FILES = {
    "study": "study.toml",
    "facilities": "facilities.xlsx",
    "villages": "villages.xlsx",
    "census": "census.xlsx",
    **{name: f"{name}.xlsx" for name in REGISTERS},
    "dictionary": "data_dictionary.xlsx",
    "readme": "README.md",
}
_LAST_ROW = 20_000
_AS_TEXT = {
    "code",
    "facility_id",
    "estate_id",
    "zone",
    "unit",
    "area_class",
}  # a spreadsheet turns 12 digits into 4.1E+11
_WIDTH, _WIDE = 18, 90


def init(folder: Path, *, language: Language) -> list[Path]:
    """
    Write a study file with every key explained, a workbook for each table, a data dictionary and a README.

    Returns
    -------
    paths
        What was written.

    Raises
    ------
    OutputError
        One of the files is there already, or the folder cannot be written; nothing is changed then.
    """
    paths = {name: folder / file for name, file in _FILES.items()}
    there = [path.name for path in paths.values() if path.exists()]
    if there:
        raise OutputError("scaffold.exists", where=str(folder), files=", ".join(there))
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, path in paths.items():
            with path.open("xb") as stream:
                written.append(path)
                if path.suffix == ".xlsx":
                    _workbook(name, language).save(stream)
                else:
                    text = study_text(language) if name == "study" else readme_text(language)
                    stream.write(text.encode("utf-8"))
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise OutputError(
            "scaffold.unwritable", where=str(folder), why=error.strerror or str(error)
        ) from error
    return written


def study_text(language: Language) -> str:
    """Return a study file with every key, its default and its meaning; keys without default are comments."""
    table = words.table("scaffold")
    notes = {key: _text(table["notes"], key, language) for key in table["notes"]}
    values = {
        "language": language,
        "credit_text": "自有道路数据" if language == "zh" else "our own road survey",
        "urban_kinds": json.dumps(URBAN_KINDS),
        "rural_kinds": json.dumps(RURAL_KINDS),
    }
    return Template(table["study_file"].lstrip("\n")).substitute(notes | values)


def readme_text(language: Language) -> str:
    """Return what to do with these files, step by step."""
    return _text(words.table("scaffold"), "readme", language)


def _text(table: dict[str, Any], key: str, language: Language) -> str:
    return str(table[key][0 if language == "zh" else 1])


def _workbook(name: str, language: Language) -> Workbook:
    """Return a workbook: a sheet to fill in, one that explains it, and one of what may be chosen."""
    from openpyxl import Workbook

    if name == "dictionary":
        return dictionary_book(language)
    columns = words.table("scaffold")[name]
    titles = words.table("scaffold")["sheets"]
    choices = {c["choices"]: _choices(c["choices"], language) for c in columns.values() if "choices" in c}
    book = Workbook()
    _fill_in(book.active, columns, language)
    book.active.title = _text(titles, name, language)
    _explain(book.create_sheet(_text(titles, "explained", language)), columns, choices, language)
    if choices:
        _offer(book, _text(titles, "choices", language), columns, choices)
    return book


def _choices(name: str, language: Language) -> list[tuple[str, str]]:
    """Return what may be chosen, words that the readers recognise, and what it stands for."""
    if name == "kind":
        pairs = [(kind.zh, kind.en, kind.code) for kind in KINDS.values()]
    elif name == "status":
        pairs = [
            (words.label("status", code, "zh"), words.label("status", code, "en"), code) for code in STATUSES
        ]
    else:
        values = words.table("scaffold")["choices"][name]
        return [(v if isinstance(v, str) else v[0 if language == "zh" else 1], "") for v in values]
    return [(zh, "") if language == "zh" else (code, en) for zh, en, code in pairs]


def _fill_in(sheet: Worksheet, columns: dict[str, Any], language: Language) -> None:
    from openpyxl.styles import Font, PatternFill

    for number, (field, column) in enumerate(columns.items(), 1):
        cell = sheet.cell(1, number, _text(column, "header", language))
        cell.font = Font(bold=True)
        if column.get("needed"):
            cell.fill = PatternFill("solid", fgColor="FFE8C4")
        dimension = sheet.column_dimensions[cell.column_letter]
        dimension.width = _WIDTH
        if field in _AS_TEXT:
            dimension.number_format = "@"
    sheet.freeze_panes = "A2"


def _explain(
    sheet: Worksheet, columns: dict[str, Any], choices: dict[str, list[tuple[str, str]]], language: Language
) -> None:
    from openpyxl.styles import Font

    said = words.table("scaffold")["explained"]
    rows = [[_text(said, key, language) for key in ("column", "needed", "meaning", "example")]]
    for column in columns.values():
        needed = _text(said, "yes" if column.get("needed") else "no", language)
        shown = _text(column, "example", language) if "example" in column else ""
        rows.append([_text(column, "header", language), needed, _text(column, "meaning", language), shown])
    for column in columns.values():
        if "choices" in column:
            header = _text(column, "header", language)
            may_be, stands_for = _text(said, "choice", language), _text(said, "stands_for", language)
            rows += [[], [f"{header}: {may_be}", "", stands_for]]
            rows += [[value, "", meaning] for value, meaning in choices[column["choices"]]]
    for row in rows:
        sheet.append(row)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for letter, width in zip("ABCD", (_WIDTH * 2, _WIDTH, _WIDE, _WIDTH * 2), strict=True):
        sheet.column_dimensions[letter].width = width


def _offer(
    book: Workbook, title: str, columns: dict[str, Any], choices: dict[str, list[tuple[str, str]]]
) -> None:
    """Add the drop-downs of the first sheet; what they offer stands on a sheet of its own, out of the way."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    offered, sheet = book.create_sheet(title), book.worksheets[0]
    offered.sheet_state = "hidden"
    for number, (name, pairs) in enumerate(choices.items(), 1):
        for row, (value, _) in enumerate(pairs, 1):
            offered.cell(row, number, value)
        letter = get_column_letter(number)
        listed = DataValidation(
            "list", formula1=f"'{title}'!${letter}$1:${letter}${len(pairs)}", allow_blank=True
        )
        listed.showErrorMessage = False  # other words are recognised too
        for at, column in enumerate(columns.values(), 1):
            if column.get("choices") == name:
                listed.add(f"{get_column_letter(at)}2:{get_column_letter(at)}{_LAST_ROW}")
        sheet.add_data_validation(listed)
