"""One facility table under way: its cells by our fields, and findings that know their row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from servicecircle.sources.cells import text
from servicecircle.sources.columns import match_columns
from servicecircle.sources.tables import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from pyproj import CRS

    from servicecircle.findings import Findings
    from servicecircle.sources.tables import Table
    from servicecircle.study import FacilityTable

NUMBERS = ("beds", "nursing_beds", "floor_area_m2", "site_area_m2", "occupancy")
TEXTS = ("operator", "opened")
FIELDS = ("facility_id", "name", "kind", "status", "lon", "lat", "unit", *NUMBERS, *TEXTS)


@dataclass(frozen=True, slots=True, eq=False)
class FacilityRows:
    """
    The rows of one facility table.

    Parameters
    ----------
    entry
        What the study says of the table.
    columns
        Our fields -> the table's columns.
    findings
        Where doubts are noted.
    """

    table: Table
    entry: FacilityTable
    columns: dict[str, str]
    findings: Findings

    @classmethod
    def read(cls, path: Path, entry: FacilityTable, *, crs: CRS | None, findings: Findings) -> FacilityRows:
        """Read a table; `crs` is that of a layer whose file names none."""
        table = read_table(path, sheet=entry.sheet, layer=entry.layer, crs=crs, what="[[facilities]]")
        columns = match_columns(table.frame, FIELDS, entry.columns, where=str(path))
        return cls(table, entry, columns, findings)

    def __len__(self) -> int:
        return len(self.table.frame)

    def cells(self, field: str) -> list[Any]:
        """Return the raw cells of a field; None for each where the table lacks it."""
        if field not in self.columns:
            return [None] * len(self)
        return list(self.table.frame[self.columns[field]])

    def texts(self, field: str) -> list[str]:
        """Return the cells of a field as text."""
        return [text(cell) for cell in self.cells(field)]

    def written(self) -> list[str]:
        """Return all cells of each row as one text, to tell rows apart whatever their order."""
        raw = self.table.frame.drop(columns="geometry", errors="ignore").to_numpy(dtype=object)
        return ["\x1f".join(text(cell) for cell in row) for row in raw]

    def text_at(self, field: str, i: int) -> str:
        """Return one cell of a field as text."""
        return text(self.table.frame[self.columns[field]].iloc[i]) if field in self.columns else ""

    def note(self, code: str, i: int, **facts: Any) -> None:
        """Note a finding on one row, by position, under the facility's name, else its id."""
        subject = self.text_at("name", i) or self.text_at("facility_id", i)
        row = int(self.table.rows[i])
        self.findings.note(code, subject=subject, row=row, source=self.entry.source, **facts)
