"""One register under way: its cells by our fields, and the zones that its rows are about."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from servicecircle.checks.attributes import first_day, yes_no
from servicecircle.checks.codes import read_code
from servicecircle.checks.named_zones import ZoneNames
from servicecircle.checks.table_rows import TableRows
from servicecircle.database import place_of
from servicecircle.errors import InputError
from servicecircle.sources.cells import day, is_blank, numbers, scale_of, text, unspaced
from servicecircle.sources.columns import listed, match_columns, more_columns
from servicecircle.sources.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd

    from servicecircle.findings import Findings
    from servicecircle.study import Study
    from servicecircle.units import Floats

UNIT = ("code", "zone", "unit", "name")
"""Columns that may tell which zone a row is about, the likelier first."""

_PERCENT_FROM = 1.5
_SEVERAL = re.compile(r"[、,，;；\n|]")
_SHOWN = 5
_WHOLE = {
    "全县": "county", "全区": "county", "县本级": "county", "全市": "prefecture", "市本级": "prefecture",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class RegisterRows(TableRows):
    """
    The rows of one register.

    Parameters
    ----------
    source
        The file, as the study names it.
    more_units
        Columns that name a row's zone besides those of `UNIT`.
    """

    source: str
    more_units: tuple[str, ...] = ()

    @classmethod
    def read(
        cls,
        study: Study,
        register: str,
        fields: Iterable[str],
        *,
        needed: tuple[tuple[str, ...], ...],
        findings: Findings,
    ) -> RegisterRows:
        """
        Read the table that the study names for a register.

        Parameters
        ----------
        needed
            Groups of fields, of each of which the table has to have one.

        Raises
        ------
        InputError
            The table cannot be read, or lacks all fields of a group.
        """
        entry = study.registers[register]
        path = place_of(entry.source, study.locate)
        what = f"[{register}]"
        table = read_table(path, sheet=entry.sheet, layer=entry.layer, what=what, findings=findings)
        columns = match_columns(table.frame, fields, entry.columns, where=str(path))
        for group in needed:
            if not columns.keys() & set(group):
                theirs = listed(c for c in table.frame.columns if c != "geometry")
                facts = {"table": what, "fields": " / ".join(group), "columns": theirs}
                raise InputError("registers.no_column", where=str(path), **facts)
        more = more_columns(table.frame, "unit", columns) if "unit" in columns else ()
        rows = cls(table, columns, findings, str(entry.source), () if "unit" in entry.columns else more)
        if len(rows) == 0:
            findings.note("registers.empty_table", subject=rows.source, table=what)
        return rows

    def texts(self, *fields: str) -> list[str]:
        """Return of each row the first of some fields that holds a text."""
        found = [""] * len(self)
        for field in fields:
            found = [kept or text(cell) for kept, cell in zip(found, self.cells(field), strict=True)]
        return found

    def unit_cells(self) -> list[list[Any]]:
        """Return of each row the cells that name its zone: none where it speaks of the whole study."""
        columns = [self.cells(field) for field in UNIT if field in self.columns]
        columns += [list(self.table.frame[column]) for column in self.more_units]
        return [[column[i] for column in columns if text(column[i])] for i in range(len(self))]

    def text_at(self, i: int, *fields: str) -> str:
        """Return the first text of one row in some fields."""
        cells = (self.table.frame[self.columns[field]].iloc[i] for field in fields if field in self.columns)
        return next(filter(None, map(text, cells)), "")

    def numbers(self, field: str) -> Floats:
        """Return a column of numbers, NaN where there is none; below 0 or no number is listed."""
        if field not in self.columns:
            return np.full(len(self), np.nan)
        cells = self.cells(field)
        figures = numbers(cells, times=scale_of(self.columns[field]))
        figures[figures < 0] = np.nan
        for i in np.flatnonzero(np.isnan(figures)).tolist():
            if not is_blank(cells[i]):
                self.bad(i, field)
        return figures

    def shares(self, field: str) -> Floats:
        """Return a column of shares of 1, written as 0.18, 18 or 18%."""
        figures = self.numbers(field)
        return np.where(figures > _PERCENT_FROM, figures / 100.0, figures)

    def yes_no(self, field: str) -> Floats:
        """Return 1.0, 0.0 or NaN for a column of yes and no."""
        cells = self.cells(field)
        said = np.array([yes_no(cell) for cell in cells], dtype=np.float64)
        for i in np.flatnonzero(np.isnan(said)).tolist():
            if not is_blank(cells[i]):
                self.bad(i, field)
        return said

    def days(self, field: str) -> list[str]:
        """Return the first days of a column of dates; '' for what is none."""
        cells = self.cells(field)
        found = [first_day(day(cell)) for cell in cells]
        for i, cell in enumerate(cells):
            if not found[i] and not is_blank(cell):
                self.bad(i, field)
        return found

    def bad(self, i: int, field: str) -> None:
        """List a cell that is not understood."""
        self.note("registers.bad_value", i, column=self.columns[field], written=self.text_at(i, field))

    def note(self, code: str, i: int, **facts: Any) -> None:
        """Note a finding on one row, by position."""
        named = self.text_at(i, "facility", "estate", "task", *UNIT, "clause_id")
        row = int(self.table.rows[i])
        self.findings.note(code, subject=named or self.source, row=row, source=self.source, **facts)


@dataclass(frozen=True, slots=True, eq=False)
class UnitFinder:
    """
    Finds the zone that a row names, of any level.

    Parameters
    ----------
    names
        What longer texts are searched for.
    whole
        Plain name of a zone -> positions of the zones so called.
    """

    zones: gpd.GeoDataFrame
    names: ZoneNames
    codes: dict[str, int]
    whole: dict[str, list[int]]

    @classmethod
    def of(cls, zones: gpd.GeoDataFrame) -> UnitFinder:
        """Return a finder of these zones."""
        whole: defaultdict[str, list[int]] = defaultdict(list)
        for i, name in enumerate(zones["name"]):
            whole[unspaced(name)].append(i)
        for word, level in _WHOLE.items():
            of_level = np.flatnonzero((zones["level"] == level).to_numpy()).tolist()
            if len(of_level) == 1:
                whole[word] = of_level
        codes = {str(code): i for i, code in enumerate(zones["code"])}
        return cls(zones, ZoneNames.of(zones), codes, dict(whole))

    def code(self, i: int) -> str:
        """Return the code of a zone by its position."""
        return str(self.zones["code"].iloc[i])

    def level(self, i: int) -> str:
        """Return the level of a zone by its position."""
        return str(self.zones["level"].iloc[i])

    def find(self, written: object, beside: str = "") -> list[int]:
        """
        Return the positions of the zones that a code or a name may mean.

        Parameters
        ----------
        beside
            What else the row says, such as its township: it tells villages of one name apart.
        """
        named = text(written)
        if not named:
            return []
        if (own := self.codes.get(read_code(written).text)) is not None:
            return [own]
        exact = self.whole.get(unspaced(named), [])
        if len(exact) == 1:
            return exact
        found = list(self.names.find(named, beside))
        return [i for i in found if i in exact] or found if exact else found

    def of_rows(self, rows: RegisterRows, *, required: bool = True) -> list[int]:
        """Return the position of each row's zone, -1 where it names none or not one; such rows are listed."""
        found = []
        for i, cells in enumerate(rows.unit_cells()):
            which = self._lowest(cells)
            found.append(which[0] if len(which) == 1 else -1)
            if len(which) != 1 and (cells or required):
                self.say_unfound(rows, i, " ".join(text(cell) for cell in cells), which)
        return found

    def of_several(self, rows: RegisterRows, i: int) -> list[int]:
        """Return the positions of the zones in one cell, such as `石桥镇、双庙镇`; what is none is listed."""
        written = rows.text_at(i, *UNIT)
        positions = []
        for part in filter(None, (part.strip() for part in _SEVERAL.split(written))):
            which = self.find(part)
            if len(which) == 1:
                positions.append(which[0])
            else:
                self.say_unfound(rows, i, part, which)
        if not written:
            self.say_unfound(rows, i, "", [])
        return positions

    def say_unfound(self, rows: RegisterRows, i: int, written: str, which: list[int]) -> None:
        """List a row whose zone is not known."""
        if len(which) > 1:
            named = "、".join(f"{self.zones['name'].iloc[k]} ({self.code(k)})" for k in which[:_SHOWN])
            rows.note("registers.unclear_unit", i, written=written, which=named)
        else:
            rows.note("registers.unknown_unit" if written else "registers.no_unit", i, written=written)

    def _lowest(self, cells: list[Any]) -> list[int]:
        """
        Return what the cells of a row mean: the first, or what another one names inside it.

        `清丰县` and `高堡乡` mean the township.
        """
        found: list[int] = []
        for cell in cells:
            beside = " ".join(text(other) for other in cells if other is not cell)
            which = self.find(cell, beside)
            found = [i for i in which if self._is_in(i, found)] or found or which
        return found

    def _is_in(self, i: int, others: list[int]) -> bool:
        return bool({self.code(k) for k in others} & set(self.names.uppers_of(i)))
