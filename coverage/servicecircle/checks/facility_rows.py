"""One facility table under way: its cells by our fields, and findings that know their row."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np

from servicecircle.checks.named_zones import BESIDE
from servicecircle.checks.table_rows import TableRows
from servicecircle.sources.cells import each, text
from servicecircle.sources.columns import match_columns, more_columns
from servicecircle.sources.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.database import Database
    from servicecircle.findings import Findings
    from servicecircle.sources.tables import Table
    from servicecircle.study import FacilityTable

NUMBERS = (
    "beds", "nursing_beds", "floor_area_m2", "site_area_m2", "occupancy",
    "long_stay_beds", "embedded_beds", "occupied_beds",
)  # fmt: skip
YES_NO = (
    "upgraded", "transformed", "medical_agreement", "accepted", "meets_standard", "barrier_free", "geriatric",
    "in_house_clinic",
)  # fmt: skip
"""1.0 yes, 0.0 no, NaN not told."""

TEXTS = ("operator", "opened", "operator_type", "owner", "functions")
FIELDS = ("facility_id", "name", "kind", "status", "lon", "lat", "unit", "address", *NUMBERS, *TEXTS, *YES_NO)
PLACE = ("lon", "lat")
TARGETS: dict[str, tuple[str, ...]] = {
    "facilities.no_coordinates": PLACE,
    "facilities.bad_coordinates": PLACE,
    "facilities.outside_streets": PLACE,
    "facilities.swapped": PLACE,
    "unlocated.ambiguous": PLACE,
    "unlocated.unmatched": PLACE,
    "detect.row_unsure": PLACE,
    "detect.row_doubt": PLACE,
    "facilities.unknown_kind": ("kind",),
    "facilities.unknown_status": ("status",),
    "facilities.duplicate_id": ("facility_id",),
}
"""The fields that a finding about a row is mended in."""


@dataclass(frozen=True, slots=True, eq=False)
class FacilityRows(TableRows):
    """
    The rows of one facility table.

    Parameters
    ----------
    entry
        What the study says of the table.
    source, origin
        The table as it was read, and where each row stands in it.
    more_units
        Columns that name a row's zone besides that of `unit`: its township, its county.
    """

    entry: FacilityTable
    source: Table
    origin: NDArray[np.intp]
    more_units: tuple[str, ...] = ()

    @classmethod
    def read(
        cls, path: Path | Database, entry: FacilityTable, *, crs: CRS | None, findings: Findings
    ) -> FacilityRows:
        """Read a table; `crs` is that of a layer whose file names none."""
        table = read_table(
            path, sheet=entry.sheet, layer=entry.layer, crs=crs, what="[[facilities]]", findings=findings
        )
        columns = match_columns(table.frame, FIELDS, entry.columns, where=str(path))
        more = () if "unit" in entry.columns else more_columns(table.frame, "unit", columns)
        return cls(table, columns, findings, entry, table, np.arange(len(table.frame)), more)

    def texts(self, field: str) -> list[str]:
        """Return the cells of a field as text."""
        return each(text, self.cells(field)) if field in self.columns else [""] * len(self)

    def units(self) -> list[str]:
        """Return what names the zone of each row, of several columns parted by `BESIDE`."""
        columns = [self.texts("unit"), *(each(text, list(self.table.frame[c])) for c in self.more_units)]
        return [BESIDE.join(filter(None, dict.fromkeys(cells))) for cells in zip(*columns, strict=True)]

    def text_at(self, field: str, i: int) -> str:
        """Return one cell of a field as text."""
        return text(self.table.frame[self.columns[field]].iloc[i]) if field in self.columns else ""

    def read_at(self, fields: Sequence[str], i: int) -> str:
        """Return what one row holds in some fields; of a shape its beginning."""
        if tuple(fields) == PLACE and isinstance(self.table.frame, gpd.GeoDataFrame):
            shape = self.table.frame.geometry.iloc[i]
            return "" if shape is None else str(shape)[:60]
        cells = [self.text_at(field, i) for field in fields]
        return ", ".join(cells) if any(cells) else ""

    def subject_at(self, i: int) -> str:
        """Return what one row is called in findings: the facility's name, else its id."""
        return self.text_at("name", i) or self.text_at("facility_id", i)

    def written_at(self, at: NDArray[np.intp]) -> list[str]:
        """Return all cells of some rows of the source, each as one text: it tells rows apart in any order."""
        rows = self.source.frame.iloc[at].drop(columns="geometry", errors="ignore").to_numpy(dtype=object)
        return ["\x1f".join(text(cell) for cell in row) for row in rows]

    def cell_at(self, at: int, fields: Sequence[str] = ()) -> dict[str, Any]:
        """Return what a correction has to know of a row of the source: sheet, cells, a mark of the row."""
        columns = [self.columns[field] for field in fields if field in self.columns]
        (written,) = self.written_at(np.array([at]))
        return {
            "source": self.entry.source, "sheet": self.sheet, "cell": self.source.cells_at(at, columns),
            "column": ", ".join(columns), "mark": mark_of(written),
        }  # fmt: skip

    @property
    def sheet(self) -> str:
        """Return the sheet or layer that the table was read from; '' where it has none of a name."""
        return self.entry.sheet or self.entry.layer or self.source.sheet

    def note(self, code: str, i: int, **facts: Any) -> None:
        """
        Note a finding on one row, by position.

        What a correction has to know goes with it: sheet, cell, what was read there, and a mark of the row.
        """
        fields = TARGETS.get(code, ())
        if "column" in facts:
            fields = tuple(ours for ours, theirs in self.columns.items() if theirs == facts["column"])
        cell = self.cell_at(int(self.origin[i]), fields) | {"read": self.read_at(fields, i)}
        row = int(self.table.rows[i])
        self.findings.note(code, subject=self.subject_at(i), row=row, **(cell | facts))


def mark_of(written: str) -> str:
    """Return a short mark by which a row is known again, without giving away what it holds."""
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:10]
