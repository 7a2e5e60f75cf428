"""The numbers of a report: 一、（一）1.（1） or 1, 1.1, 1.1.1 for sections; 图1 and 表1 each in one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from servicecircle.report.model import Figure, Table
from servicecircle.report.phrases import Phrases

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servicecircle import words
    from servicecircle.report.model import Report, Section

MOST_CONTENTS = {3: 24, 2: 120}
"""Entries of a contents list that goes down to a level; more of them, and it leaves that level out."""

_DIGITS = "零一二三四五六七八九"


@dataclass(frozen=True, slots=True)
class Heading:
    """
    A section's heading as it is printed.

    Parameters
    ----------
    name
        The section's.
    level
        1 for the report's own sections.
    """

    name: str
    level: int
    number: str
    title: str
    language: words.Language

    @property
    def text(self) -> str:
        """Number and title; a Chinese number brings its own stop."""
        return f"{self.number}{'' if self.language == 'zh' else ' '}{self.title}"


@dataclass(frozen=True, slots=True)
class Layout:
    """
    A report's headings and captions, each by the name of its section, table or figure, in their order.

    Tables and figures have captions of their own, as one of each may bear the same name.
    """

    headings: Mapping[str, Heading]
    tables: Mapping[str, str]
    figures: Mapping[str, str]

    def heading(self, section: Section) -> Heading:
        """Return a section's heading."""
        return self.headings[section.name]

    def caption(self, block: Table | Figure) -> str:
        """Return a caption with its number, such as `表1　各乡镇覆盖情况`."""
        return (self.tables if isinstance(block, Table) else self.figures)[block.name]

    def contents(self) -> tuple[Heading, ...]:
        """Return the headings for a contents list: down to the third level, or fewer where there are many."""
        for deepest, most in MOST_CONTENTS.items():
            listed = tuple(h for h in self.headings.values() if h.level <= deepest)
            if len(listed) <= most:
                return listed
        return tuple(h for h in self.headings.values() if h.level == 1)


def laid_out(report: Report) -> Layout:
    """
    Return the numbers of all sections, tables and figures of a report.

    Raises
    ------
    ValueError
        Two sections, two tables or two figures bear one name.
    """
    say = Phrases("writing", report.language)
    headings: dict[str, Heading] = {}
    for numbers, section in _numbered(report.sections, ()):
        number = section_number(numbers, report.language)
        heading = Heading(section.name, len(numbers), number, section.title, report.language)
        _add(headings, section.name, heading)
    tables: dict[str, str] = {}
    figures: dict[str, str] = {}
    parts = (report.front, *(section.blocks for _, section in _numbered(report.sections, ())))
    for block in (block for blocks in parts for block in blocks):
        if isinstance(block, Table):
            _add(tables, block.name, say("table_caption", number=len(tables) + 1, title=block.title))
        elif isinstance(block, Figure):
            _add(figures, block.name, say("figure_caption", number=len(figures) + 1, title=block.title))
    return Layout(headings, tables, figures)


def section_number(numbers: tuple[int, ...], language: words.Language) -> str:
    """Return a section's number from its place on each level, counted from 1."""
    if language == "en":
        return ".".join(map(str, numbers))
    last = numbers[-1]
    level = min(len(numbers), 4)
    return {1: f"{chinese(last)}、", 2: f"（{chinese(last)}）", 3: f"{last}.", 4: f"（{last}）"}[level]


def chinese(number: int) -> str:
    """Return a whole number from 1 to 9999 in Chinese numerals: 十二, 一百零五."""
    written = ""
    for unit, place in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = number // place % 10
        if digit:
            written += _DIGITS[digit] + unit
        elif written and number % place and not written.endswith("零"):
            written += "零"
    return written.removeprefix("一") if 10 <= number < 20 else written


def _numbered(
    sections: tuple[Section, ...], above: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], Section]]:
    for number, section in enumerate(sections, 1):
        yield (*above, number), section
        yield from _numbered(section.sections, (*above, number))


def _add(known: dict[str, Any], name: str, entry: object) -> None:
    if name in known:
        raise ValueError(name)
    known[name] = entry
