"""The data dictionary: every input field, how it is recognised, what it means, and which clauses use it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from servicecircle import words
from servicecircle.standards.needs import needs
from servicecircle.standards.register import all_profiles
from servicecircle.study import REGISTERS

if TYPE_CHECKING:
    from openpyxl import Workbook

    from servicecircle.standards.clause import Clause
    from servicecircle.words import Language

TEMPLATES = ("facilities", "villages", "census", *REGISTERS)
COLUMNS = (
    "table", "field", "header_zh", "header_en", "headers", "type", "unit", "needed", "meaning_zh",
    "meaning_en", "clauses", "clause_ids",
)  # fmt: skip
_WIDTHS = (14, 24, 26, 30, 60, 10, 12, 8, 50, 50, 8, 60)
_DATES = {"opened", "built", "deadline", "start"}
_TEXTS = {
    "facility_id", "name", "kind", "status", "unit", "operator", "operator_type", "owner", "functions",
    "code", "area_class", "circle", "report_unit", "estate_id", "estate", "stage", "zone", "facility",
    "clause_id", "task", "responsible", "address", "lonlat", "township", "county", "prefecture",
}  # fmt: skip
_DERIVED = {"opened": ("opened_on", "opened_until"), "functions": ("has_functions",)}
"""What is read out of a field, under a name of its own."""


def dictionary_rows() -> list[dict[str, Any]]:
    """Return a row per table and field, in both languages; `COLUMNS` are the keys."""
    table, used = words.table("scaffold"), _used()
    rows = [_row(name, field, entry, used) for name in TEMPLATES for field, entry in table[name].items()]
    rows += [_row(entry["table"], field, entry, used) for field, entry in table["others"].items()]
    return rows


def dictionary_book(language: Language) -> Workbook:
    """Return the dictionary as a workbook of one sheet."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    titles, heads = words.table("scaffold")["sheets"], words.table("scaffold")["dictionary"]
    at = 0 if language == "zh" else 1
    book = Workbook()
    sheet = book.active
    sheet.title = titles["dictionary"][at]
    sheet.append([heads[column][at] for column in COLUMNS])
    for row in dictionary_rows():
        told = row | {
            "table": titles[row["table"]][at], "type": heads[row["type"]][at], "unit": row["unit"][at],
            "needed": heads["yes"][at] if row["needed"] else "",
        }  # fmt: skip
        sheet.append([told[column] for column in COLUMNS])
    for number, width in enumerate(_WIDTHS, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for cells in sheet.iter_rows(min_row=2):
        for cell in cells:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "C2"
    return book


def _row(table: str, field: str, entry: dict[str, Any], used: dict[str, list[str]]) -> dict[str, Any]:
    header = entry.get("header", ["", ""])
    ids = [i for name in (field, *_DERIVED.get(field, ())) for i in used.get(f"{table}.{name}", ())]
    return {
        "table": table, "field": field, "header_zh": header[0], "header_en": header[1],
        "headers": "、".join(words.table("fields").get(field, ())), "type": _type(field, entry),
        "unit": entry.get("unit", ["", ""]), "needed": bool(entry.get("needed")),
        "meaning_zh": entry["meaning"][0], "meaning_en": entry["meaning"][1],
        "clauses": len(ids), "clause_ids": "、".join(ids),
    }  # fmt: skip


def _type(field: str, entry: dict[str, Any]) -> str:
    if entry.get("choices") == "yes_no":
        return "yes_no"
    return "date" if field in _DATES else "text" if field in _TEXTS else "number"


def _of_every_study(clause: Clause) -> frozenset[str]:
    """Return the people that a clause counts by, which every study knows and a units table may state."""
    counts = clause.test is not None and (
        getattr(clause.test, "denominator", "") == "people" or getattr(clause.test, "people_at_least", 0) > 0
    )
    return frozenset({"units.people"} if counts and clause.state != "out_of_scope" else ())


def _used() -> dict[str, list[str]]:
    """Return the clauses of the five documents that use an input, by `table.column`."""
    used: dict[str, list[str]] = defaultdict(list)
    for profile in all_profiles():
        for clause in profile.clauses:
            for need in needs(clause) | _of_every_study(clause):
                used[need].append(clause.id)
                if need.startswith("indicators."):
                    used["indicators.value"].append(clause.id)
    return used
