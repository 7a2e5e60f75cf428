"""The units table: what offices know of townships, villages and counties that no map tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.checks.census import Figure, find_figures, read_figures
from servicecircle.checks.register_rows import UNIT, RegisterRows
from servicecircle.sources.cells import is_blank
from servicecircle.sources.columns import headers_of, stem

if TYPE_CHECKING:
    from servicecircle.checks.register_rows import UnitFinder
    from servicecircle.findings import Findings
    from servicecircle.study import Study
    from servicecircle.units import Floats

PEOPLE = ("people", "elderly", "aged65", "aged75", "aged80", "households")
NUMBERS = (
    "land_m2", "planned_land_m2", "social_workers", "carers", "posts", "clients75", "retrofits",
    "family_beds", "elderly_at_home", "elderly_in_community_care", "elderly_in_institutions",
    "local_m2_per_100_households",
)  # fmt: skip
SHARES = ("elderly_share_before",)
YES_NO = ("county_town", "central_village")
UNIT_FIELDS = (*UNIT, "registered_people", *PEOPLE, *NUMBERS, *SHARES, *YES_NO)
UNIT_COLUMNS = ("name", "level", "row", "source", "registered_people", *PEOPLE, *NUMBERS, *SHARES, *YES_NO)


def read_units(study: Study, finder: UnitFinder, findings: Findings) -> pd.DataFrame:
    """
    Return the units table, indexed by zone code; a unit given twice keeps its first row.

    People are read as census tables are: years, bases, shares and units in the headers count.
    """
    rows = RegisterRows.read(study, "units", UNIT_FIELDS, needed=(UNIT,), findings=findings)
    at = finder.of_rows(rows)
    frame = pd.DataFrame({
        "name": [str(finder.zones["name"].iloc[k]) for k in at], "level": [finder.level(k) for k in at],
        "row": rows.table.rows, "source": rows.source, **_people(rows, study, findings),
        **{field: rows.numbers(field) for field in NUMBERS},
        **{field: rows.shares(field) for field in SHARES},
        **{field: rows.yes_no(field) for field in YES_NO},
    }, index=pd.Index([finder.code(k) for k in at], name="code", dtype=object))  # fmt: skip
    known = np.array(at) >= 0
    again = np.zeros(len(rows), dtype=bool)
    again[known] = frame.index[known].duplicated()
    for i in np.flatnonzero(again).tolist():
        rows.note("registers.repeated", i, written=str(frame["name"].iloc[i]))
    return frame[known & ~again][list(UNIT_COLUMNS)]


def _people(rows: RegisterRows, study: Study, findings: Findings) -> dict[str, Floats]:
    """Return people of all kinds; those of the register (户籍) stand beside the residents."""
    taken = {theirs for ours, theirs in rows.columns.items() if ours not in PEOPLE}
    table = rows.table
    own = {field: rows.columns[field] for field in PEOPLE if field in study.registers["units"].columns}
    found = find_figures(table, PEOPLE, own, basis="resident", year=study.people.year, findings=findings)
    figures = {field: figure for field, figure in found.items() if figure.column not in taken}
    registered = _registered(rows, figures)
    people = _counted(rows, figures.get("people"), None, findings)
    read = {field: _counted(rows, figures.get(field), people, findings) for field in PEOPLE[1:]}
    return {"registered_people": _counted(rows, registered, None, findings), "people": people, **read}


def _registered(rows: RegisterRows, figures: dict[str, Figure]) -> Figure | None:
    """Return the column of registered people; it is never taken for that of residents."""
    if figures.get("people") and figures["people"].basis == "registered":
        return figures.pop("people")
    if "registered_people" in rows.columns:
        return Figure.of(rows.columns["registered_people"])
    all_figures = [Figure.of(str(column)) for column in rows.table.frame.columns if column != "geometry"]
    names = headers_of("people")
    fitting = [f for f in all_figures if f.basis == "registered" and not f.share and stem(f.column) in names]
    return fitting[0] if fitting else None


def _counted(rows: RegisterRows, figure: Figure | None, people: Floats | None, findings: Findings) -> Floats:
    if figure is None:
        return np.full(len(rows), np.nan)
    values = read_figures(rows.table, figure, people=people, findings=findings)
    cells = list(rows.table.frame[figure.column])
    bad = [not is_blank(cell) and not value >= 0 for cell, value in zip(cells, values, strict=True)]
    for i in np.flatnonzero(bad).tolist():
        rows.note("registers.bad_value", i, column=figure.column, written=str(cells[i]))
    return np.where(values >= 0, values, np.nan)
