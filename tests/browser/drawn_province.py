"""A drawn province of squares: prefectures, counties, townships and villages, as a run finds them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS
from shapely import LineString, MultiPoint, box, union_all

from browser.made_results import EPSG, SOUTH, WEST, made_study
from servicecircle.assess.results import Results
from servicecircle.assess.village_class import CLASSES
from servicecircle.findings import Findings
from servicecircle.outputs.tables import COLUMNS

SIDE_M = 1500.0
GROUPS = ("people", "elderly")


def drawn_province(
    *,
    prefectures: int,
    counties: int,
    townships: int,
    villages: int = 4,
    streets: int = 2,
    language: str = "zh",
) -> Results:
    """Return results with so many zones of each level in all; `villages` and `streets` are per township."""
    codes = _codes(prefectures, counties, townships)
    units = _villages(codes, villages)
    zones = _with_uppers(units)
    places = units.geometry.centroid
    gaps = _gaps(units[units["gap_people"] > 0])
    facilities = _facilities(units.iloc[::3])
    segments = _segments(units, streets)
    people = gpd.GeoDataFrame({
        "person_id": np.arange(len(units)), "people": units["gap_people"], "elderly": units["gap_people"] / 5,
        "zone_code": units["code"], "circle": units["circle"], "seconds": 1000.0, "metres": 1200.0,
        "straight_m": 900.0, "snap_m": 3.0, "facility_id": "", "within": False, "reason": "detour",
        "connector": False,
    }, geometry=places.to_numpy(), crs=EPSG)  # fmt: skip
    shapes = facilities.geometry.buffer(900, quad_segs=4)
    circles = gpd.GeoDataFrame({
        "facility_id": facilities["facility_id"], "cutoff": 1000.0, "cutoff_unit": "m", "street_m": 900.0,
        "area_m2": 1e6, "people_within": 300.0,
    }, geometry=shapes.to_numpy(), crs=EPSG)  # fmt: skip
    reach = gpd.GeoDataFrame({"circle": ["1km"]}, geometry=[union_all(shapes.to_numpy())], crs=EPSG)
    return Results(
        study=made_study(language), crs=CRS(EPSG), zones=zones, gaps=gaps,
        verdicts=_verdicts(zones),
        facilities=facilities, people=people, segments=segments, circles=circles, reach=reach,
        findings=Findings(), manifest={"streets_from_osm": True, "summary": {}},
    )  # fmt: skip


def _codes(prefectures: int, counties: int, townships: int) -> list[str]:
    """Spread townships over counties and counties over prefectures, as evenly as can be."""
    found, serial = [], np.arange(townships) * counties // townships
    for number, county in enumerate(serial):
        prefecture = county * prefectures // counties
        within = number - int(np.searchsorted(serial, county))
        first = int(np.ceil(prefecture * counties / prefectures))
        found.append(f"41{prefecture + 1:02d}{county - first + 1:02d}{within + 1:03d}000")
    return found


def _villages(townships: list[str], many: int) -> gpd.GeoDataFrame:
    across = int(np.ceil(np.sqrt(len(townships)))) * 2
    rng = np.random.default_rng(5)
    rows, shapes = [], []
    for number, township in enumerate(townships):
        left, low = (number * 2) % across, (number * 2) // across * ((many + 1) // 2)
        for k in range(many):
            x, y = WEST + (left + k % 2) * SIDE_M, SOUTH + (low + k // 2) * SIDE_M
            rows.append((f"{township[:9]}{201 + k}", f"第{number}乡{k}村", township, k))
            shapes.append(box(x, y, x + SIDE_M, y + SIDE_M))
    frame = pd.DataFrame(rows, columns=["code", "name", "parent_code", "k"])
    people = rng.gamma(4, 200, len(frame)).round()
    share = np.round(rng.uniform(0, 1.0, len(frame)) ** 0.4, 4)
    within = np.round(people * share)
    frame = frame.assign(
        level="village", area_class="rural", circle=np.where(frame["k"] % 2, "1km", "15min"), limit=1000.0,
        limit_unit="m", facilities=frame["k"] % 3, state="judged", reason="", streets_state="mapped",
        certainty=np.where(share > 0.5, "certain", "cannot_tell"), share_near_street=0.9,
        verdict=np.where(within >= 0.9 * people, "met", "not_met"), people_by_connector=0.0,
        village_class=np.array(CLASSES)[frame["k"] % 4], build_state="", served_by="", served_by_name="",
        share_when_opened=np.minimum(share + 0.1, 1.0), people_doubtful=0.0, elderly_doubtful=0.0, units=1,
        units_met=(within >= 0.9 * people).astype(int), report_unit="",
    )  # fmt: skip
    for group, part in (("people", 1.0), ("elderly", 0.2)):
        frame[f"{group}_judged"], frame[f"{group}_within"] = np.round(people * part), np.round(within * part)
    frame["people"], frame["elderly_people"] = frame["people_judged"], frame["elderly_judged"]
    return gpd.GeoDataFrame(_shares(frame), geometry=shapes, crs=EPSG)


def _shares(frame: pd.DataFrame) -> pd.DataFrame:
    share = frame["people_within"] / frame["people_judged"]
    return frame.assign(
        share_within=share, share_low=share, share_high=share, share_straight=share,
        elderly_share_within=frame["elderly_within"] / frame["elderly_judged"],
        gap_people=frame["people_judged"] - frame["people_within"],
    )  # fmt: skip


def _with_uppers(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add up townships, counties and prefectures: a row per circle, and one under each person's own rule."""
    summed = ["people", "elderly_people", "facilities", "people_by_connector", "units", "units_met"]
    summed += [f"{group}_{part}" for group in GROUPS for part in ("judged", "within", "doubtful")]
    frames, codes = [units.drop(columns="k")], units["parent_code"].to_numpy()
    levels = (("township", 9, 6), ("county", 6, 4), ("prefecture", 4, 0))
    for level, length, above in levels:
        codes = np.array([code[:length].ljust(12, "0") for code in codes])
        shapes = units[["geometry"]].assign(code=codes).dissolve("code", method="coverage").geometry
        for circle in ("own", "15min", "1km"):
            chosen = units if circle == "own" else units[units["circle"] == circle]
            kept = codes if circle == "own" else codes[(units["circle"] == circle).to_numpy()]
            block = _shares(chosen[summed].groupby(kept).sum())
            parents = [code[:above].ljust(12, "0") if above else "" for code in block.index]
            rows = block.assign(
                code=block.index, name=[f"{level[:2]}{code[:6]}县" for code in block.index], level=level,
                parent_code=parents, circle=circle, state="judged", verdict="not_met", certainty="certain",
                reason="", streets_state="mapped", share_near_street=0.9, area_class="mixed",
                share_when_opened=block["share_within"], village_class="", build_state="", served_by="",
                served_by_name="", limit=np.nan, limit_unit="",
            )  # fmt: skip
            frames.append(gpd.GeoDataFrame(rows, geometry=shapes.reindex(block.index).to_numpy(), crs=EPSG))
    found = pd.concat(frames[::-1], ignore_index=True)
    found = found.reindex(columns=dict.fromkeys([*COLUMNS["zones"], *found.columns]))
    return gpd.GeoDataFrame(found, geometry="geometry", crs=EPSG)


def _verdicts(zones: gpd.GeoDataFrame) -> pd.DataFrame:
    """Judge clauses in every township and village: a share, a number, one without input, one reported."""
    last = {"level": "村", "severity": "fail", "evidence": "", "missing": "", "reason": "", "deadline": ""}
    rules: list[dict[str, object]] = [
        {"clause_id": "puyang-rural-1km", "verdict": "not_met", "measured": 0.63, "low": 0.63, "high": 0.7,
         "threshold": 0.9, "margin": -0.27, "unit": "share", "certainty": "likely", "reason": "too_far",
         "deadline": "2022-12-31", "deadline_state": "due"},
        {"clause_id": "puyang-street-one", "verdict": "met", "measured": 2.0, "low": 2.0, "high": 2.0,
         "threshold": 1.0, "margin": 1.0, "unit": "count", "certainty": "certain", "deadline_state": "none"},
        {"clause_id": "puyang-tekun-nursing-55", "verdict": "not_judged", "unit": "share of beds",
         "reason": "missing_input", "missing": "facilities.nursing_beds", "certainty": "",
         "deadline": "2027-12-31", "deadline_state": "open"},
        {"clause_id": "puyang-cluster", "verdict": "not_judged", "measured": 0.4,
         "unit": "share of facilities", "reason": "report_only", "severity": "report",
         "certainty": "", "deadline_state": "none"},
    ]  # fmt: skip
    codes = zones.loc[zones["level"].isin(["township", "village"]), "code"].unique()
    rows = [{**last, "zone_code": code, **rule} for code in codes for rule in rules]
    return pd.DataFrame(rows, columns=COLUMNS["verdicts"])


def _gaps(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    places = units.geometry.centroid
    degrees = places.to_crs("EPSG:4326")
    return gpd.GeoDataFrame({
        "gap_id": units["code"] + "-1", "class": "certain", "zone_code": units["code"],
        "zone_name": units["name"], "township_name": "某乡", "place": "村西约150米",
        "people": units["gap_people"], "elderly": units["elderly_judged"] - units["elderly_within"],
        "lon": degrees.x, "lat": degrees.y, "seconds": 1000.0, "metres": 1100.0, "straight_m": 1050.0,
        "nearest_facility": "", "reason": "too_far", "advice": "在片区附近增设服务点。",
    }, geometry=[MultiPoint([p]) for p in places], crs=EPSG).reset_index(drop=True)  # fmt: skip


def _facilities(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    places = units.geometry.centroid
    degrees = places.to_crs("EPSG:4326")
    return gpd.GeoDataFrame({
        "facility_id": "f" + units["code"], "name": units["name"] + "幸福院",
        "kind": "village_happiness_home", "status": "operating", "lon": degrees.x, "lat": degrees.y,
        "snap_m": 5.0, "used": True, "reason": "", "people_within": 300.0, "zone_code": units["code"],
        "beds": 20.0,
    }, geometry=places.to_numpy(), crs=EPSG).reset_index(drop=True)  # fmt: skip


def _segments(units: gpd.GeoDataFrame, per_township: int) -> gpd.GeoDataFrame:
    each = max(per_township // max(int(units.groupby("parent_code").size().iloc[0]), 1), 1)
    at = units.loc[units.index.repeat(each)]
    corner = at.geometry.bounds
    step = np.tile(np.arange(each), len(units)) * SIDE_M / each
    shapes = [
        LineString([(x, y + s), (x + SIDE_M, y + s)])
        for x, y, s in zip(corner["minx"], corner["miny"], step, strict=True)
    ]
    number = np.arange(len(at))
    return gpd.GeoDataFrame({
        "segment_id": number, "osm_way": number, "name": "", "length_m": SIDE_M,
        "seconds_u": 100.0, "seconds_v": 100.0, "seconds_mid": number % 1800.0,
        "zone_code": at["code"].to_numpy(),
    }, geometry=shapes, crs=EPSG)  # fmt: skip
