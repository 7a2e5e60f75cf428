"""What is missing for a verdict, in words."""

from __future__ import annotations

from servicecircle import words
from servicecircle.kinds import KINDS

_WRITTEN_AS = {"has_functions": "functions", "opened_on": "opened", "opened_until": "opened"}
"""What is worked out from a column, and the column as it is written."""


def missing_input(text: str, language: words.Language) -> str:
    """Say in words which inputs are missing: `units.land_m2`, `estates`, `facilities.senior_university`."""
    parts = [_one(part.strip(), language) for part in text.split("+") if part.strip()]
    return ("；" if language == "zh" else "; ").join(parts)


def _one(text: str, language: words.Language) -> str:
    table, _, column = text.partition(".")
    labels = words.table("labels")
    if table not in labels["missing_table"]:
        return text
    named = words.label("missing_table", table, language)
    if not column:
        return words.label("missing_input", "table", language).format(table=named)
    if table == "zones" and column in labels["level"]:
        level = words.label("level", column, language)
        return words.label("missing_input", "level", language).format(column=level)
    if table == "facilities" and column in KINDS:
        kind = KINDS[column].zh if language == "zh" else KINDS[column].en
        return words.label("missing_input", "kind", language).format(table=named, column=kind)
    header = _header(column, language)
    return words.label("missing_input", "column", language).format(table=named, column=header)


def _header(column: str, language: words.Language) -> str:
    """Return the header under which a column is looked for: in Chinese the first that is known."""
    column = _WRITTEN_AS.get(column, column)
    known = words.table("fields").get(column, [])
    if language == "zh" and known:
        return str(known[0])
    labelled = column in words.table("labels")["column"]
    return words.label("column", column, language) if labelled else column.replace("_", " ")
