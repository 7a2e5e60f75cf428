"""What a run found, as frames: the one thing that maps, tables and reports read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from pyproj import CRS

    from servicecircle.findings import Findings
    from servicecircle.study import Study


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Results:
    """
    The frames of a run; their columns are those of the tables and layers that are written.

    Parameters
    ----------
    zones
        One row per zone and circle; upper levels have one row more, `own`.
    verdicts
        One row per zone and clause.
    gaps
        One row per uncovered area: the places of its people as a MultiPoint.
    facilities
        One row per row of the facility tables, used or not.
    people
        One row per demand point.
    segments
        One row per street segment between junctions.
    circles
        One row per facility and cut-off.
    reach
        One row per circle: the dissolved circles of all its counting facilities.
    findings
        What was mended, doubted or rejected.
    manifest
        Versions, digests, parameters, totals and summary; all of it fits JSON.
    """

    study: Study
    crs: CRS
    zones: gpd.GeoDataFrame
    verdicts: pd.DataFrame
    gaps: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    people: gpd.GeoDataFrame
    segments: gpd.GeoDataFrame
    circles: gpd.GeoDataFrame
    reach: gpd.GeoDataFrame
    findings: Findings
    manifest: dict[str, Any]

    def __repr__(self) -> str:
        people = self.manifest.get("totals", {}).get("judged", 0.0)
        return (
            f"{type(self).__name__}({self.study.id!r}, {people:.0f} people judged, "
            f"{len(self.facilities)} facilities, {len(self.gaps)} gaps)"
        )
