"""Facility tables to one frame: every row kept, every doubt said, every facility named the same each run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from servicecircle.checks.corrections import apply_corrections, corrections_by_table
from servicecircle.checks.facility_rows import NUMBERS, TEXTS, FacilityRows, mark_of, sheet_of
from servicecircle.checks.placing import Surroundings
from servicecircle.checks.positions import declared_crs
from servicecircle.crs import WGS84, transform
from servicecircle.database import place_of
from servicecircle.errors import InputError
from servicecircle.kinds import COUNTING_STATUS, recognise_kind, recognise_status
from servicecircle.sources.cells import day, is_blank, numbers, scale_of, text

if TYPE_CHECKING:
    from pyproj import CRS

    from servicecircle.checks.corrections import Correction
    from servicecircle.checks.evidence import Box, Ground
    from servicecircle.findings import Findings
    from servicecircle.study import FacilityTable, Study
    from servicecircle.units import Floats

COLUMNS = (
    "facility_id", "name", "kind", "status", "lon", "lat", "position_error_m", "reason", "source", "row",
    "zone_hint", *NUMBERS, *TEXTS,
)  # fmt: skip
SAME_PLACE_M = 30.0
_REASONS = ("no_coordinates", "bad_coordinates", "unknown_kind")
_CONTENT = ["facility_id", "kind", "name", "lon", "lat", "written", "source"]


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
    parts = [_check_table(study, entry, given, around, findings) for entry, given in corrected]
    filled = [part for part in parts if len(part)]
    frame = pd.concat(filled, ignore_index=True) if filled else parts[0]
    if not (frame["reason"] == "").any():
        sources = ", ".join(entry.source for entry in study.facilities)
        reasons = {reason: int((frame["reason"] == reason).sum()) for reason in _REASONS}
        raise InputError("facilities.none", where=sources, rows=len(frame), **reasons)
    frame["facility_id"] = _name_ids(frame, findings)
    frame = frame.sort_values("facility_id", ignore_index=True)
    xy = transform(frame[["lon", "lat"]].to_numpy(dtype=np.float64), WGS84, crs)
    points = gpd.GeoSeries.from_xy(xy[:, 0], xy[:, 1], crs=crs)
    points[np.isnan(xy).any(axis=1)] = None
    checked = gpd.GeoDataFrame(frame[list(COLUMNS)], geometry=points)
    _say_same_place(frame, xy, findings)
    return checked


def _check_table(
    study: Study,
    entry: FacilityTable,
    corrections: list[Correction],
    around: Surroundings,
    findings: Findings,
) -> pd.DataFrame:
    path = place_of(entry.source, study.locate)
    declared = declared_crs(entry, where=str(path)) or (WGS84 if entry.datum != "auto" else None)
    rows = FacilityRows.read(path, entry, crs=declared, findings=findings)
    if len(rows) == 0:
        findings.note("facilities.empty_table", subject=entry.source)
        return pd.DataFrame(columns=[*COLUMNS, "written", "sheet"])
    rows, left_out = apply_corrections(rows, corrections)
    if len(rows) == 0:
        return left_out
    kinds = _kinds(rows)
    placed, error_m = around.place(rows)
    unknown = (placed.reason == "") & (np.array(kinds) == "")
    checked = pd.DataFrame({
        "facility_id": rows.texts("facility_id"), "name": rows.texts("name"), "kind": kinds,
        "status": _statuses(rows), "lon": placed.lonlat[:, 0], "lat": placed.lonlat[:, 1],
        "position_error_m": error_m, "reason": np.where(unknown, "unknown_kind", placed.reason),
        "source": entry.source, "row": rows.table.rows, "zone_hint": rows.texts("unit"),
        "written": rows.written, "sheet": sheet_of(entry),
        **{field: _numbers(rows, field) for field in NUMBERS},
        "operator": rows.texts("operator"), "opened": [day(cell) for cell in rows.texts("opened")],
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
    statuses = []
    for i, cell in enumerate(rows.cells("status")):
        found = recognise_status("" if is_blank(cell) else text(cell))
        if found is None:
            rows.note("facilities.unknown_status", i, written=text(cell))
        statuses.append(found or "unknown")
    return statuses


def _numbers(rows: FacilityRows, field: str) -> Floats:
    if field not in rows.columns:
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


def _name_ids(frame: pd.DataFrame, findings: Findings) -> list[str]:
    """
    Return an id for each row: its own, else kind, place and serial; independent of the order of rows.

    Of rows that share an id, those later in the order of their content get a serial.
    """
    ordered = frame.sort_values(_CONTENT, kind="stable")
    taken = set(frame["facility_id"])
    ids: dict[Any, str] = {}
    serial: Counter[str] = Counter()
    row: Any
    for row in ordered.itertuples():
        own = str(row.facility_id)
        stem = own or _stem(row)
        serial[stem] += 1
        if own and serial[stem] == 1:
            ids[row.Index] = own
            continue
        while (fresh := f"{stem}_{serial[stem]}") in taken:
            serial[stem] += 1
        taken.add(fresh)
        ids[row.Index] = fresh
        if own:
            findings.note(
                "facilities.duplicate_id", subject=own, row=int(row.row), source=row.source, new=fresh,
                sheet=row.sheet, read=own, mark=mark_of(row.written),
            )  # fmt: skip
    return [ids[i] for i in frame.index]


def _stem(row: Any) -> str:
    place = "unplaced" if np.isnan(row.lon) else f"{row.lon:.5f}_{row.lat:.5f}"
    return f"{row.kind or 'unknown'}_{place}"


def _say_same_place(frame: pd.DataFrame, xy: Floats, findings: Findings) -> None:
    """Note, once per name, rows of one name that lie within `SAME_PLACE_M` of each other."""
    placed = np.flatnonzero(np.isfinite(xy).all(axis=1) & (frame["name"] != "").to_numpy())
    for name, group in frame.iloc[placed].groupby("name").indices.items():
        at = placed[group]
        if len(at) == 1:
            continue
        distances, _ = cKDTree(xy[at]).query(xy[at], k=2)
        alike = frame.iloc[at[np.asarray(distances)[:, 1] <= SAME_PLACE_M]]
        if len(alike) == 0:
            continue
        places = sorted(zip(alike["source"], alike["row"], strict=True))
        first = alike.sort_values(["source", "row"]).iloc[0]
        findings.note(
            "facilities.same_place", subject=name, row=int(first["row"]), count=len(alike),
            rows=", ".join(f"{source}:{row}" for source, row in places[:10]), metres=f"{SAME_PLACE_M:.0f}",
            source=first["source"], sheet=first["sheet"], mark=mark_of(first["written"]),
        )  # fmt: skip
