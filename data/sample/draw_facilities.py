"""The facilities of the sample county, across the kinds that the documents name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from draw_land import CRS, ORIGIN, TOWN, TOWNSHIPS, Place, rng_for
from pyproj import Transformer

HEADERS = (
    "设施编号", "机构名称", "类型", "所属村社区", "经度", "纬度", "床位数", "护理型床位", "建筑面积", "占地面积", "运营方",
    "状态", "开业时间", "入住率", "举办方", "长期托养床位", "嵌入式床位", "入住人数", "服务功能", "是否提升改造", "是否转型",
    "是否签订医疗协议", "是否验收合格", "是否符合标准", "是否无障碍", "是否内设医疗机构",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """How many facilities of a kind there are, where, and of what size."""

    kind: str
    title: str
    where: str
    """town | seat | village | township"""
    count: int
    beds: tuple[int, int]
    floor_m2: tuple[int, int]


PLANS = (
    Plan("街道综合养老服务中心", "{township}综合养老服务中心", "street", 4, (20, 60), (750, 1_600)),
    Plan("区域养老服务中心", "{township}区域养老服务中心", "township", 4, (60, 120), (1_500, 3_000)),
    Plan("乡镇敬老院", "{township}敬老院", "township", 6, (40, 120), (1_200, 2_600)),
    Plan("社区日间照料中心", "{name}日间照料中心", "town", 12, (5, 20), (200, 500)),
    Plan("社区养老服务站（点）", "{name}养老服务站", "town", 6, (0, 6), (80, 300)),
    Plan("居家养老服务站点", "{name}居家养老服务站", "town", 4, (0, 2), (60, 150)),
    Plan("嵌入式养老服务机构", "{name}嵌入式养老服务机构", "town", 4, (15, 40), (400, 900)),
    Plan("社区养老服务设施", "{name}社区养老服务设施", "seat", 4, (0, 10), (150, 400)),
    Plan("社区养老服务场所", "{name}养老服务场所", "seat", 2, (0, 0), (80, 160)),
    Plan("农村幸福院", "{name}农村幸福院", "village", 62, (4, 20), (120, 420)),
    Plan("托老所", "{name}托老所", "village", 5, (4, 12), (90, 220)),
    Plan("老年助餐服务设施", "{name}老年助餐点", "town", 5, (0, 0), (60, 180)),
    Plan("养老机构", "{name}康乐养老院", "town", 4, (60, 180), (1_800, 5_000)),
    Plan("社区卫生服务机构", "{name}社区卫生服务站", "town", 4, (0, 10), (150, 900)),
    Plan("村卫生室", "{name}村卫生室", "village", 5, (0, 2), (60, 120)),
    Plan("配建养老服务用房", "{name}小区配建养老服务用房", "town", 3, (0, 0), (60, 260)),
    Plan("县级供养服务设施（敬老院）", "示例县县级供养服务设施", "street", 1, (200, 200), (6_000, 6_000)),
)
STATUSES = ("运营中", "建成未运营", "在建", "拟建", "停业整顿", "已关停")
STATUS_SHARES = (0.84, 0.06, 0.04, 0.03, 0.02, 0.01)
OPERATORS = ("公办公营", "公建民营", "民办", "村集体")


def draw_facilities(places: list[Place]) -> list[tuple[object, ...]]:
    """Return the rows of the facility table, in the order of the plans."""
    rng, to_degrees = rng_for("facilities"), Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    rows: list[tuple[object, ...]] = []
    for plan in PLANS:
        for place in _sites(plan, places, rng):
            spot = place.xy + _step_aside(place, rng) + ORIGIN
            lon, lat = to_degrees.transform(*spot)
            rows.append(_row(len(rows) + 1, plan, place, lon, lat, rng))
    rows += _odd_ones(places, len(rows), to_degrees)
    attributes = rng_for("facility attributes")
    return [(*row, *_attributes(row, attributes)) for row in rows]


def _sites(plan: Plan, places: list[Place], rng: np.random.Generator) -> list[Place]:
    """Pick the places that hold a facility of a plan."""
    if plan.where in {"street", "township"}:
        serials = [t[0] for t in TOWNSHIPS if (t[0] < "100") == (plan.where == "street")][: plan.count]
        return [_middle(places, serial) for serial in serials]
    roles = {"town": {"town"}, "seat": {"seat"}, "village": {"village", "strung"}}[plan.where]
    pool = [p for p in places if p.role in roles]
    weight = np.array([p.people**1.5 for p in pool])  # larger places were given theirs first
    picked = rng.choice(len(pool), plan.count, replace=False, p=weight / weight.sum())
    return [pool[i] for i in sorted(picked)]


def _middle(places: list[Place], serial: str) -> Place:
    """Return the place nearest to a township's seat."""
    x, y = next((t[2], t[3]) for t in TOWNSHIPS if t[0] == serial)
    members = [p for p in places if p.code[6:9] == serial and p.role != "forest"]
    return min(members, key=lambda p: float(np.hypot(p.x - x, p.y - y)))


def _step_aside(place: Place, rng: np.random.Generator) -> np.ndarray:
    angle, reach = rng.uniform(0, 2 * np.pi), {"town": 170.0, "seat": 150.0}.get(place.role, 60.0)
    return rng.uniform(15, reach) * np.array([np.cos(angle), np.sin(angle)])


def _row(
    number: int, plan: Plan, place: Place, lon: float, lat: float, rng: np.random.Generator
) -> tuple[object, ...]:
    township = next(name for serial, name, *_ in TOWNSHIPS if serial == place.code[6:9])
    beds = int(rng.integers(plan.beds[0], plan.beds[1] + 1))
    floor = int(round(rng.uniform(*plan.floor_m2), -1))
    status = str(rng.choice(STATUSES, p=STATUS_SHARES))
    opened = (
        f"{rng.integers(2015, 2026)}年{rng.integers(1, 13)}月" if status in {"运营中", "停业整顿"} else None
    )
    occupancy = f"{rng.integers(25, 96)}%" if beds and status == "运营中" else None
    name = plan.title.format(township=township, name=place.name.removesuffix("社区").removesuffix("村"))
    return (
        f"SL{number:04d}", name, plan.kind, place.name, round(lon, 6), round(lat, 6), beds or None,
        int(beds * rng.uniform(0.2, 0.8)) or None, floor, int(floor * rng.uniform(1.1, 2.4)),
        str(rng.choice(OPERATORS)), status, opened, occupancy,
    )  # fmt: skip


_OWNERS = {"公办公营": "公办", "公建民营": "公办", "民办": "民办", "村集体": "村集体"}
_FUNCTIONS = (
    "日间照料、文化娱乐、康复护理",
    "日间照料、文化娱乐、康复护理、助餐",
    "日间照料、助餐",
    "全托、日托、上门服务",
)


def _attributes(row: tuple[object, ...], rng: np.random.Generator) -> tuple[object, ...]:
    """Return what clauses ask of a facility beyond its size; one in fifteen cells is left empty."""
    _, _, kind, _, _, _, beds, _, _, _, operator, status, _, occupancy = row
    beds, home = int(beds or 0), kind == "乡镇敬老院"
    there = status in {"运营中", "建成未运营", "停业整顿"}
    cared_for = beds and kind not in {"农村幸福院", "托老所", "村卫生室", "社区卫生服务机构"}
    lived_in = round(beds * int(str(occupancy).rstrip("%")) / 100) if occupancy else None

    def said(yes: float, *, asked: bool) -> str | None:
        drawn, told = rng.uniform(), rng.uniform() > 1 / 15
        return ("是" if drawn < yes else "否") if asked and there and told else None

    long_stay = int(beds * rng.uniform(0.5, 0.95)) if cared_for else None
    embedded = (
        int(beds * rng.uniform(0.4, 1.0)) if kind in {"街道综合养老服务中心", "嵌入式养老服务机构"} else None
    )
    functions = str(rng.choice(_FUNCTIONS, p=(0.35, 0.3, 0.2, 0.15)))
    served = there and kind not in {"村卫生室", "社区卫生服务机构", "配建养老服务用房"}
    institution = bool(cared_for) and (home or kind in {"养老机构", "区域养老服务中心"})
    return (
        _OWNERS[str(operator)], long_stay, embedded, lived_in, functions if served else None,
        said(0.7, asked=home), said(0.45, asked=home), said(0.85, asked=institution), said(0.9, asked=True),
        said(0.8, asked=served), said(0.75, asked=served), said(0.4, asked=institution),
    )  # fmt: skip


def _odd_ones(places: list[Place], count: int, to_degrees: Transformer) -> list[tuple[object, ...]]:
    """Return what every real list has: one on the islet, one over the border, one astray, one unlocated."""
    islet = next(p for p in places if p.role == "islet")
    spots = {
        "沙洲村幸福院": (islet.name, islet.xy + (150, 20)),
        "邻县边界村幸福院": ("", np.array([22_247.0, 3_287.0])),
        "河湾社区日间照料中心": ("", TOWN + (-6_000, -5_150)),
    }
    rows: list[tuple[object, ...]] = []
    for name, (unit, spot) in spots.items():
        lon, lat = to_degrees.transform(*(spot + np.array(ORIGIN)))
        kind = "社区日间照料中心" if "日间" in name else "农村幸福院"
        number = f"SL{count + len(rows) + 1:04d}"
        rows.append(
            (
                number,
                name,
                kind,
                unit,
                round(lon, 6),
                round(lat, 6),
                10,
                4,
                260,
                400,
                "村集体",
                "运营中",
                "2021年5月",
                "40%",
            )
        )
    last = f"SL{count + len(rows) + 1:04d}"
    rows.append(
        (
            last,
            "待补坐标幸福院",
            "农村幸福院",
            "",
            None,
            None,
            8,
            2,
            180,
            300,
            "村集体",
            "运营中",
            "2022年9月",
            None,
        )
    )
    return rows
