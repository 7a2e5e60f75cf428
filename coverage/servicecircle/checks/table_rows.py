"""A table under way: its cells by our fields, whatever it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from servicecircle.findings import Findings
    from servicecircle.sources.tables import Table


@dataclass(frozen=True, slots=True, eq=False)
class TableRows:
    """
    The rows of one table.

    Parameters
    ----------
    columns
        Our fields -> the table's columns.
    findings
        Where rows are listed that cannot be used, and cells that are not understood.
    """

    table: Table
    columns: dict[str, str]
    findings: Findings

    def __len__(self) -> int:
        return len(self.table.frame)

    def cells(self, field: str) -> list[Any]:
        """Return the raw cells of a field; None for each where the table lacks it."""
        if field not in self.columns:
            return [None] * len(self)
        return list(self.table.frame[self.columns[field]])
