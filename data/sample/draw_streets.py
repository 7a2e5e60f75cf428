"""The streets of the sample county: roads between places, a town of crooked blocks, village lanes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import shapely
from draw_land import (
    CORNER,
    TOWN,
    TOWN_RADIUS_M,
    TOWNSHIPS,
    Place,
    motorway,
    outline,
    primary_y,
    railway,
    river_y,
    rivers,
    rng_for,
    trunk_x,
)
from names import street_name
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay
from shapely.geometry import LineString, MultiLineString, Point

BRIDGE_NAMES = ("国道999线", "省道888线", "中原路", "工业路", "示例河大桥路")
"""Roads that cross the rivers; every other street ends at the bank."""
CROSSING_NAMES = ("省道888线", "人民路", "健康街", "道口路")
"""Roads that cross the railway on the level."""


@dataclass(frozen=True, slots=True)
class Street:
    """A line on the ground or above it, with its OSM tags."""

    line: LineString
    tags: dict[str, str]
    level: int = 0
    free: bool = field(default=False)
    """Whether it is drawn as it is: neither ended at rivers and railway nor hidden in the corner."""


def _along(x: np.ndarray, y: np.ndarray) -> LineString:
    return LineString(np.column_stack([x, y]).round(2))


def _main_roads() -> list[Street]:
    y, x = np.arange(-700.0, 25_700, 110), np.arange(-900.0, 31_000, 110)
    return [
        Street(_along(trunk_x(y), y), {"highway": "trunk", "name": "国道999线", "ref": "G999"}),
        Street(_along(x, primary_y(x)), {"highway": "primary", "name": "省道888线", "ref": "S888"}),
        Street(motorway(), {"highway": "motorway", "name": "示例高速", "oneway": "yes"}, level=1, free=True),
    ]


def _bent(points: np.ndarray) -> np.ndarray:
    """Turn and bend the town's grid, so that no block is like the next."""
    turn = np.deg2rad(8)
    x, y = (points - TOWN).T
    x, y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    x = x + 90 * np.sin(y / 700) + 30 * np.sin(y / 230 + 2)
    y = y + 80 * np.sin(x / 800 + 1) + 25 * np.sin(x / 260)
    return np.column_stack([x, y]) + TOWN


def _town() -> list[Street]:
    rng, streets = rng_for("town"), []
    ranks = {0: ("avenue", "secondary"), 3: ("street", "tertiary"), 6: ("street", "residential")}
    for axis in (0, 1):
        for number, offset in enumerate(np.arange(-2_790.0, 2_800, 124)):
            rank, highway = ranks.get(number % 9, ("lane", "residential" if number % 2 else "living_street"))
            half = np.sqrt(max(TOWN_RADIUS_M**2 - offset**2, 0.0))
            t = np.arange(-half, half + 1, 52)
            if len(t) < 4:
                continue
            across = np.full(len(t), offset + rng.normal(0, 18))
            grid = np.column_stack([across, t] if axis == 0 else [t, across]) + TOWN
            tags = {
                "highway": highway,
                "name": street_name(axis, number // (1 if rank == "lane" else 3), rank),
            }
            for part in _with_gaps(
                _bent(grid), rng, keep=1.0 if rank == "avenue" else 0.8 if rank == "street" else 0.62
            ):
                streets.append(Street(_along(*part.T), tags))
    return streets


def _with_gaps(points: np.ndarray, rng: np.random.Generator, *, keep: float) -> list[np.ndarray]:
    """Leave out stretches of a few hundred metres: lanes do not run through a whole town."""
    if keep >= 1:
        return [points]
    kept, run = [], []
    here = rng.random() < keep
    for i, point in enumerate(points):
        if i % 6 == 0:
            here = rng.random() < keep
        if here:
            run.append(point)
        elif run:
            kept, run = [*kept, np.array(run)], []
    return [part for part in [*kept, np.array(run)] if len(part) > 2]


def _village(place: Place, rng: np.random.Generator) -> list[Street]:
    """Return the lanes of a village: a street along, one to three across, through its middle."""
    angle = rng.uniform(0, np.pi)
    if place.role == "strung":  # the street is the main road; lanes leave it at a right angle
        angle = np.pi / 2 if abs(place.x - trunk_x(place.y)) < 2 else 0.0
    size = 160 if place.role in {"islet", "ferry"} else 150 + 7 * np.sqrt(place.people)
    lanes = 1 if place.role in {"islet", "ferry"} else 2 + int(place.people > 900) + int(place.people > 1_800)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    t = np.linspace(-1, 1, 9)
    bend = 22 * np.sin(2.2 * t)[:, None]
    main = place.xy + size * t[:, None] * along + bend * across
    named = {"highway": "residential", "name": f"{place.name.removesuffix('村')}大街"}
    streets = [] if place.role == "strung" else [Street(_along(*main.T), named)]
    for k in range(lanes):
        offset = (k - (lanes - 1) / 2) * size * 0.55 if k else 0.0
        s = np.linspace(-0.65, 0.65, 7)
        lane = (
            place.xy
            + offset * along
            + size * s[:, None] * across
            + rng.normal(0, 6, (7, 2)) * (abs(s) > 0.05)[:, None]
        )
        streets.append(Street(_along(*lane.T), {"highway": "living_street" if k else "unclassified"}))
    return streets


def _seat(place: Place, rng: np.random.Generator) -> list[Street]:
    """Return the small grid of a township's seat."""
    angle, spacing, streets = rng.uniform(-0.4, 0.4), 135.0, []
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    t = np.linspace(-420, 420, 13)
    stem = next(name[:2] for serial, name, *_ in TOWNSHIPS if serial == place.code[6:9])
    for axis in (0, 1):
        for k in range(-3, 4):
            across = np.full(len(t), k * spacing)
            grid = np.column_stack([across, t] if axis == 0 else [t, across])
            side = ("西东" if axis == 0 else "南北")[k > 0] + "一二三"[abs(k) - 1]
            name = stem + ("大" if k == 0 else side) + ("路" if axis == 0 else "街")
            tags = {"highway": "tertiary" if k == 0 else "residential", "name": name}
            points = (grid + 14 * np.sin(grid[:, ::-1] / 160)) @ turn.T + place.xy
            if k == 0:
                points[6] = place.xy
            streets.append(Street(_along(*points.T), tags))
    return streets


def _country_roads(places: list[Place]) -> list[Street]:
    """Link places to their neighbours: a spanning tree, and half of the other short links."""
    rng = rng_for("roads")
    linked = [p for p in places if p.role not in {"town", "corner", "islet", "forest"}]
    linked += [min((p for p in places if p.role == "town"), key=lambda p: np.hypot(*(p.xy - TOWN - at)))
               for at in ([0, 2300], [0, -2300], [2300, 0], [-2300, 0], [1500, 1500], [-1500, 1400], [1700, -1500])]  # fmt: skip
    xy = np.array([p.xy for p in linked])
    pairs = {tuple(sorted(pair)) for a, b, c in Delaunay(xy).simplices for pair in ((a, b), (b, c), (a, c))}
    pairs = sorted(pair for pair in pairs if _passable(xy[pair[0]], xy[pair[1]]))
    metres = np.array([np.hypot(*(xy[a] - xy[b])) for a, b in pairs])
    a, b = np.array(pairs).T
    tree = minimum_spanning_tree(coo_array((metres, (a, b)), shape=(len(xy), len(xy))).tocsr()).tocoo()
    chosen = {tuple(sorted(pair)) for pair in zip(tree.row.tolist(), tree.col.tolist(), strict=True)}
    chosen |= {p for p, m in zip(pairs, metres, strict=True) if m < 2_600 and rng.random() < 0.4}
    roads = []
    for one, two in sorted(chosen):
        seats = sum(linked[i].role == "seat" for i in (one, two))
        tags = {"highway": ("unclassified", "tertiary", "secondary")[seats]}
        if seats:
            tags["name"] = f"{linked[one].name[:2]}{linked[two].name[:2]}路"
        elif rng.random() < 0.55:
            tags["name"] = "村道"
        roads.append(Street(_winding(xy[one], xy[two], rng), tags))
    return roads


def _passable(one: np.ndarray, two: np.ndarray) -> bool:
    """Tell whether a country road may be built: none crosses a river or the railway, or the town's heart."""
    line = LineString([one, two])
    barriers = [shapely.buffer(river, 40) for river in rivers().values()] + [shapely.buffer(railway(), 25)]
    return line.length < 6_000 and not any(line.intersects(b) for b in barriers)


def _winding(one: np.ndarray, two: np.ndarray, rng: np.random.Generator) -> LineString:
    t = np.linspace(0, 1, max(4, int(np.hypot(*(two - one)) / 130)))
    across = np.array([-(two - one)[1], (two - one)[0]])
    sway = (rng.normal(0, 0.03) * np.sin(np.pi * t) + rng.normal(0, 0.02) * np.sin(2 * np.pi * t))[:, None]
    points = one + t[:, None] * (two - one) + sway * across
    points[0], points[-1] = one, two
    return _along(*points.T)


def _crossings(places: list[Place]) -> list[Street]:
    """Join the two sides of the river and of the railway at the few places where one may cross."""
    river_x, rail_y = 21_700.0, (5_200.0, 21_400.0)
    bank = float(river_y(river_x))
    spots = [(np.array([river_x, bank]), np.array([0.0, 120.0]), "示例河大桥路")]
    spots += [(np.array([float(_railway_x(y)), y]), np.array([120.0, 0.0]), "道口路") for y in rail_y]
    open_ = [p for p in places if p.role in {"village", "strung", "seat"}]
    roads = []
    for middle, step, name in spots:
        ends = []
        for side in (-step, step):
            ahead = [p for p in open_ if (p.xy - middle) @ side > 0 and _passable(middle + side, p.xy)]
            ends.append(min(ahead, key=lambda p: float(np.hypot(*(p.xy - middle)))).xy)
        points = np.array([ends[0], middle - step, middle, middle + step, ends[1]])
        roads.append(Street(_along(*points.T), {"highway": "tertiary", "name": name}))
    return roads


def _railway_x(y: float) -> float:
    at = railway().intersection(LineString([(0, y), (30_000, y)]))
    return float(at.x)


def _tracks(places: list[Place]) -> list[Street]:
    """Return field tracks around villages: dead ends, as they are in the country."""
    rng, tracks = rng_for("tracks"), []
    for place in places:
        if place.role not in {"village", "strung"}:
            continue
        for _ in range(rng.integers(1, 4)):
            angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(350, 800)
            end = place.xy + length * np.array([np.cos(angle), np.sin(angle)])
            line = _winding(place.xy, end, rng)
            tracks.append(Street(line, {"highway": "track"}))
    return tracks


def _special() -> list[Street]:
    """Return the odd streets every map has: a bridge, a park, steps, a private yard, works, a one-way path."""
    x, y = TOWN

    def line(*points: tuple[float, float]) -> LineString:
        return LineString([(round(x + a, 2), round(y + b, 2)) for a, b in points])

    return [
        Street(
            line((-420, 380), (-300, 520), (-150, 560), (20, 480)),
            {"highway": "footway", "name": "人民公园步道"},
        ),
        Street(line((-300, 520), (-280, 640)), {"highway": "steps"}),
        Street(line((400, 300), (520, 330), (560, 450)), {"highway": "service", "access": "private"}),
        Street(
            line((700, -300), (980, -260), (1_240, -330)),
            {"highway": "construction", "construction": "primary"},
        ),
        Street(line((-900, -200), (-760, -140), (-610, -190)), {"highway": "footway", "oneway:foot": "yes"}),
        Street(line((900, 700), (1_200, 760)), {"highway": "tertiary", "foot": "no", "name": "站前隧道"}),
    ]


def draw_streets(places: list[Place]) -> list[Street]:
    """Return every street, cut at junctions' vertices, ended at rivers and railway where no bridge is."""
    rng = rng_for("lanes")
    streets = [
        *_main_roads(),
        *_town(),
        *_country_roads(places),
        *_crossings(places),
        *_tracks(places),
        *_special(),
    ]
    for place in places:
        if place.role == "seat":
            streets += _seat(place, rng)
        elif place.role not in {"town", "corner", "forest"}:
            streets += _village(place, rng)
    cut = [part for street in streets for part in _cut(street)]
    return _with_junctions(cut)


def _cut(street: Street) -> list[Street]:
    """End a street at water and rails it may not cross, at the blank corner, and a little outside the county."""
    if street.free:
        return [street]
    name, water = street.tags.get("name", ""), shapely.buffer(MultiLineString(list(rivers().values())), 22)
    line = street.line.intersection(shapely.buffer(outline(), 900))
    line = line.difference(Point(CORNER[0]).buffer(CORNER[1]))
    if name not in CROSSING_NAMES:
        line = line.difference(shapely.buffer(railway(), 12))
    parts = [(line.difference(water), street.tags)]
    if name in BRIDGE_NAMES:
        parts.append((line.intersection(water), {**street.tags, "bridge": "yes", "layer": "1"}))
    return [
        Street(shapely.transform(p, lambda xy: xy.round(2)), tags)
        for whole, tags in parts for p in shapely.get_parts(whole)
        if p.geom_type == "LineString" and p.length > (1 if "bridge" in tags else 35)
    ]  # fmt: skip


def _with_junctions(streets: list[Street]) -> list[Street]:
    """Give lines of one level a common vertex wherever they cross or end on each other."""
    lines = np.array([s.line for s in streets])
    a, b = shapely.STRtree(lines).query(lines, predicate="dwithin", distance=4.0)
    meeting: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for one, two in zip(a.tolist(), b.tolist(), strict=True):
        if one < two and streets[one].level == streets[two].level:
            for point in _meeting_points(lines[one], lines[two]):
                meeting[one].append(point)
                meeting[two].append(point)
    return [
        Street(_through(s.line, meeting.get(i, [])), s.tags, s.level, s.free) for i, s in enumerate(streets)
    ]  # fmt: skip


def _meeting_points(one: LineString, two: LineString) -> list[tuple[float, float]]:
    """Return where two lines cross; a line that ends within a few metres of another is taken to meet it."""
    cross = shapely.get_coordinates(shapely.intersection(one, two))
    points = [(round(x, 2), round(y, 2)) for x, y in cross]
    for line, other in ((one, two), (two, one)):
        for end in (line.coords[0], line.coords[-1]):
            if not points and other.distance(Point(end)) < 4.0:
                points.append(end)
    return points


def _through(line: LineString, points: list[tuple[float, float]]) -> LineString:
    coords = [(line.project(Point(c)), c) for c in line.coords]
    coords = [(0.0, line.coords[0]), *coords[1:-1], (line.length, line.coords[-1])]
    taken = {c for _, c in coords}
    coords += [(line.project(Point(p)), p) for p in dict.fromkeys(points) if p not in taken]
    ordered = [c for _, c in sorted(coords, key=lambda pair: pair[0])]
    return LineString(ordered)
