"""People: from a raster, points or polygons, each row in its zone, scaled to the census, nobody lost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from servicecircle.checks.buildings import read_buildings
from servicecircle.checks.census import differing, find_figures, read_figures, say_basis
from servicecircle.checks.shapes import are_points, are_polygons, only, shapes_of, usable
from servicecircle.checks.totals import apply_totals, called, read_totals, sums_by_zone
from servicecircle.database import place_of
from servicecircle.errors import InputError
from servicecircle.sources import rasters
from servicecircle.sources.columns import listed, match_columns
from servicecircle.sources.tables import read_table
from servicecircle.units import Floats, within

if TYPE_CHECKING:
    from pathlib import Path

    from pyproj import CRS

    from servicecircle.checks.buildings import Buildings
    from servicecircle.checks.census import Figure
    from servicecircle.checks.shapes import Shapes
    from servicecircle.findings import Findings
    from servicecircle.sources.tables import Table
    from servicecircle.study import Study

POINT_REACH_M = 3000.0
"""How far people belong to a village known as a point only, where no township polygon says."""

_TIES = 8
_LISTED = 10
_SPREAD_AT_MOST = 50_000_000


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """
    People as demand points.

    Parameters
    ----------
    rows
        person_id, people, the groups, zone_code ("" outside), x_m, y_m, reason ("" or outside_zones).
    groups
        Names of the group columns.
    totals
        raw, raw_<group>: what the source holds; nodata_cells: cells or rows without a number; negative: sum
        of what is negative and not counted; not_located: people of rows without a place; outside_zones:
        people in no zone, of whom outside_box beyond the zones' box and without a row; scaled: people in
        zones, after the census totals. Without such totals raw = scaled + outside_zones + not_located.
    totals_table
        Census figures by zone code, as they were given: people, elderly, households and the groups.
    """

    rows: pd.DataFrame
    groups: tuple[str, ...]
    totals: dict[str, float]
    totals_table: pd.DataFrame


def check_people(study: Study, zones: gpd.GeoDataFrame, *, crs: CRS, findings: Findings) -> People:
    """
    Read the people of a study and assign them to the units of `check_zones`.

    Raises
    ------
    InputError
        The source cannot be read or divided, has no column of people, or holds nobody in any zone.
    """
    source = study.people
    measures = ("people", *source.groups)
    read = _read_raster if rasters.is_raster(source.source) else _read_table
    rows, totals, basis = read(study, zones, crs=crs, findings=findings)
    if not totals["raw"]:
        raise InputError("people.none", where=source.source)
    rows["zone_code"] = _near_points(rows, zones)
    table = pd.DataFrame(columns=["people", "elderly", "households"], dtype=float)
    if source.totals:
        table = read_totals(
            study.locate(source.totals), zones["code"], source.groups,
            basis=basis, year=source.year, findings=findings,
        )  # fmt: skip
        rows = apply_totals(rows, zones, table, measures=measures, findings=findings)
    rows = _numbered(rows, measures)
    inside = rows["reason"] == ""
    totals["scaled"] = math.fsum(rows["people"][inside])
    totals["outside_zones"] = math.fsum((*rows["people"][~inside], totals["outside_box"]))
    if not totals["scaled"]:
        raise InputError("people.none_in_zones", where=source.source, people=totals["raw"])
    if totals["outside_zones"]:
        findings.note(
            "people.outside_zones", people_touched=totals["outside_zones"], people=totals["outside_zones"]
        )
    _compare_groups(rows[inside], source.groups, findings)
    return People(rows, tuple(source.groups), totals, table)


def _read_raster(
    study: Study, zones: gpd.GeoDataFrame, *, crs: CRS, findings: Findings
) -> tuple[pd.DataFrame, dict[str, float], str]:
    units = zones[zones["unit"]]
    points = units.geometry[are_points(units.geometry.to_numpy())].buffer(POINT_REACH_M)
    homes = _townships(zones).geometry if len(points) else points
    area = gpd.GeoSeries(pd.concat([units.geometry, points, homes]), crs=crs)
    cells = rasters.read_cells(
        _raster_of(study, study.people.source),
        units[are_polygons(units.geometry.to_numpy())],
        area=area,
        groups={group: _raster_of(study, source) for group, source in study.people.groups.items()},
        findings=findings,
    )
    rows = cells.rows
    if study.people.buildings:
        rows = _into_buildings(rows, cells.outlines, study, zones, findings)
    return rows, cells.totals | {"not_located": 0.0}, study.people.basis


def _raster_of(study: Study, source: str) -> Path | str:
    """Return where a raster is; on the web only where the study may go there."""
    if not rasters.is_url(source):
        return study.locate(source)
    if not study.online:
        raise InputError("people.raster_offline", where=str(study.path))
    return source


def _into_buildings(
    rows: pd.DataFrame, outlines: Shapes, study: Study, zones: gpd.GeoDataFrame, findings: Findings
) -> pd.DataFrame:
    """Move the people of each part of a cell into the buildings of the cell and of the part's zone."""
    footprints = _buildings(study, zones.crs, findings)
    row, xy, floor_m2 = footprints.inside(outlines)
    here = zones_at(xy, zones[zones["unit"]]) == rows["zone_code"].to_numpy(dtype=object)[row]
    row, xy, floor_m2 = row[here], xy[here], floor_m2[here]
    without = np.setdiff1d(np.arange(len(rows)), row)
    _say_without(math.fsum(rows["people"].iloc[without]), len(without), study, findings)
    if not len(row):
        return rows
    owners, starts = np.unique(row, return_index=True)
    shares = floor_m2 / np.repeat(np.add.reduceat(floor_m2, starts), np.diff(np.append(starts, len(row))))
    parts = {
        name: rasters.share_out(rows[name].to_numpy()[owners], shares, starts)
        for name in rows.columns.drop(["zone_code", "x_m", "y_m"])
    }
    zone = rows["zone_code"].to_numpy(dtype=object)[row]
    moved = pd.DataFrame({"zone_code": zone, **parts, "x_m": xy[:, 0], "y_m": xy[:, 1]})
    return pd.concat([rows.iloc[without], moved], ignore_index=True)


def _buildings(study: Study, crs: CRS, findings: Findings) -> Buildings:
    return read_buildings(study.locate(str(study.people.buildings)), crs=crs, findings=findings)


def _say_without(people: float, count: int, study: Study, findings: Findings) -> None:
    if people > 0:
        subject = PurePath(str(study.people.buildings)).name
        findings.note(
            "people.no_building_here", subject=subject, people_touched=people, count=count, people=people
        )


def _read_table(
    study: Study, zones: gpd.GeoDataFrame, *, crs: CRS, findings: Findings
) -> tuple[pd.DataFrame, dict[str, float], str]:
    source = study.people
    if rasters.is_url(source.source):
        raise InputError("people.url_no_raster", where=str(study.path))
    path = place_of(source.source, study.locate)
    table = read_table(path, layer=source.layer, what="[people]", findings=findings)
    figures = _figures(study, table, findings)
    shapes = shapes_of(table.frame, match_columns(table.frame, ("lon", "lat"), {}), crs=crs)
    if shapes is None:
        raise InputError("people.no_shapes", where=str(path))
    totals = {"nodata_cells": 0.0, "negative": 0.0, "outside_box": 0.0}
    counts: dict[str, Floats] = {}
    for measure in ("people", *source.groups):
        counts[measure], facts = _counts(table, figures[measure], counts.get("people"), findings)
        totals["raw" if measure == "people" else f"raw_{measure}"] = math.fsum(counts[measure])
        totals |= facts if measure == "people" else {}
    _compare_rows(table, counts, findings)
    rows, lost = _spread(shapes, counts, study, crs, table, findings)
    rows["zone_code"] = zones_at(rows[["x_m", "y_m"]].to_numpy(), zones[zones["unit"]])
    return rows, totals | {"not_located": lost}, figures["people"].basis or source.basis


def _figures(study: Study, table: Table, findings: Findings) -> dict[str, Figure]:
    """Return the columns of people and groups: the study's own words, else what the headers say."""
    source = study.people
    given = ({"people": source.column} if source.column else {}) | dict(source.groups)
    measures = ("people", *source.groups)
    figures = find_figures(table, measures, given, basis=source.basis, year=source.year, findings=findings)
    if "people" not in figures:
        raise InputError("people.no_column", where=str(table.path), columns=listed(table.frame.columns))
    for figure in differing(figures, source.basis).values():
        say_basis("people.basis_differs", figure, source.basis, findings, subject=table.path.name)
    return figures


def _counts(
    table: Table, figure: Figure, people: Floats | None, findings: Findings
) -> tuple[Floats, dict[str, float]]:
    """Return a column's numbers, 0 for what is none, and what was set to 0."""
    values = np.array(read_figures(table, figure, people=people, findings=findings))
    nothing, negative = ~np.isfinite(values) | (values >= rasters.NO_DATA_ABOVE), values < 0
    negative &= ~nothing
    below_zero = math.fsum(values[negative])
    for code, which in (("people.no_number", nothing), ("people.negative_rows", negative)):
        if which.any():
            rows = _first(table.rows[which])
            findings.note(
                code, subject=table.path.name, row=int(table.rows[which][0]), column=figure.column, rows=rows,
                count=int(which.sum()), sum=math.fsum(values[which & ~nothing]),
            )  # fmt: skip
    values[nothing | negative] = 0.0
    return values, {"nodata_cells": float(nothing.sum()), "negative": below_zero}


def _first(rows: NDArray[np.int64]) -> str:
    return ", ".join(map(str, rows[:_LISTED])) + (" …" if len(rows) > _LISTED else "")


def _spread(
    shapes: Shapes, counts: dict[str, Floats], study: Study, crs: CRS, table: Table, findings: Findings
) -> tuple[pd.DataFrame, float]:
    """Return the points that hold the people of each row, and how many people have no place."""
    shapes, mended = usable(shapes)
    if mended.any():
        findings.note(
            "people.mended", subject=table.path.name, count=int(mended.sum()), rows=_first(table.rows[mended])
        )
    nowhere = shapely.is_missing(shapes)
    lost = math.fsum(counts["people"][nowhere])
    if nowhere.any():
        findings.note(
            "people.no_place", subject=table.path.name, row=int(table.rows[nowhere][0]), people_touched=lost,
            count=int(nowhere.sum()), rows=_first(table.rows[nowhere]),
        )  # fmt: skip
    held = ~nowhere & np.any([values > 0 for values in counts.values()], axis=0)
    places, weights = _places(shapes[held], counts["people"][held], study, crs, table, findings)
    numbers = np.array([len(xy) for xy in places], dtype=np.intp)
    starts = np.cumsum(numbers) - numbers
    shares = np.concatenate([*weights, np.empty(0)])
    shares /= np.repeat(np.add.reduceat(shares, starts), numbers) if len(starts) else 1.0
    x_m, y_m = np.concatenate([*places, np.empty((0, 2))]).T
    parts = {name: rasters.share_out(values[held], shares, starts) for name, values in counts.items()}
    return pd.DataFrame({**parts, "x_m": x_m, "y_m": y_m}), lost


def _places(
    shapes: Shapes, people: Floats, study: Study, crs: CRS, table: Table, findings: Findings
) -> tuple[list[Floats], list[Floats]]:
    """Return the points that share each shape's people, and their weights: its buildings, else a grid."""
    built: dict[int, tuple[Floats, Floats]] = {}
    if study.people.buildings:
        owner, xy, floor_m2 = _buildings(study, crs, findings).inside(shapes)
        owners, starts = np.unique(owner, return_index=True)
        parts = zip(np.split(xy, starts[1:]), np.split(floor_m2, starts[1:]), strict=True)
        built = dict(zip(owners.tolist(), parts, strict=False))
    spread = are_polygons(shapes) & ~np.isin(np.arange(len(shapes)), list(built))
    if study.people.buildings:
        _say_without(math.fsum(people[spread]), int(spread.sum()), study, findings)
    spread_m = study.people.spread_m
    _require_few_points(shapes[spread], spread_m, table)
    places = list(np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])[:, None, :])
    weights = [np.ones(1)] * len(shapes)
    for i in np.flatnonzero(spread).tolist():
        places[i] = _points_in(shapes[i], spread_m)
        weights[i] = np.ones(len(places[i]))
    for i, (xy, floor_m2) in built.items():
        places[i], weights[i] = xy, floor_m2
    return places, weights


def _require_few_points(shapes: NDArray[np.object_], spread_m: float, table: Table) -> None:
    left, bottom, right, top = shapely.bounds(shapes).T
    if float(np.sum((right - left) * (top - bottom))) / spread_m**2 > _SPREAD_AT_MOST:
        raise InputError("people.spread_too_fine", where=str(table.path), spread_m=spread_m)


def _points_in(shape: Any, spread_m: float) -> Floats:
    """Return the centres of the grid's squares that a polygon covers, its edge included."""
    left, bottom, right, top = (side / spread_m - 0.5 for side in shape.bounds)
    columns, rows = (
        np.arange(math.ceil(left), math.floor(right) + 1),
        np.arange(math.ceil(bottom), math.floor(top) + 1),
    )
    x_m, y_m = (grid.ravel() for grid in np.meshgrid((columns + 0.5) * spread_m, (rows + 0.5) * spread_m))
    shapely.prepare(shape)
    covered = shapely.intersects_xy(shape, x_m, y_m)
    if not covered.any():
        inner = shapely.point_on_surface(shape)
        return np.array([[inner.x, inner.y]])
    return np.column_stack([x_m[covered], y_m[covered]])


def zones_at(xy: Floats, zones: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Return the lowest code of the zones that each place lies in or on the edge of; "" for none."""
    zones = zones.sort_values("code")
    shapes = zones.geometry.to_numpy()
    tree = shapely.STRtree(np.asarray(shapely.points(xy), dtype=object))
    zone, row = tree.query(only(shapes, are_polygons(shapes)), predicate="intersects")
    lowest = np.full(len(xy), len(zones))
    np.minimum.at(lowest, row, zone)
    codes: NDArray[np.object_] = np.append(zones["code"].to_numpy(dtype=object), "")[lowest]
    return codes


def zones_of(xy: Floats, zones: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Return the unit that each place (n, 2) belongs to, by the rule for people; "" for none and for NaN."""
    known = np.isfinite(xy).all(axis=1)
    located = pd.DataFrame(xy[known], columns=["x_m", "y_m"])
    codes = np.full(len(xy), "", dtype=object)
    codes[known] = _near_points(located.assign(zone_code=zones_at(xy[known], zones[zones["unit"]])), zones)
    return codes


def _townships(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the township polygons that tell more than the polygons of their units."""
    drawn = are_polygons(zones.geometry.to_numpy())
    joined = set(zones["parent_code"][zones["unit"] & drawn])
    return zones[(zones["level"] == "township") & ~zones["unit"] & drawn & ~zones["code"].isin(joined)]


def _near_points(rows: pd.DataFrame, zones: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Give people in no polygon to the nearest village point: of their township polygon, else near by."""
    codes = rows["zone_code"].to_numpy(dtype=object).copy()
    villages = zones[zones["unit"] & are_points(zones.geometry.to_numpy())].sort_values("code")
    free = np.flatnonzero(codes == "")
    if villages.empty or not len(free):
        return codes
    townships = _townships(zones)
    village_xy = np.column_stack([villages.geometry.x, villages.geometry.y])
    by_place = zones_at(village_xy, townships)
    village_home = np.where(
        villages["parent_code"].isin(townships["code"]), villages["parent_code"], by_place
    )
    xy = rows[["x_m", "y_m"]].to_numpy()
    home = zones_at(xy[free], townships)
    names = villages["code"].to_numpy(dtype=object)
    for code in np.unique(home):
        people, near = free[home == code], village_home == code
        if near.any():
            nearest, metres = _nearest(xy[people], village_xy[near])
            reached = within(metres, math.inf if code else POINT_REACH_M)
            codes[people[reached]] = names[near][nearest[reached]]
    return codes


def _nearest(xy: Floats, among: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the nearest point and its distance; of points equally near, the first."""
    places, first = np.unique(among, axis=0, return_index=True)
    found = cKDTree(places).query(xy, k=range(1, min(_TIES, len(places)) + 1))
    metres, near = np.asarray(found[0], dtype=float), np.asarray(found[1])
    alike = within(metres, metres[:, :1])
    return np.where(alike, first[near], len(among)).min(axis=1), metres[:, 0]


def _numbered(rows: pd.DataFrame, measures: tuple[str, ...]) -> pd.DataFrame:
    """Return the rows that hold people in an order that does not depend on the source's, with a serial."""
    rows = rows[(rows[list(measures)] > 0).any(axis=1)]
    rows = rows.sort_values(["x_m", "y_m", "zone_code", *measures], ignore_index=True)
    rows["reason"] = np.where(rows["zone_code"] == "", "outside_zones", "")
    rows["person_id"] = np.arange(len(rows), dtype=np.int64)
    return rows[["person_id", *measures, "zone_code", "x_m", "y_m", "reason"]]


def _compare_rows(table: Table, counts: dict[str, Floats], findings: Findings) -> None:
    for group, values in counts.items():
        more = values > counts["people"] * (1 + 1e-9)
        if more.any():
            findings.note(
                "people.group_exceeds_rows", subject=table.path.name, row=int(table.rows[more][0]),
                count=int(more.sum()), rows=_first(table.rows[more]), **called("group", group),
            )  # fmt: skip


def _compare_groups(rows: pd.DataFrame, groups: Any, findings: Findings) -> None:
    people = sums_by_zone(rows, "people")
    for group in groups:
        for code, count in sums_by_zone(rows, group).items():
            if count > people[code] * (1 + 1e-9):
                facts = called("group", group) | {"count": count, "people": people[code]}
                findings.note("people.group_exceeds", subject=code, **facts)
