"""Zones: read per level, mended, parted where they overlap, and joined upwards."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from servicecircle.checks.codes import LEVELS, is_division_code, parent_code, read_code
from servicecircle.checks.shapes import are_points, are_polygons, only, polygonal, shapes_of, union, usable
from servicecircle.checks.zone_gaps import say_zone_gaps
from servicecircle.database import place_of
from servicecircle.errors import InputError
from servicecircle.sources.cells import text
from servicecircle.sources.columns import listed, match_columns
from servicecircle.sources.tables import read_table

if TYPE_CHECKING:
    from pyproj import CRS

    from servicecircle.findings import Findings
    from servicecircle.study import Study, ZoneTable

COLUMNS = (
    "code",
    "name",
    "level",
    "parent_code",
    "report_unit",
    "class_code",
    "circle_given",
    "unit",
    "geometry",
)
_FIELDS = ("code", "name", "area_class", "circle", "report_unit", "lon", "lat")
_TEXTS = {"name": "name", "report_unit": "report_unit", "class_code": "area_class", "circle_given": "circle"}
_ABOVE = {f"in_{level}": level for level in LEVELS[:-1]}
"""What a table calls the zones above its own."""

_LEFT_OUT = {"missing": "zones.no_code", "destroyed": "zones.code_destroyed", "upper": "zones.upper_code"}
_SLIVER_M2 = 1.0
_VIRTUAL = ("498", "598")
_WITHDRAWN = "已撤销"


def check_zones(study: Study, *, crs: CRS, findings: Findings) -> gpd.GeoDataFrame:
    """
    Return one row per zone of every level, sorted by level from the top down and code.

    Columns: code, name, level, parent_code, report_unit, class_code and circle_given (as written, or ""),
    unit (whether it is of the lowest level given), geometry (polygon, point or None, in `crs`).
    Upper levels that are not given are built from the digits of the codes, and named as the tables below them
    name them throughout.

    Raises
    ------
    InputError
        A table cannot be read, has no code column, or none of its rows can be used.
    """
    lowest = max((entry.level for entry in study.zones), key=LEVELS.index)
    levels: dict[str, pd.DataFrame] = {}
    for entry in study.zones:
        rows = _read(study, entry, crs=crs, lowest=lowest, findings=findings)
        levels[entry.level] = pd.concat([levels[entry.level], rows]) if entry.level in levels else rows
    for level, rows in levels.items():
        levels[level] = _part_overlaps(_one_row_per_code(rows, findings), findings)
    _doubt(levels[lowest], findings)
    say_zone_gaps(levels[lowest], findings)
    frame = pd.concat(_build_upwards(levels, lowest, findings), ignore_index=True)
    return gpd.GeoDataFrame(frame[list(COLUMNS)], geometry="geometry", crs=crs)


def _read(study: Study, entry: ZoneTable, *, crs: CRS, lowest: str, findings: Findings) -> pd.DataFrame:
    path = place_of(entry.source, study.locate)
    table = read_table(path, sheet=entry.sheet, layer=entry.layer, what="[[zones]]", findings=findings)
    above = LEVELS[: LEVELS.index(entry.level)]
    columns = match_columns(table.frame, (*above, *_FIELDS), entry.columns, where=str(table.path))
    if "code" not in columns:
        raise InputError("zones.no_code_column", where=str(table.path), columns=listed(table.frame.columns))
    shapes = shapes_of(table.frame, columns, crs=crs)
    if shapes is None and entry.level == lowest:
        raise InputError("zones.no_shapes", where=str(table.path))
    rows = pd.DataFrame({"row": np.asarray(table.rows), "level": entry.level, "unit": entry.level == lowest})
    for field, column in {**_TEXTS, **_ABOVE}.items():
        rows[field] = [text(v) for v in table.frame[columns[column]]] if column in columns else ""
    rows["geometry"] = np.full(len(rows), None) if shapes is None else shapes
    rows = _with_codes(rows, table.frame[columns["code"]], str(table.path), findings)
    if shapes is not None:
        rows = _with_shapes(rows, findings)
    if rows.empty:
        raise InputError("zones.none_usable", where=str(table.path))
    return rows


def _with_codes(rows: pd.DataFrame, cells: pd.Series[Any], path: str, findings: Findings) -> pd.DataFrame:
    level = rows["level"].iloc[0] if len(rows) else ""
    codes = [read_code(cell, level=level) for cell in cells]
    destroyed = sum(code.flaw == "destroyed" for code in codes)
    if codes and destroyed == len(codes):
        raise InputError("zones.codes_destroyed", where=path, example=codes[0].text)
    foreign = [code.text for code in codes if code.flaw == "foreign"]
    if foreign:
        name = PurePath(path).name
        findings.note("zones.foreign_codes", subject=name, count=len(foreign), example=foreign[0])
    for code, row in zip(codes, rows["row"], strict=True):
        if code.flaw in _LEFT_OUT:
            findings.note(_LEFT_OUT[code.flaw], subject=code.text, row=int(row))
    class_codes = [own or code.class_code for own, code in zip(rows["class_code"], codes, strict=True)]
    rows = rows.assign(code=[code.text for code in codes], class_code=class_codes)
    rows["name"] = rows["name"].where(rows["name"] != "", rows["code"])
    return rows[np.array([code.flaw not in _LEFT_OUT for code in codes], dtype=bool)]


def _with_shapes(rows: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Mend the shapes; a unit without one is left out, an upper zone gets its own from below."""
    shapes, mended = usable(rows["geometry"].to_numpy())
    rows = rows.assign(geometry=shapes)
    for zone in rows[mended].to_dict("records"):
        findings.note("zones.mended", subject=zone["code"], row=zone["row"])
    without = shapely.is_missing(shapes)
    for zone in rows[without].to_dict("records"):
        finding = "zones.no_shape" if zone["unit"] else "zones.upper_shape"
        findings.note(finding, subject=zone["code"], row=zone["row"])
    return rows[~without | ~rows["unit"]]


def _one_row_per_code(rows: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Join the polygons of a code; of points, and of everything else in a row, keep the first."""
    rows = rows.sort_values("code", kind="stable").reset_index(drop=True)
    joined = rows["geometry"].to_numpy(dtype=object).copy()
    firsts = ~rows["code"].duplicated()
    twice = rows[rows["code"].duplicated(keep=False)]
    for code, same in twice.groupby("code"):
        shapes = same["geometry"].to_numpy()
        polygons = shapes[are_polygons(shapes)]
        numbers = same["row"].tolist()
        written = ", ".join(map(str, numbers))
        finding = "zones.joined" if len(polygons) else "zones.repeated"
        findings.note(finding, subject=code, row=numbers[1], count=len(same), rows=written)
        if len(polygons):
            joined[same.index[0]] = polygonal(union(polygons))
    rows["geometry"] = joined
    return rows[firsts].reset_index(drop=True)


def _part_overlaps(rows: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Leave ground that several zones of a level claim to the lowest code."""
    shapes = rows["geometry"].to_numpy()
    polygons = only(shapes, are_polygons(shapes))
    first, second = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    first, second = first[first < second], second[first < second]
    areas = shapely.area(shapely.intersection(polygons[first], polygons[second]))
    kept = polygons.copy()
    for low, high, area in sorted(zip(first[areas > 0], second[areas > 0], areas[areas > 0], strict=True)):
        if area >= _SLIVER_M2:
            findings.note(
                "zones.overlap", subject=rows["code"][high], other=rows["code"][low], area_m2=float(area)
            )
        kept[high] = polygonal(shapely.difference(kept[high], polygons[low]))
    for i in np.flatnonzero(shapely.is_missing(kept) & ~shapely.is_missing(polygons)):
        findings.note("zones.covered", subject=rows["code"][i], row=int(rows["row"][i]))
    return rows.assign(geometry=np.where(are_points(shapes), shapes, kept))


def _doubt(units: pd.DataFrame, findings: Findings) -> None:
    for zone in units.to_dict("records"):
        about = {"subject": zone["code"], "row": zone["row"], "name": zone["name"]}
        if is_division_code(zone["code"]) and zone["code"].endswith(_VIRTUAL):
            findings.note("zones.virtual", **about)
        if _WITHDRAWN in zone["name"]:
            findings.note("zones.withdrawn", **about)


def _build_upwards(levels: dict[str, pd.DataFrame], lowest: str, findings: Findings) -> list[pd.DataFrame]:
    """Return the levels from the top down; each zone knows its parent, and every parent is there."""
    below = levels[lowest]
    frames = []
    for level in reversed(LEVELS[: LEVELS.index(lowest)]):
        below = below.assign(parent_code=[parent_code(code, level) for code in below["code"]])
        frames.append(below)
        below = _parents(below, levels.get(level), level, findings)
    return [below.assign(parent_code=""), *reversed(frames)]


def _agreed(names: pd.Series[str]) -> str:
    """Return the one name that stands in some cells; '' where there is none, or several."""
    written = set(names) - {""}
    return written.pop() if len(written) == 1 else ""


def _parents(below: pd.DataFrame, given: pd.DataFrame | None, level: str, findings: Findings) -> pd.DataFrame:
    children = below.groupby("parent_code")["geometry"]
    known = set() if given is None else set(given["code"])
    needed = {str(code): len(shapes) for code, shapes in children if code}
    built = sorted(needed.keys() - known)
    if given is not None:
        for code in built:
            findings.note("zones.parent_built", subject=code, count=needed[code])
        for code in sorted(known - needed.keys()):
            findings.note("zones.childless", subject=code)
    said = below.groupby("parent_code")[list(_ABOVE)].agg(_agreed)
    new = pd.DataFrame({"code": built, "level": level, "unit": False, "geometry": None})
    new[["report_unit", "class_code", "circle_given"]] = ""
    new[list(_ABOVE)] = said.loc[built].to_numpy()
    new["name"] = new[f"in_{level}"].where(new[f"in_{level}"] != "", new["code"])
    rows = (new if given is None else pd.concat([given, new])).sort_values("code", ignore_index=True)
    shapes = rows["geometry"].to_numpy(dtype=object).copy()
    for i in np.flatnonzero(~are_polygons(shapes) & rows["code"].isin(needed.keys()).to_numpy()):
        parts = children.get_group(rows["code"][i]).to_numpy()
        parts = parts[are_polygons(parts)]
        if len(parts):
            shapes[i] = polygonal(union(parts))
    return rows.assign(geometry=shapes)
