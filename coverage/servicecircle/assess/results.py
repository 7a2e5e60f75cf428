"""What a run found, as frames: the one thing that maps, tables and reports read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    from pyproj import CRS

    from servicecircle.assess.clauses.facts import Facts
    from servicecircle.assess.trial import Ground
    from servicecircle.findings import Findings
    from servicecircle.study import Study

EVIDENCE_COLUMNS = (
    "clause_id", "zone_code", "item_kind", "item_id", "item_name", "measured", "threshold", "unit", "verdict",
    "reason",
)  # fmt: skip


def _no_evidence() -> pd.DataFrame:
    return pd.DataFrame(columns=list(EVIDENCE_COLUMNS))


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
    evidence
        One row per facility, estate or unit that a verdict rests on.
    facts
        What the clauses were judged on, to judge another profile by.
    tables
        Further tables by name, such as `sensitivity`, as they are written.
    ground
        The measured streets, people and facilities, for trials of other facilities.
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
    evidence: pd.DataFrame = field(default_factory=_no_evidence)
    facts: Facts | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    ground: Ground | None = None

    def __repr__(self) -> str:
        people = self.manifest.get("totals", {}).get("judged", 0.0)
        return (
            f"{type(self).__name__}({self.study.id!r}, {people:.0f} people judged, "
            f"{len(self.facilities)} facilities, {len(self.gaps)} gaps)"
        )
