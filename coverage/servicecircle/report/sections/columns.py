"""Tables made of fields: a column, and where its value is found in a row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from servicecircle.report.figures import known
from servicecircle.report.model import Column, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd

    from servicecircle.report.model import Format
    from servicecircle.report.sections.ground import Ground

    Row = Mapping[str, Any]
    Field = tuple[Column, Callable[[Row], Any]]


def field(
    ground: Ground,
    key: str,
    format_: Format = "text",
    value: Callable[[Row], Any] | None = None,
    *,
    title: str = "",
    width: float = 1.0,
) -> Field:
    """
    Return a column of a run's table and its value in a row; modelled people are named so in the header.

    Parameters
    ----------
    value
        Where the value is not the row's own of that key.
    title
        Where the header is not the column's label.
    """
    said = title or ground.text.label("column", key)
    if format_ == "people" and ground.text.modelled:
        said = ground.text.say("modelled_column", label=said)
    return Column(key, said, format_, width), value or (lambda row: row.get(key))


def worded(ground: Ground, key: str, group: str = "", *, width: float = 1.0) -> Field:
    """Return a column whose values are words, in the report's language."""
    of = group or key
    return field(ground, key, value=lambda row: ground.text.label(of, row.get(key)), width=width)


def laid(
    name: str, title: str, fields: Sequence[Field], rows: Iterable[Row], *, notes: tuple[str, ...] = (),
    strong: frozenset[int] = frozenset(),
) -> Table:  # fmt: skip
    """Return a table with a row of values per row."""
    values = tuple(tuple(value(row) for _, value in fields) for row in rows)
    return Table(name, title, tuple(column for column, _ in fields), values, notes, strong)


def filled(fields: Sequence[Field], rows: Sequence[Row]) -> list[Field]:
    """Return the fields that any row has a value for."""
    return [one for one in fields if any(known(one[1](row)) for row in rows)]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table by column."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def written(row: Row, key: str) -> str:
    """Return a text of a row; '' where there is none, or where the whole column is empty."""
    value = row.get(key)
    return str(value) if known(value) else ""


def total(values: Iterable[Any]) -> float:
    """Return the exact sum of what is known."""
    return math.fsum(float(value) for value in values if known(value))


def less(whole: Any, *parts: Any) -> float | None:
    """Return what is left of a number; None where a part is unknown."""
    if not all(known(value) for value in (whole, *parts)):
        return None
    return max(math.fsum([float(whole), *(-float(part) for part in parts)]), 0.0)


def ratio(part: Any, whole: Any) -> float | None:
    """Return a share; None where there is nothing to share."""
    return float(part) / float(whole) if known(part) and known(whole) and float(whole) else None
