"""Medical institutions: those of a register of their own, and those among the facilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.checks.facilities import read_medical
from servicecircle.checks.people import zones_of
from servicecircle.study import FacilityTable

if TYPE_CHECKING:
    from pyproj import CRS

    from servicecircle.checks.placing import Surroundings
    from servicecircle.checks.register_rows import UnitFinder
    from servicecircle.findings import Findings
    from servicecircle.study import Study

MEDICAL_FIELDS = ("facility_id", "name", "status", "lon", "lat", "unit", "address", "opened", "geriatric")
MEDICAL_COLUMNS = (
    "medical_id", "name", "status", "opened", "opened_on", "geriatric", "zone_code", "lon", "lat", "x_m",
    "y_m", "origin", "row", "source",
)  # fmt: skip
SAME_PLACE_M = 100.0
_KIND = "medical"


def join_medical(
    study: Study,
    finder: UnitFinder,
    facilities: gpd.GeoDataFrame,
    *,
    crs: CRS,
    around: Surroundings,
    findings: Findings,
) -> gpd.GeoDataFrame:
    """Return all medical institutions, each once: those among the facilities, then those of the register."""
    parts = [_framed(facilities[facilities["kind"] == _KIND], finder, "facilities")]
    entry = study.medical
    if entry is not None:
        as_facilities = FacilityTable.model_construct(
            layer=entry.layer, source=entry.source, datum=entry.datum, sheet=entry.sheet, kind=_KIND,
            columns=entry.columns,
        )  # fmt: skip
        read = read_medical(study, as_facilities, crs=crs, around=around, findings=findings)
        parts.append(_not_doubled(_framed(read, finder, _KIND), parts[0], findings))
    filled = [part for part in parts if len(part)] or parts[:1]
    joined = pd.concat(filled, ignore_index=True)
    points = gpd.GeoSeries.from_xy(joined["x_m"], joined["y_m"], crs=crs)
    points[joined["x_m"].isna().to_numpy()] = None
    return gpd.GeoDataFrame(joined, geometry=points)


def _framed(frame: gpd.GeoDataFrame, finder: UnitFinder, origin: str) -> pd.DataFrame:
    xy = np.column_stack([frame.geometry.x, frame.geometry.y]).astype(np.float64)
    lain_in = zones_of(xy, finder.zones)
    written = [finder.find(hint) for hint in frame["zone_hint"]]
    named = [finder.code(found[0]) if len(found) == 1 else "" for found in written]
    return pd.DataFrame({
        "medical_id": frame["facility_id"].tolist(), "name": frame["name"].tolist(),
        "status": frame["status"].tolist(), "opened": frame["opened"].tolist(),
        "opened_on": frame["opened_on"].tolist(), "geriatric": frame["geriatric"].to_numpy(dtype=np.float64),
        "zone_code": [code or other for code, other in zip(lain_in, named, strict=True)],
        "lon": frame["lon"].to_numpy(dtype=np.float64), "lat": frame["lat"].to_numpy(dtype=np.float64),
        "x_m": xy[:, 0], "y_m": xy[:, 1], "origin": origin, "row": frame["row"].to_numpy(dtype=np.int64),
        "source": frame["source"].tolist(),
    })[list(MEDICAL_COLUMNS)]  # fmt: skip


def _not_doubled(register: pd.DataFrame, facilities: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Return the rows of the register that are no facility of the same name and place; those are listed."""
    doubled = np.zeros(len(register), dtype=bool)
    for i, (name, x, y) in enumerate(zip(register["name"], register["x_m"], register["y_m"], strict=True)):
        alike = facilities[(facilities["name"] == name) & (name != "")]
        metres = np.hypot(alike["x_m"] - x, alike["y_m"] - y).to_numpy(dtype=np.float64)
        doubled[i] = bool((np.isnan(metres) | (metres <= SAME_PLACE_M)).any())
        if doubled[i]:
            row, source = int(register["row"].iloc[i]), register["source"].iloc[i]
            findings.note("registers.medical_doubled", subject=name, row=row, source=source)
    return register[~doubled]
