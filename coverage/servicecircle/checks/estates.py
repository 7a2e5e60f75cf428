"""The register of housing estates (住宅小区): households, elder-care premises, new or existing."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.checks.attributes import yes_no
from servicecircle.checks.facility_rows import FacilityRows
from servicecircle.checks.people import zones_of
from servicecircle.checks.register_rows import RegisterRows
from servicecircle.crs import WGS84, transform
from servicecircle.study import FacilityTable

if TYPE_CHECKING:
    import datetime as dt

    from pyproj import CRS

    from servicecircle.checks.placing import Surroundings
    from servicecircle.checks.register_rows import UnitFinder
    from servicecircle.findings import Findings
    from servicecircle.study import Study
    from servicecircle.units import Floats

STEPS = ("planned_together", "built_together", "accepted_together", "delivered_together")
"""四同步: 同步规划、同步建设、同步验收、同步交付."""

ESTATE_FIELDS = (
    "estate_id", "estate", "code", "zone", "unit", "address", "households", "stage", "floor_area_m2",
    "handed_over", *STEPS, "built", "lon", "lat",
)  # fmt: skip
ESTATE_COLUMNS = (
    "estate_id", "name", "zone_code", "stage", "households", "floor_area_m2", "handed_over", *STEPS, "built",
    "lon", "lat", "x_m", "y_m", "row", "source",
)  # fmt: skip
_NEW = re.compile("新建|在建|拟建|规划|^new$|^新$")
_EXISTING = re.compile("已建|建成|既有|老旧|旧|存量|^existing$|^old$")


def read_estates(
    study: Study,
    finder: UnitFinder,
    *,
    crs: CRS,
    around: Surroundings,
    findings: Findings,
) -> pd.DataFrame:
    """
    Return the estates, one row each.

    An estate lies in the unit its row names, else where its coordinates lie; in none: `zone_code` is ''.
    """
    needed = (("estate", "estate_id"), ("households",))
    rows = RegisterRows.read(study, "estates", ESTATE_FIELDS, needed=needed, findings=findings)
    lonlat = _places(rows, study, around)
    xy = transform(lonlat, WGS84, crs)
    built = rows.days("built")
    entry = study.estates
    new_from = entry.new_from if entry is not None else None
    frame = pd.DataFrame({
        "estate_id": _ids(rows), "name": rows.texts("estate", "estate_id"),
        "zone_code": _zones(rows, finder, xy), "stage": _stages(rows, built, new_from),
        "households": rows.numbers("households"), "floor_area_m2": rows.numbers("floor_area_m2"),
        **{field: rows.yes_no(field) for field in ("handed_over", *STEPS)}, "built": built,
        "lon": lonlat[:, 0], "lat": lonlat[:, 1], "x_m": xy[:, 0], "y_m": xy[:, 1],
        "row": rows.table.rows, "source": rows.source,
    })  # fmt: skip
    return frame[list(ESTATE_COLUMNS)]


def _places(rows: RegisterRows, study: Study, around: Surroundings) -> Floats:
    """Return WGS-84 degrees, read as those of facilities are; NaN where a row has none."""
    is_layer = isinstance(rows.table.frame, gpd.GeoDataFrame)
    if len(rows) == 0 or not (is_layer or {"lon", "lat"} <= rows.columns.keys()):
        return np.full((len(rows), 2), np.nan)
    entry = study.estates
    datum = "auto" if entry is None else entry.datum
    table = FacilityTable.model_construct(source=rows.source, datum=datum)  # checked as [estates] already
    columns: dict[str, str] = {
        ours: rows.columns[ours] for ours in ("lon", "lat", "unit", "address") if ours in rows.columns
    }
    if "estate" in rows.columns:
        columns["name"] = rows.columns["estate"]
    at = np.arange(len(rows))
    as_facilities = FacilityRows(rows.table, columns, rows.findings, table, rows.table, at)
    return around.located(as_facilities).lonlat


def _zones(rows: RegisterRows, finder: UnitFinder, xy: Floats) -> list[str]:
    lain_in = zones_of(xy, finder.zones)
    named = finder.of_rows(rows, required=False)
    codes = [finder.code(k) if k >= 0 else str(code) for k, code in zip(named, lain_in, strict=True)]
    told = [bool(rows.text_at(i, "code", "zone", "unit")) for i in range(len(rows))]
    for i, code in enumerate(codes):
        if not code and not told[i]:
            rows.note("registers.estate_nowhere", i)
    return codes


def _stages(rows: RegisterRows, built: list[str], new_from: dt.date | None) -> list[str]:
    """Return new or existing: by the words, else by the day from which estates are new."""
    stages = []
    asks = "是否新建" in rows.columns.get("stage", "")
    for i, written in enumerate(rows.texts("stage")):
        word = written.lower()
        stage = "new" if _NEW.search(word) else "existing" if _EXISTING.search(word) else ""
        if asks and not stage:
            stage = {1.0: "new", 0.0: "existing"}.get(yes_no(written), "")
        if written and not stage:
            rows.bad(i, "stage")
        if not stage and built[i] and new_from is not None:
            stage = "new" if built[i] >= new_from.isoformat() else "existing"
        stages.append(stage)
    unknown = stages.count("")
    if unknown:
        rows.findings.note("registers.stage_unknown", subject=rows.source, count=unknown)
    return stages


def _ids(rows: RegisterRows) -> list[str]:
    """Return an id for each estate, its own or its name; of those that share one, the later get a serial."""
    ids: dict[str, None] = {}
    again: Counter[str] = Counter()
    for i, own in enumerate(rows.texts("estate_id", "estate")):
        fresh = stem = own or f"row {rows.table.rows[i]}"
        while fresh in ids:
            again[stem] += 1
            fresh = f"{stem}_{again[stem] + 1}"
        if fresh != stem:
            rows.note("registers.estate_repeated", i, written=stem, new=fresh)
        ids[fresh] = None
    return list(ids)
