"""The tables of a report as sheets of a workbook: alike ones of many units in one sheet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from servicecircle import words
from servicecircle.report.model import Column, Table
from servicecircle.report.phrases import Phrases
from servicecircle.report.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from servicecircle.report.model import Report, Section
    from servicecircle.report.numbering import Layout

_NO_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_NAME_UNITS = 31
_RESERVED = {"history"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """
    A sheet of a workbook.

    Parameters
    ----------
    rows
        Whether a row sums others up, and its values as they were found.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[bool, tuple[Any, ...]]]
    notes: tuple[str, ...] = ()


def sheets_of(report: Report, layout: Layout) -> list[Sheet]:
    """
    Return a sheet per table, in the report's order.

    Tables of the same columns whose names begin alike, such as `village-…`, are one sheet: its first column
    tells the table that a row comes from.
    """
    groups: dict[Any, list[tuple[Table, tuple[Section, ...]]]] = {}
    for table, above in _tables(report):
        prefix, dash, _ = table.name.partition("-")
        groups.setdefault((prefix if dash else table.name, table.columns), []).append((table, above))
    screen = Phrases("screen", report.language)
    taken = _RESERVED | {screen("front").casefold(), screen("dictionary").casefold()}
    return [_sheet(found, layout, screen, taken) for found in groups.values()]


def _tables(report: Report) -> Iterator[tuple[Table, tuple[Section, ...]]]:
    """Yield each table with the sections that it stands in."""
    yield from ((block, ()) for block in report.front if isinstance(block, Table))
    yield from _below(report.sections, ())


def _below(
    sections: tuple[Section, ...], above: tuple[Section, ...]
) -> Iterator[tuple[Table, tuple[Section, ...]]]:
    for section in sections:
        path = (*above, section)
        yield from ((block, path) for block in section.blocks if isinstance(block, Table))
        yield from _below(section.sections, path)


def _sheet(
    found: list[tuple[Table, tuple[Section, ...]]], layout: Layout, screen: Phrases, taken: set[str]
) -> Sheet:
    first = found[0][0]
    if len(found) == 1:
        caption = layout.caption(first)
        rows = [(number in first.strong, row) for number, row in enumerate(first.rows)]
        return Sheet(_name(caption, taken), caption, first.columns, rows, first.notes)
    said = _said_by_all([table.title for table, _ in found], screen("parted"))
    caption = _caption(found, said, layout, screen)
    rows = [
        (number in table.strong, (table.title[len(said) :], *row))
        for table, _ in found
        for number, row in enumerate(table.rows)
    ]
    columns = (Column("table", screen("of"), width=2.0), *first.columns)
    notes = tuple(dict.fromkeys(note for table, _ in found for note in table.notes))
    return Sheet(_name(caption, taken), caption, columns, rows, notes)


def _said_by_all(titles: Sequence[str], mark: str) -> str:
    """Return what all titles begin with, up to a colon: in `people covered: Willow Town` not the town."""
    head, parted, _ = titles[0].partition(mark)
    said = head + parted
    return said if parted and all(title.startswith(said) for title in titles) else ""


def _caption(
    found: list[tuple[Table, tuple[Section, ...]]], said: str, layout: Layout, screen: Phrases
) -> str:
    """Return the caption of several tables: their numbers, what all say, and the section that holds them."""
    paths = [path for _, path in found]
    common = [level[0] for level in zip(*paths, strict=False) if all(one is level[0] for one in level)]
    title = common[-1].title if common else found[0][0].title
    if said:
        title = screen("within", title=said.removesuffix(screen("parted")), of=title)
    number = {name: place for place, name in enumerate(layout.tables, 1)}
    numbers = [number[table.name] for table, _ in found]
    if numbers[-1] - numbers[0] + 1 != len(numbers):
        return title
    return screen("several", first=numbers[0], last=numbers[-1], title=title)


def _name(caption: str, taken: set[str]) -> str:
    """Return a sheet's name: of the letters and the length that Excel takes, and not taken yet."""
    wanted = _NO_NAME.sub(" ", plain(caption)).strip("' ")
    count, name = 1, _cut(wanted, _NAME_UNITS)
    while name.casefold() in taken or not name:
        count += 1
        name = _cut(wanted, _NAME_UNITS - len(f" {count}")) + f" {count}"
    taken.add(name.casefold())
    return name


def _cut(text: str, units: int) -> str:
    """Return as much of a text as so many units of UTF-16 hold."""
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", errors="ignore").rstrip("' ")


def meaning(key: str, language: words.Language) -> str:
    """Return what a column of the run's tables means; those of a group mean the same of its people."""
    told: dict[str, list[str]] = words.table("screen")["meanings"]
    entry = told.get(key) or told.get(key.removeprefix("elderly_"))
    return entry[0 if language == "zh" else 1] if entry else ""
