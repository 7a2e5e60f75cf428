"""A drawn town of four townships and twenty villages, with names that try to break out of the page."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS, Transformer
from shapely import LineString, MultiPoint, Point, Polygon, union_all

from servicecircle.assess.results import Results
from servicecircle.findings import Findings
from servicecircle.study import Study

EPSG = "EPSG:4547"
WEST, SOUTH = 500_000.0, 3_970_000.0
ACROSS, UP, WIDE, HIGH = 5, 4, 1400.0, 1100.0
STEP = 175.0
WALK_M_S = 4.0 / 3.6
HOSTILE = (
    "{{7*7}}",
    "{% raw %}",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "`${1}`",
)
FACILITIES = (
    (700, 600, "village_happiness_home", "operating"), (2300, 700, "community_daycare", "operating"),
    (2600, 2700, "street_centre", "operating"), (4300, 1500, "home_care_station", "operating"),
    (5900, 3700, "village_happiness_home", "planned"), (900, 3600, "any_rural", "operating"),
    (3300, 3900, "township_home", "operating"), (6100, 800, "meal_point", "operating"),
)  # fmt: skip


def made_study(language: str) -> Study:
    title = f"示例县{HOSTILE[0]}养老服务设施"
    meals = {"id": "meals", "name": f"助餐{HOSTILE[3]}", "minutes": 15, "kinds": ["meal_point"]}
    return Study.model_validate({
        "study": {"name": title, "language": language, "as_of": dt.date(2026, 6, 30)},
        "streets": {"source": "streets.osm.pbf"},
        "facilities": [{"source": "f.csv"}],
        "zones": [{"level": "village", "source": "z.gpkg"}],
        "people": {"source": "p.tif", "year": 2020, "groups": {"elderly": "e.tif"}},
        "rules": {"circles": [meals]},
    })  # fmt: skip


def _corner(column: int, row: int) -> tuple[float, float]:
    wobble = np.random.default_rng(column * 31 + row).uniform(-130, 130, 2)
    inner = np.array([0 < column < ACROSS, 0 < row < UP])
    x, y = np.array([column * WIDE, row * HIGH]) + wobble * inner
    return WEST + x, SOUTH + y


def _villages() -> gpd.GeoDataFrame:
    rows, shapes = [], []
    for number in range(ACROSS * UP):
        column, row = number % ACROSS, number // ACROSS
        township = f"41092{1 + (column > 2)}{'001' if row < 2 else '201'}000"[:12]
        urban = column in (1, 2)
        name = (
            HOSTILE[number % 5] if number % 4 == 0 else f"{'春夏秋冬'[number % 4]}{'江河湖海溪'[number % 5]}"
        )
        code = f"{township[:9]}{(1 if urban else 201) + number:03d}"
        rows.append((code, name + ("社区" if urban else "村"), township, "15min" if urban else "1km"))
        shapes.append(Polygon([_corner(column + a, row + b) for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))]))
    return gpd.GeoDataFrame(
        rows, columns=["code", "name", "parent_code", "circle"], geometry=shapes, crs=EPSG
    )


def _facilities() -> gpd.GeoDataFrame:
    frame = pd.DataFrame(FACILITIES, columns=["x", "y", "kind", "status"])
    points = gpd.points_from_xy(frame["x"] + WEST, frame["y"] + SOUTH)
    counts = ~frame["kind"].isin(["township_home", "meal_point"])
    operating = frame["status"] == "operating"
    lon, lat = Transformer.from_crs(EPSG, "EPSG:4326", always_xy=True).transform(points.x, points.y)
    frame = frame.assign(
        facility_id=[f"f{k}" for k in range(len(frame))],
        name=[f"第{k}{HOSTILE[k % 5]}站" if k % 3 == 0 else f"第{k}服务站" for k in range(len(frame))],
        lon=lon, lat=lat, snap_m=5.0, used=counts & operating,
        reason=np.where(~counts, "kind_not_counted", np.where(operating, "", "not_operating")),
        people_within=1234.4,
    )  # fmt: skip
    lost = {"facility_id": "f9", "name": HOSTILE[2], "kind": "", "status": "unknown", "used": False,
            "reason": "no_coordinates"}  # fmt: skip
    frame = pd.concat([frame.drop(columns=["x", "y"]), pd.DataFrame([lost])], ignore_index=True)
    return gpd.GeoDataFrame(frame, geometry=[*points, None], crs=EPSG)


def _walk_m(x: np.ndarray, y: np.ndarray, facilities: gpd.GeoDataFrame) -> np.ndarray:
    """Return the city-block distance to the nearest facility that counts."""
    used = facilities[facilities["used"]]
    away = np.abs(x[:, None] - used.geometry.x.to_numpy()) + np.abs(y[:, None] - used.geometry.y.to_numpy())
    return away.min(axis=1)


def _people(villages: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    grid = np.meshgrid(np.arange(60, ACROSS * WIDE, 120), np.arange(60, UP * HIGH, 120))
    x, y = WEST + grid[0].ravel(), SOUTH + grid[1].ravel()
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=EPSG)
    zone = gpd.sjoin(points, villages[["code", "circle", "geometry"]], how="left", predicate="within")
    zone = zone[~zone.index.duplicated()]
    metres = _walk_m(x, y, facilities)
    straight = metres * 0.78
    number = np.random.default_rng(7).gamma(1.2, 9, len(x))
    reason = np.where(metres <= 1000, "", np.where(straight > 1000, "too_far", "detour"))
    reason = np.where((reason == "detour") & (np.arange(len(x)) % 3 == 0), "long_detour", reason)
    reason = np.where(zone["code"].isna(), "outside_zones", reason)
    frame = pd.DataFrame({
        "person_id": np.arange(len(x)), "people": number, "elderly": number * 0.2,
        "zone_code": zone["code"].fillna(""), "circle": zone["circle"].fillna(""),
        "seconds": metres / WALK_M_S, "metres": metres, "straight_m": straight, "snap_m": 3.0,
        "facility_id": "f0", "within": reason == "", "reason": reason, "connector": False,
    })  # fmt: skip
    return gpd.GeoDataFrame(frame, geometry=points.geometry, crs=EPSG)


def _segments(villages: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    lines = []
    for k in range(int(ACROSS * WIDE / STEP) + 1):
        for j in range(int(UP * HIGH / STEP)):
            lines.append(((k * STEP, j * STEP), (k * STEP, (j + 1) * STEP)))
    for j in range(int(UP * HIGH / STEP) + 1):
        for k in range(int(ACROSS * WIDE / STEP)):
            lines.append(((k * STEP, j * STEP), ((k + 1) * STEP, j * STEP)))
    shapes = [LineString([(WEST + x, SOUTH + y) for x, y in line]) for line in lines]
    frame = gpd.GeoDataFrame(geometry=shapes, crs=EPSG)
    middle = frame.geometry.interpolate(0.5, normalized=True)
    seconds = _walk_m(middle.x.to_numpy(), middle.y.to_numpy(), facilities) / WALK_M_S
    seconds[::41] = np.inf
    joined = gpd.sjoin(
        frame.set_geometry(middle), villages[["code", "geometry"]], how="left", predicate="within"
    )
    joined = joined[~joined.index.duplicated()]
    names = [HOSTILE[k % 5] if k % 17 == 0 else ("人民路" if k % 3 else None) for k in range(len(frame))]
    return frame.assign(
        segment_id=np.arange(len(frame)), osm_way=np.arange(len(frame)) + 100, name=names, length_m=STEP,
        seconds_u=seconds, seconds_v=seconds, seconds_mid=seconds,
        zone_code=joined["code"].fillna("").to_numpy(),
    )  # fmt: skip


def _figures(people: pd.DataFrame) -> dict[str, float]:
    out: dict[str, float] = {}
    doubtful = people["reason"] == "long_detour"
    for prefix, column in (("", "people"), ("elderly_", "elderly")):
        weight = people[column]
        total, within, doubt = weight.sum(), weight[people["within"]].sum(), weight[doubtful].sum()
        share = within / total if total else np.nan
        head = f"{prefix}people" if not prefix else prefix.rstrip("_")
        out |= {f"{head}_judged": total, f"{head}_within": within, f"{head}_doubtful": doubt,
                f"{prefix}share_within": share}  # fmt: skip
        out["people" if not prefix else "elderly_people"] = total
        if not prefix:
            near = weight[people["straight_m"] <= 1000].sum()
            out |= {"share_low": share, "share_high": (within + doubt) / total if total else np.nan,
                    "share_straight": near / total if total else np.nan,
                    "gap_people": total - within}  # fmt: skip
    return out


def _verdict(row: dict[str, float]) -> tuple[str, str]:
    if row["share_low"] >= 0.9:
        return "met", "certain"
    return ("not_met", "certain") if row["share_high"] < 0.9 else ("to_verify", "cannot_tell")


def _zones(villages: gpd.GeoDataFrame, people: pd.DataFrame) -> gpd.GeoDataFrame:
    rows = []
    for number, village in enumerate(villages.itertuples()):
        figures = _figures(people[people["zone_code"] == village.code])
        row = {"code": village.code, "name": village.name, "level": "village",
               "parent_code": village.parent_code,
               "area_class": "urban" if village.circle == "15min" else "rural", "circle": village.circle,
               "limit": 15.0, "limit_unit": "min", "facilities": number % 3, "state": "judged", "reason": "",
               "people_by_connector": 0.25 * figures["people_within"] * (number == 0),
               "streets_state": "mapped", "share_near_street": 0.9375,
               **figures, "geometry": village.geometry}  # fmt: skip
        row["verdict"], row["certainty"] = _verdict(row)
        if number == 19:
            row |= {
                "state": "streets_unmapped",
                "verdict": "not_judged",
                "certainty": "",
                "reason": "streets_unmapped",
                "streets_state": "unmapped",
                "share_near_street": 0.0,
            }
        if number == 4:
            row |= {"state": "no_people", "verdict": "not_judged", "certainty": "", "share_within": np.nan,
                    "share_low": np.nan, "share_high": np.nan, "elderly_share_within": np.nan,
                    "streets_state": "", "share_near_street": np.nan}  # fmt: skip
        if number == 2:
            row |= {"share_within": 0.99961, "share_low": 0.99961, "verdict": "met"}
        if number == 7:
            row |= {"streets_state": "sparse", "share_near_street": 0.4}
        rows.append(row)
    for k, (code, group) in enumerate(villages.groupby("parent_code")):
        inside = people[people["zone_code"].isin(group["code"])]
        shape = union_all(group.geometry.to_numpy())
        base = {
            "code": code,
            "name": f"{'东西南北'[k]}关{HOSTILE[k] if k < 2 else ''}{'街道' if k < 1 else '镇'}",
            "level": "township",
            "parent_code": "410922000000",
            "area_class": "mixed",
            "facilities": 3,
            "state": "judged",
            "reason": "",
            "verdict": "",
            "certainty": "",
            **_figures(inside),
            "geometry": shape,
        }
        long = sum(row["people_by_connector"] for row in rows if row["parent_code"] == code)
        base |= {"people_by_connector": long, "streets_state": "mapped", "share_near_street": 0.9}
        rows += [{**base, "circle": circle} for circle in ("15min", "1km", "own")]
    county = {"code": "410922000000", "name": "示例县", "level": "county", "parent_code": "",
              "area_class": "mixed", "facilities": 6,
              "state": "judged", "reason": "", "verdict": "", "certainty": "",
              "people_by_connector": rows[0]["people_by_connector"], "streets_state": "mapped",
              "share_near_street": 0.9,
              **_figures(people[people["zone_code"] != ""]), "geometry": None}  # fmt: skip
    rows += [{**county, "circle": circle} for circle in ("15min", "1km", "own")]
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=EPSG)


def _gaps(villages: gpd.GeoDataFrame, people: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    rows, shapes = [], []
    kinds = {"too_far": "certain", "detour": "detour", "long_detour": "to_verify"}
    names = dict(zip(villages["code"], villages["name"], strict=True))
    left = people[~people["within"] & (people["zone_code"] != "")]
    for (zone, reason), group in left.groupby(["zone_code", "reason"]):
        middle = group.to_crs("EPSG:4326").geometry.iloc[len(group) // 2]
        rows.append({
            "gap_id": f"{zone}-{reason}", "class": kinds[reason], "zone_code": zone, "zone_name": names[zone],
            "township_name": "某镇", "place": f"“{HOSTILE[len(rows) % 5]}”附近约150米",
            "people": group["people"].sum(), "elderly": group["elderly"].sum(),
            "lon": middle.x, "lat": middle.y,
            "seconds": group["seconds"].median(),
            "metres": group["metres"].median(), "straight_m": group["straight_m"].median(),
            "nearest_facility": HOSTILE[1], "reason": reason, "advice": "在片区内增设站点。",
        })  # fmt: skip
        shapes.append(MultiPoint(list(group.geometry)))
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=EPSG)


def _manifest() -> dict[str, object]:
    more = {"other_kinds": {"15min": 120.4, "1km": 0.2}, "when_opened": {"15min": 0.0, "1km": 340.0}}
    return {
        "streets_from_osm": True,
        "people_basis": {"basis": "resident", "year": 2020, "modelled": True},
        "summary": {"reference_lines": {"0.8": 4, "0.9": 2, "1.0": 1}, "people_more": more},
    }


def made_results(language: str = "zh") -> Results:
    """Return the drawn town; every run of it is the same."""
    villages, facilities = _villages(), _facilities()
    people = _people(villages, facilities)
    used = facilities[facilities["used"]]
    diamonds = used.geometry.map(
        lambda p: Polygon([(p.x - 1000, p.y), (p.x, p.y - 1000), (p.x + 1000, p.y), (p.x, p.y + 1000)])
    )
    circles = gpd.GeoDataFrame({
        "facility_id": used["facility_id"].to_numpy(), "cutoff": 1000.0, "cutoff_unit": "m",
        "street_m": 21_000.0,
        "area_m2": 2e6, "people_within": 1234.4,
    }, geometry=diamonds.to_numpy(), crs=EPSG)  # fmt: skip
    reach = gpd.GeoDataFrame(
        {"circle": ["15min", "1km"], "street_m": 1e5, "area_m2": 9e6},
        geometry=[diamonds.union_all()] * 2,
        crs=EPSG,
    )
    return Results(
        study=made_study(language), crs=CRS(EPSG), zones=_zones(villages, people), verdicts=pd.DataFrame(),
        gaps=_gaps(villages, people), facilities=facilities, people=people,
        segments=_segments(villages, facilities), circles=circles, reach=reach,
        findings=Findings(), manifest=_manifest(),
    )  # fmt: skip


def village_points(results: Results) -> gpd.GeoSeries:
    """Return the zones' shapes with points in place of the villages' areas."""
    points = [Point(g.centroid) if level == "village" else None
              for g, level in zip(results.zones.geometry, results.zones["level"], strict=True)]  # fmt: skip
    return gpd.GeoSeries(points, crs=results.crs)
