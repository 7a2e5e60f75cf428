"""What a single cell says: text, a number, degrees; full-width digits, units and blank marks included."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from servicecircle.units import Floats

T = TypeVar("T")
_BLANK = frozenset(
    {"", "-", "--", "—", "——", "/", "\\", "无", "空", "na", "n/a", "#n/a", "nan", "null", "none"}
)
_SIMPLE = re.compile(r"[-+]?\d{1,15}(?:\.\d{1,17})?", re.ASCII)
_NUMBER = re.compile(
    r"(?:约|≈|~)?([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?(?:e[-+]?\d+)?)"
    r"(万|千)?(张床位|张|床|人|户|处|间|岁|层|个|名|位|平方米|平米|m2|米|m|亩|公顷|%|°|度)?"
)
_NURSING = re.compile(
    r"护理(?:型)?(?:养老)?(?:床位)?(?:数|:|为|有|约)*(\d{1,5})(?:张|床|个)?(?:[)\]】,;、]|$)"
)
_TIMES = {"万": 10_000.0, "千": 1000.0, "亩": 2000 / 3, "公顷": 10_000.0, "%": 0.01}
"""What a unit makes of a number: people, beds and square metres are counted by one."""

_HEADER_UNIT = re.compile(
    r"(?:[(\[【〔:,/]|单位:?)(万|千)?(?:人|户|张|m2|平方米|平米)?(亩|公顷)?[)\]】〕]?$|(万|千)(?:人|户)$"
)
_DMS = re.compile(
    r"(\d{1,3})(?:°|度|:)(\d{1,2}(?:\.\d+)?)(?:′|'|分|:)?(?:(?<=[′'分:])(\d{1,2}(?:\.\d+)?)(?:′′|''|″|\"|秒)?)?"
)
_DECIMAL_COMMA = re.compile(r"([-+]?\d{1,3}),(\d+)")
_SPACED = re.compile(r"(\d{1,3})\s+(\d{1,2}(?:\.\d+)?)(?:\s+(\d{1,2}(?:\.\d+)?))?")
_LABEL = re.compile(r"(?i)^(?:经度|纬度|longitude|latitude|lon|lng|lat|[xy])[:=]?")
_REMARK = re.compile(r"[(\[【].*[)\]】]$")
_DEGREE_SIGNS = str.maketrans("º˚’‘＇´`“”", """°°\'\'\'\'\'\"\"""")
_HEMISPHERE = re.compile(r"东经|北纬|西经|南纬|[nsew]")
_NORTH = re.compile(r"(?i)(?<![a-z])[ns](?![a-z])|纬|^(?:lat|y[:=])")
_EAST = re.compile(r"(?i)(?<![a-z])[ew](?![a-z])|经|^(?:lon|lng|x[:=])")
_NEGATIVE = frozenset({"西经", "南纬", "s", "w"})
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
_DAY = re.compile(
    r"((?:19|20)\d{2})(?:[年./-](\d{1,2})(?:[月./-](\d{1,2}))?)?[年月日号]?(?:\d{1,2}:\d{2}(?::\d{2})?)?"
    r"(?:(?:正式|投入|建成|开始|成立|竣工)?(?:使用|投用|建成|开业|启用|运营|成立|竣工|起)?)"
)
_CHINESE_DIGITS = str.maketrans("〇○零一二三四五六七八九", "000123456789")
_CHINESE_DAY = re.compile(
    r"([〇○零一二三四五六七八九]{4})年(?:([一二三四五六七八九十]{1,2})月)?(?:([一二三四五六七八九十]{1,3})日)?"
)
_DAY_8 = re.compile(r"((?:19|20)\d{2})([01]\d)([0-3]\d)")
_BETWEEN = (
    r";",
    r"、",
    r"\|",
    r",",
    r"/",
    r"\s+",
    r"(?<=[en])(?=\d)",
    r"(?<=\d)(?=[en])",
    r"(?<=\W)(?=[东北en])",
)
"""What stands between a longitude and a latitude in one cell, tried in this order."""

_SIXTY, _RIGHT_ANGLE = 60.0, 90.0
_FIRST_SERIAL, _LAST_SERIAL = 10_000, 73_050  # 1927 to 2099, as a spreadsheet numbers its days


def text(value: Any) -> str:
    """Return a cell as text, without what cannot be seen: 7.0 as `7`, dates as ISO, nothing as ''."""
    if isinstance(value, str):
        written = value.strip()
        return written if written.isprintable() else _INVISIBLE.sub("", written).strip()
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


class _Once(dict[str, T]):
    """What texts read as; each is read the first time it is asked for."""

    def __init__(self, read: Callable[[Any], T]) -> None:
        self._read = read

    def __missing__(self, cell: str) -> T:
        self[cell] = found = self._read(cell)
        return found


def each(read: Callable[[Any], T], cells: Iterable[Any]) -> list[T]:
    """Read every cell of a column; a text that stands there again and again is read once."""
    known = _Once(read)
    return [known[cell] if type(cell) is str else read(cell) for cell in cells]


def is_blank(value: Any) -> bool:
    """Tell whether a cell holds nothing, or a mark for nothing such as `—` or `无`."""
    return text(value).lower() in _BLANK


def number(value: Any) -> float:
    """
    Return the number in a cell such as `1,200`, `约３００张`, `85%` (0.85), `5.1万` or `3亩` (2000).

    NaN where there is none; an infinite number is none.
    """
    return _measured(value)[0]


def numbers(cells: Iterable[Any], *, times: float = 1.0) -> Floats:
    """Return the numbers in a column; `times`, its header's unit, holds where a cell names none itself."""
    read = each(_measured, cells)
    return np.array([figure if own else figure * times for figure, own in read], dtype=np.float64)


def scale_of(header: object) -> float:
    """Return what a header's unit makes of its numbers: 10,000 under `常住人口（万人）`."""
    found = _HEADER_UNIT.search(folded(header))
    if not found:
        return 1.0
    return math.prod(_TIMES[unit] for unit in found.groups() if unit)


def _measured(value: Any) -> tuple[float, bool]:
    """Return the number in a cell, and whether the cell itself names its unit."""
    if value is None:
        return math.nan, False
    if isinstance(value, str) and _SIMPLE.fullmatch(value):
        return float(value), False
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (float(value) if math.isfinite(value) else math.nan), False
    plain = folded(value)
    found = _NUMBER.fullmatch(plain) or _NUMBER.fullmatch(_REMARK.sub("", plain))
    if not found:
        return math.nan, False
    digits, many, unit = found.groups()
    times = [_TIMES[word] for word in (many, unit) if word in _TIMES]
    figure = float(digits.replace(",", ""))
    figure = figure / 100 if unit == "%" else figure * math.prod(times)  # 85% is 0.85 to the last digit
    return (figure if math.isfinite(figure) else math.nan), bool(many or unit)


def nursing_beds_in(value: Any) -> float:
    """Return the nursing beds that a cell of beds mentions, as in `50张（护理型20张）`; else NaN."""
    found = _NURSING.search(folded(value)) if isinstance(value, str) and "护理" in value else None
    return float(found[1]) if found else math.nan


def unguarded(value: Any) -> str:
    """Return a cell of a sheet of ours as it was before: no dash for nothing, no guard against formulas."""
    written = text(value)
    if written == "—":
        return ""
    return written[1:] if re.match("'[=+@-]", written) else written


def unspaced(value: Any) -> str:
    """Return what is written without spaces and full-width forms."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text(value)))


def folded(value: Any) -> str:
    """Return what is written without spaces, case and full-width forms."""
    return unspaced(value).lower()


def degrees(value: Any) -> float:
    """Return the coordinate in a cell such as `115.02`, `115,02`, `东经115°` or `115°01′12″E`; else NaN."""
    if isinstance(value, float) or (isinstance(value, str) and _SIMPLE.fullmatch(value)):
        return number(value)
    spoken = unicodedata.normalize("NFKC", text(value).translate(_DEGREE_SIGNS))
    written = _LABEL.sub("", folded(spoken))
    marks = _HEMISPHERE.findall(written)
    bare = _HEMISPHERE.sub("", written).strip(":") if len(marks) == 1 else written
    parts = _DMS.fullmatch(bare) or _SPACED.fullmatch(_HEMISPHERE.sub("", spoken.lower()).strip())
    comma = _DECIMAL_COMMA.fullmatch(bare.rstrip("°度"))
    if parts:
        whole, minutes, seconds = (float(part or 0) for part in parts.groups())
        figure = whole + minutes / 60 + seconds / 3600 if max(minutes, seconds) < _SIXTY else math.nan
    elif comma:
        figure = float(f"{comma[1]}.{comma[2]}")
    else:
        figure = number(bare)
    return -figure if marks and marks[0] in _NEGATIVE else figure


def all_degrees(cells: Iterable[Any]) -> Floats:
    """Return the coordinates in a column."""
    simple = _SIMPLE.fullmatch
    return np.array(
        [float(c) if type(c) is str and simple(c) else degrees(c) for c in cells], dtype=np.float64
    )


def pair(value: Any) -> tuple[Any, Any]:
    """
    Return the longitude and latitude in one cell, such as `114.05,33.9` or `北纬33.9° 东经114.05°`.

    Where they cannot be told apart, both are the cell itself.
    """
    if is_blank(value):
        return None, None
    written = re.sub(r"(?i)^(?:point)?\s*[(\[](.*)[)\]]$", r"\1", unicodedata.normalize("NFKC", text(value)))
    for separator in _BETWEEN:
        parts = [part for part in re.split(separator, written.strip(), flags=re.IGNORECASE) if part]
        if [math.isnan(degrees(part)) for part in parts] == [False, False]:
            first, second = (part.strip() for part in parts)
            return (second, first) if _is_latitude(first, second) else (first, second)
    return value, value


def _is_latitude(first: str, second: str) -> bool:
    """Tell whether the first of two coordinates is the latitude: by its mark, else as 90 allows."""
    if _NORTH.search(first) or _EAST.search(second):
        return True
    return abs(degrees(first)) <= _RIGHT_ANGLE < abs(degrees(second))


def day(value: Any) -> str:
    """Return a date in a cell as `2021-05-01`, `2021-05` or `2021`; what is no date as text."""
    written = text(value)
    if not written:
        return ""
    plain = _CHINESE_DAY.sub(_in_digits, folded(value))
    found = _DAY_8.fullmatch(plain) or _DAY.fullmatch(plain)
    if found:
        year, *rest = (int(part) for part in found.groups() if part)
        try:
            dt.date(year, *rest, *[1] * (2 - len(rest)))
        except ValueError:
            return written
        return "-".join([str(year), *(f"{part:02}" for part in rest)])
    if plain.isascii() and plain.isdigit() and _FIRST_SERIAL <= int(plain) <= _LAST_SERIAL:
        return (dt.date(1899, 12, 30) + dt.timedelta(days=int(plain))).isoformat()
    return written


def _in_digits(found: re.Match[str]) -> str:
    """Return a date in Chinese numerals in digits: `二〇二一年十二月` as `2021-12`."""
    year, *rest = (part for part in found.groups() if part)
    return "-".join([year.translate(_CHINESE_DIGITS), *(str(_ten(part)) for part in rest)])


def _ten(written: str) -> int:
    tens, ten, ones = written.rpartition("十")
    return 10 * int((tens or "1").translate(_CHINESE_DIGITS)) * bool(ten) + int(
        (ones or "0").translate(_CHINESE_DIGITS)
    )
