"""Urban or rural: the ladder that decides which circle a village is judged by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from servicecircle.checks.codes import PREFIX, is_division_code

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import geopandas as gpd

    from servicecircle.findings import Findings

CIRCLE_OF = {"urban": "15min", "rural": "1km", "": ""}
"""The circle of a class."""

_CLASS_OF = {circle: area_class for area_class, circle in CIRCLE_OF.items()}
_WORDS = {
    "15min": r"15\s*min(utes?)?|15\s*分钟?|一刻钟.*|urban|城镇|城市|城",
    "1km": r"1\s*km|1000\s*m|1\s*公里|一公里.*|rural|农村|乡村|乡",
}


def classify_zones(
    zones: gpd.GeoDataFrame, *, default_class: str, circles_ids: Collection[str], findings: Findings
) -> gpd.GeoDataFrame:
    """
    Return the zones with area_class, area_class_source and circle.

    A unit climbs down the ladder of the definitions until a rung decides; that is its area_class_source:
    given, committee, class_code, township, name or default. Upper levels are urban, rural or mixed like
    their units.

    Parameters
    ----------
    zones
        As `check_zones` returns them.
    default_class
        `urban`, `rural`, or `none`: units that no rung decides stay without class and circle.
    circles_ids
        The circles of the study, which a zone's `circle` column may name.
    """
    names = dict(zip(zones["code"], zones["name"], strict=True))
    default = default_class.replace("none", "")
    decided: dict[str, tuple[str, str, str]] = {}
    for zone in zones.loc[zones["unit"]].itertuples():
        given = _given_circle(zone, circles_ids, findings)
        area_class, source = _climb(zone, _CLASS_OF.get(given, ""), names) or (default, "default")
        decided[zone.code] = area_class, source, given or CIRCLE_OF[area_class]
        _compare(zone, findings)
    undecided = sum(source == "default" for _, source, _ in decided.values())
    if undecided:
        findings.note(
            "zones.default_class" if default else "zones.no_class", count=undecided, default=default
        )
    of_zone = _of_uppers(zones, decided) | decided
    columns = zip(*(of_zone[code] for code in zones["code"]), strict=True)
    return zones.assign(**dict(zip(("area_class", "area_class_source", "circle"), columns, strict=True)))


def _climb(zone: Any, given: str, names: Mapping[str, str]) -> tuple[str, str] | None:
    township = zone.code[: PREFIX["township"]].ljust(12, "0")
    rungs = {
        "given": given,
        "committee": committee_class(zone.code),
        "class_code": class_code_class(zone.class_code),
        "township": township_class(zone.code, names.get(township, "")),
        "name": name_class(zone.name),
    }
    return next(((area_class, source) for source, area_class in rungs.items() if area_class), None)


def _compare(zone: Any, findings: Findings) -> None:
    by_digits, by_class_code = committee_class(zone.code), class_code_class(zone.class_code)
    if by_digits and by_class_code and by_digits != by_class_code:
        findings.note("zones.class_disagrees", subject=zone.code, name=zone.name, class_code=zone.class_code)


def _of_uppers(
    zones: gpd.GeoDataFrame, decided: Mapping[str, tuple[str, str, str]]
) -> dict[str, tuple[str, str, str]]:
    parents = dict(zip(zones["code"], zones["parent_code"], strict=True))
    below: dict[str, set[str]] = {code: set() for code in parents}
    for unit, (area_class, _, _) in decided.items():
        above = parents[unit]
        while above and area_class:
            below[above].add(area_class)
            above = parents[above]
    return {
        code: ("mixed" if len(classes) > 1 else next(iter(classes), ""), "", "")
        for code, classes in below.items()
    }


def committee_class(code: str) -> str:
    """Return the class that digits 10-12 name: residents' committees are urban, village committees rural."""
    if not is_division_code(code):
        return ""
    number = int(code[9:])
    if 1 <= number <= 199 or 400 <= number <= 497:
        return "urban"
    return "rural" if 200 <= number <= 399 or 500 <= number <= 597 else ""


def township_class(code: str, name: str) -> str:
    """Return the class of a township, by its digits, else by its name: 街道, 镇 urban; 乡 rural."""
    if not is_division_code(code):
        return ""
    number = int(code[6:9])
    if 1 <= number <= 199:
        return "urban"
    if 200 <= number <= 399:
        return "rural"
    if number and re.search(r"街道|镇", name):
        return "urban"
    return "rural" if number and "乡" in name else ""


def name_class(name: str) -> str:
    """Return the class that a unit's name tells."""
    if re.search(r"村委会|村民委员会", name):
        return "rural"
    if re.search(r"社区|居委会|居民委员会", name):
        return "urban"
    return "rural" if "村" in name else ""


def class_code_class(class_code: str) -> str:
    """Return the class of a 城乡分类代码 (1xx urban, 2xx rural), or of the word written in its place."""
    if re.fullmatch(r"[12]\d\d", class_code):
        return "urban" if class_code.startswith("1") else "rural"
    return _CLASS_OF.get(_circle_meant(class_code), "")


def _given_circle(zone: Any, circles_ids: Collection[str], findings: Findings) -> str:
    text: str = zone.circle_given
    circle = text if text in circles_ids else _circle_meant(text)
    if text and not circle:
        findings.note("zones.circle_unknown", subject=zone.code, text=text)
    return circle


def _circle_meant(text: str) -> str:
    written = text.strip().lower()
    return next((circle for circle, pattern in _WORDS.items() if re.fullmatch(pattern, written)), "")
