"""A report as plain data: what it says, in its order. How it looks is for the writers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from servicecircle import words

Kind = Literal["full", "monthly", "quarterly", "half_year", "annual", "sheet"]
Format = Literal["text", "code", "count", "people", "share", "points", "metres", "minutes", "decimal", "date"]
"""How a figure is printed; `report.figures` knows how."""


@dataclass(frozen=True, slots=True)
class Column:
    """
    A column of a table.

    Parameters
    ----------
    key
        The column of the run's tables it comes from, or what it is called in the data dictionary.
    title
        Its header.
    width
        Relative to the other columns of the table.
    """

    key: str
    title: str
    format: Format = "text"
    width: float = 1.0


@dataclass(frozen=True, slots=True)
class Table:
    """
    A table with its caption; its number is given when the report is laid out.

    Parameters
    ----------
    name
        Latin and unique in a report: the anchor of a page, the sheet of a workbook.
    rows
        Values as they were found, not as they are printed; None or NaN is unknown.
    notes
        Printed under the table.
    strong
        Rows that sum others up.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    notes: tuple[str, ...] = ()
    strong: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Figure:
    """
    A picture with its caption.

    Parameters
    ----------
    path
        A PNG file.
    alt
        What it shows, for those who do not see it.
    """

    name: str
    title: str
    path: Path
    alt: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; a `lead` says the main thing, a `caution` is a caveat, a `note` explains."""

    text: str
    manner: Literal["body", "lead", "note", "caution"] = "body"


@dataclass(frozen=True, slots=True)
class Points:
    """A list of short sentences."""

    items: tuple[str, ...]


Block = Paragraph | Points | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """
    A section; its number is given when the report is laid out.

    Parameters
    ----------
    name
        Latin and unique in a report; the style file orders sections by it.
    new_page
        Whether it begins a page in print.
    """

    name: str
    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()
    new_page: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """
    A report.

    Parameters
    ----------
    stamp
        Printed across every page, such as 送审稿; '' for none.
    front
        The first page, before the contents; a bulletin and a sheet have no contents.
    cautions
        What every page's foot says.
    provenance
        One line: program version, digest of inputs, run.
    """

    kind: Kind
    language: words.Language
    title: str
    subtitle: str
    maker: str
    as_of: dt.date
    stamp: str
    front: tuple[Block, ...]
    sections: tuple[Section, ...]
    cautions: tuple[str, ...]
    provenance: str
