"""The land of the sample county: outline, rivers, railway, motorway, places, and the zones around the places.

Everything is drawn in local metres; `ORIGIN` moves it into EPSG:4547.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import shapely
from names import COUNTY_CODE, COUNTY_NAME, URBAN_NAMES, village_names
from scipy.spatial import cKDTree
from shapely.geometry import LineString, Point, Polygon

CRS = "EPSG:4547"
ORIGIN = (489_600.0, 3_739_500.0)
SEED = 20260630
TOWN = np.array([13_500.0, 12_800.0])
TOWN_RADIUS_M = 2_900.0
CORNER = (np.array([26_300.0, 5_600.0]), 3_900.0)
"""Centre and radius of the corner that no street map shows."""
TOWNSHIPS = (
    ("001", "清水街道", 12_300.0, 13_900.0),
    ("002", "东关街道", 15_600.0, 13_600.0),
    ("003", "钟楼街道", 13_500.0, 12_000.0),
    ("004", "临河街道", 13_800.0, 9_300.0),
    ("100", "柳林镇", 5_200.0, 18_600.0),
    ("101", "石桥镇", 4_300.0, 12_600.0),
    ("102", "双庙镇", 6_600.0, 5_300.0),
    ("103", "黄台镇", 20_600.0, 5_600.0),
    ("104", "白塔镇", 25_600.0, 13_300.0),
    ("105", "高岗镇", 22_600.0, 18_700.0),
    ("200", "北坡乡", 13_000.0, 20_800.0),
    ("201", "芦花乡", 13_600.0, 4_200.0),
    ("202", "杨集乡", 25_300.0, 8_200.0),
)
REPORT_UNITS = {"104": "白塔产业集聚区管委会"}
TOWN_COMMUNITIES, VILLAGES = 27, 140


@dataclass(frozen=True, slots=True)
class Place:
    """A community or village: where its core lies, who lives there, and what the map shows of it."""

    code: str
    name: str
    x: float
    y: float
    people: float
    elderly_share: float
    class_code: str
    role: str
    """town | seat | village | strung | islet | corner | ferry | forest"""

    @property
    def xy(self) -> np.ndarray:
        return np.array([self.x, self.y])

    @property
    def urban(self) -> bool:
        return int(self.code[9:]) < 200


def rng_for(part: str) -> np.random.Generator:
    """Return a generator of its own for each part, so that a change in one moves no other."""
    return np.random.default_rng([SEED, *part.encode()])


def river_y(x: np.ndarray | float) -> np.ndarray | float:
    """Return where the main river runs: from the west border to the east border, south of the old town."""
    return 9_800 + 1_300 * np.sin(np.asarray(x) / 5_200) + 300 * np.sin(np.asarray(x) / 1_500 + 1)


def _curve(x: np.ndarray, y: np.ndarray) -> LineString:
    return LineString(np.column_stack([x, y]).round(2))


def rivers() -> dict[str, LineString]:
    x = np.arange(-600.0, 31_000, 120)
    y = np.arange(8_200.0, 25_600, 120)
    brook = 20_600 + 900 * np.sin(y / 2_600)
    wet = y > river_y(brook)
    return {"示例河": _curve(x, river_y(x)), "柳沟河": _curve(brook[wet], y[wet])}


def railway() -> LineString:
    y = np.arange(-200.0, 25_400, 150)
    return _curve(15_900 + 450 * np.sin(y / 8_000), y)


def motorway() -> LineString:
    x = np.arange(-400.0, 30_600, 200)
    return _curve(x, 19_700 + 500 * np.sin(x / 6_000))


def trunk_x(y: np.ndarray | float) -> np.ndarray | float:
    """Return where the national road runs: a western bypass of the town, lined with villages."""
    return 9_900 + 600 * np.sin(np.asarray(y) / 4_500)


def primary_y(x: np.ndarray | float) -> np.ndarray | float:
    """Return where the provincial road runs, from west to east through the town."""
    return 13_000 + 500 * np.sin((np.asarray(x) - 13_500) / 4_200)


def outline() -> Polygon:
    """Return the county's rough outline; the zones fray it."""
    t = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    r = 1 + 0.07 * np.sin(3 * t + 1) + 0.05 * np.sin(5 * t + 2) + 0.03 * np.sin(9 * t)
    return Polygon(np.column_stack([15_000 + 14_300 * r * np.cos(t), 12_500 + 11_900 * r * np.sin(t)]))


def _best_candidates(
    taken: list[np.ndarray], count: int, pool: np.ndarray, reach: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Pick points one by one, each the farthest from those taken among `reach` random candidates."""
    points = list(taken)
    for _ in range(count):
        candidates = pool[rng.integers(len(pool), size=reach)]
        distances = np.linalg.norm(candidates[:, None] - np.array(points)[None], axis=2).min(axis=1)
        points.append(candidates[int(distances.argmax())])
    return points[len(taken) :]


def _town_points(rng: np.random.Generator) -> list[np.ndarray]:
    cloud = TOWN + rng.uniform(-TOWN_RADIUS_M, TOWN_RADIUS_M, (6_000, 2)) * np.array([1.05, 0.95])
    cloud = cloud[np.linalg.norm(cloud - TOWN, axis=1) < TOWN_RADIUS_M * 0.95]
    dry = np.abs(cloud[:, 1] - river_y(cloud[:, 0])) > 220
    return _best_candidates([TOWN], TOWN_COMMUNITIES, cloud[dry], 14, rng)


def _strung_points(land: Polygon) -> list[np.ndarray]:
    """Return villages along the national and the provincial road, outside the town."""
    y, x = np.arange(300.0, 25_000, 1_330), np.arange(600.0, 30_000, 1_420)
    along = [np.array([trunk_x(v), v]) for v in y] + [np.array([v, primary_y(v)]) for v in x]
    inner = shapely.buffer(land, -450)
    free = []
    for point in along:
        far_from_town = np.linalg.norm(point - TOWN) > TOWN_RADIUS_M + 500
        far_from_seats = all(np.hypot(point[0] - t[2], point[1] - t[3]) > 900 for t in TOWNSHIPS[4:])
        far_from_others = all(np.linalg.norm(point - other) > 800 for other in free)
        dry = abs(point[1] - river_y(point[0])) > 350
        if far_from_town and far_from_seats and far_from_others and dry and inner.contains(Point(point)):
            free.append(point)
    return free


def _bank_pairs() -> list[np.ndarray]:
    """Return villages facing each other across the river, far from any bridge."""
    return [
        np.array([x, river_y(x) + side]) for x in (7_000.0, 18_300.0, 23_300.0) for side in (380.0, -380.0)
    ]


def _country_pool(land: Polygon, rng: np.random.Generator) -> np.ndarray:
    cloud = rng.uniform((0, 0), (30_000, 25_000), (30_000, 2))
    points = shapely.points(cloud)
    keep = shapely.contains(shapely.buffer(land, -350), points)
    keep &= np.linalg.norm(cloud - TOWN, axis=1) > TOWN_RADIUS_M + 600
    for line, gap_m in (
        (rivers()["示例河"], 420),
        (rivers()["柳沟河"], 350),
        (railway(), 300),
        (motorway(), 350),
    ):
        keep &= shapely.distance(line, points) > gap_m
    return cloud[keep]


def _township_of(point: np.ndarray) -> str:
    """Return the township a place belongs to: the town's streets near the town, else the nearest seat."""
    near_town = np.linalg.norm(point - TOWN) < TOWN_RADIUS_M + 1_500
    if near_town and point[1] < river_y(point[0]):
        return "004"
    seats = TOWNSHIPS[:3] if near_town else TOWNSHIPS[4:]
    return min(seats, key=lambda seat: float(np.hypot(point[0] - seat[2], point[1] - seat[3])))[0]


def _spots(land: Polygon) -> list[tuple[str, np.ndarray]]:
    """Return role and position of every place, communities first."""
    rng = rng_for("places")
    seats = [np.array(t[2:]) for t in TOWNSHIPS[4:]]
    second = [seats[0] + (250, 750), seats[4] + (800, 150)]
    spots = [("town", p) for p in _town_points(rng)]
    spots += [("seat", p) for p in [*seats[:6], *second]]
    villages = [("village", p) for p in seats[6:]]
    villages += [("strung", p) for p in _strung_points(land)]
    villages += [("village", p) for p in _bank_pairs()]
    villages += [
        ("islet", np.array([10_900.0, river_y(10_900) - 1_150])),
        ("ferry", np.array([2_600.0, river_y(2_600) + 150])),
        ("forest", np.array([15_800.0, 23_000.0])),
    ]
    taken = [p for _, p in spots + villages]
    rest = _best_candidates(taken, VILLAGES + 1 - len(villages), _country_pool(land, rng), 24, rng)
    return spots + villages + [("village", p) for p in rest]


def _people(role: str, rng: np.random.Generator) -> float:
    if role in {"ferry", "forest", "islet"}:
        return {"ferry": 38.0, "forest": 0.0, "islet": 240.0}[role]
    middle, spread = {"town": (3_700, 0.3), "seat": (2_700, 0.2), "strung": (1_150, 0.4)}.get(
        role, (800, 0.5)
    )
    return float(middle * np.exp(rng.normal(0, spread)))


def _class_code(role: str, township: str, point: np.ndarray, number: int) -> str:
    """Return the 城乡分类代码; a few villages at the town's edge are classed as urban, as in real lists."""
    if role == "town":
        return "111" if np.linalg.norm(point - TOWN) < 2_200 else "112"
    if role == "seat":
        return "121"
    if township < "100":
        return "112" if number % 2 else "220"
    distance = min(float(np.hypot(point[0] - t[2], point[1] - t[3])) for t in TOWNSHIPS[4:])
    if distance < 10:
        return "210"
    return "122" if distance < 1_500 and township < "200" and number % 3 == 0 else "220"


def draw_places() -> list[Place]:
    """Return all communities and villages with codes, names and people, about 250,000 people in all."""
    rng, land = rng_for("people"), outline()
    spots = _spots(land)
    villages = iter(village_names(len(spots), rng_for("names")))
    urban = iter(URBAN_NAMES)
    serial: dict[str, int] = {}
    places = []
    for role, point in spots:
        township = _township_of(point)
        first = 1 if role in {"town", "seat"} else 500 if role == "forest" else 200
        number = serial.setdefault(f"{township}{first}", first)
        serial[f"{township}{first}"] += 1
        given = {"islet": "沙洲村", "ferry": "渡口村", "forest": "青松林场"}
        name = f"{next(urban)}社区" if first == 1 else given.get(role) or next(villages)
        in_corner = first == 200 and np.linalg.norm(point - CORNER[0]) < CORNER[1]
        places.append(
            Place(
                code=f"{COUNTY_CODE}{township}{number:03d}",
                name=name,
                x=round(float(point[0]), 2),
                y=round(float(point[1]), 2),
                people=_people(role, rng),
                elderly_share=float(rng.normal(0.145 if first == 1 else 0.215, 0.02)),
                class_code=_class_code(role, township, point, number),
                role="corner" if in_corner else role,
            )
        )
    scale = 249_500 / sum(place.people for place in places)
    return [replace(place, people=place.people * scale) for place in places]


def _tiles(places: list[Place], land: Polygon) -> np.ndarray:
    """Return the middles of the land's small tiles: 230 m apart, 110 m in town, one ring of 55 m at the ferry."""
    rng = rng_for("tiles")
    ferry = next(place.xy for place in places if place.role == "ferry")
    x, y = np.meshgrid(np.arange(-2_000.0, 32_000, 230), np.arange(-2_000.0, 27_000, 230))
    wide = np.column_stack([x.ravel(), y.ravel()]) + rng.uniform(-75, 75, (x.size, 2))
    x, y = np.meshgrid(np.arange(9_000.0, 18_000, 110), np.arange(8_500.0, 17_500, 110))
    fine = np.column_stack([x.ravel(), y.ravel()]) + rng.uniform(-35, 35, (x.size, 2))
    in_town = TOWN_RADIUS_M + 300
    wide = wide[np.linalg.norm(wide - TOWN, axis=1) >= in_town]
    fine = fine[np.linalg.norm(fine - TOWN, axis=1) < in_town]
    wide = wide[np.linalg.norm(wide - ferry, axis=1) > 150]
    angle = np.arange(6) * np.pi / 3
    ring = ferry + 55 * np.column_stack([np.cos(angle), np.sin(angle)])
    tiles = np.vstack([ferry[None], ring, wide, fine])
    return tiles[shapely.contains(shapely.buffer(land, 600), shapely.points(tiles))]


def _owners(tiles: np.ndarray, places: list[Place]) -> np.ndarray:
    """Return the place of each tile: the nearest one on the same bank of the river; tile 0 is the ferry's."""
    owners = np.zeros(len(tiles), dtype=int)
    own_xy = np.array([place.xy for place in places])
    seeded = np.array([place.role != "ferry" for place in places])
    north_tile, north_place = (xy[:, 1] > river_y(xy[:, 0]) for xy in (tiles, own_xy))
    for bank in (True, False):
        members = np.flatnonzero(seeded & (north_place == bank))
        here = north_tile == bank
        owners[here] = members[cKDTree(own_xy[members]).query(tiles[here])[1]]
    owners[0] = next(i for i, place in enumerate(places) if place.role == "ferry")
    return owners


def draw_zones(places: list[Place]) -> dict[str, gpd.GeoDataFrame]:
    """
    Return the zones of each level in `CRS`: the county's small tiles, joined by place.

    All levels are unions of the same tiles, so that neighbours share each boundary point exactly.
    """
    land = outline()
    tiles = _tiles(places, land)
    cells = np.array(list(shapely.voronoi_polygons(shapely.multipoints(tiles), ordered=True).geoms))
    owners = _owners(tiles, places)
    inside = shapely.contains(land, shapely.points(tiles))
    joined = [shapely.coverage_union_all(cells[inside & (owners == i)]) for i in range(len(places))]
    villages = gpd.GeoDataFrame(
        {
            "code": [place.code for place in places],
            "name": [place.name for place in places],
            "area_class": [place.class_code for place in places],
            "report_unit": [REPORT_UNITS.get(place.code[6:9]) for place in places],
        },
        geometry=shapely.transform(np.array(joined), lambda xy: xy + ORIGIN),
        crs=CRS,
    ).sort_values("code", ignore_index=True)
    return {"village": villages, "township": _townships(villages), "county": _county(villages)}


def _townships(villages: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    groups = villages.groupby(villages["code"].str[:9])["geometry"]
    return gpd.GeoDataFrame(
        {
            "code": [f"{COUNTY_CODE}{serial}" for serial, *_ in TOWNSHIPS],
            "name": [name for _, name, *_ in TOWNSHIPS],
            "report_unit": [REPORT_UNITS.get(serial) for serial, *_ in TOWNSHIPS],
        },
        geometry=[shapely.coverage_union_all(shapes.to_numpy()) for _, shapes in groups],
        crs=CRS,
    )


def _county(villages: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    whole = shapely.coverage_union_all(villages.geometry.to_numpy())
    return gpd.GeoDataFrame({"code": [COUNTY_CODE], "name": [COUNTY_NAME]}, geometry=[whole], crs=CRS)
