"""Columns of people: what their headers say of year, basis, unit and share; and the figures in them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from servicecircle import words
from servicecircle.sources.cells import folded, numbers, scale_of, text, unspaced
from servicecircle.sources.columns import headers_of, match_columns, stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from servicecircle.findings import Findings
    from servicecircle.sources.tables import Table
    from servicecircle.units import Floats

Basis = Literal["", "resident", "registered"]
_SHARE = re.compile(r"占比|比例|比重|百分比|比率|率$|%|percent|share")
_YEAR = re.compile(r"(?:19|20)\d{2}")
_TITLE_UNIT = re.compile(r"单位[:]?(万|千)")
_PERCENT_FROM = 1.5
"""A column of shares with a number above it holds percent."""


@dataclass(frozen=True, slots=True)
class Figure:
    """
    What a column of people holds, by its header.

    Parameters
    ----------
    column
        The header.
    basis
        `resident` (常住), `registered` (户籍), or "" where it does not say.
    year
        The year it names.
    share
        Whether it holds parts of the people, not people.
    """

    column: str
    basis: Basis = ""
    year: int | None = None
    share: bool = False

    @classmethod
    def of(cls, column: str) -> Figure:
        """Read a header."""
        header = folded(column)
        year = _YEAR.search(header)
        return cls(
            column,
            basis="registered" if "户籍" in header else "resident" if "常住" in header else "",
            year=int(year[0]) if year else None,
            share=bool(_SHARE.search(header)),
        )


def find_figures(
    table: Table,
    measures: Iterable[str],
    given: Mapping[str, str],
    *,
    basis: str,
    year: int | None,
    findings: Findings,
) -> dict[str, Figure]:
    """
    Return the column that holds each measure; a measure without a column is left out.

    Of several that fit: the one of the basis, then people before shares, then the year asked for, else the
    latest. Figures of the other basis are taken only where no column has this one, and a finding says so.

    Raises
    ------
    InputError
        `given` names a column that is not there.
    """
    measures = tuple(measures)
    found = {
        measure: Figure.of(column)
        for measure, column in match_columns(table.frame, measures, given, where=str(table.path)).items()
        if measure in given
    }
    figures = [Figure.of(str(column)) for column in table.frame.columns if column != "geometry"]
    for measure in measures:
        names = headers_of(measure)
        fitting = [f for f in figures if stem(f.column) in names and f not in found.values()]
        if measure in found or not fitting or (measure == "people" and all(f.share for f in fitting)):
            continue

        def rank(figure: Figure, names: tuple[str, ...] = names) -> tuple[int, bool, bool, int, int]:
            other = {"": 1, basis: 0}.get(figure.basis, 2)
            return (
                other,
                figure.share,
                figure.year != year,
                -(figure.year or 0),
                names.index(stem(figure.column)),
            )

        best = found[measure] = min(fitting, key=rank)
        alike = [f for f in fitting if (f.basis, f.share) == (best.basis, best.share) and f.year != best.year]
        if alike:
            others = ", ".join(f.column for f in alike)
            findings.note("people.one_of_years", subject=table.path.name, column=best.column, others=others)
    return found


def differing(figures: Mapping[str, Figure], basis: str) -> dict[str, Figure]:
    """Return the columns whose headers say that they are of the other basis."""
    return {m: f for m, f in figures.items() if f.basis not in {"", basis}}


def say_basis(code: str, figure: Figure, basis: str, findings: Findings, *, subject: str) -> None:
    """Note that a column is of another basis than the study."""
    facts: dict[str, Any] = {"wanted": words.label("basis", basis, "en")}
    facts["wanted_zh"] = words.label("basis", basis, "zh")
    findings.note(code, subject=subject, column=figure.column, **facts)


def read_figures(table: Table, figure: Figure, *, people: Floats | None, findings: Findings) -> Floats:
    """
    Return a column's people; NaN where a cell holds no number, or a share that is none.

    Parameters
    ----------
    people
        All people of each row, of whom a column of shares tells the part; None for these themselves.
    """
    cells = table.frame[figure.column]
    if figure.share and people is not None:
        return _shares(cells, figure, table, findings) * people
    times = _unit(figure, table)
    if pd.api.types.is_numeric_dtype(cells):
        figures = cells.to_numpy(dtype=np.float64, na_value=np.nan) * times
        return np.where(np.isfinite(figures), figures, np.nan)
    return numbers(cells, times=times)


def _unit(figure: Figure, table: Table) -> float:
    """Return what its unit makes of a column's numbers: the header's, else the one in the title."""
    named = re.search(r"[(\[【](人|户)[)\]】]", unicodedata.normalize("NFKC", figure.column))
    said = _TITLE_UNIT.search(unspaced(table.title))
    return scale_of(f"({said[1]}人)") if said and not named else scale_of(figure.column)


def _shares(cells: pd.Series, figure: Figure, table: Table, findings: Findings) -> Floats:
    """Return shares of 1 from `18.5%`, or from a column of percent or of parts of 1."""
    shares = numbers(cells)
    marked = np.array(["%" in unicodedata.normalize("NFKC", text(cell)) for cell in cells], dtype=bool)
    bare = shares[~marked & np.isfinite(shares)]
    if bare.size and bare.max() > _PERCENT_FROM:
        shares = np.where(marked, shares, shares / 100)
    elif bare.size and "%" in unicodedata.normalize("NFKC", figure.column):
        findings.note("people.share_of_one", subject=table.path.name, column=figure.column)
    return np.where((shares >= 0) & (shares <= 1), shares, np.nan)
