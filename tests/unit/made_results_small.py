"""Two villages, two facilities and hostile names: results drawn by hand, for the tests of outputs."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS
from shapely import LineString, MultiPoint, MultiPolygon, Point, box

from servicecircle.assess.results import Results
from servicecircle.findings import Findings
from servicecircle.outputs.tables import COLUMNS
from servicecircle.study import Study

EPSG = "EPSG:4547"
HOSTILE = '=HYPERLINK("http://x","拉票")'


def small_study(language: str = "zh") -> Study:
    return Study.model_validate({
        "study": {"name": "示例县", "language": language, "as_of": dt.date(2026, 6, 30)},
        "streets": {"source": "s.osm.pbf"},
        "facilities": [{"source": "f.csv"}],
        "zones": [{"level": "village", "source": "z.gpkg"}],
        "people": {"source": "p.tif", "groups": {"elderly": "e.tif", "over80": "o.tif"}},
        "rules": {
            "circles": [{"id": "meals", "name": "=助餐服务圈", "minutes": 15, "kinds": ["meal_point"]}]
        },
    })  # fmt: skip


def _zones() -> gpd.GeoDataFrame:
    nan = np.nan
    base = dict.fromkeys(COLUMNS["zones"], nan)
    groups = {f"{g}_{p}": nan for g in ("elderly", "over80")
              for p in ("people", "judged", "within", "doubtful", "share_within")}  # fmt: skip
    village = base | groups | {
        "code": "410922101201", "name": HOSTILE, "level": "village", "parent_code": "410922101000",
        "report_unit": "", "area_class": "rural", "area_class_source": "committee", "circle": "1km",
        "limit": 1000.0, "limit_unit": "m", "people": 1234.5, "people_judged": 1234.5,
        "people_within": 0.1 + 0.2, "people_doubtful": 0.0, "share_within": 0.99961, "share_low": 1 / 3,
        "share_high": 1.0, "share_straight": 1.0,
        "median_seconds": 90.0, "p90_seconds": np.inf, "facilities": 2, "gap_people": 1234.2,
        "state": "judged",
        "certainty": "likely", "verdict": "not_met", "reason": "", "people_by_connector": 0.1,
        "street_km": 1.25, "share_near_street": 0.4, "streets_state": "sparse", "elderly_people": 200.0,
        "elderly_share_within": 0.5, "over80_people": 12.0,
    }  # fmt: skip
    empty = base | groups | {
        "code": "410922101001", "name": "东\x01关\x0c社区", "level": "village", "parent_code": "410922101000",
        "report_unit": "@考核", "area_class": "urban", "area_class_source": "given", "circle": "meals",
        "limit": 15.0, "limit_unit": "min", "people": 0.0, "state": "no_people", "certainty": "",
        "verdict": "not_judged", "reason": "no_people",
    }  # fmt: skip
    polygons = MultiPolygon([box(0, 0, 900, 900), box(1000, 0, 1100, 100)]), box(0, 1000, 900, 1900)
    return gpd.GeoDataFrame([village, empty], geometry=list(polygons), crs=EPSG)


def _gaps() -> gpd.GeoDataFrame:
    gap = {
        "gap_id": "410922101201-1", "class": "to_verify", "zone_code": "410922101201", "zone_name": "-西村",
        "township_name": "某镇", "place": "+" + "长" * 40_000, "people": 80.4, "elderly": 20.0, "lon": 115.1,
        "lat": 35.9, "seconds": 1200.0, "metres": 1333.0, "straight_m": 700.0, "nearest_facility": "幸福院",
        "reason": "long_detour", "advice": "\t核实",
    }  # fmt: skip
    return gpd.GeoDataFrame([gap], geometry=[MultiPoint([(10, 10), (20, 20)])], crs=EPSG)


def _facilities() -> gpd.GeoDataFrame:
    rows = [
        ("f1", "#N/A", "village_happiness_home", "operating", 115.1, 35.9, 12.5, True, "", 300.0),
        ("f2", "1e5", "medical", "closed", np.nan, np.nan, np.nan, False, "no_coordinates", np.nan),
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS["facilities"]).assign(beds=[30.0, np.nan], opened=["2020", ""])
    return gpd.GeoDataFrame(frame, geometry=[Point(5, 5), None], crs=EPSG)


def _people() -> gpd.GeoDataFrame:
    frame = pd.DataFrame({
        "person_id": [0, 1, 2], "people": [10.5, 2.0, 1.0], "elderly": [2.0, 1.0, np.nan],
        "zone_code": ["410922101201", "410922101201", ""], "circle": ["1km", "1km", ""],
        "seconds": [90.0, np.inf, np.nan], "metres": [100.0, np.inf, np.nan],
        "straight_m": [90.0, 2000.0, np.nan],
        "snap_m": [1.0, 2.0, np.nan], "facility_id": ["f1", "", ""],
        "within": pd.Series([True, False, None], dtype="object"), "reason": ["", "island", "outside_zones"],
        "connector": [True, False, False],
    })  # fmt: skip
    return gpd.GeoDataFrame(frame, geometry=[Point(1, 1), Point(2, 2), Point(-9, -9)], crs=EPSG)


def _segments() -> gpd.GeoDataFrame:
    frame = pd.DataFrame({
        "segment_id": [0, 1], "osm_way": [17, 18], "name": ["人民路", None], "length_m": [10.0, 20.0],
        "seconds_u": [0.0, np.inf], "seconds_v": [9.0, np.inf], "seconds_mid": [4.5, np.inf],
        "zone_code": ["410922101201", ""],
    })  # fmt: skip
    return gpd.GeoDataFrame(
        frame, geometry=[LineString([(0, 0), (10, 0)]), LineString([(0, 5), (20, 5)])], crs=EPSG
    )


def _circles() -> gpd.GeoDataFrame:
    frame = pd.DataFrame({
        "facility_id": ["f1"], "cutoff": [1000.0], "cutoff_unit": ["m"], "street_m": [30.0],
        "area_m2": [100.0], "people_within": [10.5],
    })  # fmt: skip
    return gpd.GeoDataFrame(frame, geometry=[box(0, 0, 10, 10)], crs=EPSG)


def small_results(language: str = "zh") -> Results:
    reach = gpd.GeoDataFrame(
        {"circle": ["1km"], "street_m": [30.0], "area_m2": [100.0]}, geometry=[box(0, 0, 10, 10)], crs=EPSG
    )
    verdict = (
        "410922101201",
        "puyang-rural-1km",
        "not_met",
        1 / 3,
        0.9,
        "share",
        1 / 3 - 0.9,
        "likely",
        "",
        "=1+1",
    )
    findings = Findings()
    findings.note("study.no_as_of", subject="@study", row=3, people_touched=12.5, date="2026-06-30")
    return Results(
        study=small_study(language), crs=CRS(EPSG), zones=_zones(),
        verdicts=pd.DataFrame([verdict], columns=COLUMNS["verdicts"][:10]).reindex(
            columns=COLUMNS["verdicts"]
        ),
        gaps=_gaps(), facilities=_facilities(),
        people=_people(), segments=_segments(), circles=_circles(), reach=reach, findings=findings,
        manifest={},
    )  # fmt: skip
