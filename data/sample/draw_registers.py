"""The registers of the sample county: units, estates, medical institutions, family beds, homes, tasks, indicators.

A few rows lack something or do not fit, as in every office: `README.md` lists them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from draw_land import CRS, ORIGIN, TOWNSHIPS, Place, rng_for
from names import COUNTY_CODE, COUNTY_NAME
from pyproj import Transformer

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """A register as it is written: the sheet's name, its header and its rows."""

    title: str
    headers: tuple[str, ...]
    rows: list[Row]


def draw_registers(
    places: list[Place], census: list[tuple[str, int, int, int]], facilities: list[Row]
) -> dict[str, Book]:
    """Return every register by the name of its file."""
    return {
        "units": Book("单位表", UNIT_HEADERS, _units(places, census)),
        "estates": Book("住宅小区", ESTATE_HEADERS, _estates(places)),
        "medical": Book("医疗机构", MEDICAL_HEADERS, _medical(places, facilities)),
        "family_beds": Book("家庭养老床位", ("乡镇（街道）", "床位数", "建成时间"), _family_beds()),
        "assigned": Book("多镇一院", ("敬老院", "服务乡镇"), list(ASSIGNED)),
        "indicators": Book("指标表", ("条款编号", "单位", "指标值"), list(INDICATORS)),
        "tasks": Book("任务表", ("任务", "单位", "设施类型", "目标数", "期限", "责任单位"), list(TASKS)),
    }


UNIT_HEADERS = (
    "统计用区划代码", "名称", "常住人口", "户籍人口", "60周岁及以上老年人口", "65周岁及以上人口", "75周岁及以上人口",
    "80周岁及以上人口", "户数", "养老服务设施用地（亩）", "规划养老服务设施用地（亩）", "社会工作者人数", "养老护理员人数",
    "岗位数", "75岁及以上服务对象", "家庭适老化改造户数", "居家养老人数", "社区养老人数", "机构养老人数",
    "本地配建标准（平方米/百户）", "上期老年人口占比", "是否县城区", "是否中心村",
)  # fmt: skip
_SUMMED = range(2, 19)
"""Columns of a county that are the sums of its townships'."""


def _units(places: list[Place], census: list[tuple[str, int, int, int]]) -> list[Row]:
    """Return the county, its townships and, where somebody ticked them, villages."""
    rng = rng_for("units")
    names = {COUNTY_CODE + serial: name for serial, name, *_ in TOWNSHIPS}
    townships = [_township(*row, names, rng) for row in census if str(row[0])[:9] in names]
    sums = [round(sum(row[i] for row in townships), 1) for i in _SUMMED]
    county: Row = (COUNTY_CODE.ljust(12, "0"), COUNTY_NAME, *sums, 30, "15.8%", None, None)
    gaps = {townships[5][1]: (9, None), townships[8][1]: (11, "待统计")}  # one cell empty, one not a number
    filled: list[Row] = []
    for row in townships:
        cells = list(row)
        if row[1] in gaps:
            cells[gaps[row[1]][0]] = gaps[row[1]][1]
        filled.append(tuple(cells))
    villages = [p for p in places if p.role in {"village", "strung"}]
    ticked = sorted(rng.choice(len(villages), 24, replace=False))
    blank = [None] * (len(UNIT_HEADERS) - 3)
    central = [(villages[i].code, villages[i].name, *blank, "是") for i in ticked]
    return [county, *filled, *central]


def _township(
    code: str, people: int, elderly: int, households: int, names: dict[str, str], rng: np.random.Generator
) -> Row:
    urban = code[6:9] < "100"
    aged65, aged75 = int(elderly * rng.uniform(0.70, 0.75)), int(elderly * rng.uniform(0.24, 0.29))
    home, community = int(elderly * rng.uniform(0.88, 0.915)), int(elderly * rng.uniform(0.055, 0.08))
    land = round(people * rng.uniform(0.12, 0.26) / (2000 / 3), 1)
    return (
        code.ljust(12, "0"), names[code[:9]], people, int(people * rng.uniform(0.94, 1.16)), elderly, aged65, aged75,
        int(aged75 * rng.uniform(0.46, 0.54)), households, land, round(land * rng.uniform(1.05, 1.4), 1),
        int(rng.integers(2, 9)) + 3 * urban, int(rng.integers(10, 42)), int(rng.integers(1, 8)),
        int(aged75 * rng.uniform(0.18, 0.3)), int(rng.integers(70, 220)), home, community,
        elderly - home - community, None, f"{100 * elderly / people - rng.uniform(0.4, 3.2):.1f}%",
        "是" if urban else "否", None,
    )  # fmt: skip


ESTATE_HEADERS = (
    "小区编号", "小区名称", "所属社区", "户数", "建设阶段", "养老服务用房面积（平方米）", "是否移交", "同步规划", "同步建设",
    "同步验收", "同步交付", "建成时间", "经度", "纬度",
)  # fmt: skip
_AREAS = (0, 12, 20, 24, 31, 36, 52)
"""Square metres of elder-care premises per 100 households,"""
_SHARES = ((0.22, 0.24, 0.22, 0.16, 0.1, 0.04, 0.02), (0.04, 0.06, 0.1, 0.12, 0.32, 0.22, 0.14))
"""and how often an estate, existing or new, has so many."""

_FIRST = ("锦绣", "康宁", "翠湖", "金桂", "阳光", "和顺", "东方", "富源", "祥云", "清河", "学府", "百合")
_LAST = ("花园", "家园", "新城", "苑", "小区", "公寓")


def _estates(places: list[Place]) -> list[Row]:
    """Return estates of the urban communities; some lack an area, a stage or a community."""
    rng, to_degrees = rng_for("estates"), Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    names = [first + last for last in _LAST for first in _FIRST]
    rows: list[Row] = []
    for place in (p for p in places if p.urban):
        for _ in range(int(rng.integers(1, 4))):
            number = len(rows)
            is_new = bool(rng.uniform() < 0.4)
            households = int(rng.integers(90, 1_900))
            area: object = round(households / 100 * rng.choice(_AREAS, p=_SHARES[is_new]))
            stage: object = "新建" if is_new else str(rng.choice(["已建成", "老旧小区"]))
            year = int(rng.integers(2022, 2026) if is_new else rng.integers(1996, 2021))
            steps = [str(rng.choice(["是", "否"], p=[0.85, 0.15])) if is_new else None for _ in range(4)]
            handed = str(rng.choice(["是", "否"], p=[0.7, 0.3])) if area else None
            lon, lat = to_degrees.transform(*(place.xy + rng.uniform(-60, 60, 2) + ORIGIN))
            unit: object = place.name
            if number % 9 == 4:
                unit = None  # told by its coordinates
            if number % 17 == 6:
                area = handed = None
            if number % 23 == 11:
                stage = None
            at = (round(lon, 6), round(lat, 6)) if number % 3 == 1 else (None, None)
            rows.append((
                f"XQ{number + 1:03d}", names[number % len(names)], unit, households, stage, area, handed, *steps,
                f"{year}年", *at,
            ))  # fmt: skip
    last = len(rows) + 1
    lost = (
        f"XQ{last:03d}",
        "望江小区",
        "望江社区",
        320,
        "已建成",
        60,
        "否",
        *[None] * 4,
        "2008年",
        None,
        None,
    )
    again = (
        f"XQ{last:03d}",
        "望江二期",
        rows[0][2],
        210,
        "新建",
        80,
        "是",
        *["是"] * 4,
        "2023年",
        None,
        None,
    )
    return [*rows, lost, again]


MEDICAL_HEADERS = (
    "机构编号",
    "机构名称",
    "所属村（社区）",
    "经度",
    "纬度",
    "运营状态",
    "开业时间",
    "是否设老年医学科",
)


def _medical(places: list[Place], facilities: list[Row]) -> list[Row]:
    """Return hospitals, health centres and clinics; two of them stand in the facility table as well."""
    rng, to_degrees = rng_for("medical"), Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    rows: list[Row] = []

    def add(name: str, place: Place, geriatric: str | None = None) -> None:
        lon, lat = to_degrees.transform(*(place.xy + rng.uniform(-80, 80, 2) + ORIGIN))
        opened = f"{rng.integers(1988, 2024)}年"
        rows.append((
            f"YL{len(rows) + 1:03d}", name, place.name, round(lon, 6), round(lat, 6), "运营中", opened, geriatric,
        ))  # fmt: skip

    town = [p for p in places if p.role == "town"]
    for i, (name, has) in enumerate(
        (("示例县人民医院", "是"), ("示例县中医院", "是"), ("示例县第二医院", "否"))
    ):
        add(name, town[4 + 7 * i], has)
    for serial, name, *_ in TOWNSHIPS:
        first = next(p for p in places if p.code[6:9] == serial and p.role != "forest")
        add(name.removesuffix("街道") + ("社区卫生服务中心" if serial < "100" else "卫生院"), first)
    villages = [p for p in places if p.role in {"village", "strung"}]
    for i in sorted(rng.choice(len(villages), 42, replace=False)):
        add(villages[i].name + "卫生室", villages[i])
    again = [f for f in facilities if f[2] == "社区卫生服务机构"][1:3]
    return rows + [(None, f[1], f[3], f[4], f[5], f[11], f[12], None) for f in again]


def _family_beds() -> list[Row]:
    """Return beds by township and year; one row names no township of the county."""
    rng = rng_for("family beds")
    rows: list[Row] = []
    for year, mean in ((2022, 12), (2023, 7), (2024, 5)):
        for serial, name, *_ in TOWNSHIPS:
            beds = int(rng.poisson(mean * (1.4 if serial < "100" else 0.8)))
            if beds:
                rows.append((name, beds, f"{year}年{rng.integers(1, 13)}月"))
    return [*rows, ("城北新区", 6, "2024年8月")]


ASSIGNED = (
    ("柳林镇敬老院", "北坡乡"),
    ("双庙镇敬老院", "芦花乡"),
    ("黄台中心敬老院", "杨集乡"),
)
"""The last one is called otherwise in the facility table."""

INDICATORS = (
    ("puyang-adviser-network", COUNTY_NAME, "82%"),
    ("puyang-box1-visit-rate", COUNTY_NAME, "96%"),
    ("luohe-family-doctor-100", None, "88%"),
    ("tanghe-platform-staff-county-6", COUNTY_NAME, 5),
)
TASKS = (
    ("建设街道综合养老服务中心", COUNTY_NAME, "街道综合养老服务中心", 4, "2025年底", "县民政局"),
    ("建设区域养老服务中心", COUNTY_NAME, "区域养老服务中心", 6, "2025年底", "县民政局"),
    ("敬老院提升改造", COUNTY_NAME, "乡镇敬老院", 9, "2026年底", "县民政局、县财政局"),
    ("建设社区日间照料中心", COUNTY_NAME, "社区日间照料中心", 20, "2026年底", "各街道办事处"),
    ("建设农村幸福院", COUNTY_NAME, "农村幸福院", 80, "2027年6月底", "各乡镇人民政府"),
    ("建设老年助餐点", "清水街道", "老年助餐服务设施", 3, "2026-12-31", "清水街道办事处"),
    ("配建养老服务用房", "东关街道", "配建养老服务用房", 4, "2026年底", "县住房和城乡建设局"),
    ("开展适老化宣传", COUNTY_NAME, "宣传", 12, "2026年底", "县民政局"),
)
"""The last one is no kind of facility."""
