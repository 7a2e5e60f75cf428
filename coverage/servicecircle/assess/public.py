"""The public edition of a run: no places where people live, no small groups, nothing of the inner work."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.assess.suppress import FEWEST, SUPPRESSED, is_small, suppress
from servicecircle.crs import WGS84
from servicecircle.findings import Findings

if TYPE_CHECKING:
    from servicecircle.assess.results import Results

_Found = TypeVar("_Found", bound="Results")

_SHARES_OF_PEOPLE = ("share", "share of people", "people")
_MEASURED = ["measured", "margin", "low", "high"]
_TABLES = ("hubs", "tasks", "comparison")
"""Further tables that tell of no people."""

_OF_FACILITIES = (
    "facility_id", "name", "kind", "status", "lon", "lat", "snap_m", "used", "reason", "people_within",
    "zone_code", "beds", "nursing_beds", "floor_area_m2", "operator_type", "opened", "geometry",
)  # fmt: skip

_KEPT = (
    "version", "python", "libraries", "study", "crs", "streets_from_osm", "parameters", "people_basis",
    "started_at", "timings",
)  # fmt: skip
_SUMMED = ("units", "reference_lines", "streets", "standards", "village_classes", "build_states", "tasks")

_COUNTED = ("facilities", "facilities_located", "facilities_used", "zones", "units", "segments", "street_km")
"""Counts of what is no person."""


def for_public(results: _Found) -> _Found:
    """
    Return what of a run may be read by anybody; results of another type stay of that type.

    Places of people, their graph, findings and inputs are left out. Zones lose their small figures; uncovered
    areas become one per village, at the village; facilities keep the columns of their table.
    """
    groups = list(results.study.people.groups)
    zones = suppress(results.zones, groups)
    fewer = {
        "facilities": _facilities(results.facilities),
        "circles": _without_small(results.circles),
        "tables": {name: table for name, table in results.tables.items() if name in _TABLES},
    }
    return replace(
        results, zones=zones, verdicts=_verdicts(results.verdicts, zones), gaps=_gaps(results.gaps, zones),
        people=results.people.iloc[:0], findings=Findings(), manifest=_manifest(results.manifest),
        evidence=_evidence(results.evidence), facts=None, ground=None, **fewer,
    )  # fmt: skip


def _facilities(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return _without_small(frame[[column for column in frame.columns if column in _OF_FACILITIES]])


def _without_small(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    people = frame["people_within"].astype(float)
    return frame.assign(people_within=people.mask(is_small(people)))


def _lowest(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return one row per zone, under its own rule."""
    own = zones.assign(_upper=zones["circle"].ne("own"))
    return own.sort_values("_upper", kind="stable").drop_duplicates("code").set_index("code")


def _gaps(gaps: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return one uncovered area per village, as its largest is described; none where they are suppressed."""
    if gaps.empty:
        return gaps
    largest = gaps.sort_values("people", ascending=False, kind="stable").drop_duplicates("zone_code")
    largest = largest.sort_values("zone_code", kind="stable").reset_index(drop=True)
    zone = _lowest(zones).reindex(largest["zone_code"])
    points = gpd.GeoSeries(zone.geometry.to_numpy(), crs=gaps.crs).representative_point()
    degrees = points.to_crs(WGS84)
    left = {"people": zone["gap_people"].to_numpy(float)}
    if "elderly" in gaps:
        judged = zone.get("elderly_judged", np.nan)
        within = zone.get("elderly_within", np.nan)
        left["elderly"] = np.asarray(judged - within, dtype=float)
    known = ~np.isnan(left["people"])
    merged = largest.assign(
        gap_id=largest["zone_code"] + "-1", place="", lon=degrees.x, lat=degrees.y, **left
    )  # fmt: skip
    merged = merged.set_geometry(gpd.GeoSeries(points.to_numpy(), crs=gaps.crs))
    return merged[known].reset_index(drop=True)


def _verdicts(verdicts: pd.DataFrame, zones: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the verdicts without shares of people from which a small group follows."""
    if verdicts.empty:
        return verdicts
    zone = _lowest(zones).reindex(verdicts["zone_code"])
    of_people = verdicts["unit"].isin(_SHARES_OF_PEOPLE).to_numpy()
    judged = zone["people_judged"].to_numpy(float)
    share = verdicts[["measured", "low", "high"]].to_numpy(float) * judged[:, None]
    few = np.minimum(share, judged[:, None] - share) < FEWEST
    small = (np.isfinite(share) & few & (share > 0)).any(axis=1)
    empty = of_people & (small | np.isnan(judged) | zone["reason"].eq(SUPPRESSED).to_numpy())
    told = verdicts["evidence"].str.contains("people|elderly|share_within", na=False)
    shown = verdicts.assign(evidence=verdicts["evidence"].mask(told, ""))
    shown.loc[empty, _MEASURED] = np.nan
    shown.loc[empty, "reason"] = SUPPRESSED
    return shown


def _evidence(evidence: pd.DataFrame) -> pd.DataFrame:
    return evidence[~evidence["unit"].isin(_SHARES_OF_PEOPLE)].reset_index(drop=True)


def _manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    """Keep what was used and how many units there are; people only stand in the zones."""
    kept = {key: manifest[key] for key in _KEPT if key in manifest}
    summary, counts = manifest.get("summary", {}), manifest.get("counts", {})
    kept["counts"] = {key: counts[key] for key in _COUNTED if key in counts}
    return {**kept, "summary": {key: summary[key] for key in _SUMMED if key in summary}}
