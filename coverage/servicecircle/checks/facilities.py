"""Facility tables to one frame: every row kept, every doubt said, every facility named the same each run."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from servicecircle.checks.attributes import (
    first_day,
    has_functions,
    last_day,
    operator_type,
    owner_type,
    yes_no,
)
from servicecircle.checks.corrections import apply_corrections, corrections_by_table
from servicecircle.checks.facility_rows import NUMBERS, TEXTS, YES_NO, FacilityRows
from servicecircle.checks.placing import Surroundings
from servicecircle.checks.positions import declared_crs
from servicecircle.crs import WGS84, transform
from servicecircle.database import place_of
from servicecircle.errors import InputError
from servicecircle.kinds import COUNTING_STATUS, recognise_kind, recognise_status
from servicecircle.sources.cells import day, each, is_blank, numbers, nursing_beds_in, scale_of, text

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.checks.corrections import Correction
    from servicecircle.checks.evidence import Box, Ground
    from servicecircle.findings import Findings
    from servicecircle.study import FacilityTable, Study
    from servicecircle.units import Floats

COLUMNS = (
    "facility_id", "name", "kind", "status", "lon", "lat", "position_error_m", "reason", "source", "row",
    "zone_hint", *NUMBERS, *TEXTS, *YES_NO, "has_functions", "opened_on", "opened_until",
)  # fmt: skip
SAME_PLACE_M = 30.0
_MOST_COMPARED = 100_000
"""Rows up to which similar names are looked for; beyond, the same ones only."""

_FURNITURE = re.compile(r"[\s()\[\]·\-]")
_ABOVE = re.compile(r"^(?:.{2,4}?(?:[省市县]|(?<![社小园])区))*(?:.{1,5}?(?:街道办事处|街道|镇|乡))?(?=.{3})")
_OFTEN_LEFT_OUT = re.compile(
    r"社区|居民委员会|居委会|村民委员会|村委会|农村|老年人?|养老服务|养老|日间照料|日照|服务|中心|[站点村]$|村(?=幸福|敬老|互助)"
)
_REASONS = ("no_coordinates", "bad_coordinates", "unknown_kind")
_CONTENT = ["facility_id", "kind", "name", "lon", "lat"]


def check_facilities(
    study: Study,
    *,
    crs: CRS,
    streets_box: Box | None = None,
    ground: Ground | None = None,
    findings: Findings,
) -> gpd.GeoDataFrame:
    """
    Read and check the facility tables of a study.

    Parameters
    ----------
    crs
        The study's metric CRS.
    streets_box
        West, south, east and north of the streets in degrees, where they are known.
    ground
        The study's streets and zones: an undeclared datum is told by them, and rows without coordinates
        are placed in the zone they name. None: neither is done.

    Returns
    -------
    One row per source row, sorted by `facility_id`: `COLUMNS` and a point in `crs` (None without a place).
    `reason` is '' where the row can be used, else `no_coordinates`, `bad_coordinates`, `unknown_kind` or
    `left_out` (by a correction); `occupancy` is a share. `position_error_m` is 0 for coordinates, the zone's
    radius for a place in the zone that the row names, NaN without a place.

    Raises
    ------
    InputError
        A table cannot be read or placed, or no row of any table can be used.
    """
    corrected = zip(study.facilities, corrections_by_table(study, findings), strict=True)
    around = Surroundings.of(streets_box, ground)
    tables: list[FacilityRows] = []
    parts = [_check_table(study, entry, given, around, findings, tables) for entry, given in corrected]
    frame = _joined(parts)
    if not (frame["reason"] == "").any():
        sources = ", ".join(entry.source for entry in study.facilities)
        reasons = {reason: int((frame["reason"] == reason).sum()) for reason in _REASONS}
        raise InputError("facilities.none", where=sources, rows=len(frame), **reasons)
    return _named_and_placed(frame, tables, crs=crs, findings=findings)


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    frame = pd.concat(filled, ignore_index=True) if len(filled) > 1 else (filled or parts)[0]
    derived = ["opened_on", "opened_until"]
    return frame.assign(**{field: frame[field].fillna("") for field in derived})


def _named_and_placed(
    frame: pd.DataFrame, tables: list[FacilityRows], *, crs: CRS, findings: Findings
) -> gpd.GeoDataFrame:
    frame["facility_id"] = _name_ids(frame, tables, findings)
    frame = frame.sort_values("facility_id", ignore_index=True)
    xy = transform(frame[["lon", "lat"]].to_numpy(dtype=np.float64), WGS84, crs)
    points = gpd.GeoSeries.from_xy(xy[:, 0], xy[:, 1], crs=crs)
    points[np.isnan(xy).any(axis=1)] = None
    checked = gpd.GeoDataFrame(frame[list(COLUMNS)], geometry=points)
    _say_same_place(frame, xy, tables, findings)
    return checked


def read_medical(
    study: Study,
    entry: FacilityTable,
    *,
    crs: CRS,
    around: Surroundings,
    findings: Findings,
) -> gpd.GeoDataFrame:
    """Read a table of medical institutions as facility tables are read; no row need be usable."""
    tables: list[FacilityRows] = []
    part = _check_table(study, entry, [], around, findings, tables)
    return _named_and_placed(_joined([part]), tables, crs=crs, findings=findings)


def _check_table(
    study: Study,
    entry: FacilityTable,
    corrections: list[Correction],
    around: Surroundings,
    findings: Findings,
    tables: list[FacilityRows],
) -> pd.DataFrame:
    """Return the rows of a table, each with its place among `tables`, where the table is added, and in it."""
    path = place_of(entry.source, study.locate)
    declared = declared_crs(entry, where=str(path)) or (WGS84 if entry.datum != "auto" else None)
    rows = FacilityRows.read(path, entry, crs=declared, findings=findings)
    if len(rows) == 0:
        findings.note("facilities.empty_table", subject=entry.source)
        return pd.DataFrame(columns=[*COLUMNS, "table", "origin"])
    rows, left_out = apply_corrections(rows, corrections)
    tables.append(rows)
    left_out["table"] = len(tables) - 1
    if len(rows) == 0:
        return left_out
    kinds = _kinds(rows)
    placed, error_m = around.place(rows)
    unknown = (placed.reason == "") & (np.array(kinds) == "")
    checked = pd.DataFrame({
        "facility_id": rows.texts("facility_id"), "name": rows.texts("name"), "kind": kinds,
        "status": _statuses(rows), "lon": placed.lonlat[:, 0], "lat": placed.lonlat[:, 1],
        "position_error_m": error_m, "reason": np.where(unknown, "unknown_kind", placed.reason),
        "source": entry.source, "row": rows.table.rows, "zone_hint": rows.units(),
        "table": len(tables) - 1, "origin": rows.origin,
        **{field: _numbers(rows, field) for field in NUMBERS},
        **{field: _yes_no(rows, field) for field in YES_NO},
        **_words(rows),
    })  # fmt: skip
    return pd.concat([checked, left_out], ignore_index=True) if len(left_out) else checked


def _kinds(rows: FacilityRows) -> list[str]:
    """Return the kind of each row: as the study says, else by its type, else by its name; '' unknown."""
    if rows.entry.kind is not None:
        return [rows.entry.kind] * len(rows)
    kinds, by_name = [], 0
    for i, (written, name) in enumerate(zip(rows.texts("kind"), rows.texts("name"), strict=True)):
        by_type = recognise_kind(written)
        found = by_type or recognise_kind(name)
        if found is None:
            rows.note("facilities.unknown_kind", i, written=written or name)
        by_name += by_type is None and found is not None
        kinds.append(found[0] if found else "")
    if by_name:
        rows.findings.note("facilities.kind_by_name", subject=rows.entry.source, count=by_name)
    return kinds


def _statuses(rows: FacilityRows) -> list[str]:
    if "status" not in rows.columns:
        rows.findings.note("facilities.no_status", subject=rows.entry.source)
        return [COUNTING_STATUS] * len(rows)
    cells = rows.cells("status")
    statuses = each(lambda cell: recognise_status("" if is_blank(cell) else text(cell)), cells)
    for i, status in enumerate(statuses):
        if status is None:
            rows.note("facilities.unknown_status", i, written=text(cells[i]))
    return [status or "unknown" for status in statuses]


def _numbers(rows: FacilityRows, field: str) -> Floats:
    if field not in rows.columns:
        if field == "nursing_beds" and "beds" in rows.columns:
            return np.array(each(nursing_beds_in, rows.cells("beds")), dtype=np.float64)
        return np.full(len(rows), np.nan)
    cells = rows.cells(field)
    figures = numbers(cells, times=scale_of(rows.columns[field]))
    figures[figures < 0] = np.nan
    if field == "occupancy":  # written as 0.85, 85 or 85%
        figures = np.where(figures > 1.5, figures / 100.0, figures)
    for i in np.flatnonzero(np.isnan(figures)).tolist():
        if not is_blank(cells[i]):
            rows.note("facilities.bad_number", i, column=rows.columns[field], written=text(cells[i]))
    return figures


def _yes_no(rows: FacilityRows, field: str) -> list[float]:
    if field not in rows.columns:
        return [np.nan] * len(rows)
    said = each(yes_no, rows.cells(field))
    for i, (cell, answer) in enumerate(zip(rows.cells(field), said, strict=True)):
        if np.isnan(answer) and not is_blank(cell):
            rows.note("registers.bad_value", i, column=rows.columns[field], written=text(cell))
    return said


def _words(rows: FacilityRows) -> dict[str, list[Any]]:
    """Return who owns and runs each facility, what it does, and since when; '' where it is not told."""
    operators, opened = rows.texts("operator"), each(day, rows.texts("opened"))
    run_by = rows.texts("operator_type") if "operator_type" in rows.columns else operators
    owned = rows.texts("owner") if "owner" in rows.columns else run_by
    functions = rows.texts("functions")
    return {
        "operator": operators, "operator_type": each(operator_type, run_by), "owner": each(owner_type, owned),
        "functions": functions, "has_functions": each(has_functions, functions),
        "opened": opened, "opened_on": each(first_day, opened), "opened_until": each(last_day, opened),
    }  # fmt: skip


def _name_ids(frame: pd.DataFrame, tables: list[FacilityRows], findings: Findings) -> NDArray[np.object_]:
    """
    Return an id for each row: its own, else kind, place and serial; independent of the order of rows.

    Of rows that share an id, those later in the order of their content get a serial.
    """
    ids = frame["facility_id"].to_numpy(dtype=object).copy()
    unnamed = (ids == "") | frame["facility_id"].duplicated(keep=False).to_numpy()
    rows = frame[unnamed].assign(written="")
    tied = rows.duplicated(_CONTENT, keep=False).to_numpy()
    rows.loc[tied, "written"] = _written(rows[tied], tables)
    rows = rows.sort_values([*_CONTENT, "written", "source"], kind="stable")
    taken = set(ids)
    serial: Counter[str] = Counter()
    for i, own, stem in zip(rows.index, rows["facility_id"], _stems(rows), strict=True):
        serial[stem] += 1
        if own and serial[stem] == 1:
            continue
        while (fresh := f"{stem}_{serial[stem]}") in taken:
            serial[stem] += 1
        taken.add(fresh)
        ids[i] = fresh
        if own:
            again: Any = frame.loc[i]
            facts = _cell(again, tables, ("facility_id",)) | {"new": fresh, "read": own}
            findings.note("facilities.duplicate_id", subject=own, row=int(again["row"]), **facts)
    return np.asarray(ids)


def _stems(rows: pd.DataFrame) -> list[str]:
    """Return the ids that rows are named by, before any serial: their own, else kind and place."""
    parts = zip(rows["facility_id"], rows["kind"], rows["lon"], rows["lat"], strict=True)
    return [
        own or f"{kind or 'unknown'}_{'unplaced' if lon != lon else f'{lon:.5f}_{lat:.5f}'}"
        for own, kind, lon, lat in parts
    ]


def _written(rows: pd.DataFrame, tables: list[FacilityRows]) -> NDArray[np.object_]:
    """Return what stands in rows of several tables."""
    written = np.full(len(rows), "", dtype=object)
    which, at = rows["table"].to_numpy(), rows["origin"].to_numpy()
    for i, table in enumerate(tables):
        written[which == i] = table.written_at(at[which == i])
    return written


def _cell(row: Any, tables: list[FacilityRows], fields: tuple[str, ...] = ()) -> dict[str, Any]:
    table: FacilityRows = tables[row["table"]]
    return table.cell_at(int(row["origin"]), fields)


def _say_same_place(frame: pd.DataFrame, xy: Floats, tables: list[FacilityRows], findings: Findings) -> None:
    """Note, once per group, rows that lie within `SAME_PLACE_M` of each other and are called alike."""
    named = np.isfinite(xy).all(axis=1) & (frame["name"] != "").to_numpy()
    called_by = [frame["name"]]
    if len(frame) <= _MOST_COMPARED:
        called_by.insert(0, frame["kind"] + "\n" + frame["name"].map(_stem))
    told = np.zeros(len(frame), dtype=np.bool_)
    for called in called_by:
        often = named & called.duplicated(keep=False).to_numpy()
        at_all = np.flatnonzero(often)
        for group in called.iloc[at_all].groupby(called.iloc[at_all]).indices.values():
            at = at_all[group]
            distances, _ = cKDTree(xy[at]).query(xy[at], k=2)
            alike = at[np.asarray(distances)[:, 1] <= SAME_PLACE_M]
            if told[alike].all():
                continue
            told[alike] = True
            rows = frame.iloc[alike].sort_values(["source", "row"])
            written = [f"{source}:{row}" for source, row in zip(rows["source"], rows["row"], strict=True)]
            first = rows.iloc[0]
            findings.note(
                "facilities.same_place", subject=first["name"], row=int(first["row"]), count=len(rows),
                rows=", ".join(written[:10]), metres=f"{SAME_PLACE_M:.0f}", **_cell(first, tables),
            )  # fmt: skip


def _stem(name: str) -> str:
    """Return a facility's name without the words that one list has and another leaves out."""
    plain = _FURNITURE.sub("", unicodedata.normalize("NFKC", name))
    return _OFTEN_LEFT_OUT.sub("", _ABOVE.sub("", plain)) or plain
