"""What the pages of one run draw: the frames in degrees, simplified once and shared by all pages."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from servicecircle.assess.trial_cut import Cutter
from servicecircle.assess.walks import DOUBTFUL
from servicecircle.maps.text import Text
from servicecircle.standards.register import load_profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.assess.results import Results
    from servicecircle.standards.clause import Profile
    from servicecircle.study import Study

WGS84 = "EPSG:4326"
LEVELS = ("prefecture", "county", "township", "village")
ZONE_TOLERANCE_M = 8.0
UPPER_TOLERANCE_M = 60.0
LINE_TOLERANCE_M = 2.0
CIRCLE_TOLERANCE_M = 8.0
NOT_COVERED = ("no_counting_facility", "too_far", "detour", *DOUBTFUL)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """
    The frames of a run as its pages draw them, in degrees; row numbers start at 0.

    Parameters
    ----------
    units
        The zones of the lowest level, one row each, under their own circle.
    townships
        The zones of township level under their people's own rules, where they stand above the units.
    whole
        The zones of the uppermost level, under their people's own rules.
    people
        The demand points that no circle covers.
    gaps
        Those of most people first, numbered from 1 in the column `number`.
    straight
        One row per circle: the straight-line circles of its facilities, dissolved.
    rows
        Of segments, gaps and people, the rows of each zone: looked up once, not once per page.
    uppers
        The zones of county and prefecture level, where they stand above the townships.
    verdicts
        One row per zone and clause; `profile` has the clauses, None where there are no verdicts.
    cutter
        Cuts the pieces of street that why and what-if search; None where the results hold none.
    """

    study: Study
    crs: CRS
    text: Text
    as_of: dt.date
    manifest: dict[str, Any]
    units: gpd.GeoDataFrame
    townships: gpd.GeoDataFrame
    whole: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    gaps: gpd.GeoDataFrame
    people: gpd.GeoDataFrame
    segments: gpd.GeoDataFrame
    circles: gpd.GeoDataFrame
    reach: gpd.GeoDataFrame
    straight: gpd.GeoDataFrame
    rows: Mapping[str, Mapping[str, NDArray[np.intp]]]
    uppers: Mapping[str, gpd.GeoDataFrame]
    verdicts: pd.DataFrame
    profile: Profile | None = None
    cutter: Cutter | None = None

    @classmethod
    def from_results(cls, results: Results) -> Scene:
        """Project and simplify the frames of a run."""
        crs = results.crs
        levels = [level for level in LEVELS if (results.zones["level"] == level).any()]
        units = _own(results.zones, levels[-1])
        above = levels[-1] == "village" and "township" in levels
        people = results.people
        people = people[people["reason"].isin(NOT_COVERED) & (people["people"] > 0)]
        gaps = _numbered(results.gaps)
        of_zones = {"segments": results.segments, "gaps": gaps, "people": people}
        return cls(
            study=results.study,
            crs=crs,
            text=Text(results.study.language, modelled=_modelled(results.manifest)),
            as_of=_as_of(results),
            manifest=results.manifest,
            units=_degrees(units.set_geometry(_simple_zones(units.geometry.to_numpy())), crs),
            townships=_simple(
                _own(results.zones, "township") if above else units.iloc[:0], ZONE_TOLERANCE_M, crs
            ),
            whole=_own(results.zones, levels[0]),
            facilities=_degrees(results.facilities, crs),
            gaps=_degrees(gaps, crs),
            people=_degrees(people, crs),
            segments=_simple(results.segments, LINE_TOLERANCE_M, crs),
            circles=_simple(results.circles, CIRCLE_TOLERANCE_M, crs),
            reach=_simple(results.reach, CIRCLE_TOLERANCE_M, crs),
            straight=_straight(results),
            rows={name: rows_of(frame["zone_code"]) for name, frame in of_zones.items()},
            uppers={level: _upper(results, level) for level in ("county", "prefecture")},
            verdicts=results.verdicts,
            profile=_profile(results),
            cutter=None if results.ground is None else Cutter.of(results.ground),
        )

    @property
    def public(self) -> bool:
        """Whether anybody may read the pages."""
        return self.study.output.public

    @property
    def elderly(self) -> bool:
        """Whether the run counted an elderly group."""
        return "elderly_share_within" in self.units

    def within_zones(self, name: Literal["segments", "gaps", "people"], codes: pd.Series) -> gpd.GeoDataFrame:
        """Return the rows of a frame that belong to some zones, in the frame's order."""
        found = [self.rows[name][code] for code in codes if code in self.rows[name]]
        at = np.sort(np.concatenate(found)) if found else np.empty(0, np.intp)
        return getattr(self, name).iloc[at].reset_index(drop=True)


def box_of(units: gpd.GeoDataFrame, margin_deg: float = 0.0) -> tuple[float, float, float, float]:
    """Return west, south, east and north of some zones; a point has a box of a kilometre around it."""
    shapes = units.geometry.dropna()
    if shapes.empty:
        return (-180.0, -85.0, 180.0, 85.0)
    west, south, east, north = shapes.total_bounds
    margin = margin_deg if east > west and north > south else margin_deg + 0.01
    return (west - margin, south - margin, east + margin, north + margin)


def _own(zones: gpd.GeoDataFrame, level: str) -> gpd.GeoDataFrame:
    """Return one row per zone of a level: `own` where people of several rules live, else its own circle."""
    rows = zones[zones["level"] == level]
    rows = rows.assign(_rank=np.where(rows["circle"] == "own", 0, 1))
    rows = rows.sort_values(["code", "_rank"], kind="stable").drop_duplicates("code")
    return rows.drop(columns="_rank").reset_index(drop=True)


def _upper(results: Results, level: str) -> gpd.GeoDataFrame:
    """Return the zones of a level, one row each."""
    return _simple(_own(results.zones, level), UPPER_TOLERANCE_M, results.crs)


def _modelled(manifest: Mapping[str, Any]) -> bool:
    return bool(manifest.get("people_basis", {}).get("modelled"))


def _profile(results: Results) -> Profile | None:
    """Return the clauses that were judged."""
    if results.verdicts.empty:
        return None
    return load_profile(results.study.rules.profile, folder=results.study.path.parent)


def _numbered(gaps: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    keys = ["elderly", "people"] if "elderly" in gaps else ["people"]
    ordered = gaps.sort_values([*keys, "gap_id"], ascending=[*(False for _ in keys), True], kind="stable")
    return ordered.assign(number=np.arange(1, len(gaps) + 1))


def rows_of(codes: pd.Series) -> dict[str, NDArray[np.intp]]:
    """Return the positions of each zone's rows."""
    found = codes.groupby(codes.to_numpy(), sort=False).indices
    return {str(code): np.asarray(at, dtype=np.intp) for code, at in found.items()}


def _as_of(results: Results) -> dt.date:
    return results.study.study.as_of or dt.date.fromisoformat(results.manifest["study"]["as_of"])


def _degrees(frame: gpd.GeoDataFrame, crs: CRS) -> gpd.GeoDataFrame:
    return frame.set_crs(crs, allow_override=True).to_crs(WGS84).reset_index(drop=True)


def _simple(frame: gpd.GeoDataFrame, tolerance_m: float, crs: CRS) -> gpd.GeoDataFrame:
    return _degrees(frame.set_geometry(frame.geometry.simplify(tolerance_m)), crs)


def _simple_zones(shapes: NDArray[Any]) -> NDArray[Any]:
    """Simplify zones along the borders they share; where they overlap, each for itself."""
    areas = np.isin(shapely.get_type_id(shapes), (3, 6))
    simple = shapes.copy()
    if areas.any():
        if shapely.coverage_is_valid(shapes[areas]):
            simple[areas] = shapely.coverage_simplify(shapes[areas], ZONE_TOLERANCE_M)
        else:
            simple[areas] = shapely.simplify(shapes[areas], ZONE_TOLERANCE_M / 4)
    return simple


def _straight(results: Results) -> gpd.GeoDataFrame:
    """Return the straight-line circle of every rule, dissolved over the facilities that count for it."""
    used = results.facilities[results.facilities["used"].astype(bool) & results.facilities.geometry.notna()]
    rows = []
    for circle in results.study.circles:
        places = used.geometry[used["kind"].isin(circle.kinds)]
        if len(places):
            rows.append(
                {"circle": circle.id, "geometry": places.buffer(circle.limit_m, quad_segs=12).union_all()}
            )
    frame = gpd.GeoDataFrame(rows, columns=["circle", "geometry"], geometry="geometry", crs=results.crs)
    return _simple(frame, CIRCLE_TOLERANCE_M, results.crs)
